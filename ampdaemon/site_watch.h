/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * site_watch: tells when the account files or the connector's directories, executable or definitions change (inotify, by libuv), so that a fault
 * is raised and cleared at once and not at the next recheck. Owns the watches; knows nothing of what they mean. Changes
 * are gathered for SITE_WATCH_SETTLE_MS and told once; what cannot be watched is left to the recheck timer.
 *
 * A directory that was replaced is watched again after the change was gathered, and every configuration->recheck_ms at the latest. A
 * storm of changes costs one call per SITE_WATCH_SETTLE_MS: the watch of the directory in question is off meanwhile.
 */
#ifndef AMP_AMPDAEMON_SITE_WATCH_H
#define AMP_AMPDAEMON_SITE_WATCH_H

#include <uv.h>

#include "ampdaemon/configuration.h"

#define SITE_WATCH_SETTLE_MS 300

struct site_watch;

/* NULL without memory. `on_change` may free the watch. */
struct site_watch *site_watch_new(uv_loop_t *loop, const struct configuration *configuration,
				  void (*on_change)(void *context), void *context);

/* NULL. The handles close in the loop's next turns. */
struct site_watch *site_watch_free(struct site_watch *watch);

#endif
