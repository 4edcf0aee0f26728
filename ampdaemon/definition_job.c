/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/definition_copy.h"
#include "ampdaemon/definition_generation.h"
#include "ampdaemon/definition_tree.h"
#include "ampdaemon/refusal.h"
#include "base/text.h"
#include "io/late_close.h"

static int open_places(struct definition_job *job, const struct definition_store *store)
{
	if (job->kind != DEFINITION_JOB_CHECK)
		job->staging = definition_store_open_staging(store);
	if (job->kind != DEFINITION_JOB_SWEEP)
		job->generations = definition_store_open_generations(store);
	if (job->kind != DEFINITION_JOB_CHECK && job->staging < 0)
		return job->staging;
	if (job->kind != DEFINITION_JOB_SWEEP && job->generations < 0)
		return job->generations;
	return 0;
}

int definition_job_new(enum definition_job_kind kind, uint64_t number,
		       const struct definition_store *store, struct definition_job **ret_job,
		       char why[LIMIT_REASON_BYTES])
{
	struct definition_job *job = calloc(1, sizeof(*job));
	int r;

	*ret_job = NULL;
	if (!job)
		return refusal_say(why, -ENOMEM, "there is no memory");
	job->kind = kind;
	job->number = number;
	job->staging = job->generations = -1;
	r = open_places(job, store);
	if (r) {
		definition_job_free(job);
		return refusal_say(why, r, "the directory of the definitions cannot be used: %s",
				   strerror(-r));
	}
	*ret_job = job;
	return 0;
}

static bool has_path(const struct definition_job *job, const char *path)
{
	for (unsigned i = 0; i < job->n; i++) {
		if (!strcmp(job->sources[i].path, path))
			return true;
	}
	return false;
}

static int refuse_name(const char *name, char *why)
{
	char shown[LIMIT_DETAIL_BYTES];

	return refusal_say(why, -EINVAL,
			   "%s cannot be the name of a file of definitions: 1 to %u letters, "
			   "digits, dots, dashes and underscores, with no dot in front",
			   text_escape(span_of_text(name), shown, sizeof(shown)), LIMIT_NAME_BYTES);
}

static int take_place(struct definition_job *job, const char *name, bool is_custom, char *why)
{
	struct definition_source *source = &job->sources[job->n];

	if (job->n == LIMIT_DEFINITION_FILES)
		return refusal_say(why, -E2BIG, "a set has at most %u files",
				   LIMIT_DEFINITION_FILES);
	if (manifest_path_make(source->path, name, is_custom))
		return refuse_name(name, why);
	if (has_path(job, source->path))
		return refusal_say(why, -EEXIST, "%s is in the set twice", source->path);
	return 0;
}

int definition_job_add(struct definition_job *job, const char *name, bool is_custom,
		       const struct definition_source *source, char why[LIMIT_REASON_BYTES])
{
	int r = take_place(job, name, is_custom, why);

	if (r) {
		late_close(source->fd);
		return r;
	}
	job->sources[job->n].fd = source->fd;
	job->sources[job->n].generation = source->generation;
	job->n++;
	return 0;
}

void definition_job_free(struct definition_job *job)
{
	if (!job)
		return;
	for (unsigned i = 0; i < job->n; i++)
		late_close(job->sources[i].fd);
	if (job->staging >= 0)
		close(job->staging);
	if (job->generations >= 0)
		close(job->generations);
	free(job);
}

/* ---- on the thread ---- */

static int copy_sources(struct definition_job *job, struct definition_copy *copy)
{
	int r = 0;

	for (unsigned i = 0; !r && i < job->n; i++) {
		const struct definition_source *source = &job->sources[i];

		r = source->fd >= 0 ? definition_copy_take(copy, source->path, source->fd)
				    : definition_copy_keep(copy, source->path, job->generations,
							   source->generation);
	}
	return r;
}

static int make_set(struct definition_job *job, bool (*is_wanted)(void *context), void *context)
{
	struct definition_copy copy = {.staging = job->staging,
				       .number = job->number,
				       .max_file_bytes = job->bounds.max_file_bytes,
				       .max_set_bytes = job->bounds.max_set_bytes,
				       .why = job->result.why};
	int r = definition_copy_begin(&copy, is_wanted, context);

	if (!r)
		r = copy_sources(job, &copy);
	if (!r)
		r = definition_copy_seal(&copy, job->result.digest);
	job->result.n_files = copy.manifest.n;
	job->result.bytes = definition_manifest_bytes(&copy.manifest);
	definition_copy_done(&copy);
	return r;
}

static int check_generation(struct definition_job *job, bool (*is_wanted)(void *context),
			    void *context)
{
	char name[DEFINITION_NUMBER_BYTES];
	int r, directory = definition_tree_open(job->generations,
						definition_number_text(job->number, name));

	if (directory < 0)
		return refusal_say(job->result.why, directory, "it cannot be opened: %s",
				   strerror(-directory));
	r = definition_generation_check(directory, is_wanted, context, job->result.why);
	close(directory);
	return r;
}

void definition_job_undo(const struct definition_job *job)
{
	char name[DEFINITION_NUMBER_BYTES];

	/* Fails: the next start removes it. */
	(void)definition_tree_remove(job->staging, definition_number_text(job->number, name));
}

void definition_job_run(struct definition_job *job, bool (*is_wanted)(void *context), void *context)
{
	switch (job->kind) {
	case DEFINITION_JOB_SET:
		job->result.error = make_set(job, is_wanted, context);
		break;
	case DEFINITION_JOB_CHECK:
		job->result.error = check_generation(job, is_wanted, context);
		break;
	case DEFINITION_JOB_SWEEP:
		definition_job_undo(job);
		break;
	}
	if (!job->result.error)
		job->result.why[0] = '\0';
}
