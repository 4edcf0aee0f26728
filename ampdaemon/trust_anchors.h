/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trust_anchors: the certificates that detached signatures of definitions are held against, read from a directory of root's: each NAME.pem
 * and NAME.crt that is a regular file of root's which root alone may write, in the order of their names. Read anew for each birth and
 * each trial, so that a certificate that is put there or taken away counts from the next one on.
 *
 * Must not own what is in them: the bytes go to the scan service as they are, and it says which is no certificate.
 * Diagnostics: one sentence in the log for each file that is left out, and for a directory that cannot be used; one that is not there is
 * an installation without certificates, and no news.
 */
#ifndef AMP_AMPDAEMON_TRUST_ANCHORS_H
#define AMP_AMPDAEMON_TRUST_ANCHORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define TRUST_ANCHOR_FILES 32 /* the first of them by name; they would not fit anyway */

struct trust_anchors {
	size_t len;
	uint8_t bytes[LIMIT_TRUST_ANCHOR_BYTES]; /* PEM after PEM */
};

/* 0, also when there are none; or -errno and none: the directory is there and cannot be used. `dir`: NULL is none. */
int trust_anchors_read(const char *dir, struct trust_anchors *ret);

#endif
