/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/wall_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampscansvc/private_root.h"
#include "base/birth_contract.h"
#include "io/capabilities.h"

#define MAX_DESCRIPTORS 1024
#define PAGE 4096

static void breach(struct wall_book *book, enum wall_id wall, const char *what)
{
	walls_note(book, wall, WALL_STATE_BREACHED, "%s", what);
}

void wall_probe_network(struct wall_book *book)
{
	/* TEST-NET-1: no packet is sent, connect() of a datagram socket only asks for a route. */
	struct sockaddr_in nowhere = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(0xC0000201)}};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (book->state[WALL_NET_NAMESPACE] == WALL_STATE_UP &&
	    connect(fd, (struct sockaddr *)&nowhere, sizeof(nowhere)) == 0)
		breach(book, WALL_NET_NAMESPACE, "there is a route to the network");
	close(fd);
}

static int has_other_user(uid_t uid, gid_t gid)
{
	uid_t ids[3];
	gid_t groups[3];

	if (getresuid(&ids[0], &ids[1], &ids[2]) < 0 ||
	    getresgid(&groups[0], &groups[1], &groups[2]) < 0)
		return 1;
	for (int i = 0; i < 3; i++)
		if (ids[i] != uid || groups[i] != gid)
			return 1;
	return getgroups(0, NULL) != 0;
}

void wall_probe_rights(uid_t uid, gid_t gid, struct wall_book *book)
{
	if (has_other_user(uid, gid))
		breach(book, WALL_USER, "the kernel shows other ids or supplementary groups");
	if (uid != 0 && setresuid(0, 0, 0) == 0)
		breach(book, WALL_USER, "it could become root again");
	if (unshare(CLONE_NEWUTS) == 0)
		breach(book, WALL_CAPABILITIES, "it could make a namespace");
	if (mount("none", ROOT_STAGE, "tmpfs", 0, NULL) == 0)
		breach(book, WALL_CAPABILITIES, "it could mount");
	wall_probe_self(book);
}

void wall_probe_self(struct wall_book *book)
{
	struct rlimit limit;

	if (!capabilities_are_none())
		breach(book, WALL_CAPABILITIES, "the kernel shows capabilities");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		breach(book, WALL_NO_NEW_PRIVS, "the bit is not set");
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		breach(book, WALL_NOT_DUMPABLE, "it is dumpable");
	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max != 0)
		breach(book, WALL_LIMITS, "a core could be written");
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max > MAX_DESCRIPTORS)
		breach(book, WALL_LIMITS, "too many descriptors could be opened");
}

void wall_probe_filter(struct wall_book *book)
{
	if (book->state[WALL_SECCOMP] == WALL_STATE_UP && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2)
		breach(book, WALL_SECCOMP, "no filter is in force");
}

/* True when `path` could be opened. */
static int opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The mode of another worker's storage, which is owned by the same uid; no Landlock guards it. */
static void probe_sibling_mode(const struct temp_slot *slot, struct wall_book *book)
{
	char path[64];
	struct stat now;

	(void)snprintf(path, sizeof(path), TEMP_SLOT_PARENT_PATH "/%02u",
		       (slot->number + 1) % BIRTH_WORKER_SLOTS); /* fits */
	(void)chmod(path, 0500); /* says nothing: the filter passes over it in silence */
	if (stat(path, &now) == 0 && (now.st_mode & 0777) == 0700)
		return;
	(void)chmod(path, 0700);
	breach(book, WALL_SECCOMP, "a sibling's temporary storage could be closed");
}

static void probe_sibling(const struct temp_slot *slot, struct wall_book *book)
{
	char path[64];

	(void)snprintf(path, sizeof(path), TEMP_SLOT_PARENT_PATH "/%02u/wall",
		       (slot->number + 1) % BIRTH_WORKER_SLOTS);
	if (opens(path, O_WRONLY | O_CREAT))
		breach(book, WALL_LANDLOCK, "a sibling's temporary storage could be written");
	if (opens(ROOT_BUILTIN, O_RDONLY | O_DIRECTORY) ||
	    opens(ROOT_STAGE, O_RDONLY | O_DIRECTORY))
		breach(book, WALL_LANDLOCK,
		       "a directory outside the own temporary storage could be read");
}

static void probe_own(const struct temp_slot *slot, struct wall_book *book)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/wall", slot->path); /* fits */
	if (mkdir(path, 0700) < 0 || rmdir(path) < 0)
		walls_note(book, WALL_PRIVATE_TEMP, WALL_STATE_MISSING, "%s cannot be used: %s",
			   slot->path, strerror(errno));
}

void wall_probe_files(const struct temp_slot *slot, struct wall_book *book)
{
	if (opens("/etc/shadow", O_RDONLY) || opens("/etc/passwd", O_RDONLY) ||
	    opens("/proc/self/status", O_RDONLY))
		breach(book, WALL_EMPTY_ROOT, "a file of the host could be opened");
	if (opens("/wall", O_WRONLY | O_CREAT) || mkdir("/wall", 0700) == 0)
		breach(book, WALL_EMPTY_ROOT, "the root could be written");
	if (book->state[WALL_LANDLOCK] != WALL_STATE_UP) {
		if (slot)
			probe_own(slot, book);
		return;
	}
	if (opens("/", O_RDONLY | O_DIRECTORY))
		breach(book, WALL_LANDLOCK, "the root could be listed");
	if (!slot)
		return;
	probe_sibling(slot, book);
	if (book->state[WALL_SECCOMP] == WALL_STATE_UP)
		probe_sibling_mode(slot, book);
	probe_own(slot, book);
}

static void try_socket(void)
{
	(void)socket(AF_UNIX, SOCK_STREAM, 0); /* must not return */
}

static void try_ptrace(void)
{
	(void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL); /* must not return */
}

static void try_exec(void)
{
	char *const nothing[] = {NULL};

	(void)execve("/bin/true", nothing, nothing); /* must not return */
}

static void try_kill(void)
{
	(void)kill(getppid(), 0); /* must not return */
}

#if !AMP_SANITIZED
/* Nobody has that number: a wall that is down hurts nobody. */
static void try_signal(void)
{
	(void)syscall(SYS_tgkill, INT_MAX, INT_MAX, SIGABRT); /* must not return */
}
#endif

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
	{WALL_SECCOMP, "socket() did not kill", try_socket},
	{WALL_SECCOMP, "ptrace() did not kill", try_ptrace},
	{WALL_SECCOMP, "execve() did not kill", try_exec},
	{WALL_SECCOMP, "kill() did not kill its caller", try_kill},
#if !AMP_SANITIZED
	{WALL_SECCOMP, "tgkill() did not kill its caller", try_signal},
#endif
	{WALL_NO_EXEC_MEMORY, "executable memory could be mapped", try_exec_map},
	{WALL_NO_EXEC_MEMORY, "memory could be made executable", try_exec_protect},
};

/* The status of a child that makes the attempt behind a worker's walls; -1 when there was no child. */
static int status_of(void (*attempt)(void), const struct temp_slot *slot,
		     const struct wall_book *built)
{
	struct wall_book book = *built;
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		if (walls_build_worker(slot, 0, &book) < 0)
			_exit(2);
		attempt();
		_exit(1);
	}
	if (child > 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	return status;
}

void wall_probe_calls(const struct wall_book *built, struct wall_book *book)
{
	struct temp_slot slot;

	if (book->state[WALL_SECCOMP] != WALL_STATE_UP) {
		walls_note(book, WALL_NO_EXEC_MEMORY, WALL_STATE_MISSING, "needs seccomp");
		return;
	}
	if (temp_slot_open(0, &slot) < 0) {
		breach(book, WALL_PRIVATE_TEMP, "slot 0 is not there");
		return;
	}
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = status_of(forbidden[i].attempt, &slot, built);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			breach(book, forbidden[i].wall, forbidden[i].what);
	}
}

static int is_expected(int fd, const int *expected, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (expected[i] == fd)
			return 1;
	return fd <= STDERR_FILENO;
}

void wall_probe_descriptors(const int *expected, unsigned n, struct wall_book *book)
{
	for (int fd = 0; fd < MAX_DESCRIPTORS; fd++) {
		int is_open = fcntl(fd, F_GETFD) >= 0;

		if (is_open && !is_expected(fd, expected, n)) {
			walls_note(book, WALL_DESCRIPTORS, WALL_STATE_BREACHED,
				   "descriptor %d is open", fd);
			return;
		}
	}
}
