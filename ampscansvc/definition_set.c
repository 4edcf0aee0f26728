/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/definition_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampscansvc/core/container_info.h"
#include "ampscansvc/definition_proof.h"
#include "ampscansvc/private_root.h"
#include "base/text.h"

#define CANARY_FILE "canary.ndb"
#define CUSTOM ROOT_DEFINITIONS "/custom"
#define PATH_BYTES 320 /* a directory of ours and a name of at most 255 bytes, with .sign */

struct candidate {
	char name[256];
	const char *directory; /* ROOT_BUILTIN, ROOT_DEFINITIONS or CUSTOM */
	enum definition_origin origin;
	enum definition_kind kind;
	bool accepted;
	uint32_t signatures;
	struct proof_facts facts;
	char why[LIMIT_DETAIL_BYTES];
};

struct loader {
	const struct definition_order *order;
	const struct definition_ear *ear;
	enum load_phase phase;
	struct candidate files[LIMIT_DEFINITION_FILES];
	unsigned n_files;
	unsigned n_left_out;
};

static void beat(void *context, uint64_t done, uint64_t total)
{
	struct loader *loader = context;

	loader->ear->progress(loader->ear->context, loader->phase, done, total);
}

static void beat_of_proof(void *context)
{
	beat(context, 0, 0);
}

/* ---- which files there are ---- */

static bool is_wanted(const char *directory, const char *name, bool has_definitions)
{
	enum definition_kind kind = definition_kind_of(name);

	if (kind == DEFINITION_KIND_NONE || kind == DEFINITION_KIND_UNWANTED || name[0] == '.')
		return false;
	return strcmp(directory, ROOT_BUILTIN) != 0 || !has_definitions ||
	       strcmp(name, CANARY_FILE) == 0;
}

static enum definition_origin origin_of(const struct loader *loader, const char *directory,
					enum definition_kind kind)
{
	bool is_official = loader->order->is_generation ? strcmp(directory, CUSTOM) != 0
							: definition_kind_is_official(kind);

	if (strcmp(directory, ROOT_BUILTIN) == 0)
		return DEFINITION_ORIGIN_BUILTIN;
	return is_official ? DEFINITION_ORIGIN_OFFICIAL : DEFINITION_ORIGIN_CUSTOM;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct candidate *)left)->name,
		      ((const struct candidate *)right)->name);
}

static void add(struct loader *loader, const char *directory, const char *name)
{
	struct candidate *file = &loader->files[loader->n_files];

	if (loader->n_files == LIMIT_DEFINITION_FILES) {
		loader->n_left_out++;
		return;
	}
	memset(file, 0, sizeof(*file));
	(void)snprintf(file->name, sizeof(file->name), "%s", name); /* fits: NAME_MAX */
	file->directory = directory;
	file->kind = definition_kind_of(name);
	file->origin = origin_of(loader, directory, file->kind);
	loader->n_files++;
}

static int list(struct loader *loader, const char *directory)
{
	unsigned first = loader->n_files;
	struct dirent *entry;
	DIR *names = opendir(directory);

	if (!names)
		return -errno;
	while ((entry = readdir(names)))
		if (is_wanted(directory, entry->d_name, loader->order->has_definitions))
			add(loader, directory, entry->d_name);
	closedir(names);
	qsort(&loader->files[first], loader->n_files - first, sizeof(loader->files[0]), by_name);
	return 0;
}

static int list_all(struct loader *loader)
{
	int result = list(loader, ROOT_BUILTIN);

	if (result == 0 && loader->order->has_definitions)
		result = list(loader, ROOT_DEFINITIONS);
	if (result < 0 || !loader->order->is_generation)
		return result;
	result = list(loader, CUSTOM);
	return result == -ENOENT ? 0 : result;
}

/* ---- one file ---- */

static int refuse(struct candidate *file, const char *why)
{
	size_t at = 0;

	text_append(file->why, sizeof(file->why), &at, "%s", why);
	return -EBADMSG;
}

/* May a file of this name and kind lie here? */
static int check_place(const struct loader *loader, struct candidate *file)
{
	if (strlen(file->name) > LIMIT_NAME_BYTES ||
	    !text_is_printable(file->name, strlen(file->name)))
		return refuse(file,
			      "its name is too long or has characters other than printable ASCII");
	if (file->kind == DEFINITION_KIND_REFUSED || file->kind == DEFINITION_KIND_CONTAINER)
		return refuse(file, "files of this kind are not accepted");
	if (!loader->order->is_generation || file->origin == DEFINITION_ORIGIN_BUILTIN)
		return 0;
	if (definition_kind_is_official(file->kind) == (file->origin == DEFINITION_ORIGIN_OFFICIAL))
		return 0;
	return refuse(file, file->origin == DEFINITION_ORIGIN_OFFICIAL
				    ? "unsigned files are accepted from custom/ only"
				    : "signed containers are not accepted from custom/");
}

/* Readable, regular, not empty? Never blocks on a FIFO. */
static int look(struct candidate *file)
{
	char path[PATH_BYTES];
	struct stat status;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", file->directory, file->name); /* fits */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return refuse(file, errno == EACCES ? "the user of the scan service may not read it"
						    : strerror(errno));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		(void)refuse(file, "it is not a regular file"); /* told by `why` below */
	else if (status.st_size == 0)
		(void)refuse(file, "it is empty");
	close(fd);
	return file->why[0] ? -EBADMSG : 0;
}

/*
 * libclamav looks for siblings of a container (a .cld beside a .cvd) and lets a bad one spoil the good one: so it sees each
 * file alone in a directory, under its own name.
 */
static int stage(const struct candidate *file, char path[PATH_BYTES])
{
	char target[PATH_BYTES];

	(void)snprintf(target, sizeof(target), "%s/%s", file->directory, file->name); /* fits */
	(void)snprintf(path, PATH_BYTES, ROOT_STAGE "/%s", file->name);               /* fits */
	return symlink(target, path) < 0 ? -errno : 0;
}

static void unstage(const char *path)
{
	(void)unlink(path); /* it is there; were it not, nothing is lost */
}

static int load_one(struct engine *engine, struct candidate *file)
{
	char path[PATH_BYTES];
	int result = stage(file, path);

	if (result < 0)
		return refuse(file, "it could not be staged for the loader");
	result = engine_load(engine, path, &file->signatures, file->why);
	unstage(path);
	return result;
}

static int prove(struct loader *loader, struct candidate *file)
{
	char path[PATH_BYTES], sign[PATH_BYTES];
	const struct proof_order order = {
		.settings = loader->order->settings,
		.path = path,
		.sign = sign,
		.name = file->name,
		.kind = file->kind,
		.is_generation = loader->order->is_generation,
		.is_trial = loader->order->is_trial,
		.trust_anchors = loader->order->trust_anchors,
		.beat = beat_of_proof,
		.context = loader,
	};
	int result;

	(void)snprintf(sign, sizeof(sign), "%s/%s.sign", file->directory, file->name); /* fits */
	if (stage(file, path) < 0)
		return refuse(file, "it could not be staged for the loader");
	result = definition_proof_run(&order, &file->facts, file->why);
	unstage(path);
	return result;
}

static int examine(struct loader *loader, struct candidate *file)
{
	int result = check_place(loader, file);

	if (result == 0)
		result = look(file);
	/* Our own and part of the program: no proof needed. */
	if (result < 0 || file->origin == DEFINITION_ORIGIN_BUILTIN)
		return result;
	return prove(loader, file);
}

static void examine_all(struct loader *loader)
{
	loader->phase = LOAD_PHASE_VERIFY;
	for (unsigned i = 0; i < loader->n_files; i++) {
		beat(loader, i, loader->n_files);
		loader->files[i].accepted = examine(loader, &loader->files[i]) == 0;
	}
}

/* ---- all of them ---- */

static bool is_older(const struct candidate *left, const struct candidate *right)
{
	return left->accepted && right->accepted && left->origin == DEFINITION_ORIGIN_OFFICIAL &&
	       right->origin == DEFINITION_ORIGIN_OFFICIAL &&
	       strcmp(left->facts.members.database, right->facts.members.database) == 0 &&
	       left->facts.container.version <= right->facts.container.version;
}

/* A generation has each database once: a .cvd and a .cld of one would both be loaded. */
static void drop_doubles(struct loader *loader)
{
	for (unsigned i = 0; i < loader->n_files; i++)
		for (unsigned k = 0; k < loader->n_files; k++) {
			struct candidate *file = &loader->files[i];

			if (i == k || !is_older(file, &loader->files[k]))
				continue;
			file->accepted = false;
			(void)refuse(file,
				     "its database is there twice, and this is not the newer");
		}
}

/* A container that libclamav took without a word may still have given nothing. */
static int count(struct candidate *file)
{
	const struct proof_facts *facts = &file->facts;
	size_t at = 0;

	if (!definition_kind_is_official(file->kind) ||
	    file->signatures >= container_info_floor(facts->members.database,
						     facts->container.promised,
						     facts->members.passed_over))
		return 0;
	if (!file->signatures)
		return refuse(file, "it loads, and there is no signature in it");
	text_append(file->why, sizeof(file->why), &at,
		    "%u signatures came of it; its header promises %u, of which %u are of kinds "
		    "that are not loaded",
		    file->signatures, facts->container.promised, facts->members.passed_over);
	return -EBADMSG;
}

/* Everything accepted into one engine. A file that fails here in spite of its proof is dropped, and all begins anew. */
static struct engine *load_all(struct loader *loader, char why[LIMIT_REASON_BYTES])
{
	struct engine *engine = engine_new(loader->order->settings, beat, loader);

	loader->phase = LOAD_PHASE_LOAD;
	for (unsigned i = 0; engine && i < loader->n_files; i++) {
		struct candidate *file = &loader->files[i];

		if (!file->accepted || (load_one(engine, file) == 0 && count(file) == 0))
			continue;
		file->accepted = false;
		engine_free(engine);
		engine = engine_new(loader->order->settings, beat, loader);
		i = (unsigned)-1;
	}
	if (!engine)
		(void)snprintf(why, LIMIT_REASON_BYTES,
			       "not enough memory for the engine"); /* fits */
	return engine;
}

static void report_file(const struct loader *loader, const struct candidate *file)
{
	const char *remark = definition_kind_is_official(file->kind) ? file->why : "unsigned";
	const struct definition_file message = {
		.name = file->name,
		.accepted = file->accepted,
		.reason = file->accepted ? remark : file->why,
		.version = file->facts.container.version,
		.signatures = file->accepted ? file->signatures : 0,
		.built = file->facts.container.built,
		.origin = file->origin,
		.database = file->facts.members.database,
		.promised = file->facts.container.promised,
		.signing = file->facts.signing,
	};

	loader->ear->file(loader->ear->context, &message);
}

static void report(struct loader *loader)
{
	char text[96];

	for (unsigned i = 0; i < loader->n_files; i++)
		report_file(loader, &loader->files[i]);
	if (!loader->n_left_out)
		return;
	(void)snprintf(text, sizeof(text),
		       "%u definition files beyond the first %d were not loaded",
		       loader->n_left_out, LIMIT_DEFINITION_FILES); /* fits */
	loader->ear->warn(loader->ear->context, text);
}

static struct definition_total total_of(const struct loader *loader, bool builtin, bool others)
{
	struct definition_total total = {0};

	for (unsigned i = 0; i < loader->n_files; i++) {
		const struct candidate *file = &loader->files[i];
		bool counts = file->origin == DEFINITION_ORIGIN_BUILTIN ? builtin : others;

		if (!file->accepted || !counts)
			continue;
		total.signatures += file->signatures;
		/* Nobody signs the time of an unsigned one: it would make a set look new. */
		if (file->origin == DEFINITION_ORIGIN_OFFICIAL &&
		    file->facts.container.built > total.built)
			total.built = file->facts.container.built;
	}
	return total;
}

static void name_first_refused(const struct loader *loader, bool builtin, size_t at,
			       char why[LIMIT_REASON_BYTES])
{
	for (unsigned i = 0; i < loader->n_files; i++) {
		const struct candidate *file = &loader->files[i];

		if (file->accepted || (file->origin == DEFINITION_ORIGIN_BUILTIN) != builtin)
			continue;
		text_append(why, LIMIT_REASON_BYTES, &at, "; %s: %s", file->name, file->why);
		return;
	}
}

/* NULL: all of them are accepted. */
static const struct candidate *refused_official(const struct loader *loader)
{
	for (unsigned i = 0; i < loader->n_files; i++) {
		const struct candidate *file = &loader->files[i];

		if (file->origin == DEFINITION_ORIGIN_OFFICIAL && !file->accepted)
			return file;
	}
	return NULL;
}

/* Is there anything to protect with? `why` names the first file that was refused. */
static bool is_usable(const struct loader *loader, char why[LIMIT_REASON_BYTES])
{
	bool needs_others = loader->order->has_definitions;
	size_t at = 0;

	if (!total_of(loader, true, false).signatures) {
		text_append(why, LIMIT_REASON_BYTES, &at,
			    "the built-in definitions cannot be used");
		name_first_refused(loader, true, at, why);
		return false;
	}
	/* What was proved as a whole must not serve in part: that would be weaker, and nobody would hear of it. */
	if (loader->order->is_generation && refused_official(loader)) {
		const struct candidate *file = refused_official(loader);

		text_append(why, LIMIT_REASON_BYTES, &at, "%s: %s", file->name, file->why);
		return false;
	}
	if (needs_others && !total_of(loader, false, true).signatures) {
		text_append(why, LIMIT_REASON_BYTES, &at,
			    "the definitions have no signature that can be used");
		name_first_refused(loader, false, at, why);
		return false;
	}
	return true;
}

static enum exit_code load(struct loader *loader, struct engine **ret_engine,
			   char why[LIMIT_REASON_BYTES])
{
	int result = list_all(loader);
	size_t at = 0;

	if (result < 0) {
		text_append(why, LIMIT_REASON_BYTES, &at,
			    "the directory of the definitions cannot be read: %s",
			    strerror(-result));
		return EXIT_CODE_DEFINITIONS;
	}
	/* A generation is taken whole. */
	if (loader->n_left_out && loader->order->is_generation) {
		text_append(why, LIMIT_REASON_BYTES, &at, "the set has more than %d files",
			    LIMIT_DEFINITION_FILES);
		return EXIT_CODE_DEFINITIONS;
	}
	examine_all(loader);
	if (loader->order->is_generation)
		drop_doubles(loader);
	*ret_engine = load_all(loader, why);
	report(loader);
	if (!*ret_engine)
		return EXIT_CODE_MEMORY;
	if (!is_usable(loader, why))
		return EXIT_CODE_DEFINITIONS;
	loader->phase = LOAD_PHASE_COMPILE;
	return engine_compile(*ret_engine, why) < 0 ? EXIT_CODE_DEFINITIONS : EXIT_CODE_OK;
}

enum exit_code definition_set_load(const struct definition_order *order,
				   const struct definition_ear *ear, struct engine **ret_engine,
				   struct definition_total *ret_total, char why[LIMIT_REASON_BYTES])
{
	struct loader *loader = calloc(1, sizeof(*loader));
	enum exit_code code;

	*ret_engine = NULL;
	if (!loader)
		return EXIT_CODE_MEMORY;
	loader->order = order;
	loader->ear = ear;
	code = load(loader, ret_engine, why);
	if (code != EXIT_CODE_OK)
		*ret_engine = engine_free(*ret_engine);
	*ret_total = total_of(loader, true, true);
	/* The engine's callbacks are over: they point here. */
	free(loader);
	return code;
}
