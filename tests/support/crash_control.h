/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash_control: the file, mapped from outside, that says which failure comes next. Owns the layout: crash_service,
 * crash_preload and crash_daemon read it, tests/crash/control.py writes it (all numbers 32 bits, in the machine's order).
 *
 * A budget is the number of times that something is still to be done; whoever does it takes one and counts it in `done` first.
 */
#ifndef AMP_TESTS_SUPPORT_CRASH_CONTROL_H
#define AMP_TESTS_SUPPORT_CRASH_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

/* What may happen to a worker that reads the head of a file, by a budget or because the file asks for it:
 * "AMP-CRASH-POISON SEGV ...". The place of the name is the number. */
#define CRASH_KIND_LIST(X)                                                                         \
	X(CRASH_SEGV, "SEGV")                                                                      \
	X(CRASH_ABRT, "ABRT")                                                                      \
	X(CRASH_ZERO, "ZERO") /* divides by it */                                                  \
	X(CRASH_XFSZ, "XFSZ")                                                                      \
	X(CRASH_EXIT, "EXIT")                                                                      \
	X(CRASH_MUTE, "MUTE")   /* never answers */                                                \
	X(CRASH_SLOW, "SLOW")   /* answers after slow_ms */                                        \
	X(CRASH_MEMORY, "MEMO") /* the read fails with ENOMEM */

#define CRASH_MEMBER(member, name) member,
enum crash_kind { CRASH_KIND_LIST(CRASH_MEMBER) CRASH_KINDS };

#define CRASH_MARKER "AMP-CRASH-POISON "
#define CRASH_MARKER_BYTES (sizeof(CRASH_MARKER) - 1)
#define CRASH_NAME_BYTES 4

/* A set of definitions is marked when one of its files has the marker within so many bytes: the header of a container, the first signatures
 * of plain text. A service that loads it comes up and passes every canary, and its workers crash on the files that they are given. */
#define CRASH_SET_MARKER_BYTES 64
#define CRASH_SET_HEAD_BYTES 512

struct crash_control {
	uint32_t budget[CRASH_KINDS];
	uint32_t done[CRASH_KINDS];
	uint32_t slow_ms;
	uint32_t births; /* of services, counted by crash_service */
	uint32_t refuse; /* budget of births that end at once, with refuse_code */
	uint32_t refuse_code;
	uint32_t hang_birth;       /* budget of births that never say hello */
	uint32_t birth_memory_kib; /* address space of births; 0: no limit */
	uint32_t hang_load;        /* budget of loads that never end */
	uint32_t fail_fork; /* budget of births that the daemon cannot fork, errno in fork_error */
	uint32_t fork_error;
	uint32_t forks_failed;
	int32_t clock_shift_s; /* added to the daemon's CLOCK_REALTIME */
	uint32_t marked_bytes; /* of a file, at least, that crashes workers of a marked set */
	char set_marker[CRASH_SET_MARKER_BYTES]; /* "": no set is marked */
};

/* Takes one of a budget that others may take from too. */
static inline bool crash_take(uint32_t *budget)
{
	uint32_t left = __atomic_load_n(budget, __ATOMIC_SEQ_CST);

	while (left) {
		if (__atomic_compare_exchange_n(budget, &left, left - 1, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return true;
	}
	return false;
}

#endif
