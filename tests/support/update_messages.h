/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_messages: sound messages between daemon and updater of every kind, with every field set in at least one of them, and what it means
 * for two to be equal. Seeds of the fuzz corpora and rows of the round-trip tests.
 */
#ifndef AMP_TESTS_SUPPORT_UPDATE_MESSAGES_H
#define AMP_TESTS_SUPPORT_UPDATE_MESSAGES_H

#include <stdbool.h>

#include "wire/update_codec.h"

const struct update_start *sample_update_starts(unsigned *ret_n);
const struct from_updater *sample_from_updater(unsigned *ret_n);

bool update_start_equal(const struct update_start *a, const struct update_start *b);
bool from_updater_equal(const struct from_updater *a, const struct from_updater *b);

#endif
