/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/wall_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampupdater/view.h"
#include "io/capabilities.h"

#define PAGE 4096

static void breach(struct wall_book *book, enum wall_id wall, const char *what)
{
	walls_note(book, wall, WALL_STATE_BREACHED, "%s", what);
}

static bool has_other_user(uid_t uid, gid_t gid)
{
	uid_t ids[3];
	gid_t groups[3];

	if (getresuid(&ids[0], &ids[1], &ids[2]) < 0 ||
	    getresgid(&groups[0], &groups[1], &groups[2]) < 0)
		return true;
	for (int i = 0; i < 3; i++) {
		if (ids[i] != uid || groups[i] != gid)
			return true;
	}
	return getgroups(0, NULL) != 0;
}

void wall_probe_rights(uid_t uid, gid_t gid, struct wall_book *book)
{
	struct rlimit limit;

	if (has_other_user(uid, gid))
		breach(book, WALL_USER, "the kernel shows other ids or supplementary groups");
	if (setresuid(0, 0, 0) == 0)
		breach(book, WALL_USER, "it could become root again");
	if (unshare(CLONE_NEWUTS) == 0)
		breach(book, WALL_CAPABILITIES, "it could make a namespace");
	if (mount("none", VIEW_INCOMING, "tmpfs", 0, NULL) == 0)
		breach(book, WALL_CAPABILITIES, "it could mount");
	if (!capabilities_are_none())
		breach(book, WALL_CAPABILITIES, "the kernel shows capabilities");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		breach(book, WALL_NO_NEW_PRIVS, "the bit is not set");
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		breach(book, WALL_NOT_DUMPABLE, "it is dumpable");
	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max != 0)
		breach(book, WALL_LIMITS, "a core could be written");
}

/* True when `path` could be opened. What it made is removed. */
static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	if (flags & O_CREAT)
		(void)unlink(path); /* the breach is what counts */
	return true;
}

void wall_probe_files(struct wall_book *book)
{
	/* Directories in which every user may write. */
	static const char *const open_to_all[] = {"/var/tmp/amp-wall", "/dev/shm/amp-wall",
						  "/run/lock/amp-wall"};
	bool has_landlock = book->state[WALL_LANDLOCK] == WALL_STATE_UP;

	if (has_landlock &&
	    (opens("/etc/passwd", O_RDONLY) || opens("/proc/self/status", O_RDONLY)))
		breach(book, WALL_LANDLOCK, "a file of the host could be read");
	for (size_t i = 0; i < sizeof(open_to_all) / sizeof(open_to_all[0]); i++) {
		if (opens(open_to_all[i], O_WRONLY | O_CREAT | O_EXCL))
			breach(book, has_landlock ? WALL_LANDLOCK : WALL_MOUNT_NAMESPACE,
			       "a file could be written outside the incoming directory");
	}
	/* A full disk is no breach: the first download will say so. */
	if (mkdir(VIEW_INCOMING "/wall", 0700) < 0 || rmdir(VIEW_INCOMING "/wall") < 0)
		walls_note(book, WALL_PRIVATE_TEMP, WALL_STATE_MISSING,
			   "the incoming directory cannot be written: %s", strerror(errno));
}

static void try_exec(void)
{
	char *const nothing[] = {NULL};

	(void)execve("/bin/true", nothing, nothing); /* must not return */
}

static void try_ptrace(void)
{
	(void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL); /* must not return */
}

static void try_mount(void)
{
	(void)mount("none", "/", "tmpfs", 0, NULL); /* must not return */
}

static void try_kill(void)
{
	(void)kill(getppid(), 0); /* must not return */
}

static void try_listen(void)
{
	(void)listen(0, 1); /* must not return */
}

static void try_packet_socket(void)
{
	(void)socket(AF_PACKET, SOCK_RAW, 0); /* must not return */
}

static void try_netlink(void)
{
	(void)socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER); /* must not return */
}

/* A pair of these can be pointed at any socket of the host. */
static void try_datagram_pair(void)
{
	int pair[2];

	(void)socketpair(AF_UNIX, SOCK_DGRAM, 0, pair); /* must not return */
}

static void try_process(void)
{
	if (fork() == 0) /* must not return */
		_exit(1);
}

static void try_exec_map(void)
{
	(void)mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0); /* must not return */
}

static void try_exec_protect(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED)
		(void)mprotect(page, PAGE, PROT_READ | PROT_EXEC); /* must not return */
}

static const struct {
	enum wall_id wall;
	const char *what;
	void (*attempt)(void);
} forbidden[] = {
	{WALL_SECCOMP, "execve() did not kill", try_exec},
	{WALL_SECCOMP, "ptrace() did not kill", try_ptrace},
	{WALL_SECCOMP, "mount() did not kill", try_mount},
	{WALL_SECCOMP, "kill() did not kill its caller", try_kill},
	{WALL_SECCOMP, "listen() did not kill", try_listen},
	{WALL_SECCOMP, "a packet socket did not kill", try_packet_socket},
	{WALL_SECCOMP, "a netlink socket did not kill", try_netlink},
	{WALL_SECCOMP, "a pair of datagram sockets did not kill", try_datagram_pair},
	{WALL_SECCOMP, "fork() did not kill", try_process},
	{WALL_NO_EXEC_MEMORY, "executable memory could be mapped", try_exec_map},
	{WALL_NO_EXEC_MEMORY, "memory could be made executable", try_exec_protect},
};

/* The status of a child that makes the attempt; -1 when there was no child. */
static int status_of(void (*attempt)(void))
{
	int status = -1;
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		if (walls_build_child(parent) < 0)
			_exit(2);
		attempt();
		_exit(1);
	}
	if (child > 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	return status;
}

void wall_probe_calls(struct wall_book *book)
{
	if (book->state[WALL_SECCOMP] != WALL_STATE_UP) {
		walls_note(book, WALL_NO_EXEC_MEMORY, WALL_STATE_MISSING, "needs seccomp");
		return;
	}
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		breach(book, WALL_SECCOMP, "a local socket could be made");
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = status_of(forbidden[i].attempt);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			breach(book, forbidden[i].wall, forbidden[i].what);
	}
}
