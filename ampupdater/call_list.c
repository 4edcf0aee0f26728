/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/call_list.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define NAMESPACE_FLAGS 0x7E020080u /* every CLONE_NEW*, the time namespace included */
#define TEMP_MODE 0700
#define BINARY_TREE 2 /* SCMP_FLTATR_CTL_OPTIMIZE */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Files below `incoming`, connections to the outside, threads of the resolver, looking at oneself. */
static const int child_calls[] = {
	/* files */
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
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(chdir),
	SCMP_SYS(fchdir),
	SCMP_SYS(umask),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(fcntl),
	SCMP_SYS(fadvise64),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(sendfile),
	/* connections; socket(), socketpair() and ioctl() are below, with conditions. No listen, no accept. */
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(eventfd2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	/* memory; mmap and mprotect are below, with conditions */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	/* time and self */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(times),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(alarm),
	SCMP_SYS(setitimer),
	SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo),
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
	SCMP_SYS(getrlimit),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
#if AMP_SANITIZED
	SCMP_SYS(prctl),
	SCMP_SYS(ioctl),
	SCMP_SYS(prlimit64),
	SCMP_SYS(tgkill),
#endif
};

/* The parent watches its child, puts it behind its own list, and tries its walls. */
static const int parent_calls[] = {
	SCMP_SYS(fork),
	SCMP_SYS(wait4),
	SCMP_SYS(waitid),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(tgkill),
	SCMP_SYS(seccomp),
	SCMP_SYS(prctl),
};

static const int harmless_ioctl[] = {FIONREAD, FIONBIO, TCGETS};
static const int harmless_prctl[] = {PR_SET_NAME, PR_SET_VMA, PR_GET_DUMPABLE};

/* A call that this architecture does not have has a negative number. */
static int permit(scmp_filter_ctx filter, const int *calls, size_t n_calls)
{
	for (size_t i = 0; i < n_calls; i++) {
		int result =
			calls[i] < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);

		if (result < 0 && result != -EEXIST)
			return result;
	}
	return 0;
}

static int permit_when(scmp_filter_ctx filter, int call, unsigned argument, const int *values,
		       size_t n_values)
{
	int result = 0;

	for (size_t i = 0; i < n_values && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
					  SCMP_CMP(argument, SCMP_CMP_EQ,
						   (scmp_datum_t)(unsigned)values[i]));
	return result;
}

/* Modules of the resolver and of TLS are loaded when they are first needed: code may be mapped from files, of which none is writable for
 * us. No memory becomes executable that was written. */
static int permit_memory(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
					  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE,
						  PROT_EXEC),
					  SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return result;
}

/* Threads for both; new processes for the parent only. */
static int permit_clone(scmp_filter_ctx filter, enum call_list list)
{
	const scmp_datum_t threads = list == CALL_LIST_CHILD ? CLONE_THREAD : 0;
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ,
					      (NAMESPACE_FLAGS & ~0x80u) | threads, threads));

	/* glibc falls back to clone() when this one is missing; its flags are out of a filter's sight. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return result;
}

/* abort() is to end as SIGABRT. */
static int permit_own_end(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)(unsigned)getpid()));
}

/* Before it removes a directory the library makes sure that it may. */
static int permit_chmod(scmp_filter_ctx filter)
{
	int result = 0;

	if (SCMP_SYS(chmod) >= 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(chmod), 1,
					  SCMP_A1(SCMP_CMP_EQ, TEMP_MODE));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fchmodat), 1,
					  SCMP_A2(SCMP_CMP_EQ, TEMP_MODE));
	return result;
}

#define KIND(value) SCMP_A1(SCMP_CMP_MASKED_EQ, 0xF, value)

/* Outwards by TCP and UDP; the kernel's list of interfaces. */
static int permit_network(scmp_filter_ctx filter)
{
	static const struct {
		int family, kind, protocol;
	} sockets[] = {
		{AF_INET, SOCK_STREAM, 0},
		{AF_INET, SOCK_STREAM, IPPROTO_TCP},
		{AF_INET, SOCK_DGRAM, 0},
		{AF_INET, SOCK_DGRAM, IPPROTO_UDP},
		{AF_INET6, SOCK_STREAM, 0},
		{AF_INET6, SOCK_STREAM, IPPROTO_TCP},
		{AF_INET6, SOCK_DGRAM, 0},
		{AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
		{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE},
		{AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE},
	};
	int result = 0;

	for (size_t i = 0; i < N(sockets) && result == 0; i++)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)(unsigned)sockets[i].family),
			KIND((scmp_datum_t)(unsigned)sockets[i].kind),
			SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)(unsigned)sockets[i].protocol));
	return result;
}

/* Services of the host listen at local sockets, the daemon among them. The resolver looks for a cache there first: it is told that there is no such
 * family, and asks the network. Two ends of one stream can be pointed at nobody else. */
static int permit_sockets(scmp_filter_ctx filter)
{
	int result = permit_network(filter);

	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
					  SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 2,
					  SCMP_A0(SCMP_CMP_EQ, AF_UNIX), KIND(SOCK_STREAM));
	return result;
}

static int permit_with_conditions(scmp_filter_ctx filter)
{
	int result = permit_memory(filter);

	if (result == 0)
		result = permit_chmod(filter);

	if (result == 0)
		result = permit_sockets(filter);
	if (result == 0 && !AMP_SANITIZED)
		result = permit_when(filter, SCMP_SYS(ioctl), 1, harmless_ioctl, N(harmless_ioctl));
	return result;
}

static int permit_of_list(scmp_filter_ctx filter, enum call_list list)
{
	int result = permit_clone(filter, list);

	if (result == 0 && list == CALL_LIST_PARENT)
		return permit(filter, parent_calls, N(parent_calls));
	if (result == 0 && !AMP_SANITIZED)
		result = permit_own_end(filter);
	if (result == 0 && !AMP_SANITIZED)
		result = permit_when(filter, SCMP_SYS(prctl), 0, harmless_prctl, N(harmless_prctl));
	return result;
}

int call_list_enter(enum call_list list)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int result = filter ? 0 : -ENOMEM;

	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (result == 0)
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE,
				       BINARY_TREE); /* older: linear, as right */
	if (result == 0)
		result = permit(filter, child_calls, N(child_calls));
	if (result == 0)
		result = permit_with_conditions(filter);
	if (result == 0)
		result = permit_of_list(filter, list);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}
