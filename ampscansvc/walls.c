/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/walls.h"

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

#include "ampscansvc/private_root.h"
#include "ampscansvc/seccomp_list.h"
#include "ampscansvc/wall_probe.h"
#include "base/text.h"
#include "io/capabilities.h"
#include "io/landlock.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#define MDWE_REFUSE_EXEC_GAIN 1

#define MAX_DESCRIPTORS 1024 /* libclamav holds some tens; 12 were too few and made it blind */

/* Counted per uid over the whole machine: twenty services with all slots taken. It is there for a service that was
 * taken over by its definitions and forks without end; workers cannot fork at all. */
#define MAX_PROCESSES 512

#define SECURE_BITS                                                                                \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

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
	for (unsigned i = 0; i < WALL_COUNT; i++)
		reports[i] = (struct wall_report){
			.id = i, .state = book->state[i], .detail = book->detail[i]};
	return WALL_COUNT;
}

enum wall_id walls_fatal(const struct wall_book *book)
{
	static const enum wall_id fatal[] = {WALL_USER, WALL_CAPABILITIES, WALL_SECCOMP};

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (book->state[fatal[i]] == WALL_STATE_BREACHED)
			return fatal[i];
	return WALL_COUNT;
}

static ino_t namespace_of(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 ? 0 : status.st_ino;
}

static void leave_namespaces(struct wall_book *book)
{
	static const struct {
		enum wall_id wall;
		int flag;
		const char *path;
	} namespaces[] = {
		{WALL_NET_NAMESPACE, CLONE_NEWNET, "/proc/self/ns/net"},
		{WALL_IPC_NAMESPACE, CLONE_NEWIPC, "/proc/self/ns/ipc"},
		{WALL_UTS_NAMESPACE, CLONE_NEWUTS, "/proc/self/ns/uts"},
	};

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		ino_t before = namespace_of(namespaces[i].path);

		if (unshare(namespaces[i].flag) < 0)
			walls_note(book, namespaces[i].wall, WALL_STATE_MISSING, "unshare: %s",
				   strerror(errno));
		else if (before && before == namespace_of(namespaces[i].path))
			walls_note(book, namespaces[i].wall, WALL_STATE_BREACHED,
				   "still the host's");
		else
			walls_note(book, namespaces[i].wall, WALL_STATE_UP, "%s", "");
	}
	(void)unshare(
		CLONE_NEWCGROUP); /* hides the host's names only; no wall of ours depends on it */
	/* The new UTS namespace starts with the host's name, and must not keep it. */
	if (book->state[WALL_UTS_NAMESPACE] == WALL_STATE_UP && sethostname("amp", 3) < 0)
		walls_note(book, WALL_UTS_NAMESPACE, WALL_STATE_BREACHED, "the host name is known");
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

static int limit_self(const struct walls_order *order, struct wall_book *book)
{
	const struct {
		int resource;
		uint64_t most;
	} limits[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_NOFILE, MAX_DESCRIPTORS},
		{RLIMIT_NPROC, MAX_PROCESSES},
		/* The signal kills, which is what we want: an error code would be swallowed. */
		{RLIMIT_FSIZE, order->slot.bytes},
		{RLIMIT_MEMLOCK, 0},
		{RLIMIT_MSGQUEUE, 0},
		{RLIMIT_NICE, 0},
		{RLIMIT_RTPRIO, 0},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int result = cap_at(limits[i].resource, limits[i].most);

		if (result < 0)
			return result;
	}
	walls_note(book, WALL_LIMITS, WALL_STATE_UP, "%u descriptors, %llu bytes a file, no core",
		   MAX_DESCRIPTORS, (unsigned long long)order->slot.bytes);
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

static int lock(const char **ret_step)
{
	*ret_step = "set no_new_privs";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	*ret_step = "become not dumpable";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	/* After the change of user, which clears it. */
	*ret_step = "end with the daemon";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static void refuse_exec_memory(struct wall_book *book)
{
	/* The seccomp list refuses it as well; this one also knows the tricks by two mappings. */
	if (AMP_SANITIZED)
		walls_note(book, WALL_NO_EXEC_MEMORY, WALL_STATE_UP,
			   "by seccomp (sanitized build)");
	else if (prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
		walls_note(book, WALL_NO_EXEC_MEMORY, WALL_STATE_UP,
			   "by seccomp; this kernel has no MDWE");
	else
		walls_note(book, WALL_NO_EXEC_MEMORY, WALL_STATE_UP, "by MDWE and seccomp");
}

static int restrict_files(const struct landlock_tree *trees, unsigned n_trees,
			  struct wall_book *book)
{
	int result = landlock_restrict(trees, n_trees, LANDLOCK_NO_TCP);

	if (result == -ENOSYS || result == -EOPNOTSUPP) {
		walls_note(book, WALL_LANDLOCK, WALL_STATE_MISSING,
			   "this kernel has none, or it is switched off");
		return 0;
	}
	if (result == 0)
		walls_note(book, WALL_LANDLOCK, WALL_STATE_UP, "ABI %d", landlock_abi());
	return result;
}

static int restrict_calls(enum seccomp_list list, struct wall_book *book)
{
	int result = seccomp_list_enter(list);

	if (result == -EINVAL || result == -ENOSYS) {
		walls_note(book, WALL_SECCOMP, WALL_STATE_MISSING, "this kernel has no filters");
		return 0;
	}
	if (result == 0)
		walls_note(book, WALL_SECCOMP, WALL_STATE_UP, "%s", "");
	return result;
}

static int build_tree(const struct walls_order *order, struct wall_book *book,
		      const char **ret_step)
{
	const struct private_root_order root = {
		.builtin = order->builtin, .definitions = order->definitions, .slot = order->slot};
	ino_t before = namespace_of("/proc/self/ns/mnt");
	int result = private_root_enter(&root, ret_step);

	if (result < 0)
		return result;
	walls_note(book, WALL_MOUNT_NAMESPACE, before ? WALL_STATE_UP : WALL_STATE_UNKNOWN, "%s",
		   "");
	walls_note(book, WALL_EMPTY_ROOT, WALL_STATE_UP, "%s", "");
	walls_note(book, WALL_PRIVATE_TEMP, WALL_STATE_UP, "%u slots of %llu bytes, %llu inodes",
		   BIRTH_WORKER_SLOTS, (unsigned long long)order->slot.bytes,
		   (unsigned long long)order->slot.inodes);
	return 0;
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
	if (order->slot.uid == 0)
		walls_note(book, WALL_USER, WALL_STATE_MISSING,
			   "the account is missing: runs as root");
	else
		walls_note(book, WALL_USER, WALL_STATE_UP, "uid %u, gid %u", order->slot.uid,
			   order->slot.gid);
	walls_note(book, WALL_CAPABILITIES, WALL_STATE_UP, "%s", "");
	walls_note(book, WALL_NO_NEW_PRIVS, WALL_STATE_UP, "%s", "");
	walls_note(book, WALL_NOT_DUMPABLE, WALL_STATE_UP, "%s", "");
	walls_note(book, WALL_DESCRIPTORS, WALL_STATE_UP, "%s", "");
}

static int build(const struct walls_order *order, struct wall_book *book, const char **ret_step)
{
	const struct landlock_tree trees[] = {{ROOT_BUILTIN, false},
					      {TEMP_SLOT_PARENT_PATH, true},
					      {ROOT_STAGE, true},
					      {ROOT_DEFINITIONS, false}};
	unsigned n_trees = order->definitions < 0 ? 3 : 4;
	int result;

	note_birth(order, book);
	leave_namespaces(book);
	wall_probe_network(book);
	result = build_tree(order, book, ret_step);
	if (result < 0)
		return result;
	*ret_step = "set the resource limits";
	result = limit_self(order, book);
	if (result < 0)
		return result;
	result = become(order->slot.uid, order->slot.gid, ret_step);
	if (result == 0)
		result = lock(ret_step);
	if (result < 0)
		return result;
	wall_probe_rights(order->slot.uid, order->slot.gid, book);
	refuse_exec_memory(book);
	*ret_step = "put up Landlock";
	result = restrict_files(trees, n_trees, book);
	if (result < 0)
		return result;
	*ret_step = "put up seccomp";
	result = restrict_calls(SECCOMP_LIST_PARENT, book);
	if (result == 0)
		wall_probe_files(NULL, book);
	return result;
}

int walls_build(const struct walls_order *order, struct wall_book *book,
		char why[LIMIT_REASON_BYTES])
{
	const char *step = "";
	size_t at = 0;
	int result = build(order, book, &step);

	if (result < 0)
		text_append(why, LIMIT_REASON_BYTES, &at, "cannot %s: %s", step, strerror(-result));
	return result;
}

int walls_build_worker(const struct temp_slot *slot, uint64_t vm_bytes, struct wall_book *book)
{
	const struct landlock_tree own = {slot->path, true};
	int result = 0;

	/* The sanitizers reserve terabytes. */
	if (vm_bytes && !AMP_SANITIZED)
		result = cap_at(RLIMIT_AS, vm_bytes);
	if (result == 0)
		result = restrict_files(&own, 1, book);
	if (result < 0)
		return result;
	/* These ask the kernel by calls that the worker's list does not have. */
	wall_probe_self(book);
	result = restrict_calls(SECCOMP_LIST_WORKER, book);
	if (result < 0)
		return result;
	wall_probe_filter(book);
	wall_probe_files(slot, book);
	if (book->state[WALL_PRIVATE_TEMP] == WALL_STATE_UP)
		walls_note(book, WALL_PRIVATE_TEMP, WALL_STATE_UP, "%s", slot->path);
	return 0;
}
