/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_report: what the scan service said of itself, kept for the status. Owns copies of all
 * texts: what a decoder returns is gone with the next packet. Bounded by base/limits.h.
 */
#ifndef AMP_AMPDAEMON_SERVICE_REPORT_H
#define AMP_AMPDAEMON_SERVICE_REPORT_H

#include <stddef.h>

#include "base/limits.h"
#include "base/walls.h"
#include "wire/scan_codec.h"

struct service_report {
	char engine[LIMIT_NAME_BYTES + 1];
	unsigned n_walls;
	struct wall_report walls[WALL_COUNT];
	unsigned n_files; /* those past the limit are in the log only */
	struct definition_file files[LIMIT_DEFINITION_FILES];
	struct service_ready ready; /* of the last life that became ready */

	char wall_details[WALL_COUNT][LIMIT_WALL_DETAIL_BYTES + 1];
	char file_names[LIMIT_DEFINITION_FILES][LIMIT_NAME_BYTES + 1];
	char file_reasons[LIMIT_DEFINITION_FILES][LIMIT_DETAIL_BYTES + 1];
	char file_databases[LIMIT_DEFINITION_FILES][LIMIT_DATABASE_BYTES + 1];
};

/* A new life begins: its walls and files are not known yet. */
void service_report_begin(struct service_report *report);

/* A wall that is missing is logged, too. */
void service_report_hello(struct service_report *report, const struct service_hello *hello);
void service_report_file(struct service_report *report, const struct definition_file *file);

/* A copy whose texts are its own. */
void service_report_copy(struct service_report *copy, const struct service_report *report);

/* The files that were refused with their reasons, "a.ndb: broken, b.cvd: signature wrong"; "" when there are none. */
void service_report_refused(const struct service_report *report, char *out, size_t size);

#endif
