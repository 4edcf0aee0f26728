/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * desk_lab: a definition desk on a real store, over lives of the daemon. Trials, the supervisor and the journal are stand-ins: a trial ends as the
 * test says, a service is up when the test says so, and the journal keeps its values from one life to the next.
 */
#ifndef AMP_TESTS_SUPPORT_DESK_LAB_H
#define AMP_TESTS_SUPPORT_DESK_LAB_H

#include "ampdaemon/definition_desk.h"

#define DESK_CLIENT 7
#define DESK_KEYS 8
#define DESK_PROBATION_MS 300

struct desk_lab {
	uv_loop_t loop;
	struct configuration configuration;
	struct definition_desk *desk;
	char root[300];

	struct {
		char key[64];
		uint8_t data[65536];
		size_t len;
	} kept[DESK_KEYS];
	char events[2000];
	size_t at;

	/* the next trials */
	enum rejection refused;
	uint64_t signatures;
	uint32_t version;
	struct service_report report;
	unsigned trials;
	bool was_strict;

	unsigned answers, loads;
	enum rejection rejection;
	uint64_t generation; /* of the answer */
	char detail[LIMIT_REASON_BYTES + 1];
	char phases[200];
	uint64_t load;
	bool is_makeshift;
};

extern struct desk_lab t;

/* A life of the daemon begins, ends. begin: the first one, in test_path(`name`). */
void desk_begin(const char *name);
void desk_live(void);
void desk_die(void);

/* Turns the loop until *counter is `wanted`; until the disk and the threads rest; until no probation is left. */
bool desk_comes(const unsigned *counter, unsigned wanted);
void desk_rest(void);
void desk_prove(void);

/* A service with it serves. */
void desk_up(uint64_t generation);

/* One file, as a client does: 0 or what was refused. */
int desk_offer(const char *name, const char *text, enum candidate_origin origin, bool forced);

/* A daily.cvd with this text, so far that it is to be loaded, or that it serves; its number. */
uint64_t desk_bring(const char *text, uint64_t signatures, uint32_t version);
uint64_t desk_serve(const char *text, uint64_t signatures, uint32_t version);

/* The generation that a link of the store leads to; 0. */
uint64_t desk_link(const char *name);

/* The path of a generation's file; valid until the next call. */
const char *desk_file(const char *name, uint64_t number);

#endif
