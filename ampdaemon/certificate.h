/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * certificate: the death certificate of a scan worker or of the scan service: what ended, why, where it was, what it had in hand.
 * Only the type; scan_link and supervisor write certificates, incident_desk files them.
 */
#ifndef AMP_AMPDAEMON_CERTIFICATE_H
#define AMP_AMPDAEMON_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lives.h"
#include "base/span.h"

/* What it points to is valid during the call that hands it over. */
struct death_certificate {
	bool is_service;
	enum failure_class failure;
	enum death_cause cause;
	uint64_t worker, incarnation; /* worker 0: the service */
	uint32_t pid;
	bool has_status;       /* else nobody said how it ended */
	uint32_t status;       /* as of waitpid(2) */
	enum scan_phase phase; /* its last words: hearsay */
	uint64_t job;          /* in hand; 0: none */
	uint32_t attempt;
	struct span path;     /* of the file in hand */
	struct span digest;   /* LIMIT_DIGEST_BYTES or none */
	const char *detail;   /* one sentence: signal or exit code, and what is known besides */
	uint64_t handover_us; /* 0: its file is with nobody yet */
};

#endif
