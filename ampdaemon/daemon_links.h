/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon_links: what the parts of the daemon tell each other: each call back of one is a call of another. Owns nothing and decides nothing.
 */
#ifndef AMP_AMPDAEMON_DAEMON_LINKS_H
#define AMP_AMPDAEMON_DAEMON_LINKS_H

#include "ampdaemon/daemon_parts.h"

/* The context of each is the daemon. */
extern const struct supervisor_callbacks daemon_supervisor_callbacks;
extern const struct incident_callbacks daemon_incident_callbacks;
extern const struct definition_callbacks daemon_definition_callbacks;
extern const struct desk_callbacks daemon_desk_callbacks;
extern const struct update_callbacks daemon_update_callbacks;

/* For the control server and worker_memory. */
void daemon_fill_status(void *daemon, struct status_report *ret_report);
void daemon_refresh_status(void *daemon);
void daemon_on_memory_fresh(void *daemon);
void daemon_give_verdict(void *daemon, uint64_t client, const struct definition_answer *answer);
int daemon_update(void *daemon, uint64_t client, char *ret_why);
void daemon_cancel_update(void *daemon, uint64_t client);
void daemon_fill_updates(void *daemon, struct generations_report *ret_report);

#endif
