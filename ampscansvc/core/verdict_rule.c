/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/core/verdict_rule.h"

#include <stddef.h>
#include <string.h>

#define ENCRYPTED_PREFIX "Heuristics.Encrypted."
#define LIMITS_PREFIX "Heuristics.Limits.Exceeded"

static const struct {
	const char *suffix;
	enum scan_reason reason;
} limits[] = {
	{".MaxFileSize", SCAN_REASON_LIMIT_FILE_SIZE},
	{".MaxScanSize", SCAN_REASON_LIMIT_SCAN_SIZE},
	{".MaxFiles", SCAN_REASON_LIMIT_FILES},
	{".MaxRecursion", SCAN_REASON_LIMIT_RECURSION},
	{".MaxScanTime", SCAN_REASON_LIMIT_TIME},
};

enum scan_reason verdict_rule_limit_of(const char *name)
{
	if (!name)
		return SCAN_REASON_NONE;
	if (strncmp(name, ENCRYPTED_PREFIX, strlen(ENCRYPTED_PREFIX)) == 0)
		return SCAN_REASON_ENCRYPTED;
	if (strncmp(name, LIMITS_PREFIX, strlen(LIMITS_PREFIX)) != 0)
		return SCAN_REASON_NONE;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (strcmp(name + strlen(LIMITS_PREFIX), limits[i].suffix) == 0)
			return limits[i].reason;
	return SCAN_REASON_LIMIT_OTHER;
}

static bool is_limit(enum scan_reason reason)
{
	return reason >= SCAN_REASON_LIMIT_FILE_SIZE && reason <= SCAN_REASON_ENCRYPTED;
}

/* Something that the scan needs failed; what the engine made of it does not count. */
static enum scan_reason fault_of(const struct scan_seen *seen)
{
	if (seen->read_refused || seen->answer == SCAN_ANSWER_READ)
		return SCAN_REASON_READ;
	if (seen->temp_refused || seen->temp_broken || seen->answer == SCAN_ANSWER_TEMP)
		return SCAN_REASON_TEMP;
	if (seen->resource_refused || seen->answer == SCAN_ANSWER_MEMORY)
		return SCAN_REASON_RESOURCE;
	return SCAN_REASON_NONE;
}

static enum scan_reason limit_reached(const struct scan_seen *seen)
{
	if (seen->too_large)
		return SCAN_REASON_LIMIT_FILE_SIZE;
	if (seen->answer == SCAN_ANSWER_FOUND)
		return verdict_rule_limit_of(seen->name);
	if (seen->answer == SCAN_ANSWER_LIMIT)
		return is_limit(seen->limit) ? seen->limit : SCAN_REASON_LIMIT_OTHER;
	return SCAN_REASON_NONE;
}

static struct verdict_decision decision(enum verdict verdict, enum scan_reason reason)
{
	return (struct verdict_decision){.verdict = verdict, .reason = reason};
}

struct verdict_decision verdict_rule_decide(const struct scan_seen *seen)
{
	enum scan_reason limit = limit_reached(seen);
	enum scan_reason fault = fault_of(seen);

	/* A signature that matched is true whatever else went wrong. */
	if (seen->answer == SCAN_ANSWER_FOUND && seen->name && limit == SCAN_REASON_NONE)
		return decision(VERDICT_INFECTED, SCAN_REASON_NONE);
	/* A changing file explains a short read, not the other way round. */
	if (seen->changed)
		return decision(VERDICT_INCOMPLETE, SCAN_REASON_CHANGED);
	if (fault != SCAN_REASON_NONE)
		return decision(VERDICT_ERROR, fault);
	if (limit != SCAN_REASON_NONE)
		return decision(VERDICT_INCOMPLETE, limit);
	if (seen->complained)
		return decision(VERDICT_ERROR, SCAN_REASON_ENGINE_MESSAGE);
	if (seen->answer != SCAN_ANSWER_NOTHING)
		return decision(VERDICT_ERROR, SCAN_REASON_ENGINE);
	return decision(VERDICT_CLEAN, SCAN_REASON_NONE);
}
