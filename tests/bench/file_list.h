/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file_list: the files of one run, and what was found in each. One path a line; the lists are written by throughput.py for
 * corpora of our own making, so a newline in a name does not occur.
 *
 * Owns the names and the shared "who is next" counter. Must not own how a file is scanned.
 */
#ifndef AMP_TESTS_BENCH_FILE_LIST_H
#define AMP_TESTS_BENCH_FILE_LIST_H

#include <stdint.h>

#include "base/verdict.h"

struct file_list {
	char *text;
	const char **paths;
	uint32_t count;
};

/* 0 or -errno. */
int file_list_load(struct file_list *list, const char *path);
void file_list_free(struct file_list *list);

/* What a run leaves behind; lives in memory that all its processes or threads share. */
struct run_tally {
	uint32_t next; /* taken with an atomic add: the next file for whoever is free */
	uint32_t bad;  /* files that could not even be asked about: a run with any is void */
	uint64_t bytes;
	uint8_t verdicts[]; /* enum verdict, one a file */
};

/* A zeroed tally for `count` files in shared memory; NULL when there is none. */
struct run_tally *run_tally_new(uint32_t count);
void run_tally_free(struct run_tally *tally, uint32_t count);

/* Opens the next file for reading and counts its size; its index in *ret_index. Returns the descriptor, -1 at the end
 * of the list. A file that cannot be opened is counted as bad and passed over. */
int run_tally_next(struct run_tally *tally, const struct file_list *list, uint32_t *ret_index);

void run_tally_set(struct run_tally *tally, uint32_t index, enum verdict verdict);

/* One line of JSON on stdout: files, bytes, seconds, cpu_seconds and a count per verdict. */
void run_tally_print(const struct run_tally *tally, uint32_t count, double seconds,
		     double cpu_seconds);

/* "VERDICT<tab>path" lines. 0 or -errno. */
int run_tally_write(const struct run_tally *tally, const struct file_list *list, const char *path);

#endif
