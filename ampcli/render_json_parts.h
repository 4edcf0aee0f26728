/* SPDX-License-Identifier: GPL-2.0-only */
/* render_json_parts: members of our JSON objects, and how an object is written. For render_json*.c only: it speaks jansson. */
#ifndef AMP_AMPCLI_RENDER_JSON_PARTS_H
#define AMP_AMPCLI_RENDER_JSON_PARTS_H

#include "ampcli/render_json.h"
#include "base/span.h"

struct json_t; /* of jansson */

/* Take `value`; NULL becomes null: without memory json_write() says so. */
void json_set(struct json_t *object, const char *name, struct json_t *value);
void json_set_text(struct json_t *object, const char *name, const char *text);
void json_set_number(struct json_t *object, const char *name, uint64_t number);

/* `name` and, when it is not UTF-8, `name`_bytes beside it. */
void json_set_path(struct json_t *object, const char *name, struct span path);

/* Bytes as a string: valid UTF-8 as it is, anything else escaped. NULL when there is no memory. */
struct json_t *json_bytes(struct span bytes);

/* Seconds since `built_s`; null when that is 0 or still to come. */
struct json_t *json_age(uint64_t built_s, uint64_t now_utc_ms);

/* UTC as text; null for 0. */
struct json_t *json_time(uint64_t utc_ms);

/* Takes `object`. Errors of the stream stay with it: main asks ferror() at the end. */
bool json_write(const struct json_target *target, struct json_t *object);

#endif
