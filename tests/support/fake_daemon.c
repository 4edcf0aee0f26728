/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_daemon: stands in for ampdaemon in tests of ampcli. Speaks proto/control.proto through shared/wire, judges a file by a
 * word in its first bytes (INFECTED, INCOMPLETE, ERROR, FAILED), and misbehaves as it is told.
 *
 * Usage: fake_daemon SOCKET [MODE [NUMBER]]
 *   honest           answers everything (default)
 *   slow MS          waits MS milliseconds before each answer
 *   mute             greets, begins a scan, answers no file
 *   silent           accepts and says nothing at all
 *   close N          closes the session after N answered files
 *   lie-id N         after N files answers for one that nobody asked about
 *   lie-bytes        answers a file with bytes that are no message
 *   lie-fd           sends a descriptor along
 *   refuse           refuses to begin a scan
 *   forbid           refuses with "not permitted"
 *   old              speaks another protocol version
 *   reconnect        leaves with the word Reconnect when it is greeted
 *   healthy          as honest; no fault is active, nothing unscannable, the definitions are new
 *   aged             as honest; the definitions are out of date
 *   store PATH       the definition store is there
 *   no-store         there is none
 *   built-in         the built-in set serves, no generation
 *   odd-store        its path has bytes that no terminal should see
 *   update N         an update ends with outcome N of base/update_outcome.h; 100 more: what it brought is rejected
 *   hangup           says how far a definition command is, and goes
 *   other            answers them with something else
 * RestartRequest, RecheckRequest and what changes definitions are for root, as with the real one; a restart ends the session.
 * Serves one session after another, each in a process of its own, until it is killed.
 */
#include "tests/support/fake_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/service_machine.h"
#include "base/definition_age.h"
#include "base/fault.h"
#include "base/text.h"
#include "io/packet.h"
#include "io/peer.h"
#include "wire/control_codec.h"

#define WINDOW 32
#define BUILT 1624397640
#define HISTORY_EVENTS 1200 /* more than two pages */

bool fake_is_mode(const struct fake *fake, const char *mode)
{
	return strcmp(fake->mode, mode) == 0;
}

void fake_send(const struct fake *fake, const struct reply *reply)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	ssize_t len = reply_encode(reply, packet, sizeof(packet));

	if (len < 0 || packet_send(fake->fd, packet, (size_t)len,
				   fake_is_mode(fake, "lie-fd") ? 0 : -1, 0) < 0)
		exit(0); /* the client has left */
}

void fake_refuse(const struct fake *fake, enum refusal_code code, const char *reason)
{
	struct reply reply = {.kind = REPLY_REFUSAL};

	reply.refusal.code = code;
	reply.refusal.reason = reason;
	fake_send(fake, &reply);
}

bool fake_is_for_root(const struct fake *fake)
{
	struct peer peer;

	if (!fake_is_mode(fake, "forbid") && peer_of_socket(fake->fd, &peer) == 0 && peer.uid == 0)
		return true;
	fake_refuse(fake, REFUSAL_NOT_PERMITTED, "only root may ask for this");
	return false;
}

static void judge(int fd, struct file_result *result)
{
	char head[64] = "";
	ssize_t len = pread(fd, head, sizeof(head) - 1, 0);
	struct stat st;

	result->verdict = VERDICT_CLEAN;
	result->bytes = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	head[len < 0 ? 0 : len] = '\0';
	if (strncmp(head, "INFECTED", 8) == 0) {
		result->verdict = VERDICT_INFECTED;
		result->threats[result->n_threats++] = "Amp.Test.Fake";
	} else if (strncmp(head, "INCOMPLETE", 10) == 0) {
		result->verdict = VERDICT_INCOMPLETE;
		result->reason = SCAN_REASON_LIMIT_FILE_SIZE;
	} else if (strncmp(head, "ERROR", 5) == 0) {
		result->verdict = VERDICT_ERROR;
		result->reason = SCAN_REASON_TEMP;
		result->detail = "no space left";
	} else if (strncmp(head, "FAILED", 6) == 0) {
		result->verdict = VERDICT_FAILED;
		result->reason = SCAN_REASON_DIED;
	}
}

static void answer_file(struct fake *fake, const struct request *request, int fd)
{
	struct reply reply = {.kind = REPLY_FILE_RESULT};
	struct file_result *result = &reply.file_result;

	if (fake_is_mode(fake, "mute"))
		return;
	if (fake_is_mode(fake, "slow"))
		(void)poll(NULL, 0, (int)fake->number);
	if (fake_is_mode(fake, "close") && fake->answered == fake->number)
		exit(0);
	if (fake_is_mode(fake, "lie-bytes")) {
		(void)packet_send(fake->fd, "\xff\xff\xff", 3, -1, 0); /* whatever becomes of it */
		return;
	}
	*result = (struct file_result){
		.file = request->scan_file.file, .detail = "", .generation = 7, .us = 1500};
	if (fake_is_mode(fake, "lie-id") && fake->answered == fake->number)
		result->file += 1000000;
	judge(fd, result);
	fake->answered++;
	fake->counts.files++;
	fake_send(fake, &reply);
}

static void answer_history(const struct fake *fake, const struct history_request *request)
{
	static struct event events[LIMIT_HISTORY_ROWS];
	uint64_t from = request->before ? request->before - 1 : HISTORY_EVENTS;
	struct reply reply = {.kind = REPLY_HISTORY};

	for (unsigned n = 0; n < 100 && n < request->limit && from > 0; n++, from--) {
		struct event *event = &events[reply.history.n_events++];

		*event = (struct event){.sequence = from,
					.utc_ms = 1893456000000 + from * 1000,
					.type = EVENT_THREAT_DETECTED,
					.body = EVENT_BODY_THREAT};
		event->threat.scan = 1;
		event->threat.path = span_of("/x/\033[31m\n\xff", 10);
		event->threat.threats[event->threat.n_threats++] = "Amp.Test.Fake";
	}
	reply.history.events = events;
	reply.history.more = from > 0;
	fake_send(fake, &reply);
}

#define BOOK_FILES 700 /* more than a page */
#define BOOK_PAGE 300

static void answer_unscannable(const struct fake *fake, uint32_t from, uint32_t limit)
{
	static struct unscannable_report files[BOOK_PAGE];
	static char paths[BOOK_PAGE][32];
	struct reply reply = {.kind = REPLY_UNSCANNABLE, .unscannable = {.files = files}};
	uint32_t total = fake_is_mode(fake, "healthy") ? 0 : BOOK_FILES;

	for (unsigned n = 0; n < BOOK_PAGE && n < limit && from < total; n++, from++) {
		(void)snprintf(paths[n], sizeof(paths[n]), "/x/%u\n\xff", (unsigned)from);
		files[n] = (struct unscannable_report){
			.path = span_of_text(paths[n]),
			.digest = span_of_text("0123456789abcdef0123456789abcdef"),
			.inode = from,
			.since_ms = 1893456000000,
			.cause = DEATH_CRASH};
		reply.unscannable.n_files++;
	}
	reply.unscannable.total = total;
	reply.unscannable.more = from < total;
	fake_send(fake, &reply);
}

static const struct fault_state active_fault = {
	.id = FAULT_SERVICE_RESTARTING,
	.active = true,
	.severity = FAULT_MAJOR,
	.raised_ms = 1893456000000,
	.seen_ms = 1893456001000,
	.count = 7,
	.detail = "7 failures in the last 10 min",
	.remedy = "Look at the files.",
	.reason = "",
};

static void answer_faults(const struct fake *fake, uint32_t id)
{
	struct reply reply = {.kind = REPLY_FAULTS};
	bool has_active = !fake_is_mode(fake, "healthy");

	if (id && !(id == active_fault.id && has_active)) {
		reply.faults.n_faults = 1;
		reply.faults.faults[0] = (struct fault_state){
			.id = id, .detail = "", .remedy = "Do that.", .reason = ""};
	} else if (has_active) {
		reply.faults.n_faults = 1;
		reply.faults.faults[0] = active_fault;
	}
	fake_send(fake, &reply);
}

static void answer_done(const struct fake *fake, const char *text)
{
	struct reply reply = {.kind = REPLY_DONE, .done = {.text = text}};

	if (fake_is_for_root(fake))
		fake_send(fake, &reply);
}

static void leave(const struct fake *fake)
{
	struct reply reply = {.kind = REPLY_RECONNECT, .reconnect = {.reason = "it was asked for"}};

	fake_send(fake, &reply);
	exit(0);
}

static void answer_status(const struct fake *fake)
{
	static struct reply reply = {.kind = REPLY_STATUS};
	struct status_report *status = &reply.status;

	*status = (struct status_report){
		.version = "0.0-fake",
		.n_files = 2,
		.files = {{.name = "test.cvd",
			   .accepted = true,
			   .reason = "",
			   .version = 6,
			   .signatures = 14,
			   .built = BUILT},
			  {.name = "daily.cvd", .reason = "its signature is wrong"}},
		.pid = (uint32_t)getpid(),
		.uptime_ms = 65000,
		.service_state = SERVICE_UP,
		.service_pid = 4711,
		.service_uid = 999,
		.service_user = "cisco-amp-scan-svc",
		.service_starts = 1,
		.service_reason = "",
		.engine = "ClamAV 1.4.6 (flevel 216)",
		.incarnation = 3,
		.generation = 7,
		.builtin = true,
		.signatures = 12,
		.journal_error = "",
		.journal_sequence = HISTORY_EVENTS};
	status->workers[status->n_workers++] =
		(struct worker_report){.worker = 1, .pid = 4712, .state = WORKER_SPARE};
	status->walls[status->n_walls++] = (struct wall_report){WALL_SECCOMP, WALL_STATE_UP, ""};
	status->walls[status->n_walls++] =
		(struct wall_report){WALL_LANDLOCK, WALL_STATE_MISSING, "no such kernel option"};
	status->notices[status->n_notices++] = "this is a stand-in";
	if (fake_is_mode(fake, "healthy") || fake_is_mode(fake, "aged")) {
		status->definitions_built = BUILT;
		status->age_limit_s = 259200;
		status->age_state =
			fake_is_mode(fake, "aged") ? DEFINITION_AGE_OLD : DEFINITION_AGE_OK;
	}
	if (!fake_is_mode(fake, "healthy")) {
		status->faults[status->n_faults++] = active_fault;
		status->standby_wanted = true;
		status->unscannable = BOOK_FILES;
	}
	fake_send(fake, &reply);
}

static void greet(const struct fake *fake)
{
	struct reply reply = {.kind = REPLY_HELLO};

	if (fake_is_mode(fake, "reconnect"))
		leave(fake);
	reply.hello.protocol =
		fake_is_mode(fake, "old") ? CONTROL_PROTOCOL_VERSION + 1 : CONTROL_PROTOCOL_VERSION;
	reply.hello.version = "0.0-fake";
	reply.hello.window = WINDOW;
	fake_send(fake, &reply);
}

static void begin(struct fake *fake)
{
	struct reply reply = {.kind = REPLY_SCAN_BEGUN};

	if (fake_is_mode(fake, "refuse")) {
		fake_refuse(fake, REFUSAL_UNAVAILABLE, "no scan is possible today");
		return;
	}
	if (fake_is_mode(fake, "forbid")) {
		fake_refuse(fake, REFUSAL_NOT_PERMITTED, "you may not");
		return;
	}
	fake->counts = (struct scan_counts){.scan = 1};
	reply.scan_begun.scan = 1;
	fake_send(fake, &reply);
}

static void answer(struct fake *fake, const struct request *request, int fd)
{
	struct reply reply = {.kind = REPLY_SCAN_SUMMARY};

	switch (request->kind) {
	case REQUEST_HELLO:
		greet(fake);
		break;
	case REQUEST_STATUS:
		answer_status(fake);
		break;
	case REQUEST_SCAN_BEGIN:
		begin(fake);
		break;
	case REQUEST_SCAN_FILE:
		answer_file(fake, request, fd);
		break;
	case REQUEST_SCAN_END:
		reply.scan_summary = fake->counts;
		fake_send(fake, &reply);
		break;
	case REQUEST_HISTORY:
		answer_history(fake, &request->history);
		break;
	case REQUEST_FAULTS:
		answer_faults(fake, request->faults.id);
		break;
	case REQUEST_UNSCANNABLE:
		answer_unscannable(fake, request->unscannable.from, request->unscannable.limit);
		break;
	case REQUEST_RESTART:
		answer_done(fake, "the stand-in restarts");
		leave(fake);
		break;
	case REQUEST_RECHECK:
		answer_done(fake, "it is looked at again");
		break;
	case REQUEST_CHECK_BEGIN:
	case REQUEST_CHECK_FILE:
	case REQUEST_CHECK_END:
	case REQUEST_GENERATIONS:
	case REQUEST_ROLLBACK:
	case REQUEST_UPDATE:
		fake_definitions_answer(fake, request, fd);
		break;
	}
}

static void serve(struct fake *fake)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	struct packet_meta meta;
	struct request request;
	const char *why;
	ssize_t len;

	fake->arena = wire_arena_new();
	while ((len = packet_receive(fake->fd, packet, sizeof(packet), 0, &meta)) > 0) {
		if (fake_is_mode(fake, "silent"))
			continue;
		if (request_decode(fake->arena, packet, (size_t)len, &request, &why) < 0) {
			(void)fprintf(stderr, "fake_daemon: %s\n", why);
			exit(1);
		}
		answer(fake, &request, meta.fd);
		if (meta.fd >= 0)
			close(meta.fd);
	}
	exit(0);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)unlink(path); /* of an earlier run */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(path, 0666) != 0 || listen(fd, 64) != 0) {
		perror("fake_daemon");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct fake fake = {.mode = argc > 2 ? argv[2] : "honest",
			    .word = argc > 3 ? argv[3] : "",
			    .number = argc > 3 ? strtoul(argv[3], NULL, 10) : 0};
	int listener;

	if (argc < 2)
		return 3;
	listener = listen_at(argv[1]);
	(void)signal(SIGCHLD, SIG_IGN); /* nobody waits for the sessions */
	while ((fake.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR) {
		if (fake.fd >= 0 && fork() == 0) {
			close(listener);
			serve(&fake);
		}
		close(fake.fd);
	}
	return 1;
}
