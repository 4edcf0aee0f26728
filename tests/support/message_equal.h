/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * message_equal: do two decoded messages say the same? Field by field, by the member of the union that is in use.
 * For round trips: what was decoded, encoded and decoded again must be equal to what was decoded first.
 */
#ifndef AMP_TESTS_SUPPORT_MESSAGE_EQUAL_H
#define AMP_TESTS_SUPPORT_MESSAGE_EQUAL_H

#include <stdbool.h>

#include "wire/control_codec.h"
#include "wire/event_codec.h"
#include "wire/scan_codec.h"

bool to_service_equal(const struct to_service *a, const struct to_service *b);
bool from_service_equal(const struct from_service *a, const struct from_service *b);
bool from_worker_equal(const struct from_worker *a, const struct from_worker *b);
bool request_equal(const struct request *a, const struct request *b);
bool reply_equal(const struct reply *a, const struct reply *b);
bool event_equal(const struct event *a, const struct event *b);

#endif
