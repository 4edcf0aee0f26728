/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ampdaemon/handover_state.h"
#include "ampdaemon/low_fds.h"
#include "ampdaemon/overseer.h"
#include "io/clock.h"
#include "io/fd_kind.h"
#include "io/late_close.h"
#include "io/log.h"

#define STATE_VARIABLE "AMP_HANDOVER" /* number of the state's descriptor */
#define LOOK_EVERY_NS 5000000
#define ORPHANS 64
#define ORPHAN_MS 10000 /* a child that nobody took has so long to end by itself */

_Static_assert(HANDOVER_FIRST_FD == LOW_FDS, "what is handed over is above what is reserved");

static char **started_with;

/* Children of the image before this one. */
static struct {
	int64_t pids[ORPHANS];
	unsigned n;
	mono_ms since;
} orphans;

void handover_remember(char **arguments)
{
	started_with = arguments;
}

/* ---- numbers in the environment ---- */

/* -1: there is none. */
static int fd_of_variable(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long number = text ? strtol(text, &end, 10) : -1;

	if (!text || end == text || *end || number < HANDOVER_FIRST_FD || number > HANDOVER_LAST_FD)
		return -1;
	return (int)number;
}

static int set_variable(const char *name, int fd)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", fd);
	return setenv(name, number, 1) ? -errno : 0;
}

int handover_heartbeat(void)
{
	int fd = fd_of_variable(OVERSEER_HEARTBEAT);

	if (fd < 0 || fd_is_packet_socket(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return -1;
	return fd;
}

static void block_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(how, &set, NULL); /* cannot fail */
}

void handover_is_done(void)
{
	block_signals(SIG_UNBLOCK);
}

/* ---- leaving ---- */

void handover_abandon(struct handover_image *image)
{
	handover_image_close(image);
}

/* exec ends all threads and waits for them: for one that hangs in a close, for ever. */
static int await_closes(mono_ms patience, char *error, size_t size)
{
	const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};
	mono_ms limit = clock_mono_ms() + patience;
	unsigned held = late_close_held();

	while (held && clock_mono_ms() < limit) {
		(void)nanosleep(&pause, NULL); /* a signal may wake us early */
		held = late_close_held();
	}
	if (held)
		(void)snprintf(
			error, size,
			"%u files of clients hang in their close: a restart would wait for them",
			held);
	return held ? -EBUSY : 0;
}

int handover_prepare(struct handover_image *image, const char *config, char *error, size_t size)
{
	int r = await_closes(HANDOVER_ASK_MS, error, size);

	image->program = -1;
	return r ? r : handover_image_open(image, config, error, size);
}

/* The next image reserves the lowest numbers. The old ones are close-on-exec. */
static int move_up(int **places, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int fd = *places[i] < LOW_FDS ? fcntl(*places[i], F_DUPFD_CLOEXEC, LOW_FDS)
					      : *places[i];

		if (fd < 0)
			return -errno;
		*places[i] = fd;
	}
	return 0;
}

/* All or, when it fails, none. */
static int set_inherited(int **places, unsigned n, bool inherited)
{
	int r = 0;

	for (unsigned i = 0; i < n; i++) {
		if (fcntl(*places[i], F_SETFD, inherited ? 0 : FD_CLOEXEC) && !r)
			r = -errno;
	}
	if (r && inherited)
		(void)set_inherited(places, n, false); /* nothing is handed over then */
	return r;
}

static int execute(struct handover_image *image)
{
	int r;

	syscall(SYS_execveat, image->program, "", started_with, environ, AT_EMPTY_PATH);
	r = -errno;
	handover_image_close(image);
	if (!image->is_other)
		return r;
	log_error("the new program cannot be executed: %s; the old one is", strerror(-r));
	r = handover_image_open_own(image);
	return r ? r : execute(image);
}

/* Comes back only when it failed, and then as if nothing had been. */
static int leave(struct handover_image *image, int **places, unsigned n)
{
	int r = set_inherited(places, n, true);

	if (r)
		return r;
	block_signals(SIG_BLOCK); /* the next image hears those that come meanwhile */
	r = execute(image);
	block_signals(SIG_UNBLOCK);
	(void)set_inherited(places, n, false); /* no error is worse than the one we have */
	return r;
}

static int write_state(struct handover *handover, int *ret_state)
{
	int *places[HANDOVER_FDS];
	int r = move_up(places, handover_state_fds(handover, places));

	handover->head.program = AMP_VERSION;
	if (!r) {
		*ret_state = handover_state_write(handover);
		r = *ret_state < 0 ? *ret_state : 0;
	}
	if (!r)
		r = move_up(&ret_state, 1);
	return r ? r : set_variable(STATE_VARIABLE, *ret_state);
}

int handover_exec(struct handover_image *image, struct handover *handover, char *error, size_t size)
{
	int *places[HANDOVER_FDS + 2];
	int state = -1, heartbeat = handover_heartbeat();
	int r = await_closes(HANDOVER_CLOSE_MS, error, size);
	unsigned n;

	if (r)
		return r;
	r = write_state(handover, &state);
	if (!r) {
		n = handover_state_fds(handover, places);
		places[n++] = &state;
		if (heartbeat >= 0)
			places[n++] = &heartbeat;
		r = leave(image, places, n);
	}
	(void)snprintf(error, size, "the daemon cannot be executed anew: %s", strerror(-r));
	(void)unsetenv(STATE_VARIABLE); /* cannot fail for this name */
	if (state >= 0)
		close(state);
	return r == -EBUSY ? -EIO : r; /* -EBUSY is a promise */
}

/* ---- arriving: descriptors ---- */

static bool is_listening(int fd)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_SEQPACKET &&
	       !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) && listens;
}

static bool is_regular(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

/* Of a process that has ended and was reaped the kernel says -1: whoever takes it over finds out. */
static bool is_pidfd_of(int fd, int64_t pid)
{
	char path[48], line[128];
	long long number = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && !number && fgets(line, sizeof(line), file))
		number = strncmp(line, "Pid:", 4) == 0 ? strtoll(line + 4, NULL, 10) : 0;
	if (file)
		(void)fclose(file); /* was read only */
	return number == pid || number == -1;
}

static bool are_right(const struct handover *h)
{
	bool right = (h->head.listening < 0 || is_listening(h->head.listening)) &&
		     (h->head.pid_lock < 0 || is_regular(h->head.pid_lock));

	if (h->has_service)
		right = right && is_pidfd_of(h->service.pidfd, h->service.pid) &&
			!fd_is_packet_socket(h->service.channel) &&
			(h->service.last_words < 0 || is_regular(h->service.last_words));
	for (unsigned i = 0; right && i < h->n_workers; i++)
		right = is_pidfd_of(h->workers[i].pidfd, h->workers[i].pid) &&
			!fd_is_packet_socket(h->workers[i].channel);
	return right;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* No file of a stranger is among them: those were close-on-exec. */
static void close_others(struct handover *h)
{
	int *places[HANDOVER_FDS];
	int wanted[HANDOVER_FDS + 1];
	unsigned n = handover_state_fds(h, places);
	unsigned from = LOW_FDS;

	for (unsigned i = 0; i < n; i++)
		wanted[i] = *places[i];
	wanted[n] = handover_heartbeat();
	n += wanted[n] >= 0;
	qsort(wanted, n, sizeof(wanted[0]), by_number);
	for (unsigned i = 0; i < n; i++) {
		if ((unsigned)wanted[i] > from)
			(void)syscall(SYS_close_range, from, (unsigned)wanted[i] - 1, 0);
		from = (unsigned)wanted[i] + 1;
	}
	(void)syscall(SYS_close_range, from, ~0u, 0); /* without it (before 5.9) they stay open */
}

/* ---- arriving: children ---- */

static void find_orphans(void)
{
	char path[64], word[24];
	FILE *file;

	orphans.since = clock_mono_ms();
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "re");
	while (file && orphans.n < ORPHANS && fscanf(file, "%23s", word) == 1)
		orphans.pids[orphans.n++] = strtoll(word, NULL, 10); /* the kernel wrote it */
	if (file)
		(void)fclose(file); /* was read only */
}

/* Ended, or never ours. A pid of a child that was not waited for is nobody else's. */
static bool is_gone(int64_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) || info.si_pid;
}

bool handover_reap(int64_t service_pid)
{
	bool late = clock_mono_ms() - orphans.since > ORPHAN_MS;
	unsigned n = 0;

	for (unsigned i = 0; i < orphans.n; i++) {
		int64_t pid = orphans.pids[i];

		if (pid == service_pid || is_gone(pid))
			continue;
		if (late)
			(void)kill((pid_t)pid, SIGKILL); /* is there: nobody else waits for it */
		orphans.pids[n++] = pid;
	}
	orphans.n = n;
	return !n;
}

/* ---- arriving ---- */

static int read_state(int fd, const char *run_dir, struct handover *h, const char **ret_why)
{
	int r = handover_state_read(fd, h, ret_why);
	int *places[HANDOVER_FDS];

	if (r)
		return r;
	*ret_why = "it is of another run_dir";
	if (strcmp(h->run_dir, run_dir) != 0)
		return -EXDEV;
	*ret_why = "a descriptor is not what it should be";
	if (!are_right(h))
		return -EBADF;
	return set_inherited(places, handover_state_fds(h, places), false);
}

int handover_receive(const char *run_dir, struct handover *h, char *error, size_t size)
{
	int r, fd = fd_of_variable(STATE_VARIABLE);
	const char *why;

	if (!getenv(STATE_VARIABLE))
		return 0;
	(void)unsetenv(STATE_VARIABLE);        /* cannot fail for this name */
	(void)prctl(PR_SET_NAME, "ampdaemon"); /* exec by descriptor names it by the number */
	find_orphans();
	r = read_state(fd, run_dir, h, &why);
	if (r) {
		(void)snprintf(error, size, "the state of the program before cannot be used: %s",
			       why);
		handover_drop(h);
		memset(h, 0, sizeof(*h));
		h->head.listening = h->head.pid_lock = -1;
	}
	close_others(h);
	return r ? r : 1;
}

static void let_go(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void handover_close_service(struct handover *h)
{
	for (unsigned i = 0; i < h->n_workers; i++) {
		let_go(&h->workers[i].channel);
		let_go(&h->workers[i].pidfd);
	}
	h->n_workers = 0;
	if (!h->has_service)
		return;
	let_go(&h->service.channel); /* it ends by that */
	let_go(&h->service.pidfd);
	let_go(&h->service.last_words);
	h->has_service = false;
}

void handover_drop(struct handover *h)
{
	for (unsigned i = 0; i < h->n_scans; i++)
		free((void *)(uintptr_t)h->scans[i].counts.label.data); /* ours: take_scan() */
	h->n_scans = 0;
}
