/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_lab: an update desk over lives of the daemon. Checks are played by the test: it sees what a check is told and says what came of it. The journal
 * keeps its values from one life to the next.
 */
#ifndef AMP_TESTS_SUPPORT_UPDATE_LAB_H
#define AMP_TESTS_SUPPORT_UPDATE_LAB_H

#include "ampdaemon/update_check.h"
#include "ampdaemon/update_desk.h"

#define LAB_CLIENT 7
#define LAB_DAY_MS 86400000

struct update_lab {
	uv_loop_t loop;
	struct configuration configuration;
	struct update_desk *desk;
	struct definition_machine machine;
	bool is_in_charge;

	/* the journal */
	uint8_t kept[65536];
	size_t len;
	unsigned events_failed, events_old, events_fresh;
	char reason[LIMIT_REASON_BYTES + 1];

	/* the check */
	struct update_check_callbacks check;
	void *check_context;
	bool is_running;
	unsigned begun, dropped, swept;
	struct check_order order;

	/* the client */
	unsigned verdicts, progresses;
	struct update_answer verdict;
	bool is_asking; /* no verdict may come now */
};

extern struct update_lab t;

/* Two mirrors, http://a and the private http://b; the databases main and daily. The test may change them. */
extern struct configuration_mirror lab_mirrors[2];
extern char *lab_databases[2];

/* A machine that knows nothing, and whose checks come by command only for a long time. */
void lab_begin(void);

/* A life of the daemon begins (lab_born: without its start), ends. */
void lab_born(void);
void lab_live(void);
void lab_die(void);

void lab_turn(uint64_t ms);

/* The client asks: 0 or what was refused. */
int lab_ask(void);

/* The check ends. */
void lab_end(const struct check_result *result);
void lab_succeed(void);
void lab_fail(void);

#endif
