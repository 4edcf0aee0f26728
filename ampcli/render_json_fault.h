/* SPDX-License-Identifier: GPL-2.0-only */
/* render_json_fault: faults, failures and unscannable files as JSON. The first half is for render_json.c, it speaks jansson. */
#ifndef AMP_AMPCLI_RENDER_JSON_FAULT_H
#define AMP_AMPCLI_RENDER_JSON_FAULT_H

#include "ampcli/render_json.h"

struct json_t; /* of jansson */

struct json_t *json_digest(struct span digest); /* hexadecimal; null for none */
struct json_t *json_faults(const struct fault_state *faults, unsigned n);
struct json_t *json_failures(const struct status_report *status); /* by class */
struct json_t *json_standby(const struct status_report *status);
struct json_t *json_fault_event(const struct event *event);
struct json_t *json_unscannable_event(const struct event *event);

#endif
