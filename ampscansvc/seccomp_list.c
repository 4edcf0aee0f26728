/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/seccomp_list.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define NAMESPACE_FLAGS 0x7E020080u /* every CLONE_NEW*, the time namespace included */
#define TEMP_MODE                                                                                  \
	0700          /* the only mode that libclamav needs to set, before it removes a directory */
#define BINARY_TREE 2 /* SCMP_FLTATR_CTL_OPTIMIZE: a dozen compares instead of eighty */

/* Stands for the worker's own number until it enters its list; above all that Linux gives (4194304). */
#define OWN_PROCESS_MARK 0x7e57ab1eu

/* What a scan needs (spec libclamav.md 2.4), the job channel, and looking at oneself. */
static const int worker_calls[] = {
	/* files of the temporary storage; the file to be scanned. No fchmod: as root without an account, the worker would
	 * own the file to be scanned, and a descriptor open for reading is enough to change its mode. */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(ftruncate),
	SCMP_SYS(readlink),
	SCMP_SYS(getcwd),
	SCMP_SYS(umask),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	/* memory; mmap and mprotect are below, with conditions */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	/* time and self */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(times),
	SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo) /* qsort() of glibc asks how much memory there is */,
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(getrandom),
	SCMP_SYS(uname),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getresuid),
	SCMP_SYS(getresgid),
	SCMP_SYS(getgroups),
	SCMP_SYS(capget),
	/* signals of its own; no kill, and tgkill only for itself: permit_own_end() */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* the job channel */
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
#if AMP_SANITIZED
	/* the sanitizers' runtime looks around when it reports */
	SCMP_SYS(prctl),
	SCMP_SYS(ioctl),
	SCMP_SYS(fcntl),
	SCMP_SYS(getrlimit),
	SCMP_SYS(tgkill),
	SCMP_SYS(readlinkat),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(prlimit64),
#endif
};

/* The parent forks, watches, wipes slots, and puts up the worker's walls in its children. */
static const int parent_calls[] = {
	SCMP_SYS(fork),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(wait4),
	SCMP_SYS(waitid),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(kill),
	SCMP_SYS(tgkill),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),
	SCMP_SYS(prlimit64),
	SCMP_SYS(setrlimit),
	SCMP_SYS(getrlimit),
	SCMP_SYS(seccomp),
	SCMP_SYS(landlock_create_ruleset),
	SCMP_SYS(landlock_add_rule),
	SCMP_SYS(landlock_restrict_self),
	SCMP_SYS(prctl),
	SCMP_SYS(fcntl),
	SCMP_SYS(close_range),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(fadvise64),
	SCMP_SYS(chdir),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
};

static const int harmless_fcntl[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
static const int harmless_prctl[] = {PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE};

static struct sock_fprog programs[SECCOMP_LIST_COUNT];
static struct sock_filter
	*own_process; /* the compare of the worker's program that wants to know who enters */

/* A call that this architecture does not have (negative pseudo number) is skipped by libseccomp with -EDOM or -EFAULT. */
static int permit(scmp_filter_ctx filter, const int *calls, unsigned n_calls)
{
	for (unsigned i = 0; i < n_calls; i++) {
		int result;

		if (calls[i] < 0)
			continue;
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
		if (result < 0 && result != -EEXIST)
			return result;
	}
	return 0;
}

static int permit_when(scmp_filter_ctx filter, int call, const int *values, unsigned n_values)
{
	int result = 0;

	for (unsigned i = 0; i < n_values && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
					  SCMP_CMP(call == SCMP_SYS(fcntl) ? 1 : 0, SCMP_CMP_EQ,
						   (scmp_datum_t)values[i]));
	return result;
}

/* Landlock does not look at chmod(), and all workers have one uid: any mode would let one worker close the storages of
 * all others. What archives ask for (unrar does as they say) is passed over as if done: the file stays readable. */
static int permit_chmod(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(chmod), 1,
				      SCMP_A1(SCMP_CMP_EQ, TEMP_MODE));

	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(chmod), 1,
					  SCMP_A1(SCMP_CMP_NE, TEMP_MODE));
	return result;
}

static int permit_worker(scmp_filter_ctx filter)
{
	int result = permit(filter, worker_calls, sizeof(worker_calls) / sizeof(worker_calls[0]));

	/* An architecture without it has only fchmodat(), which nobody may call. */
	if (result == 0 && SCMP_SYS(chmod) >= 0)
		result = permit_chmod(filter);
	/* No memory becomes executable any more. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
					  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return result;
}

/* abort() is to end as SIGABRT, so that a death certificate can tell it from a call that the wall stopped. A worker may
 * send signals to itself and to nobody else: one that may signal another could end all of them. */
static int permit_own_end(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_EQ, OWN_PROCESS_MARK));
}

/*
 * libclamav 1.4.3 decodes some JPEG files with a pool of threads (rayon). Told that there are none in this world it does the work itself; killed
 * for asking, it would make each such file a failed one. A fork, which nobody needs, is a death still.
 */
static int deny_threads(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	return result < 0
		       ? result
		       : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone), 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

static int permit_harmless(scmp_filter_ctx filter)
{
	int result;

	if (AMP_SANITIZED)
		return 0;
	result = permit_own_end(filter);
	if (result == 0)
		result = deny_threads(filter);
	if (result < 0)
		return result;
	result = permit_when(filter, SCMP_SYS(fcntl), harmless_fcntl,
			     sizeof(harmless_fcntl) / sizeof(harmless_fcntl[0]));
	if (result < 0)
		return result;
	return permit_when(filter, SCMP_SYS(prctl), harmless_prctl,
			   sizeof(harmless_prctl) / sizeof(harmless_prctl[0]));
}

static int permit_parent(scmp_filter_ctx filter)
{
	int result = permit(filter, parent_calls, sizeof(parent_calls) / sizeof(parent_calls[0]));

	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, NAMESPACE_FLAGS & ~0x80u, 0));
	/* glibc falls back to clone() when this one is missing; its flags are out of a filter's sight. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return result;
}

/* libseccomp writes to a descriptor; the program is kept in memory. */
static int keep(scmp_filter_ctx filter, struct sock_fprog *program)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	int result = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);
	off_t len = result < 0 ? 0 : lseek(fd, 0, SEEK_END);

	if (result == 0) {
		program->filter = malloc((size_t)len);
		program->len = (unsigned short)((size_t)len / sizeof(struct sock_filter));
		if (!program->filter)
			result = -ENOMEM;
		else if (pread(fd, program->filter, (size_t)len, 0) != len)
			result = -EIO;
	}
	if (fd >= 0)
		close(fd);
	return result;
}

/* There must be one place for the worker's number, or the list is not the one that was meant. */
static int find_own_process(const struct sock_fprog *program)
{
	unsigned n = 0;

	for (unsigned i = 0; i < program->len; i++) {
		if (program->filter[i].code != (BPF_JMP | BPF_JEQ | BPF_K) ||
		    program->filter[i].k != OWN_PROCESS_MARK)
			continue;
		own_process = &program->filter[i];
		n++;
	}
	return n == 1 || AMP_SANITIZED ? 0 : -ENOTSUP;
}

static int compile(enum seccomp_list list)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int result = filter ? 0 : -ENOMEM;

	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (result == 0)
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE,
				       BINARY_TREE); /* older: linear, as right */
	if (result == 0)
		result = permit_worker(filter);
	if (result == 0)
		result = list == SECCOMP_LIST_PARENT ? permit_parent(filter)
						     : permit_harmless(filter);
	if (result == 0)
		result = keep(filter, &programs[list]);
	seccomp_release(filter);
	return result;
}

int seccomp_list_prepare(void)
{
	int result = compile(SECCOMP_LIST_PARENT);

	if (result == 0)
		result = compile(SECCOMP_LIST_WORKER);
	return result < 0 ? result : find_own_process(&programs[SECCOMP_LIST_WORKER]);
}

int seccomp_list_enter(enum seccomp_list list)
{
	/* In a child: the program is its own copy. */
	if (list == SECCOMP_LIST_WORKER && own_process)
		own_process->k = (uint32_t)getpid();
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &programs[list]) < 0)
		return -errno;
	return 0;
}
