/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampupdater/incoming.h"
#include "ampupdater/walls.h"
#include "base/exit_code.h"
#include "io/clock.h"

#define TICK_MS 1000
#define LOOK_MS 200
#define LOG_BYTES 16384    /* the end of it is what counts */
#define LOG_MOST (1 << 20) /* all that the library may say: nobody else limits memory files */

int fetch_init(struct fetch *fetch)
{
	void *page = mmap(NULL, sizeof(*fetch->result), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	fetch->log = memfd_create("log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (page == MAP_FAILED || fetch->log < 0 || ftruncate(fetch->log, LOG_MOST) < 0 ||
	    fcntl(fetch->log, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	fetch->result = page;
	return 0;
}

/* A slow disk is waited for here, where somebody watches. The parent syncs, too, and its word counts. */
static void flush(const char *database)
{
	(void)incoming_sync(UPDATE_FD_INCOMING, database, ".cvd"); /* one of them is missing */
	(void)incoming_sync(UPDATE_FD_INCOMING, database, ".cld");
}

static _Noreturn void be_child(struct fetch *fetch, const struct fresh_order *order, pid_t parent)
{
	close(UPDATE_FD_CHANNEL); /* whatever it becomes, it does not speak for us */
	if (dup2(fetch->log, STDOUT_FILENO) < 0 || dup2(fetch->log, STDERR_FILENO) < 0 ||
	    walls_build_child(parent) < 0)
		_exit(EXIT_CODE_WALLS);
	fresh_update(order, fetch->result);
	flush(order->start->databases[order->database]);
	(void)fflush(NULL); /* words that are lost leave the code */
	_exit(EXIT_CODE_OK);
}

static mono_ms next_look(const struct fetch_watch *watch, mono_ms now)
{
	return watch->until - now < LOOK_MS ? watch->until - now : LOOK_MS;
}

enum await_end { AWAIT_ENDED, AWAIT_LATE, AWAIT_TOO_MUCH, AWAIT_HUNG_UP };

/* Until the child ends, its time is over, or the daemon goes. */
static enum await_end await(int pidfd, const struct fetch_watch *watch)
{
	struct pollfd ends[] = {{.fd = pidfd, .events = POLLIN},
				{.fd = watch->channel, .events = POLLIN}};
	mono_ms next_tick = mono_add(clock_mono_ms(), TICK_MS);

	for (;;) {
		mono_ms now = clock_mono_ms();

		if (now >= watch->until)
			return AWAIT_LATE;
		if (poll(ends, 2, (int)next_look(watch, now)) < 0 && errno != EINTR)
			return AWAIT_HUNG_UP;
		if (ends[0].revents)
			return AWAIT_ENDED;
		if (ends[1].revents)
			return AWAIT_HUNG_UP;
		if (!watch->is_within(watch->owner))
			return AWAIT_TOO_MUCH;
		if (clock_mono_ms() >= next_tick) {
			next_tick = mono_add(clock_mono_ms(), TICK_MS);
			watch->tick(watch->owner);
		}
	}
}

static int collect(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void read_log(int log, char text[LOG_BYTES])
{
	off_t len = lseek(log, 0, SEEK_CUR); /* the child's place in it */
	off_t from = len > LOG_BYTES - 1 ? len - (LOG_BYTES - 1) : 0;
	ssize_t n = len > 0 ? pread(log, text, (size_t)(len - from), from) : 0;

	if (n < 0)
		n = 0;
	text[n] = '\0';
	for (ssize_t i = 0; i < n; i++) {
		if (!text[i])
			text[i] = '?';
	}
}

static void report(struct fetch_report *ret_report, enum update_outcome outcome, const char *detail)
{
	struct transfer_verdict *verdict = &ret_report->verdict;

	verdict->outcome = outcome;
	(void)snprintf(verdict->detail, sizeof(verdict->detail), "%s", detail); /* cut is fine */
}

/* The library compares what a mirror says to have with what is there, not what it then sends. */
static void judge_version(const struct fresh_result *result, struct fetch_report *ret_report)
{
	enum update_outcome outcome = ret_report->verdict.outcome;
	char words[LIMIT_DETAIL_BYTES + 1];

	if (outcome == UPDATE_UPDATED && result->version == result->before) {
		(void)snprintf(words, sizeof(words), "it has version %u, as we have",
			       result->version); /* fits */
		report(ret_report, UPDATE_NOT_FOUND, words);
		ret_report->is_same = true;
	} else if (outcome == UPDATE_UPDATED && result->version < result->before) {
		(void)snprintf(words, sizeof(words), "version %u was sent in place of one above %u",
			       result->version, result->before); /* fits */
		report(ret_report, UPDATE_DAMAGED, words);
		ret_report->is_spoilt = true;
	} else if (outcome == UPDATE_UPDATED && result->version <= result->refused) {
		(void)snprintf(words, sizeof(words), "version %u was rejected before",
			       result->version); /* fits */
		report(ret_report, UPDATE_KNOWN_BAD, words);
		ret_report->is_spoilt = true;
	} else if (outcome == UPDATE_NOTHING_NEW && result->refused) {
		(void)snprintf(words, sizeof(words), "nothing above version %u, which was rejected",
			       result->refused); /* fits */
		report(ret_report, UPDATE_KNOWN_BAD, words);
	}
}

/* It ended by itself: what it did, what the library said, what the mirror asked for. */
static void judge(const struct fetch *fetch, struct fetch_report *ret_report)
{
	static char log[LOG_BYTES];
	struct transfer transfer = {.log = log};

	read_log(fetch->log, log);
	transfer.code = (enum transfer_code)fetch->result->code;
	transfer.is_updated = fetch->result->is_updated != 0;
	transfer.wait_s = fresh_wait(UPDATE_FD_INCOMING, clock_utc_ms() / 1000);
	outcome_rule_apply(&transfer, &ret_report->verdict);
	judge_version(fetch->result, ret_report);
	if (ret_report->verdict.outcome == UPDATE_WAIT)
		ret_report->wait_s = transfer.wait_s;
	if (ret_report->verdict.outcome == UPDATE_UPDATED)
		ret_report->version = fetch->result->version;
}

static void judge_status(const struct fetch *fetch, int status, struct fetch_report *ret_report)
{
	char words[64];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) {
		report(ret_report, UPDATE_TOO_BIG, "a file grew over the limit");
	} else if (WIFSIGNALED(status)) {
		(void)snprintf(words, sizeof(words), "by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status))); /* cut is fine */
		report(ret_report, UPDATE_DIED, words);
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_CODE_OK) {
		(void)snprintf(words, sizeof(words), "its process ended with status %d",
			       WIFEXITED(status) ? WEXITSTATUS(status) : -1); /* fits */
		report(ret_report, UPDATE_FAILED, words);
	} else {
		judge(fetch, ret_report);
	}
}

static enum fetch_end watch_child(struct fetch *fetch, pid_t child, const struct fetch_watch *watch,
				  struct fetch_report *ret_report)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	enum await_end end = pidfd < 0 ? AWAIT_HUNG_UP : await(pidfd, watch);
	int status;

	if (end != AWAIT_ENDED && pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); /* ESRCH: ended */
	status = collect(child);
	if (pidfd >= 0)
		close(pidfd);
	if (end == AWAIT_TOO_MUCH)
		report(ret_report, UPDATE_TOO_BIG,
		       "more was put on the disk than a download needs");
	if (end == AWAIT_LATE)
		report(ret_report, UPDATE_LATE, "it was ended in the middle of a download");
	else if (end == AWAIT_ENDED)
		judge_status(fetch, status, ret_report);
	return end == AWAIT_HUNG_UP ? FETCH_HUNG_UP : FETCH_DONE;
}

enum fetch_end fetch_run(struct fetch *fetch, const struct fresh_order *order,
			 const struct fetch_watch *watch, struct fetch_report *ret_report)
{
	pid_t parent = getpid(), child;

	*ret_report = (struct fetch_report){.version = 0};
	*fetch->result = (struct fresh_result){.code = TRANSFER_OTHER};
	if (fresh_forget_wait(UPDATE_FD_INCOMING) < 0 || lseek(fetch->log, 0, SEEK_SET) < 0) {
		report(ret_report, UPDATE_NO_SPACE, strerror(errno));
		return FETCH_DONE;
	}
	child = fork();
	if (child == 0)
		be_child(fetch, order, parent);
	if (child < 0) {
		report(ret_report, UPDATE_FAILED, strerror(errno));
		return FETCH_DONE;
	}
	return watch_child(fetch, child, watch, ret_report);
}
