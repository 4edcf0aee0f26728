/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * configuration_updates: the settings of updates: their defaults, and whether they make sense. What passes here is an order that an updater takes
 * (wire/update_codec). Must not know YAML.
 */
#ifndef AMP_AMPDAEMON_CONFIGURATION_UPDATES_H
#define AMP_AMPDAEMON_CONFIGURATION_UPDATES_H

#include "ampdaemon/configuration.h"

struct configuration_complaint {
	const char *key;
	int item; /* which entry of its list; left alone when it is all of it */
	const char *what;
};

/* Fills in what is not there. False: what is wrong. */
bool configuration_updates_settle(struct configuration *configuration,
				  struct configuration_complaint *ret_complaint);

/* A text that is not there becomes a copy of `standard`. False: no memory. */
bool configuration_default(char **text, const char *standard);

#endif
