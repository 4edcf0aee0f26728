/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_birth: gathers what a newborn scan service is given - directories, the two ends of its channel - and has it
 * spawned. Everything is opened anew for each life: directories may have been replaced.
 */
#ifndef AMP_AMPDAEMON_SERVICE_BIRTH_H
#define AMP_AMPDAEMON_SERVICE_BIRTH_H

#include <stddef.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/spawn.h"

/* 0: the process and our end of its channel are the caller's. Or -errno with one sentence in `ret_error`. */
int service_birth(const struct configuration *configuration, struct spawned *ret_spawned,
		  int *ret_channel, char *ret_error, size_t size);

#endif
