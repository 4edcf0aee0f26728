/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/walls.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampupdater/call_list.h"
#include "ampupdater/view.h"
#include "ampupdater/wall_probe.h"
#include "base/text.h"
#include "io/capabilities.h"
#include "io/landlock.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#define MDWE_REFUSE_EXEC_GAIN 1

#define MAX_DESCRIPTORS 256
#define MAX_PROCESSES                                                                              \
	64 /* of the user on the whole machine: one child and its resolver's threads */

#define RESERVED_BYTES (UINT64_C(1) << 30)
#define SPARE_CPU_S 60 /* behind the time for the whole check, which the parent measures */

#define SECURE_BITS                                                                                \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* What resolving a name, checking a certificate and loading the modules for both may read; missing ones are passed over. */
static const char *const readable[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/services",
	"/etc/localtime",
	"/etc/ld.so.cache",
	"/etc/ssl",
	"/etc/pki",
	"/etc/gnutls",
	"/etc/crypto-policies",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/usr/share/crypto-policies",
	"/usr/lib",
	"/usr/lib64",
	"/dev/null",
	"/dev/urandom",
	"/run/systemd/resolve",
};

#define N_READABLE (sizeof(readable) / sizeof(readable[0]))

void walls_note(struct wall_book *book, enum wall_id wall, enum wall_state state,
		const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(book->detail[wall], sizeof(book->detail[wall]), format,
			arguments); /* cut is fine */
	va_end(arguments);
	book->state[wall] = state;
}

unsigned walls_report(const struct wall_book *book, struct wall_report *reports)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WALL_COUNT; i++) {
		if (book->state[i] != WALL_STATE_UNKNOWN)
			reports[n++] = (struct wall_report){
				.id = i, .state = book->state[i], .detail = book->detail[i]};
	}
	return n;
}

/* What it has no use for. The network is the host's: that is what it is for. */
static void leave_namespaces(struct wall_book *book)
{
	if (unshare(CLONE_NEWIPC) < 0)
		walls_note(book, WALL_IPC_NAMESPACE, WALL_STATE_MISSING, "unshare: %s",
			   strerror(errno));
	else
		walls_note(book, WALL_IPC_NAMESPACE, WALL_STATE_UP, "%s", "");
	if (unshare(CLONE_NEWUTS) < 0 || sethostname("amp", 3) < 0)
		walls_note(book, WALL_UTS_NAMESPACE, WALL_STATE_MISSING, "unshare: %s",
			   strerror(errno));
	else
		walls_note(book, WALL_UTS_NAMESPACE, WALL_STATE_UP, "%s", "");
}

/* A limit that is lower already stays: raising it takes a right that we do not want to need. */
static int cap_at(int resource, uint64_t most)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	if (limit.rlim_max > most)
		limit.rlim_max = (rlim_t)most;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

/* Of addresses: its data, one whole file, and what libraries and threads reserve and do not use. */
static uint64_t most_mapped(const struct update_start *start)
{
	uint64_t most = start->memory_bytes;

	if (!most || AMP_SANITIZED || __builtin_add_overflow(most, start->max_file_bytes, &most) ||
	    __builtin_add_overflow(most, RESERVED_BYTES, &most))
		return RLIM_INFINITY;
	return most;
}

static int limit_self(const struct update_start *start, struct wall_book *book)
{
	const struct {
		int resource;
		uint64_t most;
	} limits[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_NOFILE, MAX_DESCRIPTORS},
		{RLIMIT_NPROC, MAX_PROCESSES},
		/* The signal kills the child, and tells the parent why. */
		{RLIMIT_FSIZE, start->max_file_bytes},
		/* Memory that is shared with nobody, and files that are looked at in it, are no data. */
		{RLIMIT_AS, most_mapped(start)},
		{RLIMIT_CPU, start->deadline_ms / 1000 + SPARE_CPU_S},
		{RLIMIT_MEMLOCK, 0},
		{RLIMIT_MSGQUEUE, 0},
		{RLIMIT_NICE, 0},
		{RLIMIT_RTPRIO, 0},
		/* The sanitizers reserve terabytes. */
		{RLIMIT_DATA,
		 start->memory_bytes && !AMP_SANITIZED ? start->memory_bytes : RLIM_INFINITY},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int result = cap_at(limits[i].resource, limits[i].most);

		if (result < 0)
			return result;
	}
	walls_note(book, WALL_LIMITS, WALL_STATE_UP, "%llu bytes a file, %llu of data, no core",
		   (unsigned long long)start->max_file_bytes,
		   (unsigned long long)start->memory_bytes);
	return 0;
}

/* The bits keep the capabilities over the change of user, so that the bounding set can be emptied after it. */
static int become(uid_t uid, gid_t gid, const char **ret_step)
{
	*ret_step = "set the secure bits";
	if (prctl(PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0) < 0)
		return -errno;
	*ret_step = "leave the supplementary groups";
	if (setgroups(0, NULL) < 0)
		return -errno;
	*ret_step = "change the group";
	if (setresgid(gid, gid, gid) < 0)
		return -errno;
	*ret_step = "change the user";
	if (setresuid(uid, uid, uid) < 0)
		return -errno;
	*ret_step = "drop the capabilities";
	return capabilities_drop_all();
}

static int lock(struct wall_book *book, const char **ret_step)
{
	/* The daemon asked for this, too; the kernel forgot it when the user changed. */
	*ret_step = "end with the daemon";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	*ret_step = "set no_new_privs";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	*ret_step = "become not dumpable";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (!AMP_SANITIZED && prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
		walls_note(book, WALL_NO_EXEC_MEMORY, WALL_STATE_UP, "by MDWE and seccomp");
	else
		walls_note(book, WALL_NO_EXEC_MEMORY, WALL_STATE_UP, "by seccomp");
	return 0;
}

static int restrict_files(struct wall_book *book)
{
	struct landlock_tree trees[N_READABLE + 1] = {{VIEW_INCOMING, true}};
	unsigned n_trees = 1;
	int result;

	for (size_t i = 0; i < N_READABLE; i++) {
		if (access(readable[i], F_OK) == 0)
			trees[n_trees++] = (struct landlock_tree){readable[i], false};
	}
	result = landlock_restrict(trees, n_trees, LANDLOCK_TCP_CONNECT);
	if (result == -ENOSYS || result == -EOPNOTSUPP) {
		walls_note(book, WALL_LANDLOCK, WALL_STATE_MISSING,
			   "this kernel has none, or it is switched off");
		return 0;
	}
	if (result == 0)
		walls_note(book, WALL_LANDLOCK, WALL_STATE_UP, "ABI %d, %u trees", landlock_abi(),
			   n_trees);
	return result;
}

static int restrict_calls(struct wall_book *book)
{
	int result = call_list_enter(CALL_LIST_PARENT);

	if (result == -EINVAL || result == -ENOSYS) {
		walls_note(book, WALL_SECCOMP, WALL_STATE_MISSING, "this kernel has no filters");
		return 0;
	}
	if (result == 0)
		walls_note(book, WALL_SECCOMP, WALL_STATE_UP, "%s", "");
	return result;
}

static int build_view(struct wall_book *book, const char **ret_step)
{
	bool is_read_only = false;
	int result = view_enter(UPDATE_FD_INCOMING, &is_read_only, ret_step);

	if (result < 0)
		return result;
	walls_note(book, WALL_MOUNT_NAMESPACE, WALL_STATE_UP, "%s",
		   is_read_only ? "the host's, read-only"
				: "the host's; this kernel cannot make it read-only");
	walls_note(book, WALL_PRIVATE_TEMP, WALL_STATE_UP, "%s", VIEW_INCOMING);
	return 0;
}

/* It must be the user's own: one that others can write is no place for what is to be believed. */
static int check_incoming(const struct update_start *start, const char **ret_step)
{
	struct stat status;

	*ret_step = "use the incoming directory, which must be the user's alone (mode 0700)";
	if (fstat(UPDATE_FD_INCOMING, &status) < 0)
		return -errno;
	return status.st_uid == start->uid && status.st_gid == start->gid &&
			       (status.st_mode & 07777) == 0700
		       ? 0
		       : -EPERM;
}

static void note_birth(const struct walls_order *order, struct wall_book *book)
{
	walls_note(book, WALL_ENVIRONMENT, WALL_STATE_UP, "%s",
		   order->was_environment_empty ? "" : "was not empty at birth, cleared");
	if (getpid() == 1)
		walls_note(book, WALL_PID_NAMESPACE, WALL_STATE_UP, "%s", "");
	else
		walls_note(book, WALL_PID_NAMESPACE, WALL_STATE_MISSING,
			   "born in the daemon's pid namespace");
	walls_note(book, WALL_USER, WALL_STATE_UP, "uid %u, gid %u", order->start->uid,
		   order->start->gid);
	walls_note(book, WALL_CAPABILITIES, WALL_STATE_UP, "%s", "");
	walls_note(book, WALL_NO_NEW_PRIVS, WALL_STATE_UP, "%s", "");
	walls_note(book, WALL_NOT_DUMPABLE, WALL_STATE_UP, "%s", "");
	walls_note(book, WALL_DESCRIPTORS, WALL_STATE_UP, "%s", "");
}

static int build(const struct walls_order *order, struct wall_book *book, const char **ret_step)
{
	const struct update_start *start = order->start;
	int result = check_incoming(start, ret_step);

	if (result < 0)
		return result;
	note_birth(order, book);
	leave_namespaces(book);
	result = build_view(book, ret_step);
	if (result < 0)
		return result;
	*ret_step = "set the resource limits";
	result = limit_self(start, book);
	if (result == 0)
		result = become(start->uid, start->gid, ret_step);
	if (result == 0)
		result = lock(book, ret_step);
	if (result < 0)
		return result;
	*ret_step = "put up Landlock";
	result = restrict_files(book);
	if (result < 0)
		return result;
	*ret_step = "put up seccomp";
	wall_probe_rights(start->uid, start->gid, book);
	result = restrict_calls(book);
	if (result == 0)
		wall_probe_files(book);
	return result;
}

static int refuse_breach(const struct wall_book *book, char why[LIMIT_REASON_BYTES])
{
	size_t at = 0;

	for (unsigned i = 0; i < WALL_COUNT; i++) {
		if (book->state[i] != WALL_STATE_BREACHED)
			continue;
		text_append(why, LIMIT_REASON_BYTES, &at, "the wall %s does not hold: %s",
			    wall_name(i), book->detail[i]);
		return -EPERM;
	}
	return 0;
}

int walls_build(const struct walls_order *order, struct wall_book *book,
		char why[LIMIT_REASON_BYTES])
{
	const char *step = "";
	size_t at = 0;
	int result;

	memset(book, 0, sizeof(*book));
	result = build(order, book, &step);
	if (result < 0) {
		text_append(why, LIMIT_REASON_BYTES, &at, "cannot %s: %s", step, strerror(-result));
		return result;
	}
	wall_probe_calls(book);
	return refuse_breach(book, why);
}

int walls_build_child(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	if (getppid() != parent) /* it died before the line above */
		return -ESRCH;
	return call_list_enter(CALL_LIST_CHILD);
}
