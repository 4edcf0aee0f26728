/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * obituary: what becomes known of a scan worker after it failed. Its wait status comes through the service's parent, its file finds
 * another worker, the file's digest is computed: each in its own time, and any of them perhaps never. One that knows all three,
 * or is 2 seconds old, becomes a death certificate and is handed on, always from the loop itself.
 *
 * Owns: the obituaries (OBITUARIES at a time; before they run out the oldest is handed on as it is), their timer, their
 * request to the digest desk. Must not own processes or files, nor write the journal: incident_desk files the certificates.
 */
#ifndef AMP_AMPDAEMON_OBITUARY_H
#define AMP_AMPDAEMON_OBITUARY_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/certificate.h"
#include "ampdaemon/digest_desk.h"
#include "base/span.h"

#define OBITUARIES 192
#define OBITUARY_WAIT_MS 2000

struct obituaries;

typedef void obituary_fn(void *context, const struct death_certificate *certificate);

/* A worker that failed, as its link knows it at that moment. What it points to is copied, descriptors stay the caller's. */
struct obituary_notice {
	uint64_t worker, incarnation;
	uint32_t pid;
	enum death_cause cause;
	bool has_status; /* the parent's word was quicker than the end of the channel */
	uint32_t status;
	const char *detail; /* what the link knows besides; "" */
	uint64_t job;       /* in hand; 0: none */
	uint32_t attempt;
	struct span path;
	int file;       /* in hand, -1: none */
	int last_words; /* memory of its service (base/last_words.h), -1: none */
};

/* `digests` may be NULL: then no certificate has a digest. */
struct obituaries *obituaries_new(uv_loop_t *loop, struct digest_desk *digests,
				  obituary_fn *on_certificate, void *context);

/* All are handed on as they are. The digest desk must not answer any more: free it before the loop turns again. */
struct obituaries *obituaries_free(struct obituaries *obituaries);

void obituaries_open(struct obituaries *obituaries, const struct obituary_notice *notice);

/* The parent's word on how a worker ended. */
void obituaries_note_exit(struct obituaries *obituaries, uint64_t worker, uint32_t status);

/* A job is with another worker now. */
void obituaries_note_handover(struct obituaries *obituaries, uint64_t job);

/* A job has ended: no other worker gets it. */
void obituaries_note_settled(struct obituaries *obituaries, uint64_t job);

#endif
