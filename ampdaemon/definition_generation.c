/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampdaemon/definition_tree.h"
#include "ampdaemon/file_flow.h"
#include "ampdaemon/refusal.h"
#include "base/text.h"
#include "io/sha256.h"

/* What was found at the name: an error that says what the set is, or that nothing is known. */
static int judge(int error, const char *path, char *why)
{
	switch (error) {
	case -ENOENT:
		return refusal_say(why, -EBADMSG, "%s is missing", path);
	case -EINVAL:
	case -ENOTDIR:
		return refusal_say(why, -EBADMSG, "%s is something else than it was", path);
	case -EFBIG:
		return refusal_say(why, -EBADMSG, "%s is longer than one can be", path);
	case -EPERM:
		return refusal_say(why, -EPERM, "%s can be written by others than root", path);
	default:
		return refusal_say(why, error, "%s cannot be read: %s", path, strerror(-error));
	}
}

static int read_manifest(int directory, struct definition_manifest *manifest,
			 uint8_t digest[LIMIT_DIGEST_BYTES], char *why)
{
	char text[MANIFEST_BYTES];
	ssize_t len = definition_tree_read(directory, MANIFEST_FILE, text, sizeof(text));

	if (len < 0)
		return judge((int)len, MANIFEST_FILE, why);
	if (definition_manifest_read(manifest, text, (size_t)len))
		return refusal_say(why, -EBADMSG, "its manifest is damaged");
	if (sha256_of(text, (size_t)len, digest))
		return refusal_say(why, -ENOMEM, "there is no memory");
	return 0;
}

int definition_generation_place(int directory, const char *path, const char **ret_name)
{
	bool is_custom;

	*ret_name = manifest_path_name(path, &is_custom);
	return is_custom ? definition_tree_open(directory, MANIFEST_CUSTOM) : directory;
}

void definition_generation_leave(int directory, int place)
{
	if (place >= 0 && place != directory)
		close(place);
}

static int open_entry(int directory, const struct manifest_entry *entry, char *why)
{
	struct stat st;
	const char *name;
	int fd, place = definition_generation_place(directory, entry->path, &name);

	if (place < 0)
		return judge(place, MANIFEST_CUSTOM, why);
	fd = definition_tree_open_file(place, name, &st);
	definition_generation_leave(directory, place);
	if (fd < 0)
		return judge(fd, entry->path, why);
	if ((uint64_t)st.st_size != entry->bytes) {
		close(fd);
		return refusal_say(why, -EBADMSG, "%s has %llu bytes in place of %llu", entry->path,
				   (unsigned long long)st.st_size,
				   (unsigned long long)entry->bytes);
	}
	return fd;
}

static int look_at_files(int directory, const struct definition_manifest *manifest, char *why)
{
	for (unsigned i = 0; i < manifest->n; i++) {
		int fd = open_entry(directory, &manifest->entries[i], why);

		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

struct search {
	const struct definition_manifest *manifest;
	bool in_custom;
	char *why;
};

static bool has_custom(const struct definition_manifest *manifest)
{
	bool is_custom = false;

	for (unsigned i = 0; i < manifest->n && !is_custom; i++)
		(void)manifest_path_name(manifest->entries[i].path, &is_custom); /* the flag */
	return is_custom;
}

static bool is_known(const struct search *search, const char *name)
{
	char path[MANIFEST_PATH_BYTES + 1];

	if (!search->in_custom && !strcmp(name, MANIFEST_FILE))
		return true;
	if (!search->in_custom && !strcmp(name, MANIFEST_CUSTOM))
		return has_custom(search->manifest);
	return !manifest_path_make(path, name, search->in_custom) &&
	       definition_manifest_find(search->manifest, path);
}

static int find_stranger(void *context, int directory, const char *name)
{
	const struct search *search = context;
	char shown[LIMIT_DETAIL_BYTES];

	(void)directory;
	if (is_known(search, name))
		return 0;
	return refusal_say(search->why, -EBADMSG, "%s%s does not belong to it",
			   search->in_custom ? MANIFEST_CUSTOM "/" : "",
			   text_escape(span_of_text(name), shown, sizeof(shown)));
}

static int look_for_strangers(int directory, const struct definition_manifest *manifest, char *why)
{
	struct search search = {.manifest = manifest, .why = why};
	int custom, r = definition_tree_each(directory, find_stranger, &search);

	if (r || !has_custom(manifest))
		return r;
	custom = definition_tree_open(directory, MANIFEST_CUSTOM);
	if (custom < 0)
		return judge(custom, MANIFEST_CUSTOM, why);
	search.in_custom = true;
	r = definition_tree_each(custom, find_stranger, &search);
	close(custom);
	return r;
}

int definition_generation_read(int directory, struct definition_manifest *ret_manifest,
			       uint8_t ret_digest[LIMIT_DIGEST_BYTES], char why[LIMIT_REASON_BYTES])
{
	int r;

	(void)snprintf(why, LIMIT_REASON_BYTES,
		       "it cannot be listed"); /* until it is known better */
	ret_manifest->n = 0;
	r = read_manifest(directory, ret_manifest, ret_digest, why);
	if (!r)
		r = look_at_files(directory, ret_manifest, why);
	if (!r)
		r = look_for_strangers(directory, ret_manifest, why);
	if (!r)
		why[0] = '\0';
	return r;
}

static int check_content(int directory, const struct manifest_entry *entry, struct file_flow *flow,
			 char *why)
{
	uint8_t digest[LIMIT_DIGEST_BYTES];
	int r, fd = open_entry(directory, entry, why);

	if (fd < 0)
		return fd;
	r = file_flow_run(flow, fd, -1, entry->bytes, digest);
	close(fd);
	if (r == -ECANCELED)
		return refusal_say(why, r, "nobody waits for it any more");
	if (r == -ESTALE || (!r && memcmp(digest, entry->digest, sizeof(digest)) != 0))
		return refusal_say(why, -EBADMSG, "%s has other content than it had", entry->path);
	return r ? judge(r, entry->path, why) : 0;
}

int definition_generation_check(int directory, bool (*is_wanted)(void *context), void *context,
				char why[LIMIT_REASON_BYTES])
{
	struct definition_manifest manifest;
	uint8_t digest[LIMIT_DIGEST_BYTES];
	struct file_flow flow;
	int r = definition_generation_read(directory, &manifest, digest, why);

	if (r)
		return r;
	if (file_flow_init(&flow, is_wanted, context))
		return refusal_say(why, -ENOMEM, "there is no memory");
	for (unsigned i = 0; !r && i < manifest.n; i++)
		r = check_content(directory, &manifest.entries[i], &flow, why);
	file_flow_done(&flow);
	return r;
}
