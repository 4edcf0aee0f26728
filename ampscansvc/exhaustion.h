/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exhaustion: remembers what the system refused to libclamav. The functions of libc that libclamav calls are defined again
 * in this program (exported, so that the library's calls resolve to ours), pass the call on, and note a failure that
 * means "out of something" before libclamav swallows it and says clean.
 *
 * Owns: the note of the scan under way (one per process: workers have one thread), the definitions of the functions. Must
 * not own: what a note means for the verdict (core/verdict_rule.c). Never changes a result or errno.
 */
#ifndef AMP_AMPSCANSVC_EXHAUSTION_H
#define AMP_AMPSCANSVC_EXHAUSTION_H

#include <stdbool.h>
#include <stdint.h>

struct exhaustion_note {
	bool temp;        /* a call on the temporary storage was refused */
	bool resource;    /* memory, descriptors */
	bool read;        /* a read of the watched file failed, or ended before its size */
	int error;        /* errno of the first refusal */
	const char *call; /* its name, static */
};

/* Forgets what was noted; reads of `fd` below `size` must succeed from now on (-1: no file is watched). */
void exhaustion_watch(int fd, uint64_t size);

/* What was noted since exhaustion_watch(). */
struct exhaustion_note exhaustion_seen(void);

/* How many calls went through here since the process started: proves that libclamav's calls do. */
uint64_t exhaustion_calls(void);

#endif
