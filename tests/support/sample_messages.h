/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sample_messages: valid messages of every kind, with every field set in at least one of them. Seeds of the fuzz corpora
 * and rows of the round-trip tests. Each function fills a static array at its first call.
 */
#ifndef AMP_TESTS_SUPPORT_SAMPLE_MESSAGES_H
#define AMP_TESTS_SUPPORT_SAMPLE_MESSAGES_H

#include "wire/control_codec.h"
#include "wire/event_codec.h"
#include "wire/scan_codec.h"

const struct to_service *sample_to_service(unsigned *ret_n);
const struct from_service *sample_from_service(unsigned *ret_n);
const struct from_worker *sample_from_worker(unsigned *ret_n);
const struct request *sample_requests(unsigned *ret_n);
const struct reply *sample_replies(unsigned *ret_n);
const struct event *sample_events(unsigned *ret_n);

#endif
