/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash_shots: the files of crash_load, one number each: waiting, sent in this session, answered. What a lost session left
 * without an answer waits again.
 * Owns the numbers, the answers and their count. Must not own the session.
 */
#ifndef AMP_TESTS_SUPPORT_CRASH_SHOTS_H
#define AMP_TESTS_SUPPORT_CRASH_SHOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/control_codec.h"

struct shot_request {
	uint64_t number;  /* of the shot: the same each time that it is sent */
	uint64_t file;    /* of this sending */
	const char *path; /* of a file of its own, else NULL */
	int fd;
};

/* Opens the files of a directory; false when there is none. */
bool shots_open(const char *directory, bool infected);

void shots_add(uint64_t n);
void shots_add_file(const char *path);

/* False when nothing waits. The shot waits on until shots_sent(). */
bool shots_next(struct shot_request *ret_request);
void shots_sent(const struct shot_request *request);

void shots_answer(const struct file_result *result);

/* The session is lost. */
void shots_take_back(void);

unsigned shots_under_way(void);
bool shots_waiting(void); /* or under way */

/* Members of a JSON object. */
void shots_print(void);

#endif
