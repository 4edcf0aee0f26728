/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_errand: what has to be done to incoming/ of the store (update_incoming), done on a thread: copies of some hundred megabytes, on a disk that
 * may hang. The loop does not wait for it, nor does the end of the daemon.
 *
 * Owns the thread, one at a time, and what waits for it. A thread that hangs outlives its errands; what it brings then is dropped.
 */
#ifndef AMP_AMPDAEMON_UPDATE_ERRAND_H
#define AMP_AMPDAEMON_UPDATE_ERRAND_H

#include <stdbool.h>

#include <uv.h>

#include "ampdaemon/update_incoming.h"

struct update_errand;

/* From the loop: a descriptor of incoming/, the callee's; or -errno with a sentence. */
typedef void update_errand_fn(void *context, int directory, const char *why);

/* `root` of the store stays the caller's until then. NULL when there is no memory. */
struct update_errand *update_errand_new(uv_loop_t *loop, const char *root, update_errand_fn *done,
					void *context);
struct update_errand *update_errand_free(struct update_errand *errand);

/* update_incoming_prepare(), after what is under way: `done` follows. Takes `order->generation` in any case; its root is not used. 0 or -errno. */
int update_errand_prepare(struct update_errand *errand, const struct incoming_order *order,
			  char why[LIMIT_REASON_BYTES]);

/* Nobody waits for it any more. */
void update_errand_forget(struct update_errand *errand);

/* update_incoming_sweep(), when nothing else is asked for; nobody is told. */
void update_errand_sweep(struct update_errand *errand);

/* Something is being done. */
bool update_errand_is_busy(const struct update_errand *errand);

#endif
