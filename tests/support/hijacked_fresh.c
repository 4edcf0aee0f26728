/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hijacked_fresh: the updater's child after a stranger took it over: in place of ampupdater/fresh.c, behind the walls of the real one. The
 * mirror's URL says what it does: http://x/ATTACK. What came of it is a line "Unexpected response (RESULT": the updater tells it as a detail.
 */
#include "ampupdater/fresh.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "ampupdater/view.h"

#define MEGABYTE ((size_t)1 << 20)
#define DEEP 3000

bool fresh_prepare(void)
{
	return true;
}

const char *fresh_library(void)
{
	return "hijacked";
}

int fresh_forget_wait(int incoming)
{
	(void)incoming; /* there is no library that could have a wish */
	return 0;
}

uint32_t fresh_wait(int incoming, uint64_t now_s)
{
	(void)incoming;
	(void)now_s;
	return 0;
}

static void tell(const char *what, long number)
{
	printf("Unexpected response (%s %ld\n", what, number);
}

static void make_file(const char *path, size_t megabytes)
{
	static char block[MEGABYTE];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	memset(block, 'x', sizeof(block));
	for (size_t i = 0; i < megabytes; i++) {
		if (write(fd, block, sizeof(block)) < 0)
			break;
	}
	close(fd);
}

/* ---- what is left in incoming ---- */

static void deep(struct fresh_result *result)
{
	(void)result;
	for (unsigned i = 0; i < DEEP; i++) {
		if (mkdir("d", 0700) < 0 || chdir("d") < 0)
			_exit(9);
	}
	make_file("f", 1);
	tell("deep", DEEP);
}

static void locked(struct fresh_result *result)
{
	(void)result;
	if (mkdir("locked", 0300) < 0 || mkdir("locked/in", 0700) < 0 || mkdir("none", 0) < 0)
		_exit(9);
	make_file("locked/in/f", 1);
	tell("locked", 0);
}

static void crowd(struct fresh_result *result)
{
	char name[20];

	(void)result;
	for (unsigned i = 0;; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		close(open(name, O_WRONLY | O_CREAT, 0600));
	}
}

static void fill(struct fresh_result *result)
{
	char name[20];

	(void)result;
	for (unsigned i = 0;; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		make_file(name, 1);
	}
}

/* It says that there is a file, in numbers that none of ours has: what is there is none. */
static void claim(struct fresh_result *result)
{
	memset(result, 0xff, sizeof(*result));
	result->code = TRANSFER_OK;
	result->refused = 0;
	result->before = 0;
	if (mkdir("test.cvd", 0700) < 0)
		_exit(9);
}

static void babble(struct fresh_result *result)
{
	long lines = 0;

	(void)result;
	while (write(STDOUT_FILENO, "is up-to-date\n", 14) == 14)
		lines++;
	memset(result, 0xff, sizeof(*result));
}

static void links(struct fresh_result *result)
{
	(void)result;
	tell("linked", symlink("/etc/passwd", "test.cvd")); /* must not return */
}

static void hard_link(struct fresh_result *result)
{
	(void)result;
	make_file("a", 1);
	tell("linked", link("a", "test.cvd")); /* must not return */
}

static void pipes(struct fresh_result *result)
{
	(void)result;
	(void)mkfifo("test.cvd", 0600); /* must not return */
	tell("piped", errno);
}

/* ---- out of it ---- */

/* 0 when it is so far inside that there is nobody to talk to. */
static void local_socket(struct fresh_result *result)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), pair[2];
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = VIEW_INCOMING "/daemon"};
	long reached = fd >= 0;

	(void)result;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
		reached |= (connect(pair[0], (struct sockaddr *)&address, sizeof(address)) == 0)
			   << 1;
		reached |= (sendto(pair[0], "", 1, 0, (struct sockaddr *)&address,
				   sizeof(address)) >= 0)
			   << 2;
	}
	tell("reached", reached);
}

static void look_around(struct fresh_result *result)
{
	static const char *const closed[] = {"/etc/passwd", "/etc/shadow",  "/proc/1/status",
					     "/root",       "/var/tmp",     "/run",
					     "/proc/self",  "/dev/shm",     "/opt",
					     "..",          "/proc/1/fd/3", "/home"};
	long n = 0;

	(void)result;
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		n += open(closed[i], O_RDONLY | O_CLOEXEC) >= 0;
	tell("opened", n);
}

/* Descriptors that it has: 0 to 2, incoming, the log. */
static void count_descriptors(struct fresh_result *result)
{
	long n = 0;

	(void)result;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	n += fcntl(UPDATE_FD_CHANNEL, F_GETFD) >= 0 ? 1000 : 0;
	tell("descriptors", n);
}

static void eat_memory(struct fresh_result *result)
{
	long megabytes = 0;

	(void)result;
	while (megabytes < 8192) {
		char *page = mmap(NULL, MEGABYTE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (page == MAP_FAILED)
			break;
		megabytes++; /* not touched: the machine is others', too */
	}
	tell("thousands", megabytes / 1000);
}

static void run_program(struct fresh_result *result)
{
	char *const arguments[] = {NULL};

	(void)result;
	(void)execve("/bin/sh", arguments, arguments); /* must not return */
	tell("ran", errno);
}

static void trace_parent(struct fresh_result *result)
{
	(void)result;
	(void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL); /* must not return */
	tell("traced", errno);
}

static void write_parent(struct fresh_result *result)
{
	(void)result;
	(void)syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0); /* must not return */
	tell("wrote", errno);
}

static void own_memory_file(struct fresh_result *result)
{
	(void)result;
	(void)memfd_create("x", 0); /* must not return */
	tell("made", errno);
}

static void raise_limits(struct fresh_result *result)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	(void)result;
	(void)setrlimit(RLIMIT_FSIZE, &none); /* must not return */
	tell("raised", errno);
}

static void signal_parent(struct fresh_result *result)
{
	(void)result;
	(void)syscall(SYS_tgkill, getppid(), getppid(), SIGTERM); /* must not return */
	tell("signalled", errno);
}

static void listen_for_strangers(struct fresh_result *result)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)result;
	(void)bind(fd, (struct sockaddr *)&address, sizeof(address));
	(void)listen(fd, 1); /* must not return */
	tell("listens", errno);
}

static void spin(struct fresh_result *result)
{
	(void)result;
	for (;;)
		;
}

static const struct {
	const char *name;
	void (*attack)(struct fresh_result *result);
} attacks[] = {
	{"deep", deep},
	{"locked", locked},
	{"crowd", crowd},
	{"fill", fill},
	{"claim", claim},
	{"babble", babble},
	{"symlink", links},
	{"link", hard_link},
	{"fifo", pipes},
	{"socket", local_socket},
	{"look", look_around},
	{"descriptors", count_descriptors},
	{"memory", eat_memory},
	{"exec", run_program},
	{"ptrace", trace_parent},
	{"vmwrite", write_parent},
	{"memfd", own_memory_file},
	{"rlimit", raise_limits},
	{"signal", signal_parent},
	{"listen", listen_for_strangers},
	{"spin", spin},
};

void fresh_update(const struct fresh_order *order, struct fresh_result *ret_result)
{
	const char *url = order->start->mirrors[order->mirror].url, *name = strrchr(url, '/') + 1;

	*ret_result = (struct fresh_result){.code = TRANSFER_REFUSED};
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(attacks[i].name, name) == 0)
			attacks[i].attack(ret_result);
	}
}
