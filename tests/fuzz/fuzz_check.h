/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_check: what every target of this folder needs: the entry point that libFuzzer and replay.c call, and the end of
 * the process when an invariant does not hold.
 */
#ifndef AMP_TESTS_FUZZ_FUZZ_CHECK_H
#define AMP_TESTS_FUZZ_FUZZ_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
