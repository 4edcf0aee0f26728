/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limits: the ceilings of what a peer can make us hold. One place, a reason each; proto/ repeats them in comments and
 * shared/wire enforces them.
 */
#ifndef AMP_SHARED_BASE_LIMITS_H
#define AMP_SHARED_BASE_LIMITS_H

#define LIMIT_PACKET_BYTES 65536 /* one message; the default socket buffer holds three */
#define LIMIT_UNPACK_BYTES                                                                         \
	(16 *                                                                                      \
	 LIMIT_PACKET_BYTES) /* what unpacking one message may take: small events unfold tenfold */
#define LIMIT_PATH_BYTES                                                                           \
	32768 /* eight times PATH_MAX: a walk by descriptors goes deeper than one system call can */
#define LIMIT_LABEL_BYTES 1024
#define LIMIT_NAME_BYTES 64   /* of a definition file, an engine, a version */
#define LIMIT_ORIGIN_BYTES 40 /* who brought definitions, in words */
#define LIMIT_DETAIL_BYTES 200
#define LIMIT_REASON_BYTES 400
#define LIMIT_WALL_DETAIL_BYTES 120
#define LIMIT_THREATS 8        /* names per file */
#define LIMIT_THREAT_BYTES 255 /* libclamav's own names stay under it */
#define LIMIT_DEFINITION_FILES 64
#define LIMIT_TRUST_ANCHOR_BYTES 16384 /* of PEM: a dozen certificates */
#define LIMIT_LOG_TEXT_BYTES 1000
#define LIMIT_WORKERS 24 /* BIRTH_WORKER_SLOTS */
#define LIMIT_NOTICES 16
#define LIMIT_HISTORY_ROWS 500
#define LIMIT_FAULTS 16                /* of the catalogue; a test compares */
#define LIMIT_FAULT_DETAIL_BYTES 16384 /* fault 6 names each file: about a hundred */
#define LIMIT_DIGEST_BYTES 32          /* SHA-256 */
#define LIMIT_SHOWN_PATH_BYTES 1024    /* of a path that is kept for people */
#define LIMIT_UNSCANNABLE 1024         /* then the oldest is forgotten, and counted */
#define LIMIT_GENERATIONS 8            /* of definitions, that are told of */
#define LIMIT_REJECTED_SHOWN 20        /* sets of definitions */
#define LIMIT_ROOT_BYTES 4096          /* path of the definition store */
#define LIMIT_DATABASES 16             /* wanted of mirrors; the official set has three */
#define LIMIT_DATABASE_BYTES 32        /* of such a name */
#define LIMIT_MIRRORS 8
#define LIMIT_URL_BYTES 512
#define LIMIT_WAIT_S (30 * 24 * 3600) /* a mirror cannot send us away for longer than a month */

#endif
