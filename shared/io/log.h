/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log: lines for people. Owns the one sink of the process (a file with a ceiling, standard error, or both), its levels and
 * its count of lines that could not be written. Never blocks on a full pipe, never fails its caller: a line that
 * cannot be written is dropped and counted, and the count is part of `ampcli status`.
 *
 * This is the only module with process-wide state; everything else is passed. It is for the daemon's loop thread. The
 * journal (ampdaemon/journal.h) is a different thing: the record of what happened.
 */
#ifndef AMP_SHARED_IO_LOG_H
#define AMP_SHARED_IO_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/name_table.h"

#define LOG_LEVEL_LIST(X)                                                                          \
	X(LOG_LEVEL_ERROR, "error")       /* a person must act */                                  \
	X(LOG_LEVEL_SECURITY, "security") /* a peer broke the contract, or was refused */          \
	X(LOG_LEVEL_WARNING, "warning")   /* degraded, heals by itself */                          \
	X(LOG_LEVEL_NOTICE, "notice")     /* a change of state */                                  \
	X(LOG_LEVEL_INFO, "info")                                                                  \
	X(LOG_LEVEL_DEBUG, "debug")

enum log_level { LOG_LEVEL_LIST(NAME_TABLE_MEMBER) LOG_LEVEL_COUNT };

#define LOG_FILE_BYTES                                                                             \
	(16u << 20) /* then it becomes FILE.1, and FILE.1 is replaced: at most twice this on disk */
#define LOG_LINE_BYTES 2048 /* longer lines end in "..." */

struct log_settings {
	const char *path; /* NULL: no file */
	bool to_stderr;
	enum log_level level; /* the least urgent that is written */
};

/* 0, or -errno when the file cannot be opened (the rest works). */
int log_open(const struct log_settings *settings);
void log_close(void);

/* One line: subject, cause, consequence. Bytes of strangers go through text_escape() first; control bytes that come all
 * the same become '?'. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines that could not be written since log_open(). */
uint64_t log_dropped(void);

const char *log_level_name(unsigned level);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_security(...) log_line(LOG_LEVEL_SECURITY, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
