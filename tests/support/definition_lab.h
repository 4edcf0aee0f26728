/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_lab: a definition store in a directory of its own with a loop and a stage, for tests: makes sets of texts, waits for answers, and looks
 * at what is on the disk by paths, not through the store. Fails the test itself when it cannot do its part.
 */
#ifndef AMP_TESTS_SUPPORT_DEFINITION_LAB_H
#define AMP_TESTS_SUPPORT_DEFINITION_LAB_H

#include <stddef.h>

#include "ampdaemon/definition_stage.h"

#define LAB_FILE_BYTES 1000000u
#define LAB_SET_BYTES 1500000u
#define LAB_LIMIT_MS 20000
#define LAB_KEPT NULL /* as a text: what a generation has under the name */

struct lab {
	const char *root;
	uv_loop_t loop;
	struct definition_store *store;
	struct definition_stage *stage;
	struct definition_stage_bounds bounds;
	unsigned answers; /* since lab_open() */
	uint64_t number;  /* of the last one */
	struct stage_result result;
	char why[LIMIT_REASON_BYTES];
	char told[8192]; /* what the store told when it was opened, a line each */
};

struct lab_file {
	const char *name;
	bool is_custom;
	const char *text;
	uint64_t generation; /* when LAB_KEPT */
};

/* test_path(`name`); the directory may be there. */
void lab_open(struct lab *lab, const char *name);
void lab_close(struct lab *lab);

/* Another life of the daemon on the same directory. */
void lab_reopen(struct lab *lab);

/* A regular file that is nowhere, open for reading. */
int lab_source(const void *bytes, size_t len);

/* Begins, adds and starts: 0, or what was refused (then nothing is begun). */
int lab_start(struct lab *lab, uint64_t number, const struct lab_file *files, unsigned n);

/* Turns the loop until there were so many answers; false when it takes too long. */
bool lab_wait(struct lab *lab, unsigned answers);

/* The whole way of a set into staging: 0, or the first error. */
int lab_stage(struct lab *lab, uint64_t number, const struct lab_file *files, unsigned n);

/* And published. */
void lab_make(struct lab *lab, uint64_t number, const struct lab_file *files, unsigned n);

/* Threads that still work end. False when they do not. */
bool lab_rest(struct lab *lab);

/* For definition_stage_check(): as for sets. */
void lab_answer(void *context, uint64_t number, const struct stage_result *result);

/* ---- the disk ---- */

/* ROOT/ and the text; valid until the 8th call after. */
const char *lab_path(const struct lab *lab, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void lab_write(const char *path, const char *text);

/* Does the file have exactly this text? */
bool lab_has(const char *path, const char *text);

/* Names in a directory; -1: there is none. */
int lab_count(const char *path);

#endif
