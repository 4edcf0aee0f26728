/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampdaemon/definition_generation.h"
#include "ampdaemon/definition_tree.h"
#include "ampdaemon/refusal.h"

typedef unsigned long long number_text;

static int refuse_disk(struct definition_copy *copy, const char *what, int error)
{
	return refusal_say(copy->why, error,
			   "%s cannot be written to the directory of the definitions: %s", what,
			   strerror(-error));
}

int definition_copy_begin(struct definition_copy *copy, bool (*is_wanted)(void *context),
			  void *context)
{
	char name[DEFINITION_NUMBER_BYTES];

	copy->directory = copy->custom = -1;
	copy->is_sealed = false;
	copy->manifest.n = 0;
	if (file_flow_init(&copy->flow, is_wanted, context))
		return refusal_say(copy->why, -ENOMEM, "there is no memory");
	copy->directory =
		definition_tree_make(copy->staging, definition_number_text(copy->number, name));
	return copy->directory < 0 ? refuse_disk(copy, "a new set", copy->directory) : 0;
}

/* Who never made it removes nothing: the directory of that name is somebody else's. */
void definition_copy_done(struct definition_copy *copy)
{
	char name[DEFINITION_NUMBER_BYTES];

	file_flow_done(&copy->flow);
	if (copy->custom >= 0)
		close(copy->custom);
	if (copy->directory < 0)
		return;
	close(copy->directory);
	if (!copy->is_sealed) /* fails: the next start removes it */
		(void)definition_tree_remove(copy->staging,
					     definition_number_text(copy->number, name));
}

/* The directory in which the path lies, or -errno. */
static int place_of(struct definition_copy *copy, const char *path, const char **ret_name)
{
	bool is_custom;

	*ret_name = manifest_path_name(path, &is_custom);
	if (!is_custom)
		return copy->directory;
	if (copy->custom < 0)
		copy->custom = definition_tree_make(copy->directory, MANIFEST_CUSTOM);
	return copy->custom;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a pipe";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "something else";
	}
}

/* A ceiling is told before a byte is read; what a file has beyond its size is never read. */
static int check_source(struct definition_copy *copy, const char *path, const struct stat *st)
{
	uint64_t bytes = (uint64_t)st->st_size, taken = definition_manifest_bytes(&copy->manifest);

	if (!S_ISREG(st->st_mode))
		return refusal_say(copy->why, -EINVAL, "%s is %s, no regular file", path,
				   kind_of(st->st_mode));
	if (bytes > copy->max_file_bytes)
		return refusal_say(copy->why, -EFBIG, "%s has %llu bytes; a file may have %llu",
				   path, (number_text)bytes, (number_text)copy->max_file_bytes);
	if (bytes > copy->max_set_bytes || taken > copy->max_set_bytes - bytes)
		return refusal_say(copy->why, -EFBIG,
				   "with %s the set has more than the %llu bytes that it may have",
				   path, (number_text)copy->max_set_bytes);
	return 0;
}

static int explain_flow(struct definition_copy *copy, const char *path, int error)
{
	if (copy->flow.failed_to_write)
		return refuse_disk(copy, path, error);
	if (error == -ECANCELED)
		return refusal_say(copy->why, error, "nobody waits for it any more");
	if (error == -ESTALE)
		return refusal_say(copy->why, error, "%s changed while it was copied", path);
	return refusal_say(copy->why, error, "%s cannot be read: %s", path, strerror(-error));
}

static bool is_unchanged(const struct stat *before, int source)
{
	struct stat now;

	return !fstat(source, &now) && now.st_size == before->st_size &&
	       now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

static int add(struct definition_copy *copy, const struct manifest_entry *entry)
{
	int r = definition_manifest_add(&copy->manifest, entry);

	if (!r)
		return 0;
	return refusal_say(copy->why, r, "%s cannot be in a set: %s", entry->path, strerror(-r));
}

/* What was written is on the disk, with its mode, when this returns 0. */
static int finish_file(struct definition_copy *copy, const char *path, int target)
{
	if (fchmod(target, DEFINITION_FILE_MODE) || fsync(target))
		return refuse_disk(copy, path, -errno);
	return 0;
}

static int copy_content(struct definition_copy *copy, int source, int target,
			struct manifest_entry *entry)
{
	struct stat st;
	int r;

	if (fstat(source, &st))
		return explain_flow(copy, entry->path, -errno);
	r = check_source(copy, entry->path, &st);
	if (r)
		return r;
	entry->bytes = (uint64_t)st.st_size;
	r = file_flow_run(&copy->flow, source, target, entry->bytes, entry->digest);
	if (!r && !is_unchanged(&st, source))
		r = -ESTALE;
	return r ? explain_flow(copy, entry->path, r) : 0;
}

/* A new file for the path, or -errno and the sentence. */
static int make_target(struct definition_copy *copy, const char *path)
{
	const char *name;
	int fd, place = place_of(copy, path, &name);

	if (place < 0)
		return refuse_disk(copy, path, place);
	fd = openat(place, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? refuse_disk(copy, path, -errno) : fd;
}

/* `target` -1: it is there already. Takes `target`. */
static int fill(struct definition_copy *copy, int source, int target, struct manifest_entry *entry)
{
	int r = copy_content(copy, source, target, entry);

	if (target < 0)
		return r;
	if (!r)
		r = finish_file(copy, entry->path, target);
	if (close(target) && !r)
		r = refuse_disk(copy, entry->path, -errno);
	return r;
}

int definition_copy_take(struct definition_copy *copy, const char *path, int source)
{
	struct manifest_entry entry = {.bytes = 0};
	int r, target;

	(void)strncpy(entry.path, path, sizeof(entry.path) - 1); /* a longer one is refused */
	if (strcmp(entry.path, path) != 0)
		return refusal_say(copy->why, -ENAMETOOLONG, "%s is too long a name", entry.path);
	target = make_target(copy, path);
	if (target < 0)
		return target;
	r = fill(copy, source, target, &entry);
	return r ? r : add(copy, &entry);
}

/* ---- from another generation ---- */

/* What the manifest of `directory` says of the path. */
static int find_entry(struct definition_copy *copy, int directory, const char *path,
		      struct manifest_entry *ret_entry)
{
	struct definition_manifest manifest;
	const struct manifest_entry *found;
	uint8_t digest[LIMIT_DIGEST_BYTES];
	char why[LIMIT_REASON_BYTES];
	int r = definition_generation_read(directory, &manifest, digest, why);

	if (r)
		return refusal_say(copy->why, r, "%s cannot be kept: in its generation, %s", path,
				   why);
	found = definition_manifest_find(&manifest, path);
	if (!found)
		return refusal_say(copy->why, -ENOENT, "%s cannot be kept: there is none", path);
	*ret_entry = *found;
	return 0;
}

/* Where the disk has no links (or no more of them), there is another copy. */
static int link_or_make_target(struct definition_copy *copy, int from, const char *path,
			       int *ret_target)
{
	const char *name;
	int place = place_of(copy, path, &name);

	*ret_target = -1;
	if (place < 0)
		return refuse_disk(copy, path, place);
	if (!linkat(from, name, place, name, 0))
		return 0;
	*ret_target = make_target(copy, path);
	return *ret_target < 0 ? *ret_target : 0;
}

static bool is_same(const struct manifest_entry *left, const struct manifest_entry *right)
{
	return left->bytes == right->bytes &&
	       !memcmp(left->digest, right->digest, sizeof(left->digest));
}

/* `from` is where the file lies. It may have rotted since it was proved. */
static int keep_file(struct definition_copy *copy, int from, const struct manifest_entry *expected)
{
	struct manifest_entry entry = *expected;
	int r, target, source;
	struct stat st;
	bool is_custom;
	const char *name = manifest_path_name(entry.path, &is_custom);

	source = definition_tree_open_file(from, name, &st);
	if (source < 0)
		return explain_flow(copy, entry.path, source);
	r = link_or_make_target(copy, from, entry.path, &target);
	if (!r)
		r = fill(copy, source, target, &entry);
	close(source);
	if (!r && !is_same(&entry, expected))
		r = refusal_say(copy->why, -EBADMSG,
				"%s cannot be kept: it has other content than it had", entry.path);
	return r ? r : add(copy, &entry);
}

int definition_copy_keep(struct definition_copy *copy, const char *path, int generations,
			 uint64_t number)
{
	char text[DEFINITION_NUMBER_BYTES];
	struct manifest_entry entry = {.bytes = 0};
	const char *name;
	int r, from,
		directory = definition_tree_open(generations, definition_number_text(number, text));

	if (directory < 0)
		return refusal_say(copy->why, directory, "%s of generation %s cannot be kept: %s",
				   path, text, strerror(-directory));
	r = find_entry(copy, directory, path, &entry);
	from = r ? r : definition_generation_place(directory, path, &name);
	if (from >= 0)
		r = keep_file(copy, from, &entry);
	else if (!r)
		r = explain_flow(copy, path, from);
	definition_generation_leave(directory, from);
	close(directory);
	return r;
}

/* ---- the end ---- */

static int sync_directories(struct definition_copy *copy)
{
	int r = copy->custom >= 0 ? definition_tree_sync(copy->custom) : 0;

	if (!r)
		r = definition_tree_sync(copy->directory);
	return r ? r : definition_tree_sync(copy->staging);
}

int definition_copy_seal(struct definition_copy *copy, uint8_t ret_digest[LIMIT_DIGEST_BYTES])
{
	char text[MANIFEST_BYTES];
	size_t len = definition_manifest_write(&copy->manifest, text);
	int r;

	if (!copy->manifest.n)
		return refusal_say(copy->why, -EINVAL, "the set has no file");
	if (sha256_of(text, len, ret_digest))
		return refusal_say(copy->why, -ENOMEM, "there is no memory");
	r = definition_tree_write(copy->directory, MANIFEST_FILE, text, len);
	if (!r)
		r = sync_directories(copy);
	if (r)
		return refuse_disk(copy, "the manifest", r);
	copy->is_sealed = true;
	return 0;
}
