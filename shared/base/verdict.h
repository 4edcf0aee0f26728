/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verdict: the terminal answers of a job, and the reasons beside them. Owns the two lists, nothing else.
 *
 * CLEAN is the only answer that says something good, and it must be earned: everything that is not known is one of the
 * others (docs/architecture.md, "Honest verdicts").
 */
#ifndef AMP_SHARED_BASE_VERDICT_H
#define AMP_SHARED_BASE_VERDICT_H

#include <stdbool.h>

#include "base/name_table.h"

/* Numbers are those of enum Verdict in proto/common.proto. */
#define VERDICT_LIST(X)                                                                            \
	X(VERDICT_NONE, "NONE")                                                                    \
	X(VERDICT_CLEAN, "CLEAN")                                                                  \
	X(VERDICT_INFECTED, "INFECTED")                                                            \
	X(VERDICT_INCOMPLETE, "INCOMPLETE")                                                        \
	X(VERDICT_ERROR, "ERROR")                                                                  \
	X(VERDICT_FAILED, "FAILED")                                                                \
	X(VERDICT_NOT_SCANNED, "NOT_SCANNED")

enum verdict { VERDICT_LIST(NAME_TABLE_MEMBER) VERDICT_COUNT };

/* Why a verdict is not CLEAN or INFECTED. The second column is for programs (JSON "reason"), the third for people. */
#define SCAN_REASON_LIST(X)                                                                        \
	X(SCAN_REASON_NONE, "none", "")                                                            \
	X(SCAN_REASON_LIMIT_FILE_SIZE, "limit-file-size", "larger than the file size limit")       \
	X(SCAN_REASON_LIMIT_SCAN_SIZE, "limit-scan-size", "content larger than the scan limit")    \
	X(SCAN_REASON_LIMIT_FILES, "limit-files", "more members than the limit")                   \
	X(SCAN_REASON_LIMIT_RECURSION, "limit-recursion", "nested deeper than the limit")          \
	X(SCAN_REASON_LIMIT_TIME, "limit-time", "the engine's time limit was reached")             \
	X(SCAN_REASON_LIMIT_OTHER, "limit-other", "a limit of the engine was reached")             \
	X(SCAN_REASON_ENCRYPTED, "encrypted", "encrypted content cannot be read")                  \
	X(SCAN_REASON_CHANGED, "changed", "the file kept changing while it was scanned")           \
	X(SCAN_REASON_READ, "read-error", "the file could not be read")                            \
	X(SCAN_REASON_ENGINE, "engine-error", "the engine reported an error")                      \
	X(SCAN_REASON_ENGINE_MESSAGE, "engine-message", "the engine complained during the scan")   \
	X(SCAN_REASON_TEMP, "temp-storage", "the temporary storage failed or was full")            \
	X(SCAN_REASON_RESOURCE, "resource", "memory or descriptors ran out")                       \
	X(SCAN_REASON_CANARY, "canary", "the worker no longer finds its canaries")                 \
	X(SCAN_REASON_NO_SERVICE, "no-scan-service", "the scan service is not available")          \
	X(SCAN_REASON_QUEUE_TIME, "queue-time", "waited too long for a worker")                    \
	X(SCAN_REASON_DIED, "worker-died", "the scan worker died on it, twice")                    \
	X(SCAN_REASON_TIMED_OUT, "timed-out", "the worker was killed for missing the deadline")    \
	X(SCAN_REASON_VIOLATION, "worker-lied", "the worker broke the protocol, twice")            \
	X(SCAN_REASON_STOPPING, "stopping", "the connector is stopping")                           \
	X(SCAN_REASON_NOT_PERMITTED, "not-permitted", "no permission to read it")                  \
	X(SCAN_REASON_GONE, "gone", "it disappeared before it could be opened")                    \
	X(SCAN_REASON_NOT_REGULAR, "not-regular", "not a regular file")                            \
	X(SCAN_REASON_OTHER_FILESYSTEM, "other-filesystem", "on another file system")              \
	X(SCAN_REASON_LOOP, "loop", "a loop of directories")                                       \
	X(SCAN_REASON_OPEN, "open-error", "it could not be opened")                                \
	X(SCAN_REASON_DIRECTORY, "directory-error", "the directory could not be read to its end")  \
	X(SCAN_REASON_PATH_TOO_LONG, "path-too-long", "the path is too long to be named")          \
	X(SCAN_REASON_STOPPED, "stopped", "the scan was stopped before it")                        \
	X(SCAN_REASON_CONNECTION, "connection-lost", "the connection to the daemon was lost")      \
	X(SCAN_REASON_UNSCANNABLE, "unscannable",                                                  \
	  "it failed scan workers before; not scanned until it changes or definitions do")         \
	X(SCAN_REASON_MAKESHIFT, "makeshift-definitions",                                          \
	  "nothing found, but only the built-in definitions could be loaded (fault 7)")

enum scan_reason { SCAN_REASON_LIST(NAME_TABLE_MEMBER) SCAN_REASON_COUNT };

/* Was the content looked at, be it in part? */
static inline bool verdict_is_judgement(enum verdict verdict)
{
	return verdict == VERDICT_CLEAN || verdict == VERDICT_INFECTED ||
	       verdict == VERDICT_INCOMPLETE;
}

const char *verdict_name(unsigned verdict);
const char *scan_reason_name(unsigned reason);

/* A sentence for a person; "" for SCAN_REASON_NONE. */
const char *scan_reason_text(unsigned reason);

/* True when a worker may give this verdict with this reason; anything else is a lie of the worker. */
bool verdict_is_plausible(unsigned verdict, unsigned reason, unsigned n_threats);

#endif
