/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/service_report.h"

#include <stdio.h>

#include "base/text.h"
#include "io/log.h"

void service_report_begin(struct service_report *report)
{
	report->n_walls = report->n_files = 0;
}

void service_report_hello(struct service_report *report, const struct service_hello *hello)
{
	(void)snprintf(report->engine, sizeof(report->engine), "%s", hello->engine);
	report->n_walls = hello->n_walls;
	for (unsigned i = 0; i < hello->n_walls; i++) {
		report->walls[i] = hello->walls[i];
		(void)snprintf(report->wall_details[i], sizeof(report->wall_details[i]), "%s",
			       hello->walls[i].detail);
		report->walls[i].detail = report->wall_details[i];
		if (report->walls[i].state == WALL_STATE_MISSING)
			log_warning("scan service: wall %s is missing: %s",
				    wall_name(report->walls[i].id), report->wall_details[i]);
	}
}

void service_report_file(struct service_report *report, const struct definition_file *file)
{
	unsigned i = report->n_files;

	if (i == LIMIT_DEFINITION_FILES)
		return;
	report->files[i] = *file;
	(void)snprintf(report->file_names[i], sizeof(report->file_names[i]), "%s", file->name);
	(void)snprintf(report->file_reasons[i], sizeof(report->file_reasons[i]), "%s",
		       file->reason);
	(void)snprintf(report->file_databases[i], sizeof(report->file_databases[i]), "%s",
		       file->database);
	report->files[i].database = report->file_databases[i];
	report->files[i].name = report->file_names[i];
	report->files[i].reason = report->file_reasons[i];
	report->n_files++;
}

void service_report_copy(struct service_report *copy, const struct service_report *report)
{
	*copy = *report;
	for (unsigned i = 0; i < copy->n_walls; i++)
		copy->walls[i].detail = copy->wall_details[i];
	for (unsigned i = 0; i < copy->n_files; i++) {
		copy->files[i].name = copy->file_names[i];
		copy->files[i].reason = copy->file_reasons[i];
		copy->files[i].database = copy->file_databases[i];
	}
}

void service_report_refused(const struct service_report *report, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < report->n_files; i++) {
		if (!report->files[i].accepted)
			text_append(out, size, &at, "%s%s: %s", at ? ", " : "",
				    report->files[i].name, report->files[i].reason);
	}
}
