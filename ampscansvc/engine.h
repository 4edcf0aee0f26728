/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine: libclamav, behind one door. Owns every call of that library, its options, and the translation of its codes into
 * ours. Must not own what an answer means for the verdict (core/verdict_rule.c), nor which files are loaded (definition_set.c).
 *
 * Answers are what libclamav claims; it says "nothing" for what it could not read.
 */
#ifndef AMP_AMPSCANSVC_ENGINE_H
#define AMP_AMPSCANSVC_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ampscansvc/core/verdict_rule.h"
#include "base/limits.h"

struct engine;

struct engine_settings {
	uint64_t max_file_bytes, max_scan_bytes;
	uint32_t max_files, max_recursion, max_scan_ms;
};

/* Called now and then during load and compile, so that the daemon sees that it goes on. */
typedef void engine_beat(void *context, uint64_t done, uint64_t total);

/* Once per process, before the walls: it opens modules. 0 or -EIO. */
int engine_start_library(void);

/* "ClamAV 1.4.6 (flevel 216)" */
const char *engine_text(char *out, size_t size);

/* NULL when there is no memory. */
struct engine *engine_new(const struct engine_settings *settings, engine_beat *beat, void *context);
struct engine *engine_free(struct engine *engine);

/*
 * Adds one file. 0 and how many signatures it had, or -EBADMSG with a sentence in `why`: the engine is half filled then and
 * must be freed. May crash on a crafted unsigned file: prove it in a child first.
 */
int engine_load(struct engine *engine, const char *path, uint32_t *ret_signatures,
		char why[LIMIT_DETAIL_BYTES]);

/* Nothing can be added afterwards. 0 or -EBADMSG. */
int engine_compile(struct engine *engine, char why[LIMIT_DETAIL_BYTES]);

struct engine_container {
	uint32_t version;
	uint64_t built;    /* seconds since 1970; 0 unknown */
	uint32_t promised; /* signatures, as the header says */
};

/* Header of a container; of a .cvd also the signature, of a .cld that of its list. 0 or -EBADMSG with a sentence. */
int engine_read_container(const char *path, struct engine_container *ret_container,
			  char why[LIMIT_DETAIL_BYTES]);

/* Where the engine puts its temporary files; one storage per worker. 0 or -EIO. */
int engine_use_temp(struct engine *engine, const char *path, unsigned seed);

/*
 * Called whenever the engine looks into another content than before: the file (depth 0), what it found in there, and the container again when
 * it is through with that. In the middle of the scan: it must be quick and touch nothing of the engine's.
 */
typedef void engine_content(const char *type, unsigned depth);
void engine_watch(struct engine *engine, engine_content *content);

/* Files above this are not for the engine. */
uint64_t engine_max_file_bytes(const struct engine *engine);

struct engine_answer {
	enum scan_answer answer;
	enum scan_reason limit;            /* for SCAN_ANSWER_LIMIT */
	char name[LIMIT_THREAT_BYTES + 1]; /* for SCAN_ANSWER_FOUND */
	bool complained;                   /* a message of level error */
	char message[LIMIT_DETAIL_BYTES];  /* that message, or the error's text */
};

void engine_scan_file(struct engine *engine, int fd, struct engine_answer *ret_answer);
void engine_scan_memory(struct engine *engine, const void *bytes, size_t len,
			struct engine_answer *ret_answer);

#endif
