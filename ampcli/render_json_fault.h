/* SPDX-License-Identifier: GPL-2.0-only */
/* render_json_fault: faults, failures and unscannable files as JSON. The first half is for render_json.c, it speaks jansson. */
#ifndef AMP_AMPCLI_RENDER_JSON_FAULT_H
#define AMP_AMPCLI_RENDER_JSON_FAULT_H

#include <jansson.h>

#include "ampcli/render_json.h"

json_t *json_digest(struct span digest); /* hexadecimal; null for none */
json_t *json_faults(const struct fault_state *faults, unsigned n);
json_t *json_failures(const struct status_report *status); /* by class */
json_t *json_standby(const struct status_report *status);
json_t *json_fault_event(const struct event *event);
json_t *json_unscannable_event(const struct event *event);

#endif
