/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampscansvc/canary.h"
#include "ampscansvc/core/verdict_rule.h"
#include "ampscansvc/exhaustion.h"
#include "ampscansvc/last_words.h"
#include "ampscansvc/wall_probe.h"
#include "base/exit_code.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/fd_kind.h"
#include "io/packet.h"
#include "wire/scan_codec.h"
#include "wire/session_rules.h"

#define WORKER_FD 3     /* the only descriptor beside 0 to 2 */
#define SCAN_ATTEMPTS 2 /* a file that changes twice while it is read is not waited for */

struct worker {
	const struct worker_birth *birth;
	struct wall_book walls;
	struct wire_arena *arena;
	struct session session;
	uint32_t jobs_since_canary;
	unsigned next_canary;
	bool is_doubtful; /* something was refused: a canary before the next job */
	uint8_t packet[LIMIT_PACKET_BYTES];
};

/* What one look at one file brought. */
struct sight {
	struct scan_seen seen;
	struct engine_answer answer;
	struct exhaustion_note note;
	uint64_t bytes;
};

static void send_up(struct worker *worker, struct from_worker *message)
{
	ssize_t len;

	message->incarnation = worker->birth->incarnation;
	message->worker = worker->birth->worker;
	len = from_worker_encode(message, worker->packet, sizeof(worker->packet));
	if (len < 0)
		_exit(EXIT_CODE_INTERNAL);
	if (packet_send(WORKER_FD, worker->packet, (size_t)len, -1, 0) < 0)
		_exit(EXIT_CODE_CHANNEL);
}

_Noreturn static void resign(struct worker *worker, enum worker_reason reason, enum exit_code code,
			     const char *detail)
{
	struct from_worker message = {.kind = FROM_WORKER_NOTICE,
				      .notice = {.reason = reason, .detail = detail}};

	send_up(worker, &message);
	_exit(code);
}

static void greet(struct worker *worker, uint64_t canary_us)
{
	struct from_worker message = {.kind = FROM_WORKER_HELLO};

	message.hello.n_walls = walls_report(&worker->walls, message.hello.walls);
	message.hello.canaries = canary_count();
	message.hello.canary_us = (uint32_t)canary_us;
	send_up(worker, &message);
}

/* Everything the parent had open goes, before anything else. */
static int keep_only(int channel)
{
	if (dup2(channel, WORKER_FD) < 0)
		return -errno;
	return close_range(WORKER_FD + 1, ~0u, 0) < 0 ? -errno : 0;
}

static int wall_in(const struct worker_birth *birth, struct wall_book *book)
{
	static const int expected[] = {WORKER_FD};

	*book = *birth->walls;
	/* The parent may have died before the signal was asked for. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != birth->parent)
		return -ESRCH;
	wall_probe_descriptors(expected, 1, book);
	return walls_build_worker(&birth->slot, birth->vm_bytes, book);
}

static unsigned seed(const struct worker_birth *birth)
{
	return (unsigned)(birth->worker * 2654435761u ^ clock_mono_us() ^ birth->incarnation << 16);
}

_Noreturn void worker_prove(const struct worker_birth *birth, int why_pipe)
{
	char why[LIMIT_DETAIL_BYTES] = "";
	struct wall_book book;
	int code = EXIT_CODE_OK;
	uint64_t calls;
	size_t at = 0;

	if (keep_only(why_pipe) < 0 || wall_in(birth, &book) < 0 ||
	    walls_fatal(&book) != WALL_COUNT)
		_exit(EXIT_CODE_WALLS);
	if (engine_use_temp(birth->engine, birth->slot.path, seed(birth)) < 0)
		_exit(EXIT_CODE_MEMORY);
	calls = exhaustion_calls();
	if (canary_check_all(birth->engine, why) < 0) {
		code = EXIT_CODE_CANARY;
	} else if (calls == exhaustion_calls()) {
		/* Linked otherwise than meant: a refusal would not be seen, and clean could be a lie. */
		code = EXIT_CODE_CANARY;
		text_append(why, sizeof(why), &at,
			    "libclamav's calls do not pass through exhaustion.c");
	}
	(void)!write(WORKER_FD, why, strlen(why)); /* without it the code alone says enough */
	_exit(code);
}

static bool is_same(const struct stat *before, const struct stat *after)
{
	return before->st_size == after->st_size &&
	       before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
	       before->st_mtim.tv_nsec == after->st_mtim.tv_nsec &&
	       before->st_ctim.tv_sec == after->st_ctim.tv_sec &&
	       before->st_ctim.tv_nsec == after->st_ctim.tv_nsec;
}

/* The slot as the scan found or left it; what lies about is removed, so that one file cannot starve the next. */
static bool is_temp_sound(const struct temp_slot *slot)
{
	bool is_used;

	if (temp_slot_check(slot, &is_used) < 0)
		return false;
	if (!is_used)
		return true;
	(void)temp_slot_wipe(slot); /* what cannot be removed shows in the room */
	return temp_slot_has_room(slot) == 0;
}

static void run_engine(struct worker *worker, int fd, struct sight *sight)
{
	if (!is_temp_sound(&worker->birth->slot)) {
		sight->seen.temp_broken = true;
		return;
	}
	exhaustion_watch(fd, sight->bytes);
	last_words_enter(SCAN_PHASE_SCAN);
	engine_scan_file(worker->birth->engine, fd, &sight->answer);
	last_words_enter(SCAN_PHASE_CHECK);
	sight->note = exhaustion_seen();
	exhaustion_watch(-1, 0);
	sight->seen.answer = sight->answer.answer;
	sight->seen.limit = sight->answer.limit;
	sight->seen.name = sight->answer.name;
	sight->seen.complained = sight->answer.complained;
	sight->seen.read_refused = sight->note.read;
	sight->seen.temp_refused = sight->note.temp;
	sight->seen.resource_refused = sight->note.resource;
	sight->seen.temp_broken = !is_temp_sound(&worker->birth->slot);
}

static void look(struct worker *worker, int fd, struct sight *ret_sight)
{
	struct stat before, after;

	memset(ret_sight, 0, sizeof(*ret_sight));
	if (fstat(fd, &before) < 0) {
		ret_sight->seen.read_refused = true;
		return;
	}
	ret_sight->bytes = (uint64_t)before.st_size;
	ret_sight->seen.too_large = ret_sight->bytes > engine_max_file_bytes(worker->birth->engine);
	if (!ret_sight->seen.too_large && ret_sight->bytes > 0)
		run_engine(worker, fd, ret_sight);
	ret_sight->seen.changed = fstat(fd, &after) < 0 || !is_same(&before, &after);
}

static void describe(const struct sight *sight, enum scan_reason reason,
		     char detail[LIMIT_DETAIL_BYTES])
{
	size_t at = 0;

	detail[0] = '\0';
	if (reason == SCAN_REASON_NONE || sight->seen.too_large)
		return;
	if (sight->note.call)
		text_append(detail, LIMIT_DETAIL_BYTES, &at, "%s: %s", sight->note.call,
			    strerror(sight->note.error));
	else if (sight->answer.message[0])
		text_append(detail, LIMIT_DETAIL_BYTES, &at, "%s", sight->answer.message);
	else if (sight->answer.name[0])
		text_append(detail, LIMIT_DETAIL_BYTES, &at, "%s", sight->answer.name);
}

static void answer(struct worker *worker, uint64_t job, const struct sight *sight, uint64_t us)
{
	struct verdict_decision decision = verdict_rule_decide(&sight->seen);
	char detail[LIMIT_DETAIL_BYTES];
	struct from_worker message = {
		.kind = FROM_WORKER_RESULT,
		.result = {.job = job,
			   .verdict = decision.verdict,
			   .reason = decision.reason,
			   .detail = detail,
			   .bytes = sight->bytes,
			   .scan_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us},
	};

	last_words_enter(SCAN_PHASE_ANSWER);
	describe(sight, decision.reason, detail);
	if (decision.verdict == VERDICT_INFECTED) {
		message.result.n_threats = 1;
		message.result.threats[0] = sight->answer.name;
	}
	send_up(worker, &message);
}

static void scan(struct worker *worker, uint64_t job, int fd)
{
	uint64_t begin = clock_mono_us(), bytes;
	struct sight sight = {0};

	last_words_enter(SCAN_PHASE_PREPARE);
	last_words_note_content("", 0);
	if (fd_is_readable_file(fd, &bytes) < 0)
		sight.seen.read_refused = true;
	else
		for (int i = 0; i < SCAN_ATTEMPTS && (i == 0 || sight.seen.changed); i++)
			look(worker, fd, &sight);
	answer(worker, job, &sight, clock_mono_us() - begin);
	worker->is_doubtful = sight.note.temp;
	/* A limit that is too low, or what was leaked, goes with this process: the next one starts whole. */
	if (sight.note.resource)
		resign(worker, WORKER_REASON_RESOURCE, EXIT_CODE_MEMORY,
		       "a file could not be scanned with what is left");
	if (sight.seen.temp_broken)
		resign(worker, WORKER_REASON_TEMP, EXIT_CODE_TEMP,
		       "the temporary storage was replaced, closed or filled");
}

/* A CLEAN is only as good as the last canary: the job in hand is not scanned without. */
static void prove_sight(struct worker *worker, uint64_t job)
{
	char why[LIMIT_DETAIL_BYTES] = "";
	struct from_worker message = {
		.kind = FROM_WORKER_RESULT,
		.result = {.job = job,
			   .verdict = VERDICT_ERROR,
			   .reason = SCAN_REASON_CANARY,
			   .detail = why},
	};
	uint32_t every = worker->birth->canary_every;
	bool is_due = every && ++worker->jobs_since_canary >= every;

	if (!is_due && !worker->is_doubtful)
		return;
	worker->jobs_since_canary = 0;
	last_words_enter(SCAN_PHASE_CANARY);
	if (worker->is_doubtful
		    ? canary_check_all(worker->birth->engine, why) == 0
		    : canary_check(worker->birth->engine, worker->next_canary++, why) == 0) {
		worker->is_doubtful = false;
		return;
	}
	send_up(worker, &message);
	resign(worker, WORKER_REASON_CANARY, EXIT_CODE_CANARY, why);
}

static void serve(struct worker *worker)
{
	struct packet_meta meta;
	struct scan_job job;
	const char *why;
	ssize_t len;

	last_words_enter(SCAN_PHASE_IDLE);
	last_words_take_job(0);
	do
		len = packet_receive(WORKER_FD, worker->packet, sizeof(worker->packet), 0, &meta);
	while (len == -EINTR);
	if (len == 0)
		_exit(EXIT_CODE_OK);
	if (len < 0)
		_exit(EXIT_CODE_CHANNEL);
	if (scan_job_decode(worker->arena, worker->packet, (size_t)len, &job, &why) < 0 ||
	    session_admit(&worker->session, 1, meta.fd >= 0, &why) < 0)
		_exit(EXIT_CODE_PROTOCOL);
	last_words_take_job(job.job);
	prove_sight(worker, job.job);
	scan(worker, job.job, meta.fd);
	close(meta.fd);
}

_Noreturn static void serve_for_ever(struct worker *worker)
{
	session_init(&worker->session, &rules_to_worker);
	for (;;)
		serve(worker);
}

_Noreturn void worker_run(const struct worker_birth *birth)
{
	static struct worker worker; /* its packet is large; one per process */
	char why[LIMIT_DETAIL_BYTES] = "";
	uint64_t begin;

	last_words_begin(birth->worker);
	if (keep_only(birth->channel) < 0)
		_exit(EXIT_CODE_CHANNEL);
	worker.birth = birth;
	worker.arena = wire_arena_new();
	if (!worker.arena)
		_exit(EXIT_CODE_MEMORY);
	if (wall_in(birth, &worker.walls) < 0 || walls_fatal(&worker.walls) != WALL_COUNT)
		resign(&worker, WORKER_REASON_WALL, EXIT_CODE_WALLS,
		       "a wall of the worker could not be put up");
	if (engine_use_temp(birth->engine, birth->slot.path, seed(birth)) < 0)
		resign(&worker, WORKER_REASON_RESOURCE, EXIT_CODE_MEMORY, "no memory");
	if (!is_temp_sound(&birth->slot))
		resign(&worker, WORKER_REASON_TEMP, EXIT_CODE_TEMP,
		       "the temporary storage cannot be used");
	begin = clock_mono_us();
	last_words_enter(SCAN_PHASE_CANARY);
	engine_watch(birth->engine, last_words_note_content);
	if (canary_check_all(birth->engine, why) < 0)
		resign(&worker, WORKER_REASON_CANARY, EXIT_CODE_CANARY, why);
	greet(&worker, clock_mono_us() - begin);
	serve_for_ever(&worker);
}
