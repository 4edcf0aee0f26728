/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_definitions: the stand-in's definitions. Generations 10 (last-good) and 11 (active), one put aside, one set rejected. A file that begins
 * with DAMAGED is refused, and the set with it; a forced import has a signature more; there is no generation 77 to go back to, and 76 does not come up.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/definition_age.h"
#include "base/update_outcome.h"
#include "tests/support/fake_daemon.h"

#define ODD_ROOT "/x/\033[31m\n\xff"
#define REJECTED 100 /* mode update: added to the outcome */

static struct reply verdict_reply;

static void say_progress(const struct fake *fake, const char *text, uint64_t done, uint64_t total)
{
	const struct reply reply = {.kind = REPLY_PROGRESS,
				    .progress = {.text = text, .done = done, .total = total}};

	fake_send(fake, &reply);
	if (fake_is_mode(fake, "slow"))
		(void)poll(NULL, 0, (int)fake->number);
}

static void say_progresses(const struct fake *fake)
{
	say_progress(fake, "the trial", 0, 0);
	say_progress(fake, "daily from the stand-in", 1u << 20, 3u << 20);
	say_progress(
		fake,
		"a text that is wider than most terminals are: 0123456789 0123456789 0123456789",
		512, 0);
}

/* What is waited for for long: 0 when the answer may follow. */
static int begin_answer(const struct fake *fake)
{
	struct reply other = {.kind = REPLY_DONE, .done = {.text = "that is done"}};

	if (fake_is_mode(fake, "refuse")) {
		fake_refuse(fake, REFUSAL_UNAVAILABLE, "an update: trial is under way");
		return -1;
	}
	if (!fake_is_for_root(fake))
		return -1;
	say_progresses(fake);
	if (fake_is_mode(fake, "hangup"))
		exit(0);
	if (!fake_is_mode(fake, "other"))
		return 0;
	fake_send(fake, &other);
	return -1;
}

static void begin_check(const struct fake *fake, const struct request *request)
{
	bool is_import = request->check_begin.is_import;
	const struct reply done = {.kind = REPLY_DONE, .done = {.text = "files are taken"}};

	if (!fake_is_for_root(fake))
		return;
	verdict_reply = (struct reply){
		.kind = REPLY_CHECK_VERDICT,
		.check_verdict = {.passed = true,
				  .reason = "",
				  .signatures = request->check_begin.is_forced ? 15 : 14,
				  .engine_bytes = 1u << 20,
				  .load_ms = 1500,
				  .generation = is_import ? 12 : 0}};
	fake_send(fake, &done);
}

static void take_file(const struct request *request, int fd)
{
	static char names[LIMIT_DEFINITION_FILES][LIMIT_NAME_BYTES + 1];
	struct check_verdict *verdict = &verdict_reply.check_verdict;
	struct definition_file *file = &verdict->files[verdict->n_files];
	char head[8] = "";

	(void)!pread(fd, head, sizeof(head) - 1, 0);
	(void)snprintf(names[verdict->n_files], sizeof(names[0]), "%s", request->check_file.name);
	*file = (struct definition_file){.name = names[verdict->n_files++],
					 .accepted = strcmp(head, "DAMAGED") != 0,
					 .reason = "",
					 .origin = request->check_file.custom
							   ? DEFINITION_ORIGIN_CUSTOM
							   : DEFINITION_ORIGIN_OFFICIAL,
					 .database = ""};
	if (file->accepted)
		return;
	file->reason = "it is damaged";
	verdict->passed = false;
	verdict->reason = "the trial refused it";
	verdict->generation = 0;
}

static void answer_rollback(const struct fake *fake, uint64_t generation)
{
	struct reply reply = {.kind = REPLY_CHECK_VERDICT,
			      .check_verdict = {.passed = generation != 76,
						.reason = "",
						.generation = generation ? generation : 10}};

	if (generation == 77) {
		fake_refuse(fake, REFUSAL_STATE, "there is no generation 77");
		return;
	}
	if (generation == 76) {
		reply.check_verdict.reason = "the scan service did not come up with it";
		reply.check_verdict.generation = 0;
	}
	if (!begin_answer(fake))
		fake_send(fake, &reply);
}

static void answer_update(const struct fake *fake)
{
	struct reply reply = {.kind = REPLY_UPDATE_VERDICT,
			      .update_verdict = {.reason = "daily 27001 from the stand-in",
						 .generation = 12,
						 .bytes = 3u << 20}};

	if (fake_is_mode(fake, "update")) {
		reply.update_verdict =
			(struct update_verdict){.outcome = (uint32_t)(fake->number % REJECTED),
						.is_rejected = fake->number >= REJECTED,
						.reason = "the stand-in was told to say so"};
	}
	if (!begin_answer(fake))
		fake_send(fake, &reply);
}

static const uint8_t digest[LIMIT_DIGEST_BYTES] = {0x0a, 0xff};

#define DIGEST                                                                                     \
	{                                                                                          \
		.data = digest, .len = sizeof(digest)                                              \
	}

static const struct generations_report kept = {
	.in_charge = true,
	.active = 11,
	.last_good = 10,
	.probation_left_ms = 60000,
	.candidate = "an update: trial",
	.store_bytes = 5u << 20,
	.n_generations = 3,
	.generations = {{.number = 12, .is_bad = true, .digest = DIGEST},
			{.number = 11,
			 .is_active = true,
			 .digest = DIGEST,
			 .signatures = 4000014,
			 .bytes = 3u << 20,
			 .built = 1624397640,
			 .n_databases = 2,
			 .databases = {{"daily", 27001}, {"main", 62}}},
			{.number = 10, .is_good = true, .digest = DIGEST, .bytes = 2u << 20}},
	.n_rejected = 1,
	.rejected = {{.digest = DIGEST, .utc_ms = 1893456000000, .reason = "no signature"}},
	.age_state = DEFINITION_AGE_OLD,
	.age_limit_s = 259200,
	.updates_on = true,
	.last_check_ms = 1893456000000,
	.last_outcome = UPDATE_UNREACHABLE,
	.last_reason = "no mirror answers",
	.next_check_ms = 1893459600000,
};

static void answer_generations(const struct fake *fake)
{
	struct reply reply = {.kind = REPLY_GENERATIONS, .generations = kept};
	struct span *root = &reply.generations.root;

	*root = span_of_text("/var/lib/amp/definitions");
	if (fake_is_mode(fake, "other"))
		reply = (struct reply){.kind = REPLY_DONE, .done = {.text = "that is done"}};
	else if (fake_is_mode(fake, "odd-store"))
		*root = span_of_text(ODD_ROOT);
	else if (fake_is_mode(fake, "store"))
		*root = span_of_text(fake->word);
	else if (fake_is_mode(fake, "built-in"))
		reply.generations.active = 0;
	else if (fake_is_mode(fake, "no-store"))
		reply.generations = (struct generations_report){.candidate = "", .last_reason = ""};
	fake_send(fake, &reply);
}

void fake_definitions_answer(const struct fake *fake, const struct request *request, int fd)
{
	if (request->kind == REQUEST_CHECK_BEGIN)
		begin_check(fake, request);
	else if (request->kind == REQUEST_CHECK_FILE)
		take_file(request, fd);
	else if (request->kind == REQUEST_ROLLBACK)
		answer_rollback(fake, request->rollback.generation);
	else if (request->kind == REQUEST_UPDATE)
		answer_update(fake);
	else if (request->kind == REQUEST_GENERATIONS)
		answer_generations(fake);
	else if (!begin_answer(fake))
		fake_send(fake, &verdict_reply);
}
