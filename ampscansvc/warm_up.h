/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * warm_up: makes libc open, before the walls stand, what it would open by itself in the middle of a scan: the time zone,
 * and the modules of iconv(). Without it the first UTF-16 document would kill its worker, or silently not be converted.
 */
#ifndef AMP_AMPSCANSVC_WARM_UP_H
#define AMP_AMPSCANSVC_WARM_UP_H

/* 0, or -EIO when the conversion that every system has is not there. Keeps the converters open. */
int warm_up(void);

#endif
