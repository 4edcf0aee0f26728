/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_order: what one ampupdater is told: settings, account, and which mirrors are asked for what. Knows no process and no plan.
 */
#ifndef AMP_AMPDAEMON_UPDATE_ORDER_H
#define AMP_AMPDAEMON_UPDATE_ORDER_H

#include <stdint.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/scan_account.h"
#include "wire/update_codec.h"

/* Mirrors and databases are numbers of the configuration's lists. */
struct check_order {
	unsigned n_mirrors;
	unsigned mirrors[LIMIT_MIRRORS]; /* in the order in which they are asked */
	/* Up to which version a mirror is not asked for a database; 0: it is. */
	uint32_t refused[LIMIT_MIRRORS][LIMIT_DATABASES];
};

/* What it points to is the configuration's. Databases keep their numbers. */
void update_order_write(const struct configuration *configuration,
			const struct scan_account *account, const struct check_order *order,
			struct update_start *ret_start);

#endif
