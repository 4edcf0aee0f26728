/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verdict_rule: what was seen of one scan -> verdict and reason. Pure and total: every combination has an answer, and
 * CLEAN is the last one left, given only when nothing at all speaks against it (docs/architecture.md, "Honest verdicts").
 *
 * Owns the order of precedence. Must not own how anything was seen (engine.c, exhaustion.c, temp_slot.c, worker.c).
 */
#ifndef AMP_AMPSCANSVC_CORE_VERDICT_RULE_H
#define AMP_AMPSCANSVC_CORE_VERDICT_RULE_H

#include <stdbool.h>

#include "base/verdict.h"

enum scan_answer {
	SCAN_ANSWER_NOTHING, /* the engine found nothing in what it read */
	SCAN_ANSWER_FOUND,   /* it gave a name */
	SCAN_ANSWER_LIMIT,   /* it stopped at a limit: scan_seen.limit */
	SCAN_ANSWER_TEMP,    /* it could not use its temporary storage */
	SCAN_ANSWER_MEMORY,  /* it ran out of memory */
	SCAN_ANSWER_READ,    /* it could not read the file */
	SCAN_ANSWER_FAILED,  /* any other error of the engine */
	SCAN_ANSWER_COUNT
};

struct scan_seen {
	enum scan_answer answer;
	enum scan_reason limit; /* for SCAN_ANSWER_LIMIT */
	const char
		*name; /* for SCAN_ANSWER_FOUND: a signature's, or one of the engine's heuristics */
	bool too_large;    /* over the file size limit: the engine was not asked */
	bool changed;      /* size, mtime or ctime differ afterwards, twice */
	bool read_refused; /* a read of the file failed or came short */
	bool temp_refused; /* a call on the temporary storage was refused */
	bool temp_broken; /* the temporary storage is another one, or has no room, before or after */
	bool resource_refused; /* memory or a descriptor was refused */
	bool complained;       /* the engine said something of level error */
};

struct verdict_decision {
	enum verdict verdict;
	enum scan_reason reason;
};

struct verdict_decision verdict_rule_decide(const struct scan_seen *seen);

/* Which limit (or encryption) a heuristic's name tells of; SCAN_REASON_NONE when the name is that of a threat. */
enum scan_reason verdict_rule_limit_of(const char *name);

#endif
