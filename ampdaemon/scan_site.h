/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_site: where and as whom the scan service runs: its account (scan_account) and the connector's directories (installation), looked at
 * at each birth and recheck; and fault 5, which says what of it is not as installed.
 *
 * Owns the installation, what was found last, fault 5. Must not own the service: it is told how the serving one runs, and says
 * whether that one is as it should be.
 */
#ifndef AMP_AMPDAEMON_SCAN_SITE_H
#define AMP_AMPDAEMON_SCAN_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/fault_desk.h"
#include "ampdaemon/installation.h"
#include "ampdaemon/scan_account.h"

struct scan_site;

/* NULL without memory. */
struct scan_site *scan_site_new(const struct configuration *configuration,
				struct fault_desk *faults);
struct scan_site *scan_site_free(struct scan_site *site);

/* Looks at everything, makes a missing account where that is allowed (once a minute at most; takes up to 10 seconds then), raises
 * fault 5. May ask the network: at births and rechecks only. */
void scan_site_look(struct scan_site *site);

/* As found by the last look. Unsound: births run as root behind the other walls. */
struct scan_account scan_site_account(const struct scan_site *site);
struct installation *scan_site_installation(struct scan_site *site);

/* Process `pid` serves. Clears fault 5 when all is well and it runs as the account by the word of the kernel. False: the account
 * is sound, but this service does not run as it: only another one will. */
bool scan_site_judge(struct scan_site *site, int64_t pid);

#endif
