/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/trial_roll.h"

#include <errno.h>
#include <string.h>

#include "ampdaemon/refusal.h"
#include "base/text.h"

static const char *ending_of(const char *name)
{
	const char *ending = strrchr(name, '.');

	return ending && (text_is_same_name(ending, ".cvd") || text_is_same_name(ending, ".cld"))
		       ? ending
		       : NULL;
}

static bool is_of(const struct definition_file *file, enum definition_origin origin,
		  const char *name)
{
	return file->origin == origin && strcmp(file->name, name) == 0;
}

/* The file of this name that was spoken of, and how often. */
static unsigned spoken_of(const struct service_report *report, enum definition_origin origin,
			  const char *name, const struct definition_file **ret_file)
{
	unsigned n = 0;

	for (unsigned i = 0; i < report->n_files; i++) {
		if (!is_of(&report->files[i], origin, name))
			continue;
		*ret_file = &report->files[i];
		n++;
	}
	return n;
}

static bool is_named_for_database(const struct definition_file *file)
{
	const char *ending = ending_of(file->name);
	size_t len = ending ? (size_t)(ending - file->name) : 0;

	return len && strlen(file->database) == len &&
	       strncmp(file->name, file->database, len) == 0;
}

/* One of the manifest that must have been spoken of. */
static int call_official(const struct service_report *report, const char *name, char *why)
{
	const struct definition_file *file = NULL;
	unsigned n = spoken_of(report, DEFINITION_ORIGIN_OFFICIAL, name, &file);

	if (n != 1)
		return refusal_say(why, -EBADMSG, "the trial spoke of %s %u times", name, n);
	if (file->accepted && (!file->signatures || !is_named_for_database(file)))
		return refusal_say(why, -EBADMSG, "what the trial told of %s makes no sense", name);
	return 0;
}

/* One that was spoken of must be of the manifest, and once. */
static int call_spoken(const struct definition_manifest *manifest,
		       const struct service_report *report, const struct definition_file *file,
		       char *why)
{
	char path[MANIFEST_PATH_BYTES + 1];
	bool is_custom = file->origin == DEFINITION_ORIGIN_CUSTOM;
	const struct definition_file *same;

	if (spoken_of(report, file->origin, file->name, &same) != 1)
		return refusal_say(why, -EBADMSG, "the trial spoke of %s more than once",
				   file->name);
	if (file->origin == DEFINITION_ORIGIN_BUILTIN)
		return 0;
	if (manifest_path_make(path, file->name, is_custom) ||
	    !definition_manifest_find(manifest, path))
		return refusal_say(why, -EBADMSG, "the trial spoke of %s, which is not in the set",
				   file->name);
	return 0;
}

/* The age of the set is counted from what is said here. */
static int call_sum(const struct service_report *report, char *why)
{
	uint64_t sum = 0, newest = 0;

	for (unsigned i = 0; i < report->n_files; i++) {
		const struct definition_file *file = &report->files[i];

		sum += file->signatures; /* 64 numbers of 32 bits */
		if (file->accepted && file->origin == DEFINITION_ORIGIN_OFFICIAL &&
		    file->built > newest)
			newest = file->built;
	}
	if (sum != report->ready.signatures)
		return refusal_say(why, -EBADMSG,
				   "the signatures of the files are not those of the set");
	if (newest != report->ready.built)
		return refusal_say(why, -EBADMSG, "the time of the files is not that of the set");
	return 0;
}

int trial_roll_call(const struct definition_manifest *manifest, const struct service_report *report,
		    char why[LIMIT_REASON_BYTES])
{
	int r = 0;

	for (unsigned i = 0; !r && i < manifest->n; i++) {
		bool is_custom;
		const char *name = manifest_path_name(manifest->entries[i].path, &is_custom);

		if (!is_custom && ending_of(name))
			r = call_official(report, name, why);
	}
	for (unsigned i = 0; !r && i < report->n_files; i++)
		r = call_spoken(manifest, report, &report->files[i], why);
	return r ? r : call_sum(report, why);
}
