/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/scan_run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ampcli/reconnect.h"
#include "io/clock.h"

#define TICK_MS 100           /* progress is redrawn ten times a second */
#define STOP_LIMIT_MS 5000    /* how long a stopped scan waits for what is under way */
#define SUMMARY_LIMIT_MS 5000 /* for the daemon's own summary: ours does not depend on it */
#define BATCH 64              /* files sent before the answers are looked at */

#define TOLD_TO_RECONNECT (-ERESTART) /* a session that ended with the daemon's own word */

struct flight {
	char *path; /* NULL: free */
	size_t path_len;
	int fd;        /* kept until the answer: it may have to be sent again */
	uint64_t file; /* its number in this session; 0: not sent in it yet */
	unsigned losses;
};

struct scan {
	struct control_client **client;
	uint64_t number; /* the daemon's, of this scan */
	const struct scan_request *request;
	const struct scan_sink *sink;
	struct scan_tally *tally;
	struct failure *failure;
	struct walk *walk;
	unsigned next_path; /* the first that has not been started */
	bool walking;       /* in paths[next_path - 1] */
	bool walked;        /* nothing more to find */
	bool has_ready;     /* `ready` is open and waits to be sent */
	struct walk_item ready;
	enum scan_reason end; /* why the scan ends early */
	uint64_t last_file;
	unsigned n_flights, n_unsent, window, places;
	unsigned sessions; /* found again after a loss */
	struct flight *flights;
	mono_ms begun, stopped;
	bool gave_up; /* some answers were not waited for */
};

static void say(struct scan *scan, const struct scan_line *line)
{
	scan_tally_add(scan->tally, line);
	scan->sink->line(scan->sink->context, line);
}

static void say_not_scanned(struct scan *scan, struct span path, enum scan_reason reason,
			    const char *detail)
{
	say(scan, &(struct scan_line){.path = path,
				      .verdict = VERDICT_NOT_SCANNED,
				      .reason = reason,
				      .detail = detail});
}

static void say_trouble(struct scan *scan, const struct walk_item *item)
{
	say_not_scanned(scan, item->path, item->reason, item->error ? strerror(item->error) : "");
}

/* By its number in this session. */
static struct flight *find_flight(struct scan *scan, uint64_t file)
{
	for (unsigned i = 0; i < scan->places; i++) {
		if (scan->flights[i].path && scan->flights[i].file == file)
			return &scan->flights[i];
	}
	return NULL;
}

static struct flight *find_place(struct scan *scan)
{
	for (unsigned i = 0; i < scan->places; i++) {
		if (!scan->flights[i].path)
			return &scan->flights[i];
	}
	return NULL;
}

static void land(struct scan *scan, struct flight *flight)
{
	scan->n_unsent -= flight->file == 0;
	close(flight->fd);
	free(flight->path);
	*flight = (struct flight){.fd = -1};
	scan->n_flights--;
}

/* No more files; what is open is closed unsent and counted. */
static void end_walk(struct scan *scan, enum scan_reason reason)
{
	scan->end = reason;
	scan->walked = true;
	if (scan->has_ready) {
		say_not_scanned(scan, scan->ready.path, reason, "");
		close(scan->ready.fd);
		scan->has_ready = false;
	}
	if (scan->walking)
		say_not_scanned(scan, span_of_text(scan->request->paths[scan->next_path - 1]),
				reason, "");
	for (; scan->next_path < scan->request->n_paths; scan->next_path++)
		say_not_scanned(scan, span_of_text(scan->request->paths[scan->next_path]), reason,
				"");
	scan->walking = false;
}

static void end_flights(struct scan *scan, enum scan_reason reason)
{
	for (unsigned i = 0; i < scan->places; i++) {
		struct flight *flight = &scan->flights[i];

		if (!flight->path)
			continue;
		say_not_scanned(scan, span_of(flight->path, flight->path_len), reason, "");
		land(scan, flight);
	}
}

/* `error` as of control_client_receive(). A daemon that went away leaves an incomplete scan; one that lies is no daemon. */
static int end_session(struct scan *scan, int error)
{
	enum scan_reason reason =
		scan->tally->stopped ? SCAN_REASON_STOPPED : SCAN_REASON_CONNECTION;

	if (error != -EBADMSG)
		scan->failure->exit = CLI_EXIT_NOT_ALL_SCANNED;
	end_walk(scan, reason);
	end_flights(scan, reason);
	return -1;
}

static void say_fatal(struct scan *scan, struct flight *flight)
{
	say(scan, &(struct scan_line){.path = span_of(flight->path, flight->path_len),
				      .verdict = VERDICT_ERROR,
				      .reason = SCAN_REASON_CONNECTION,
				      .detail = "each daemon that had it went away"});
	land(scan, flight);
}

/* None of them has a number in the next session until it is sent in it. Only what was lost unannounced may have been their fault. */
static void take_back(struct scan *scan, bool is_announced)
{
	for (unsigned i = 0; i < scan->places; i++) {
		struct flight *flight = &scan->flights[i];

		if (!flight->path || !flight->file)
			continue;
		flight->file = 0;
		scan->n_unsent++;
		flight->losses += !is_announced;
		if (flight->losses >= SCAN_LOSSES_MOST)
			say_fatal(scan, flight);
	}
	scan->last_file = 0;
}

static int begin(struct scan *scan);

/* A session in which the scan goes on. 0, -EINTR, or -ETIMEDOUT. */
static int find_session(struct scan *scan, mono_ms limit)
{
	struct pollfd stop = {.fd = scan->request->stop_fd, .events = POLLIN};
	int r;

	for (;;) {
		*scan->client = control_client_free(*scan->client);
		r = reconnect(scan->request->socket_path, limit, scan->request->stop_fd,
			      scan->client, scan->failure);
		if (r || begin(scan) == 0)
			return r;
		if (clock_mono_ms() >= limit)
			return -ETIMEDOUT;
		if (poll(&stop, 1, TICK_MS) > 0)
			return -EINTR;
	}
}

/* 0: the scan goes on. -1: it is over. */
static int find_daemon(struct scan *scan, int error)
{
	mono_ms limit = clock_mono_ms() + scan->request->patience;
	int r;

	if (error == -EBADMSG || !scan->request->patience || scan->end != SCAN_REASON_NONE)
		return end_session(scan, error);
	scan->sink->away(scan->sink->context, scan->failure->text);
	take_back(scan, error == TOLD_TO_RECONNECT);
	r = find_session(scan, limit);
	scan->tally->stopped |= r == -EINTR;
	if (r)
		return end_session(scan, error);
	scan->failure->exit = CLI_EXIT_OK; /* what was tried meanwhile is over */
	scan->window = control_client_window(*scan->client);
	if (scan->window > scan->places)
		scan->window = scan->places;
	scan->sessions++;
	scan->sink->away(scan->sink->context, NULL);
	return 0;
}

static void stop(struct scan *scan)
{
	scan->tally->stopped = true;
	scan->stopped = clock_mono_ms();
	end_walk(scan, SCAN_REASON_STOPPED);
}

static bool may_go_on_waiting(const struct scan *scan)
{
	return scan->end == SCAN_REASON_NONE || clock_mono_ms() < scan->stopped + STOP_LIMIT_MS;
}

static void start_next_path(struct scan *scan)
{
	const char *path = scan->request->paths[scan->next_path++];

	if (walk_start(scan->walk, path) < 0)
		say_not_scanned(scan, span_of_text(path), SCAN_REASON_PATH_TOO_LONG, "");
	else
		scan->walking = true;
}

/* Moves the walk by one item: a file becomes `ready`, trouble is said. */
static void find_one(struct scan *scan)
{
	struct walk_item item;

	if (!scan->walking && scan->next_path == scan->request->n_paths) {
		scan->walked = true;
		return;
	}
	if (!scan->walking) {
		start_next_path(scan);
		return;
	}
	if (walk_next(scan->walk, &item) == 0) {
		scan->walking = false;
	} else if (item.kind == WALK_TROUBLE) {
		say_trouble(scan, &item);
	} else {
		scan->ready = item;
		scan->has_ready = true;
	}
}

static int lied(struct scan *scan, const char *what)
{
	(void)failure_set(scan->failure, CLI_EXIT_NO_DAEMON, "ampdaemon broke the protocol: %s",
			  what);
	return end_session(scan, -EBADMSG);
}

static int take_result(struct scan *scan, const struct file_result *result)
{
	struct flight *flight = result->file ? find_flight(scan, result->file) : NULL;

	if (!flight)
		return lied(scan, "an answer for a file that was not asked about");
	if (result->verdict == VERDICT_NONE)
		return lied(scan, "an answer without a verdict");
	say(scan, &(struct scan_line){.path = span_of(flight->path, flight->path_len),
				      .verdict = result->verdict,
				      .reason = result->reason,
				      .detail = result->detail ? result->detail : "",
				      .n_threats = result->n_threats,
				      .threats = result->threats,
				      .generation = result->generation,
				      .bytes = result->bytes,
				      .us = result->us});
	land(scan, flight);
	return 0;
}

/* All answers that are there. 0, or -1 when the session is over. */
static int drain(struct scan *scan)
{
	struct reply reply;
	int r;

	while ((r = control_client_receive(*scan->client, &reply, scan->failure)) == 1) {
		if (reply.kind == REPLY_REFUSAL) {
			(void)control_client_refused(&reply, scan->failure);
			return end_session(scan, -ECONNRESET);
		}
		if (reply.kind == REPLY_RECONNECT) {
			(void)control_client_leaving(&reply, scan->failure);
			return find_daemon(scan, TOLD_TO_RECONNECT);
		}
		if (reply.kind != REPLY_FILE_RESULT)
			return lied(scan, "an answer that was not asked for");
		if (take_result(scan, &reply.file_result) < 0)
			return -1;
	}
	return r < 0 ? find_daemon(scan, r) : 0;
}

/* Nothing can be sent any more; what the daemon answered before it left still counts. The end of the session is read there too, and
 * the next one found. */
static int lose(struct scan *scan, int error)
{
	unsigned before = scan->sessions;

	if (drain(scan) < 0)
		return -1;
	if (scan->sessions != before)
		return 0;
	(void)failure_set(scan->failure, CLI_EXIT_NO_DAEMON,
			  "the connection to ampdaemon was lost: %s", strerror(-error));
	return find_daemon(scan, -ECONNRESET);
}

/* The kernel limits the descriptors that a user may have on their way: the answers will make room. */
static bool is_for_later(int r)
{
	return r == -EAGAIN || r == -ETOOMANYREFS || r == -EINTR;
}

/* 0, -EAGAIN when it has to wait, or -1 when the scan is over. */
static int send_flight(struct scan *scan, struct flight *flight)
{
	const struct request request = {
		.kind = REQUEST_SCAN_FILE,
		.scan_file = {.file = scan->last_file + 1,
			      .path = span_of(flight->path, flight->path_len)}};
	int r = control_client_send(*scan->client, &request, flight->fd);

	if (r < 0)
		return is_for_later(r) ? -EAGAIN : lose(scan, r);
	flight->file = ++scan->last_file;
	scan->n_unsent--;
	return 0;
}

/* Those that were taken back may be more than the next daemon takes at once. */
static bool may_send(const struct scan *scan)
{
	return scan->n_unsent > 0 && scan->n_flights - scan->n_unsent < scan->window;
}

/* The open file becomes a flight, unsent. */
static void board(struct scan *scan)
{
	const struct walk_item *item = &scan->ready;
	char *path = malloc(item->path.len + 1);

	scan->has_ready = false;
	if (!path) {
		say_not_scanned(scan, item->path, SCAN_REASON_RESOURCE, strerror(ENOMEM));
		close(item->fd);
		return;
	}
	memcpy(path, item->path.data, item->path.len + 1);
	*find_place(scan) =
		(struct flight){.path = path, .path_len = item->path.len, .fd = item->fd};
	scan->n_flights++;
	scan->n_unsent++;
}

/* Sends what there is room for. 1 when it waits for the daemon, 0 when there is more to do, -1 when the scan is over. */
static int fill_window(struct scan *scan)
{
	for (unsigned i = 0; i < BATCH; i++) {
		int r;

		if (may_send(scan)) {
			r = send_flight(scan, find_flight(scan, 0));
			if (r != 0)
				return r == -EAGAIN ? 1 : -1;
			continue;
		}
		if (scan->n_unsent)
			return 1;
		if (!scan->has_ready && scan->walked)
			return 1;
		if (!scan->has_ready)
			find_one(scan);
		else if (scan->n_flights >= scan->window)
			return 1;
		else
			board(scan);
	}
	return 0;
}

static bool is_stop_wanted(const struct scan *scan)
{
	struct pollfd wait = {.fd = scan->request->stop_fd, .events = POLLIN};

	return scan->end == SCAN_REASON_NONE && poll(&wait, 1, 0) > 0;
}

static void await(const struct scan *scan)
{
	bool must_send = may_send(scan);
	struct pollfd waits[] = {
		{.fd = control_client_fd(*scan->client),
		 .events = (short)(must_send ? POLLIN | POLLOUT : POLLIN)},
		{.fd = scan->end == SCAN_REASON_NONE ? scan->request->stop_fd : -1,
		 .events = POLLIN},
	};

	(void)poll(waits, 2, TICK_MS); /* an interruption only means to look again */
}

static void tick(struct scan *scan)
{
	const struct walk_skips *skips = walk_skipped(scan->walk);

	scan->tally->symlinks = skips->symlinks;
	scan->tally->special = skips->special;
	scan->tally->mounts = skips->mounts;
	scan->tally->ms = (uint64_t)(clock_mono_ms() - scan->begun);
	scan->sink->tick(scan->sink->context, scan->tally);
}

static int scan_all(struct scan *scan)
{
	while (!scan->walked || scan->has_ready || scan->n_flights > 0) {
		int r;

		if (is_stop_wanted(scan))
			stop(scan);
		r = fill_window(scan);
		if (r < 0 || drain(scan) < 0)
			return -1;
		tick(scan);
		if (!may_go_on_waiting(scan)) {
			scan->gave_up = true;
			end_flights(scan, SCAN_REASON_STOPPED);
			return 0;
		}
		if (r == 1 && scan->n_flights + scan->has_ready > 0)
			await(scan);
	}
	return 0;
}

static int begin(struct scan *scan)
{
	struct span label = span_of_text(scan->request->paths[0]);
	struct request request = {.kind = REQUEST_SCAN_BEGIN};
	struct reply reply;

	if (label.len > LIMIT_LABEL_BYTES)
		label.len = LIMIT_LABEL_BYTES;
	request.scan_begin.label = label;
	request.scan_begin.continues = scan->number;
	if (control_client_ask(*scan->client, &request, REPLY_SCAN_BEGUN, &reply, scan->failure) <
	    0)
		return -1;
	scan->number = reply.scan_begun.scan;
	return 0;
}

/* 0, or TOLD_TO_RECONNECT when the daemon left before it had the end of the scan in its journal. */
static int tell_end(struct scan *scan, mono_ms deadline)
{
	const struct request request = {
		.kind = REQUEST_SCAN_END,
		.scan_end = {.not_scanned = scan->tally->verdicts[VERDICT_NOT_SCANNED],
			     .stopped = scan->tally->stopped}};
	struct failure ignored;
	struct reply reply;

	/* A daemon that hung up may have said why: that is still to be read. */
	(void)control_client_send(*scan->client, &request, -1);
	while (clock_mono_ms() < deadline) {
		int r = control_client_receive(*scan->client, &reply, &ignored);

		if (r == 1 && reply.kind == REPLY_RECONNECT)
			return TOLD_TO_RECONNECT;
		if (r < 0 || (r == 1 && reply.kind == REPLY_SCAN_SUMMARY))
			return 0;
		if (r == 0)
			await(scan);
	}
	return 0;
}

/* Tells the daemon, so that its journal has the same numbers. A daemon that cannot be told any more has lost nothing of
 * ours: every file has its answer. */
static void finish(struct scan *scan)
{
	mono_ms deadline = clock_mono_ms() + SUMMARY_LIMIT_MS;

	while (tell_end(scan, deadline) == TOLD_TO_RECONNECT && scan->request->patience) {
		if (find_session(scan, deadline) < 0)
			break;
	}
	scan->failure->exit = CLI_EXIT_OK;
}

/* Each file under way keeps a descriptor of ours: a quarter of what we may have is for them, the walks take half at most. */
static unsigned places_allowed(unsigned window)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 4 >= window)
		return window;
	return limit.rlim_cur >= 4 ? (unsigned)limit.rlim_cur / 4 : 1;
}

static int prepare(struct scan *scan)
{
	scan->window = scan->places = places_allowed(control_client_window(*scan->client));
	scan->flights = calloc(scan->places, sizeof(*scan->flights));
	scan->walk = walk_new(&scan->request->walk);
	if (!scan->flights || !scan->walk)
		return failure_set(scan->failure, CLI_EXIT_NOT_ALL_SCANNED, "not enough memory");
	return 0;
}

int scan_run(struct control_client **client, const struct scan_request *request,
	     const struct scan_sink *sink, struct scan_tally *ret_tally,
	     struct failure *ret_failure)
{
	struct scan scan = {.client = client,
			    .request = request,
			    .sink = sink,
			    .tally = ret_tally,
			    .failure = ret_failure,
			    .begun = clock_mono_ms()};
	int r;

	*ret_tally = (struct scan_tally){0};
	r = prepare(&scan);
	if (r == 0)
		r = begin(&scan);
	if (r == 0) {
		r = scan_all(&scan);
		tick(&scan);
		if (r == 0 && !scan.gave_up)
			finish(&scan);
	}
	(void)walk_free(scan.walk);
	free(scan.flights);
	return r;
}
