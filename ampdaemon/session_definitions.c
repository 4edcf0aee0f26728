/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/session_definitions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/refusal.h"
#include "io/clock.h"
#include "io/fd_kind.h"
#include "io/late_close.h"

/* ---- requests ---- */

static int hear_file(struct definition_desk *desk, uint64_t client, const struct request *request,
		     int fd, char why[LIMIT_REASON_BYTES + 1])
{
	uint64_t bytes;

	if (fd_is_readable_file(fd, &bytes)) {
		late_close(fd);
		definition_desk_cancel(desk, client);
		return refusal_say(why, -EINVAL,
				   "%s is not a regular file that is open for reading",
				   request->check_file.name);
	}
	return definition_desk_add(desk, client, request->check_file.name,
				   request->check_file.custom, fd, why);
}

static int hear_begin(struct definition_desk *desk, uint64_t client, const struct request *request,
		      char why[LIMIT_REASON_BYTES + 1])
{
	bool is_import = request->check_begin.is_import;

	return definition_desk_begin(desk, client, is_import ? ORIGIN_IMPORT : ORIGIN_CHECK,
				     request->check_begin.is_forced, why);
}

int session_definitions_hear(const struct control_services *services, uint64_t client,
			     const struct request *request, int fd,
			     char why[LIMIT_REASON_BYTES + 1])
{
	struct definition_desk *desk = services->definitions;

	if (request->kind == REQUEST_CHECK_FILE)
		return hear_file(desk, client, request, fd, why);
	if (request->kind == REQUEST_CHECK_BEGIN)
		return hear_begin(desk, client, request, why);
	if (request->kind == REQUEST_CHECK_END)
		return definition_desk_go(desk, client, why);
	if (request->kind == REQUEST_ROLLBACK)
		return definition_desk_roll_back(desk, client, request->rollback.generation, why);
	return services->update(services->context, client, why);
}

bool session_definitions_waits(enum request_kind kind)
{
	return kind == REQUEST_CHECK_END || kind == REQUEST_ROLLBACK || kind == REQUEST_UPDATE;
}

void session_definitions_cancel(const struct control_services *services, uint64_t client)
{
	definition_desk_cancel(services->definitions, client);
	services->cancel_update(services->context, client);
}

/* ---- verdicts ---- */

void session_definitions_verdict(const struct definition_answer *answer, struct reply *ret_reply)
{
	static char reason[LIMIT_REASON_BYTES + 1]; /* of the loop thread */
	struct check_verdict *verdict = &ret_reply->check_verdict;
	const struct service_report *report = answer->report;

	*ret_reply = (struct reply){.kind = REPLY_CHECK_VERDICT};
	verdict->passed =
		answer->rejection == REJECTION_NONE || answer->rejection == REJECTION_NOTHING_NEW;
	(void)snprintf(reason, sizeof(reason), "%s%s%s", rejection_name(answer->rejection),
		       *answer->detail ? ": " : "", answer->detail); /* cut is fine */
	verdict->reason = verdict->passed ? "" : reason;
	verdict->generation = answer->generation;
	if (!report)
		return;
	verdict->signatures = report->ready.signatures;
	verdict->engine_bytes = report->ready.memory_bytes;
	verdict->load_ms = report->ready.load_ms;
	verdict->n_files = report->n_files;
	memcpy(verdict->files, report->files, report->n_files * sizeof(report->files[0]));
}

void session_definitions_phase(enum candidate_phase phase, struct reply *ret_reply)
{
	static const char *const words[CANDIDATE_PHASE_COUNT] = {
		[CANDIDATE_NONE] = "",
		[CANDIDATE_STAGING] = "copying the files",
		[CANDIDATE_TRIAL] = "trying the set behind the walls",
		[CANDIDATE_PUBLISHING] = "keeping it as a generation",
		[CANDIDATE_ACTIVATING] = "loading it into a new scan service"};

	*ret_reply = (struct reply){.kind = REPLY_PROGRESS, .progress = {.text = words[phase]}};
}

/* ---- updates ---- */

void session_definitions_update_verdict(const struct update_answer *answer, struct reply *ret_reply)
{
	*ret_reply = (struct reply){
		.kind = REPLY_UPDATE_VERDICT,
		.update_verdict = {.outcome = answer->outcome,
				   .is_rejected = answer->rejection != REJECTION_NONE &&
						  answer->rejection != REJECTION_NOTHING_NEW,
				   .reason = answer->reason,
				   .generation = answer->generation,
				   .bytes = answer->bytes}};
}

void session_definitions_update_progress(const char *text, uint64_t done, uint64_t total,
					 struct reply *ret_reply)
{
	*ret_reply = (struct reply){.kind = REPLY_PROGRESS,
				    .progress = {.text = text, .done = done, .total = total}};
}

void session_definitions_updates(const struct update_view *view,
				 struct generations_report *ret_report)
{
	ret_report->updates_on = view->is_on;
	ret_report->last_check_ms = view->last_check_ms;
	ret_report->last_outcome = view->last_outcome;
	ret_report->last_reason = view->last_reason;
	ret_report->next_check_ms = view->next_check_ms;
	ret_report->age_state = view->age;
	ret_report->age_limit_s = view->age_limit_s;
}

/* ---- what there is ---- */

static void describe(const struct definition_machine *machine, const struct generation *generation,
		     struct generation_report *ret_report)
{
	const struct definition_facts *facts = &generation->facts;

	*ret_report = (struct generation_report){
		.number = generation->number,
		.is_active = generation->number == machine->active,
		.is_good = generation->number == machine->good,
		.is_bad = generation->is_bad,
		.digest = span_of(facts->digest, sizeof(facts->digest)),
		.signatures = facts->signatures,
		.built = facts->built,
		.bytes = facts->bytes,
		.n_databases = facts->n_databases,
	};
	for (unsigned i = 0; i < facts->n_databases; i++)
		ret_report->databases[i] = (struct generation_database){
			.name = facts->databases[i].name, .version = facts->databases[i].version};
}

/* The newest that is older than `than`. */
static const struct generation *next_older(const struct definition_machine *machine, uint64_t than)
{
	const struct generation *found = NULL;

	for (unsigned i = 0; i < DEFINITIONS_MAX; i++) {
		const struct generation *g = &machine->all[i];

		if (g->number && g->number < than && (!found || g->number > found->number))
			found = g;
	}
	return found;
}

static void list_generations(const struct definition_machine *machine,
			     struct generations_report *report)
{
	const struct generation *g = next_older(machine, UINT64_MAX);

	for (; g && report->n_generations < LIMIT_GENERATIONS; g = next_older(machine, g->number))
		describe(machine, g, &report->generations[report->n_generations++]);
}

static void list_rejected(const struct definition_desk *desk, struct generations_report *report)
{
	static struct definition_rejected all[LIMIT_REJECTED_SHOWN];
	static char reasons[LIMIT_REJECTED_SHOWN][LIMIT_REASON_BYTES + 1];
	unsigned n = 0;

	while (n < LIMIT_REJECTED_SHOWN && definition_desk_rejected(desk, n, &all[n])) {
		(void)snprintf(reasons[n], sizeof(reasons[n]), "%s%s%s",
			       rejection_name(all[n].rejection), *all[n].detail ? ": " : "",
			       all[n].detail);
		report->rejected[n] = (struct rejected_report){
			.digest = span_of(all[n].digest, sizeof(all[n].digest)),
			.utc_ms = all[n].utc_ms,
			.reason = reasons[n]};
		n++;
	}
	report->n_rejected = n;
}

static const char *name_candidate(const struct definition_machine *machine)
{
	static char text[LIMIT_DETAIL_BYTES + 1];

	if (machine->candidate.phase == CANDIDATE_NONE)
		return "";
	(void)snprintf(text, sizeof(text), "%s: %s",
		       candidate_origin_name(machine->candidate.origin),
		       candidate_phase_name(machine->candidate.phase));
	return text;
}

static uint64_t time_left(mono_ms deadline)
{
	mono_ms now = clock_mono_ms();

	return deadline == MONO_NEVER || deadline <= now ? 0 : (uint64_t)(deadline - now);
}

static void fill(const struct control_services *services, struct generations_report *report)
{
	const struct definition_desk *desk = services->definitions;
	const struct definition_machine *machine = definition_desk_machine(desk);
	const char *root = definition_desk_root(desk);

	report->root = span_of(root, strlen(root));
	report->in_charge = definition_desk_is_in_charge(desk);
	report->active = machine->active;
	report->last_good = machine->good;
	report->probation_left_ms = time_left(definition_machine_deadline(machine));
	report->candidate = name_candidate(machine);
	report->store_bytes = definition_desk_bytes(desk);
	list_generations(machine, report);
	list_rejected(desk, report);
	services->fill_updates(services->context, report);
}

ssize_t session_definitions_list(const struct control_services *services, uint8_t *packet,
				 size_t size)
{
	struct reply *message = calloc(1, sizeof(*message)); /* large: not for the stack */
	ssize_t len;

	if (!message)
		return -ENOMEM;
	message->kind = REPLY_GENERATIONS;
	fill(services, &message->generations);
	len = reply_encode(message, packet, size);
	free(message);
	return len;
}
