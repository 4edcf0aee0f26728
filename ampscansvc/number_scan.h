/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * number_scan: the sscanf that libclamav calls. It evaluates each logical signature anew for each file and reads the
 * numbers in it with sscanf(text, "%u", ...), which costs a fifth of a small file's time (docs/benchmarks.md).
 * The two shapes that occur there are read here, digit by digit; everything else goes to libc.
 *
 * Owns: the exported definitions of sscanf under its versioned names. Gives what libc gives, always: a test compares.
 */
#ifndef AMP_AMPSCANSVC_NUMBER_SCAN_H
#define AMP_AMPSCANSVC_NUMBER_SCAN_H

#include <stdarg.h>

/* As vsscanf(3). */
int number_scan(const char *text, const char *format, va_list arguments);

#endif
