/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/definition_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampscansvc/private_root.h"
#include "ampscansvc/seccomp_list.h"
#include "base/text.h"
#include "io/clock.h"

#define CANARY_FILE "canary.ndb"
#define PATH_BYTES 320 /* a directory of ours and a name of at most 255 bytes */
#define PROOF_LIMIT_MS                                                                             \
	150000 /* a quarter of BIRTH_LOAD_LIMIT_MS: the largest set known compiles in 20 s */
#define PROOF_BEAT_MS 500
#define PROOF_FD 3

enum kind { KIND_NONE, KIND_SIGNED, KIND_CONTAINER, KIND_TEXT, KIND_REFUSED };

static const struct {
	const char *ending;
	enum kind kind;
} kinds[] = {
	{".cvd", KIND_SIGNED},
	{".cud", KIND_CONTAINER},
	{".ndb", KIND_TEXT},
	{".hdb", KIND_TEXT},
	{".hsb", KIND_TEXT},
	{".ldb", KIND_TEXT},
	{".mdb", KIND_TEXT},
	{".msb", KIND_TEXT},
	{".imp", KIND_TEXT},
	{".cdb", KIND_TEXT},
	{".idb", KIND_TEXT},
	{".sdb", KIND_TEXT},
	{".pdb", KIND_TEXT},
	{".gdb", KIND_TEXT},
	/* What weakens the engine, runs code, or cannot be told whole from cut (spec libclamav.md 1.1, 1.2). */
	{".cld", KIND_REFUSED},
	{".cfg", KIND_REFUSED},
	{".ign", KIND_REFUSED},
	{".ign2", KIND_REFUSED},
	{".fp", KIND_REFUSED},
	{".sfp", KIND_REFUSED},
	{".ftm", KIND_REFUSED},
	{".cbc", KIND_REFUSED},
	{".crb", KIND_REFUSED},
	{".cat", KIND_REFUSED},
	{".wdb", KIND_REFUSED},
	{".yar", KIND_REFUSED},
	{".yara", KIND_REFUSED},
	{".ioc", KIND_REFUSED},
	{".pwdb", KIND_REFUSED},
	{".info", KIND_REFUSED},
};

struct candidate {
	char name[256];
	const char *directory; /* ROOT_BUILTIN or ROOT_DEFINITIONS */
	enum kind kind;
	bool accepted;
	uint32_t signatures;
	struct engine_container container;
	char why[LIMIT_DETAIL_BYTES];
};

struct loader {
	const struct engine_settings *settings;
	const struct definition_ear *ear;
	enum load_phase phase;
	struct candidate files[LIMIT_DEFINITION_FILES];
	unsigned n_files;
	unsigned n_left_out;
};

/* What a proving child tells. */
struct proof {
	int result;
	struct engine_container container;
	uint32_t signatures;
	char why[LIMIT_DETAIL_BYTES];
};

static void beat(void *context, uint64_t done, uint64_t total)
{
	struct loader *loader = context;

	loader->ear->progress(loader->ear->context, loader->phase, done, total);
}

static enum kind kind_of(const char *name)
{
	const char *ending = strrchr(name, '.');

	for (size_t i = 0; ending && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcasecmp(ending, kinds[i].ending) == 0)
			return kinds[i].kind;
	return KIND_NONE;
}

static bool is_wanted(const char *directory, const char *name, bool has_definitions)
{
	if (kind_of(name) == KIND_NONE || name[0] == '.')
		return false;
	return strcmp(directory, ROOT_BUILTIN) != 0 || !has_definitions ||
	       strcmp(name, CANARY_FILE) == 0;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct candidate *)left)->name,
		      ((const struct candidate *)right)->name);
}

static int list(struct loader *loader, const char *directory, bool has_definitions)
{
	unsigned first = loader->n_files;
	struct dirent *entry;
	DIR *names = opendir(directory);

	if (!names)
		return -errno;
	while ((entry = readdir(names))) {
		struct candidate *file = &loader->files[loader->n_files];

		if (!is_wanted(directory, entry->d_name, has_definitions))
			continue;
		if (loader->n_files == LIMIT_DEFINITION_FILES) {
			loader->n_left_out++;
			continue;
		}
		memset(file, 0, sizeof(*file));
		(void)snprintf(file->name, sizeof(file->name), "%s",
			       entry->d_name); /* fits: NAME_MAX */
		file->directory = directory;
		file->kind = kind_of(file->name);
		loader->n_files++;
	}
	closedir(names);
	qsort(&loader->files[first], loader->n_files - first, sizeof(loader->files[0]), by_name);
	return 0;
}

static int refuse(struct candidate *file, const char *why)
{
	size_t at = 0;

	text_append(file->why, sizeof(file->why), &at, "%s", why);
	return -EBADMSG;
}

/* Readable, regular, not empty? Never blocks on a FIFO. */
static int look(struct candidate *file)
{
	char path[PATH_BYTES];
	struct stat status;
	int fd;

	if (strlen(file->name) > LIMIT_NAME_BYTES ||
	    !text_is_printable(file->name, strlen(file->name)))
		return refuse(file,
			      "its name is too long or has characters other than printable ASCII");
	if (file->kind == KIND_REFUSED)
		return refuse(file, "files of this kind are not accepted");
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

static int try_out(struct loader *loader, struct candidate *file, const char *path)
{
	struct engine *engine = engine_new(loader->settings, NULL, NULL);
	int result = engine ? 0 : -ENOMEM;

	if (result == 0 && file->kind == KIND_CONTAINER)
		result = engine_read_container(path, &file->container, file->why);
	if (result == 0)
		result = engine_load(engine, path, &file->signatures, file->why);
	return result == 0 ? engine_compile(engine, file->why) : result;
}

/* What it loads may take it over: it has the end of its pipe and a worker's system calls, so it can leave nothing behind. */
static void prove_in_child(struct loader *loader, struct candidate *file, const char *path,
			   int pipe_end)
{
	struct proof proof = {0};
	int result;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || dup2(pipe_end, PROOF_FD) < 0 ||
	    close_range(PROOF_FD + 1, ~0u, 0) < 0)
		_exit(EXIT_CODE_INTERNAL);
	result = seccomp_list_enter(SECCOMP_LIST_WORKER);
	if (result < 0 && result != -EINVAL && result != -ENOSYS)
		_exit(EXIT_CODE_WALLS);
	proof.result = try_out(loader, file, path);
	proof.signatures = file->signatures;
	proof.container = file->container;
	memcpy(proof.why, file->why, sizeof(proof.why));
	/* A short write is seen by the reader as no proof. */
	(void)!write(PROOF_FD, &proof, sizeof(proof));
	_exit(0);
}

/* Waits for the child's word, telling the daemon that we live. */
static ssize_t await(struct loader *loader, int pipe_end, struct proof *ret_proof)
{
	mono_ms deadline = mono_add(clock_mono_ms(), PROOF_LIMIT_MS);
	struct pollfd word = {.fd = pipe_end, .events = POLLIN};

	while (clock_mono_ms() < deadline) {
		if (poll(&word, 1, PROOF_BEAT_MS) > 0)
			return read(pipe_end, ret_proof, sizeof(*ret_proof));
		beat(loader, 0, 0);
	}
	return -ETIMEDOUT;
}

static int judge(struct candidate *file, ssize_t len, const struct proof *proof, int status)
{
	size_t at = 0;

	if (len == (ssize_t)sizeof(*proof)) {
		file->signatures = proof->signatures;
		file->container = proof->container;
		memcpy(file->why, proof->why, sizeof(file->why));
		file->why[sizeof(file->why) - 1] = '\0';
		if (proof->result == 0)
			return 0;
		return file->why[0] ? -EBADMSG
				    : refuse(file, "there was not enough memory to try it");
	}
	if (len == -ETIMEDOUT)
		return refuse(file, "libclamav did not finish loading it in time");
	if (WIFSIGNALED(status))
		text_append(file->why, sizeof(file->why), &at,
			    "libclamav crashed on it (signal %d)", WTERMSIG(status));
	else
		text_append(file->why, sizeof(file->why), &at,
			    "libclamav ended while loading it (status %d)", WEXITSTATUS(status));
	return -EBADMSG;
}

/* Takes the two `ends`. */
static int run_proof(struct loader *loader, struct candidate *file, const char *path,
		     const int ends[2])
{
	struct proof proof = {0};
	int status = 0;
	ssize_t len;
	pid_t child = fork();

	if (child == 0)
		prove_in_child(loader, file, path, ends[1]);
	close(ends[1]);
	len = child < 0 ? -EAGAIN : await(loader, ends[0], &proof);
	close(ends[0]);
	if (child < 0)
		return refuse(file, "there was no process left to try it");
	if (len == -ETIMEDOUT)
		(void)kill(child, SIGKILL); /* it is our child until waited for */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return judge(file, len, &proof, status);
}

static int prove(struct loader *loader, struct candidate *file)
{
	char path[PATH_BYTES];
	int ends[2], result;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return refuse(file, "there was no descriptor left to try it");
	if (stage(file, path) < 0) {
		close(ends[0]);
		close(ends[1]);
		return refuse(file, "it could not be staged for the loader");
	}
	result = run_proof(loader, file, path, ends);
	unstage(path);
	return result;
}

static int verify(struct candidate *file)
{
	char path[PATH_BYTES];
	int result;

	if (stage(file, path) < 0)
		return refuse(file, "it could not be staged for the loader");
	result = engine_read_container(path, &file->container, file->why);
	unstage(path);
	return result;
}

static int examine(struct loader *loader, struct candidate *file)
{
	int result = look(file);

	if (result == 0 && file->kind == KIND_SIGNED)
		result = verify(file);
	/* Signed by the vendor, or our own and part of the program: no proof needed. */
	if (result < 0 || file->kind == KIND_SIGNED || strcmp(file->directory, ROOT_BUILTIN) == 0)
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

/* Everything accepted into one engine. A file that fails here in spite of its proof is dropped, and all begins anew. */
static struct engine *load_all(struct loader *loader, char why[LIMIT_REASON_BYTES])
{
	struct engine *engine = engine_new(loader->settings, beat, loader);

	loader->phase = LOAD_PHASE_LOAD;
	for (unsigned i = 0; engine && i < loader->n_files; i++) {
		if (!loader->files[i].accepted || load_one(engine, &loader->files[i]) == 0)
			continue;
		loader->files[i].accepted = false;
		engine_free(engine);
		engine = engine_new(loader->settings, beat, loader);
		i = (unsigned)-1;
	}
	if (!engine)
		(void)snprintf(why, LIMIT_REASON_BYTES,
			       "not enough memory for the engine"); /* fits */
	return engine;
}

static void report(struct loader *loader)
{
	char text[96];

	for (unsigned i = 0; i < loader->n_files; i++) {
		const struct candidate *file = &loader->files[i];
		const char *reason = file->accepted && file->kind != KIND_SIGNED ? "unsigned" : "";
		const struct definition_file message = {
			.name = file->name,
			.accepted = file->accepted,
			.reason = file->accepted ? reason : file->why,
			.version = file->container.version,
			.signatures = file->accepted ? file->signatures : 0,
			.built = file->container.built,
		};

		loader->ear->file(loader->ear->context, &message);
	}
	if (!loader->n_left_out)
		return;
	(void)snprintf(text, sizeof(text),
		       "%u definition files beyond the first %d were not loaded",
		       loader->n_left_out, LIMIT_DEFINITION_FILES); /* fits */
	loader->ear->warn(loader->ear->context, text);
}

static struct definition_total total_of(const struct loader *loader, const char *directory)
{
	struct definition_total total = {0};

	for (unsigned i = 0; i < loader->n_files; i++) {
		const struct candidate *file = &loader->files[i];

		if (!file->accepted || (directory && strcmp(file->directory, directory) != 0))
			continue;
		total.signatures += file->signatures;
		if (file->container.built > total.built)
			total.built = file->container.built;
	}
	return total;
}

/* Is there anything to protect with? `why` names the first file that was refused. */
static bool is_usable(const struct loader *loader, bool has_definitions,
		      char why[LIMIT_REASON_BYTES])
{
	const char *directory = has_definitions ? ROOT_DEFINITIONS : ROOT_BUILTIN;
	size_t at = 0;

	if (!total_of(loader, ROOT_BUILTIN).signatures) {
		text_append(why, LIMIT_REASON_BYTES, &at,
			    "the built-in definitions cannot be used");
		directory = ROOT_BUILTIN;
	} else if (!total_of(loader, directory).signatures) {
		text_append(why, LIMIT_REASON_BYTES, &at,
			    "the definitions have no signature that can be used");
	} else {
		return true;
	}
	for (unsigned i = 0; i < loader->n_files; i++)
		if (!loader->files[i].accepted &&
		    strcmp(loader->files[i].directory, directory) == 0) {
			text_append(why, LIMIT_REASON_BYTES, &at, "; %s: %s", loader->files[i].name,
				    loader->files[i].why);
			break;
		}
	return false;
}

static enum exit_code load(struct loader *loader, bool has_definitions, struct engine **ret_engine,
			   char why[LIMIT_REASON_BYTES])
{
	int result = list(loader, ROOT_BUILTIN, has_definitions);
	size_t at = 0;

	if (result == 0 && has_definitions)
		result = list(loader, ROOT_DEFINITIONS, has_definitions);
	if (result < 0) {
		text_append(why, LIMIT_REASON_BYTES, &at,
			    "the directory of the definitions cannot be read: %s",
			    strerror(-result));
		return EXIT_CODE_DEFINITIONS;
	}
	examine_all(loader);
	*ret_engine = load_all(loader, why);
	report(loader);
	if (!*ret_engine)
		return EXIT_CODE_MEMORY;
	if (!is_usable(loader, has_definitions, why))
		return EXIT_CODE_DEFINITIONS;
	loader->phase = LOAD_PHASE_COMPILE;
	return engine_compile(*ret_engine, why) < 0 ? EXIT_CODE_DEFINITIONS : EXIT_CODE_OK;
}

enum exit_code definition_set_load(const struct engine_settings *settings, bool has_definitions,
				   const struct definition_ear *ear, struct engine **ret_engine,
				   struct definition_total *ret_total, char why[LIMIT_REASON_BYTES])
{
	struct loader *loader = calloc(1, sizeof(*loader));
	enum exit_code code;

	*ret_engine = NULL;
	if (!loader)
		return EXIT_CODE_MEMORY;
	loader->settings = settings;
	loader->ear = ear;
	code = load(loader, has_definitions, ret_engine, why);
	if (code != EXIT_CODE_OK)
		*ret_engine = engine_free(*ret_engine);
	*ret_total = total_of(loader, NULL);
	/* The engine's callbacks are over: they point here. */
	free(loader);
	return code;
}
