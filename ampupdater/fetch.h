/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fetch: one attempt as a process. The library runs in a child that may crash, hang or grow: the parent gives it a time, watches the daemon's
 * channel meanwhile, and says what became of it. Owns the child, the page on which it leaves its result, and the file that takes its words.
 * Must not own what is left in `incoming`.
 */
#ifndef AMP_AMPUPDATER_FETCH_H
#define AMP_AMPUPDATER_FETCH_H

#include "ampupdater/core/outcome_rule.h"
#include "ampupdater/fresh.h"
#include "base/mono.h"

struct fetch {
	int log;
	struct fresh_result *result; /* shared with the child */
};

struct fetch_watch {
	int channel; /* when it ends, the child is ended */
	mono_ms until;
	void (*tick)(void *owner);      /* each second */
	bool (*is_within)(void *owner); /* asked five times a second; false ends the child */
	void *owner;
};

enum fetch_end {
	FETCH_DONE,
	FETCH_HUNG_UP, /* the daemon has gone, or spoke where it must not */
};

struct fetch_report {
	struct transfer_verdict verdict;
	uint32_t wait_s;  /* with UPDATE_WAIT */
	uint32_t version; /* hearsay */
	bool is_same;     /* what was there before was replaced by the same version */
	bool is_spoilt;   /* what was there before was replaced by something that is not to stay */
};

/* Before the walls. 0 or -errno. */
int fetch_init(struct fetch *fetch);

enum fetch_end fetch_run(struct fetch *fetch, const struct fresh_order *order,
			 const struct fetch_watch *watch, struct fetch_report *ret_report);

#endif
