/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_options: the options that all programs measured have in common: those of ampscansvc/engine.c. clamd.conf in
 * throughput.py and the command line in tests/system/compare_clamscan.sh say the same in their own words.
 */
#ifndef AMP_TESTS_BENCH_SCAN_OPTIONS_H
#define AMP_TESTS_BENCH_SCAN_OPTIONS_H

#include <clamav.h>
#include <string.h>

#include "base/verdict.h"

static inline struct cl_scan_options bench_scan_options(void)
{
	return (struct cl_scan_options){
		.general = CL_SCAN_GENERAL_HEURISTICS,
		.parse = ~0u,
		.heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE |
			     CL_SCAN_HEURISTIC_ENCRYPTED_DOC,
	};
}

static inline void bench_engine_limits(struct cl_engine *engine)
{
	static const struct {
		enum cl_engine_field field;
		long long value;
	} limits[] = {
		{CL_ENGINE_DISABLE_CACHE, 1},          {CL_ENGINE_MAX_FILESIZE, 100LL << 20},
		{CL_ENGINE_MAX_SCANSIZE, 400LL << 20}, {CL_ENGINE_MAX_FILES, 10000},
		{CL_ENGINE_MAX_RECURSION, 17},         {CL_ENGINE_MAX_SCANTIME, 120000},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		(void)cl_engine_set_num(engine, limits[i].field,
					limits[i].value); /* constants in range */
}

/* What libclamav reports as a "virus" because it could not look: not an infection, but not clean either. */
static inline enum verdict bench_verdict_of_name(const char *name)
{
	if (strncmp(name, "Heuristics.Limits.Exceeded", 26) == 0 ||
	    strncmp(name, "Heuristics.Encrypted", 20) == 0)
		return VERDICT_INCOMPLETE;
	return VERDICT_INFECTED;
}

#endif
