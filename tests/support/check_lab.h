/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_lab: an update check with stand-ins for all that it asks: account, directory, process and definition desk are played by the test, which sees
 * what was asked for and says what came of it.
 */
#ifndef AMP_TESTS_SUPPORT_CHECK_LAB_H
#define AMP_TESTS_SUPPORT_CHECK_LAB_H

#include "ampdaemon/update_check.h"
#include "ampdaemon/update_errand.h"
#include "ampdaemon/update_process.h"

#define LAB_UPDATER_UID 990
#define LAB_SCANNER_UID 991

struct check_lab {
	uv_loop_t loop;
	struct update_check *check;
	struct definition_machine machine;

	bool has_account;
	uint32_t uid;
	unsigned creations;

	update_errand_fn *prepared;
	void *prepared_context;
	unsigned prepares, forgets, sweeps;
	int generation; /* that the directory was to begin with; -1: none */

	const struct update_start *start;
	struct update_process_callbacks process;
	void *process_context;
	struct update_report report;
	bool is_running;
	unsigned files_there; /* so many can be opened */

	int begin_error, add_error, go_error;
	unsigned begun, added, gone;
	int held[LIMIT_DATABASES]; /* what was added is the desk's, to the end of the test */

	unsigned dones, attempts;
	unsigned attempt_mirror;
	enum update_outcome attempt_outcome;
	struct check_result result;
};

extern struct check_lab t;

/* Two mirrors, http://a and http://b; the databases main and daily. The test may change it. */
extern struct configuration lab_configuration;

void lab_set_up(void);
void lab_tear_down(void);

void lab_turn(uint64_t ms);

/* A check begins; the second mirror of the configuration is the first in its order. */
void lab_begin(void);

/* The same, until its process is there. */
void lab_begin_download(void);

/* The process ends; what it said is t.report. */
void lab_end(const struct update_end *how);

/* The same, from the beginning: it has brought both databases, main from the first mirror of the order. */
void lab_bring(void);

#endif
