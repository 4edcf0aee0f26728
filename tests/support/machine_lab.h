/* SPDX-License-Identifier: GPL-2.0-only */
/* machine_lab: the definition machine in tests: sets by a letter, effects as one line of words. */
#ifndef AMP_TESTS_SUPPORT_MACHINE_LAB_H
#define AMP_TESTS_SUPPORT_MACHINE_LAB_H

#include <CUnit/CUnit.h>
#include <stdio.h>

#include "ampdaemon/core/definition_machine.h"

#define MACHINE_PROBATION 900000

/* All effects that wait, "word number" each, with the reason behind a slash where there is one. */
const char *machine_effects(struct definition_machine *m);

#define SAYS(machine, ...)                                                                         \
	do {                                                                                       \
		char expected[1024];                                                               \
		(void)snprintf(expected, sizeof(expected), __VA_ARGS__);                           \
		CU_ASSERT_STRING_EQUAL(machine_effects(machine), expected);                        \
	} while (0)

struct definition_facts machine_facts(char digest, uint64_t signatures, uint32_t version);
struct trial_report machine_passed(char digest, uint64_t signatures, uint32_t version);

/* With nothing but the built-in set, which serves. */
struct definition_machine machine_fresh(void);

/* An update with this digest, so far that it is tried; that it is to be loaded; that it serves. Its number. */
uint64_t machine_stage(struct definition_machine *m, bool forced, char digest);
uint64_t machine_accept(struct definition_machine *m, bool forced, char digest, uint32_t version);
uint64_t machine_serve(struct definition_machine *m, mono_ms now, char digest, uint32_t version);

#endif
