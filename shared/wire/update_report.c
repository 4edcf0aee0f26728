/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/update_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_PER_S 2 /* one is promised; its clock may be read late */
#define PROGRESS_FREE 10

void update_report_init(struct update_report *report, const struct update_start *start)
{
	*report = (struct update_report){.start = start};
	session_init(&report->session, &rules_from_updater);
}

static const char *fault_of_hello(const struct update_start *start,
				  const struct update_hello *hello)
{
	if (hello->protocol != UPDATE_PROTOCOL_VERSION)
		return "another version of the protocol";
	if (hello->uid != start->uid || hello->gid != start->gid)
		return "it runs as another user";
	for (unsigned i = 0; i < hello->n_walls; i++) {
		if (hello->walls[i].state == WALL_STATE_BREACHED)
			return "a wall that does not hold";
	}
	return NULL;
}

static bool is_asked_for(const struct update_start *start, uint32_t database, uint32_t mirror)
{
	return database < start->n_databases && mirror < start->n_mirrors;
}

static const char *fault_of_progress(struct update_report *report,
				     const struct from_updater *message, uint64_t passed_ms)
{
	if (!is_asked_for(report->start, message->progress.database, message->progress.mirror))
		return "progress with what was not asked for";
	report->n_progress++;
	return report->n_progress / PROGRESS_PER_S > passed_ms / 1000 + PROGRESS_FREE
		       ? "more progress than time"
		       : NULL;
}

/* ".cvd" or ".cld" behind the name of the database; NULL: another name. */
static const char *ending_of(const char *file, const char *database)
{
	size_t len = strlen(database);

	if (strncmp(file, database, len) != 0)
		return NULL;
	file += len;
	return strcmp(file, ".cvd") == 0 || strcmp(file, ".cld") == 0 ? file : NULL;
}

static const char *fault_of_attempt(const struct update_report *report,
				    const struct update_attempt *attempt)
{
	const struct update_start *start = report->start;

	if (!is_asked_for(start, attempt->database, attempt->mirror))
		return "an attempt at what was not asked for";
	if (attempt->database < report->database)
		return "a database that was done with";
	if (report->has_asked[attempt->database][attempt->mirror])
		return "a second answer of one mirror";
	if (report->results[attempt->database].was_asked &&
	    !update_outcome_is_of_mirror(report->results[attempt->database].outcome))
		return "another attempt after the last";
	if (attempt->outcome != UPDATE_UPDATED)
		return NULL;
	if (!ending_of(attempt->file, start->databases[attempt->database]))
		return "the file of another database";
	return attempt->bytes > start->max_file_bytes ? "a file over the limit" : NULL;
}

static void note_attempt(struct update_report *report, const struct update_attempt *attempt)
{
	const char *database = report->start->databases[attempt->database];
	struct update_result *result = &report->results[attempt->database];

	report->database = attempt->database;
	report->has_asked[attempt->database][attempt->mirror] = true;
	*result = (struct update_result){.was_asked = true,
					 .outcome = attempt->outcome,
					 .mirror = attempt->mirror,
					 .version = attempt->version,
					 .bytes = attempt->bytes};
	if (attempt->outcome == UPDATE_UPDATED)
		result->is_cld = strcmp(ending_of(attempt->file, database), ".cld") == 0;
}

/* As base/update_outcome.h says: the first that could not be had, else something new, else nothing. */
static const char *fault_of_end(const struct update_report *report, enum update_outcome outcome,
				uint32_t updated)
{
	enum update_outcome expected = UPDATE_NOTHING_NEW;
	uint32_t n = 0;

	for (unsigned i = 0; i < report->start->n_databases; i++) {
		const struct update_result *result = &report->results[i];

		if (!result->was_asked)
			return "an end before every database was asked for";
		n += result->outcome == UPDATE_UPDATED;
		if (expected == UPDATE_NOTHING_NEW && !update_outcome_is_success(result->outcome))
			expected = result->outcome;
	}
	if (expected == UPDATE_NOTHING_NEW && n > 0)
		expected = UPDATE_UPDATED;
	return outcome == expected && updated == n ? NULL : "an end that the attempts contradict";
}

static const char *fault_of(struct update_report *report, const struct from_updater *message,
			    uint64_t passed_ms)
{
	const char *why = NULL;

	switch (message->kind) {
	case FROM_UPDATER_HELLO:
		return fault_of_hello(report->start, &message->hello);
	case FROM_UPDATER_PROGRESS:
		return fault_of_progress(report, message, passed_ms);
	case FROM_UPDATER_ATTEMPT:
		why = fault_of_attempt(report, &message->attempt);
		if (!why)
			note_attempt(report, &message->attempt);
		return why;
	case FROM_UPDATER_FINISHED:
		why = fault_of_end(report, message->finished.outcome, message->finished.updated);
		report->has_finished = !why;
		report->outcome = message->finished.outcome;
		return why;
	case FROM_UPDATER_FAILED:
		return NULL;
	}
	return "a message of no known kind";
}

int update_report_take(struct update_report *report, const struct from_updater *message,
		       bool has_fd, uint64_t passed_ms, const char **ret_why)
{
	const char *why = "words after a lie";

	if (!report->is_lie && session_admit(&report->session, message->kind, has_fd, &why) == 0)
		why = fault_of(report, message, passed_ms);
	if (!why)
		return 0;
	report->is_lie = true;
	*ret_why = why;
	return -EPROTO;
}

bool update_report_agrees(const struct update_report *report, int exit_status)
{
	return report->has_finished && !report->is_lie &&
	       exit_status == update_outcome_exit(report->outcome);
}

bool update_report_file(const struct update_report *report, unsigned database,
			char ret_name[UPDATE_REPORT_FILE_BYTES])
{
	const struct update_result *result = &report->results[database];

	if (report->is_lie || database >= report->start->n_databases || !result->was_asked ||
	    result->outcome != UPDATE_UPDATED)
		return false;
	(void)snprintf(ret_name, UPDATE_REPORT_FILE_BYTES, "%s%s",
		       report->start->databases[database],
		       result->is_cld ? ".cld" : ".cvd"); /* fits: checked by the codec */
	return true;
}
