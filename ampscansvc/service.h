/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service: the parent of the workers. Takes ServiceStart, builds the walls, loads and proves the definitions, then forks a
 * worker per SpawnWorker, tells of each that ends, and answers pings. Never sees a file's content.
 *
 * Owns the service channel's end and who has which slot. Ends at end-of-file on the channel.
 */
#ifndef AMP_AMPSCANSVC_SERVICE_H
#define AMP_AMPSCANSVC_SERVICE_H

#include <stdbool.h>

#include "base/exit_code.h"

/* The process is as base/birth_contract.h says: descriptors in place, the rest closed. Returns what to exit with. */
enum exit_code service_run(bool was_environment_empty);

#endif
