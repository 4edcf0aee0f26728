/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_set: from two directories to one compiled engine. Judges each file by itself, so that a damaged one costs only
 * itself, and says of each what became of it.
 *
 * Owns which files belong to a set and where they may lie, the order, that each is loaded alone, and that none gives fewer signatures than
 * its family's rule asks for. Must not own the proof of a file (definition_proof.c), the walls (they stand already), nor libclamav (engine.c).
 *
 * A directory that is a generation (docs/design/0005) holds the official containers under their own names, and unsigned files in custom/
 * only; an official one that is refused refuses the set. Any other directory is flat: whatever is in it, under whatever name.
 */
#ifndef AMP_AMPSCANSVC_DEFINITION_SET_H
#define AMP_AMPSCANSVC_DEFINITION_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "ampscansvc/engine.h"
#include "base/birth_contract.h"
#include "base/exit_code.h"
#include "wire/scan_codec.h"

/* How the loader speaks; the context is the caller's. */
struct definition_ear {
	void (*file)(void *context, const struct definition_file *file);
	void (*progress)(void *context, enum load_phase phase, uint64_t done, uint64_t total);
	void (*warn)(void *context, const char *text);
	void *context;
};

struct definition_order {
	const struct engine_settings *settings;
	bool has_definitions; /* else the whole built-in set */
	bool is_generation, is_trial;
	struct span trust_anchors;
};

struct definition_total {
	uint64_t signatures;
	uint64_t built; /* newest of the official containers; 0: none has a time */
};

/*
 * Loads canary.ndb of the built-in directory, and either the rest of it or everything usable in the definitions' directory.
 * EXIT_CODE_OK and an engine (the caller's to free), or the code to end with and a sentence in `why`.
 */
enum exit_code definition_set_load(const struct definition_order *order,
				   const struct definition_ear *ear, struct engine **ret_engine,
				   struct definition_total *ret_total,
				   char why[LIMIT_REASON_BYTES]);

#endif
