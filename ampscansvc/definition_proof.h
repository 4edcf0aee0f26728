/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_proof: whether one file of definitions may be given to the engine. All that reads its content happens in a child of its own, with
 * a worker's system calls and the end of a pipe: a crafted file crashes libclamav, and what it takes over it cannot leave.
 *
 * Owns what a proof is: of an official container the signature, the members against their list, the name, the detached signature; of anything
 * unsigned that it loads and compiles. Must not own: where files lie and in what order they are loaded, how many signatures came of
 * them (definition_set.c).
 */
#ifndef AMP_AMPSCANSVC_DEFINITION_PROOF_H
#define AMP_AMPSCANSVC_DEFINITION_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "ampscansvc/container_members.h"
#include "ampscansvc/core/definition_kind.h"
#include "ampscansvc/engine.h"
#include "base/definition.h"
#include "base/limits.h"
#include "base/span.h"

struct proof_order {
	const struct engine_settings *settings;
	const char *path; /* the file, alone in its directory */
	const char *sign; /* where a detached signature would lie */
	const char *name;
	enum definition_kind kind;
	bool is_generation; /* names are the databases', and nothing unsigned may weaken */
	bool is_trial;      /* a certificate that has expired refuses: those in force go on */
	struct span trust_anchors;
	void (*beat)(void *context); /* now and then, while the child works */
	void *context;
};

/* What a proof brings to light. */
struct proof_facts {
	struct engine_container container;
	struct container_facts members;
	enum definition_signing signing;
};

/* 0, with a word of warning in `why` or "", or -EBADMSG with a sentence. */
int definition_proof_run(const struct proof_order *order, struct proof_facts *ret_facts,
			 char why[LIMIT_DETAIL_BYTES]);

#endif
