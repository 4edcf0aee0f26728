/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ampupdater/incoming.h"
#include "base/exit_code.h"
#include "io/clock.h"
#include "io/packet.h"

/* Of the permitted size, at once: what is there, what comes, what both are unpacked to, what is made of them. */
#define MOST_FILES 4

static const char *const endings[] = {".cvd", ".cld"};

struct check {
	const struct update_start *start;
	struct fetch *fetch;
	mono_ms until;
	unsigned order[LIMIT_MIRRORS];  /* in which mirrors are asked */
	uint32_t wait_s[LIMIT_MIRRORS]; /* they told us so in this check */
	unsigned database, mirror;      /* of the attempt */
	unsigned n_to_ask;              /* mirrors for this database, this one included */
	unsigned updated;
	enum update_outcome
		failure; /* of the first database that could not be had; else UPDATE_NOTHING_NEW */
	bool has_hung_up;
};

/* ---- words to the daemon ---- */

static int say_with(const struct from_updater *message, int flags)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	ssize_t len = from_updater_encode(message, packet, sizeof(packet));

	return len < 0 ? (int)len : packet_send(UPDATE_FD_CHANNEL, packet, (size_t)len, -1, flags);
}

static int say(const struct from_updater *message)
{
	return say_with(message, 0);
}

int check_say_failed(int code, const char *reason)
{
	const struct from_updater message = {.kind = FROM_UPDATER_FAILED,
					     .failed = {.code = (uint32_t)code, .reason = reason}};

	(void)say(&message); /* the exit status says the same */
	return code;
}

int check_say_hello(const struct update_hello *hello)
{
	const struct from_updater message = {.kind = FROM_UPDATER_HELLO, .hello = *hello};

	return say(&message);
}

static void say_progress(void *owner)
{
	const struct check *check = owner;
	const struct from_updater message = {
		.kind = FROM_UPDATER_PROGRESS,
		.progress = {.database = check->database,
			     .mirror = check->mirror,
			     .bytes = incoming_pending(UPDATE_FD_INCOMING, check->start)},
	};

	/* A channel that has ended is seen by the watch, and one that is full must not hold it up. */
	(void)say_with(&message, MSG_DONTWAIT);
}

static bool is_within(void *owner)
{
	const struct check *check = owner;
	uint64_t most;

	if (__builtin_mul_overflow(check->start->max_file_bytes, MOST_FILES, &most))
		most = UINT64_MAX;
	return incoming_is_within(UPDATE_FD_INCOMING, most);
}

static void say_attempt(struct check *check, struct update_attempt *attempt)
{
	struct from_updater message = {.kind = FROM_UPDATER_ATTEMPT};

	attempt->database = check->database;
	attempt->mirror = check->mirror;
	message.attempt = *attempt;
	if (say(&message) < 0)
		check->has_hung_up = true;
}

/* ---- the state of `incoming` ---- */

struct present {
	bool is_there[2]; /* per ending */
	uint64_t bytes[2];
};

static struct present look(const char *name)
{
	struct present present = {{false}, {0}};

	for (unsigned i = 0; i < 2; i++)
		present.is_there[i] =
			incoming_has(UPDATE_FD_INCOMING, name, endings[i], &present.bytes[i]);
	return present;
}

static int drop(const char *name)
{
	int first = incoming_drop(UPDATE_FD_INCOMING, name, endings[0]);
	int second = incoming_drop(UPDATE_FD_INCOMING, name, endings[1]);

	return first < 0 ? first : second;
}

/* Both at once are no state in which the daemon or the library leaves them: then nothing is known of either. */
static int begin_clean(const struct update_start *start)
{
	int result = incoming_sweep(UPDATE_FD_INCOMING, start);

	for (unsigned i = 0; i < start->n_databases && result == 0; i++) {
		struct present present = look(start->databases[i]);

		if (present.is_there[0] && present.is_there[1])
			result = drop(start->databases[i]);
	}
	return result;
}

/* The library's child may have died between the two steps of a replacement. */
static void undo(const char *name, const struct present *before)
{
	struct present now = look(name);

	for (unsigned i = 0; i < 2; i++) {
		if (now.is_there[i] && !before->is_there[i])
			(void)incoming_drop(UPDATE_FD_INCOMING, name,
					    endings[i]); /* the next birth begins clean */
	}
}

/* Which of the two is the new one: the only one, or the one that was not there before. */
static int find_new(const char *name, const struct present *before, struct present *ret_now)
{
	*ret_now = look(name);
	if (ret_now->is_there[0] != ret_now->is_there[1])
		return ret_now->is_there[0] ? 0 : 1;
	if (!ret_now->is_there[0])
		return -ENOENT;
	return before->is_there[0] ? 1 : 0;
}

/* The attempt says that a newer file is there: let it be so on the disk, and alone. */
static void settle(const char *name, const struct present *before, struct update_attempt *attempt,
		   char file[LIMIT_DATABASE_BYTES + 5])
{
	struct present now;
	int i = find_new(name, before, &now);
	int result = i < 0 ? i : incoming_drop(UPDATE_FD_INCOMING, name, endings[1 - i]);

	if (result == 0)
		result = incoming_sync(UPDATE_FD_INCOMING, name, endings[i]);
	if (result < 0 || now.bytes[i] == 0) {
		attempt->outcome =
			result == -ENOENT || result == 0 ? UPDATE_FAILED : UPDATE_NO_SPACE;
		attempt->detail = result < 0 ? strerror(-result) : "the new file is empty";
		attempt->version = 0;
		undo(name, before);
		return;
	}
	(void)snprintf(file, LIMIT_DATABASE_BYTES + 5, "%s%s", name, endings[i]); /* fits */
	attempt->file = file;
	attempt->bytes = now.bytes[i];
}

/* ---- one mirror, one database ---- */

/* One slow mirror must not use up the time of all: each gets its share of what is left. */
static mono_ms end_of_attempt(const struct check *check)
{
	mono_ms now = clock_mono_ms();

	return check->until <= now ? check->until
				   : mono_add(now, (check->until - now) / check->n_to_ask);
}

/* Somebody else has the rest of the time. */
static void blame_slow(const struct check *check, struct fetch_report *report)
{
	if (report->verdict.outcome != UPDATE_LATE || check->n_to_ask < 2)
		return;
	report->verdict.outcome = UPDATE_STALLED;
	(void)snprintf(report->verdict.detail, sizeof(report->verdict.detail), "%s",
		       "too slow: the other mirrors need the rest of the time"); /* fits */
}

/* The library does not say what a proxy answers. */
static void hint_at_proxy(const struct check *check, struct fetch_report *report)
{
	static const char hint[] = "; or the proxy refuses (password, rule)";
	struct transfer_verdict *verdict = &report->verdict;
	size_t at = strnlen(verdict->detail, sizeof(verdict->detail) - sizeof(hint));

	if (verdict->outcome == UPDATE_CUT && check->start->proxy.url[0])
		memcpy(verdict->detail + at, hint, sizeof(hint));
}

static enum fetch_end ask(struct check *check, struct fetch_report *ret_report)
{
	const struct fetch_watch watch = {.channel = UPDATE_FD_CHANNEL,
					  .until = end_of_attempt(check),
					  .tick = say_progress,
					  .is_within = is_within,
					  .owner = check};
	struct fresh_order order = {.start = check->start,
				    .database = check->database,
				    .mirror = check->mirror,
				    .whole = false};
	enum fetch_end end = fetch_run(check->fetch, &order, &watch, ret_report);
	struct fetch_report whole;

	/* Private mirrors often have no differences. What was taken by those that there are stays when the whole file cannot be had. */
	if (end != FETCH_DONE || !ret_report->verdict.wants_whole)
		return end;
	order.whole = true;
	end = fetch_run(check->fetch, &order, &watch, &whole);
	if (whole.verdict.outcome == UPDATE_UPDATED ||
	    ret_report->verdict.outcome != UPDATE_UPDATED)
		*ret_report = whole;
	return end;
}

static enum update_outcome attempt_now(struct check *check)
{
	const char *name = check->start->databases[check->database];
	struct present before = look(name);
	char file[LIMIT_DATABASE_BYTES + 5];
	struct fetch_report report;
	struct update_attempt attempt = {.file = ""};
	int swept;

	check->has_hung_up |= ask(check, &report) == FETCH_HUNG_UP;
	blame_slow(check, &report);
	hint_at_proxy(check, &report);
	swept = incoming_sweep(UPDATE_FD_INCOMING, check->start);
	if (check->has_hung_up) {
		undo(name, &before);
		return UPDATE_FAILED;
	}
	attempt.outcome = report.verdict.outcome;
	attempt.detail = report.verdict.detail;
	attempt.wait_s = report.wait_s;
	attempt.version = report.version;
	check->wait_s[check->mirror] = report.wait_s;
	if (attempt.outcome == UPDATE_UPDATED)
		settle(name, &before, &attempt, file);
	else if (!report.is_same)
		undo(name, &before);
	if (report.is_spoilt)
		swept = drop(name) < 0 ? -EIO : swept;
	if (swept < 0 && update_outcome_is_success(attempt.outcome))
		attempt.detail = "something was left behind that cannot be removed";
	say_attempt(check, &attempt);
	return attempt.outcome;
}

static enum update_outcome attempt_or_not(struct check *check)
{
	struct update_attempt attempt = {.file = ""};

	if (clock_mono_ms() >= check->until) {
		attempt.outcome = UPDATE_LATE;
		attempt.detail = "it was not begun";
	} else if (check->wait_s[check->mirror]) {
		attempt.outcome = UPDATE_WAIT;
		attempt.wait_s = check->wait_s[check->mirror];
		attempt.detail = "it was not asked again";
	} else {
		return attempt_now(check);
	}
	say_attempt(check, &attempt);
	return attempt.outcome;
}

/* A mirror that failed is asked last from now on. */
static void put_last(struct check *check, unsigned place)
{
	unsigned mirror = check->order[place], n = check->start->n_mirrors;

	memmove(&check->order[place], &check->order[place + 1],
		(n - place - 1) * sizeof(check->order[0]));
	check->order[n - 1] = mirror;
}

/* Those that told us to wait take no time. */
static unsigned to_ask(const struct check *check, const unsigned *order, unsigned from)
{
	unsigned n = 1;

	for (unsigned i = from + 1; i < check->start->n_mirrors; i++)
		n += check->wait_s[order[i]] == 0;
	return n;
}

static enum update_outcome check_database(struct check *check)
{
	unsigned order[LIMIT_MIRRORS];
	enum update_outcome outcome = UPDATE_FAILED;

	memcpy(order, check->order, sizeof(order));
	for (unsigned i = 0; i < check->start->n_mirrors && !check->has_hung_up; i++) {
		check->mirror = order[i];
		check->n_to_ask = to_ask(check, order, i);
		outcome = attempt_or_not(check);
		if (!update_outcome_is_of_mirror(outcome))
			break;
		for (unsigned place = 0; place < check->start->n_mirrors; place++) {
			if (check->order[place] == order[i]) {
				put_last(check, place);
				break;
			}
		}
	}
	return outcome;
}

static int finish(const struct check *check)
{
	struct from_updater message = {.kind = FROM_UPDATER_FINISHED};
	bool all_well = check->failure == UPDATE_NOTHING_NEW;

	message.finished.outcome = all_well && check->updated ? UPDATE_UPDATED : check->failure;
	message.finished.updated = check->updated;
	if (say(&message) < 0)
		return EXIT_CODE_CHANNEL;
	return update_outcome_exit(message.finished.outcome);
}

int check_run(const struct update_start *start, struct fetch *fetch)
{
	struct check check = {.start = start,
			      .fetch = fetch,
			      .until = mono_add(clock_mono_ms(), start->deadline_ms),
			      .failure = UPDATE_NOTHING_NEW};
	int result = begin_clean(start);

	if (result < 0)
		return check_say_failed(EXIT_CODE_INTERNAL,
					"the incoming directory cannot be cleaned");
	for (unsigned i = 0; i < LIMIT_MIRRORS; i++)
		check.order[i] = i;
	for (; check.database < start->n_databases && !check.has_hung_up; check.database++) {
		enum update_outcome outcome = check_database(&check);

		if (outcome == UPDATE_UPDATED)
			check.updated++;
		else if (check.failure == UPDATE_NOTHING_NEW)
			check.failure = outcome;
	}
	return check.has_hung_up ? EXIT_CODE_OK : finish(&check);
}
