/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor_lab: a supervisor with real processes and channels: a service is a child of the test that behaves as it is told
 * (support/pretended_birth.h). Journal and fault desk are stand-ins that the tests look at.
 */
#ifndef AMP_TESTS_SUPPORT_SUPERVISOR_LAB_H
#define AMP_TESTS_SUPPORT_SUPERVISOR_LAB_H

#include "ampdaemon/supervisor.h"
#include "tests/support/pretended_birth.h"

#define UID 54321
#define ENGINE PRETENDED_ENGINE_BYTES
#define SAVED_MAX 8

struct supervisor_lab {
	uv_loop_t loop;
	struct configuration configuration;
	struct supervisor *supervisor;

	bool active[FAULT_SELINUX + 1];
	char detail[LIMIT_FAULT_DETAIL_BYTES + 1], remedy[LIMIT_REASON_BYTES + 1];
	unsigned raised[FAULT_SELINUX + 1], cleared[FAULT_SELINUX + 1];
	unsigned cures, replaced, started;
	struct {
		char key[64];
		uint8_t data[256];
		size_t len;
	} saved[SAVED_MAX];

	unsigned ups, losts, downs, restarts, certificates, standbys;
	uint64_t serving, generation, standby, lost, outgoing;
	unsigned serves, asides;
	uint64_t served, opened, aside;
	bool aside_is_bad;
	int open_error; /* of the directory of a generation; 0: none */
	enum death_cause cause;
	uint32_t status;
};

extern struct supervisor_lab t;

bool lab_comes(const unsigned *counter, unsigned wanted);
struct service_view lab_view(void);
void lab_make(void);
void lab_set_up(bool has_configured);
void lab_load(uint64_t generation, bool is_makeshift);
void lab_begin_with(uint64_t generation, enum manner manner);
void lab_begin(bool has_configured);
void lab_end(void);

#endif
