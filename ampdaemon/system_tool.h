/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * system_tool: runs one of the system's own programs to its end: without a descriptor of the daemon, bounded in time and in what it
 * may say. Owns the process. Must not know what the tool is for.
 */
#ifndef AMP_AMPDAEMON_SYSTEM_TOOL_H
#define AMP_AMPDAEMON_SYSTEM_TOOL_H

#include <stddef.h>

#include "base/mono.h"

/*
 * Looks for `name` in the directories of system programs and runs it until `limit`; then it is killed. arguments[0] is its name. 0 when
 * it ended with status 0; else -errno with a sentence in `error`: which program, its status, the last it said. The loop stands still
 * meanwhile. After low_fds_reserve().
 */
int system_tool_run(const char *name, char *const *arguments, mono_ms limit, char *error,
		    size_t size);

#endif
