/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * story: a transcript that is played and compared. Each line is `[ms] event > effects until
 * deadline`; what stands before the `>` is done to a fresh dispatcher and service machine, what
 * stands behind it must come out, word for word.
 *
 * Events of the dispatcher: up [E], standby E, lost [E] (epochs; 1 when none is named), adopt W E OWED, ready W,
 * submit NAME [uid=N owner=N bytes=N priority=P held=1], release NAME, hold NAME, deny NAME,
 * answer W NAME [VERDICT], gone W CAUSE (crash, notice, violation, requested), refuse W NAME,
 * cancel OWNER, drain MS, tick. Orders of another epoch than 1 name it. An event that is refused has the effect `refused`. Events of the
 * service: `service EVENT`; what the machine asks of the dispatcher is done.
 */
#ifndef AMP_TESTS_SUPPORT_STORY_H
#define AMP_TESTS_SUPPORT_STORY_H

#include <stdbool.h>

#include "ampdaemon/core/dispatcher.h"

/* active 1, depth 1, and round numbers */
struct dispatcher_settings story_settings(void);

/* True when it came out as told; else both are printed as TAP comments. */
bool story_holds(const struct dispatcher_settings *settings, const char *transcript);

#endif
