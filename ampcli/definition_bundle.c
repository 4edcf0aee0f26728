/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/definition_bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/definition_manifest.h"
#include "base/text.h"
#include "io/sha256.h"

#define PIECE 65536
#define SET_BYTES_MAX                                                                              \
	(UINT64_C(32) << 30) /* twice the largest file that a daemon can be told to take */

static int fail(struct failure *failure, enum cli_exit code, const char *path, const char *what)
{
	char shown[1000];

	return failure_set(failure, code, "%s: %s", text_escape(span_of_text(path), shown, 500),
			   what);
}

static void write_digest(const uint8_t digest[LIMIT_DIGEST_BYTES], char out[BUNDLE_DIGEST_TEXT])
{
	for (unsigned i = 0; i < LIMIT_DIGEST_BYTES; i++)
		(void)snprintf(out + (size_t)2 * i, 3, "%02x", digest[i]);
}

bool definition_bundle_is_name(const char *path)
{
	size_t len = strlen(path), ending = strlen(BUNDLE_ENDING);

	return len > ending && strcmp(path + len - ending, BUNDLE_ENDING) == 0;
}

/* ---- writing ---- */

struct writing {
	const struct bundle_source *source;
	struct failure *failure;
	struct archive *archive;
	struct archive_entry *entry;
	int directory;                   /* of the generation */
	struct definition_manifest kept; /* the official part of its manifest */
	char text[MANIFEST_BYTES];
	size_t text_len;
};

static int no_write(struct writing *w)
{
	const char *what = archive_error_string(w->archive);

	return fail(w->failure, CLI_EXIT_NOT_ALL_SCANNED, w->source->path,
		    what ? what : "it cannot be written");
}

/* The same set gives the same bytes: times and owners are not told. */
static int write_head(struct writing *w, const char *name, uint64_t bytes)
{
	archive_entry_clear(w->entry);
	archive_entry_set_pathname(w->entry, name);
	archive_entry_set_size(w->entry, (la_int64_t)bytes);
	archive_entry_set_filetype(w->entry, AE_IFREG);
	archive_entry_set_perm(w->entry, 0644);
	archive_entry_set_mtime(w->entry, 0, 0);
	return archive_write_header(w->archive, w->entry) == ARCHIVE_OK ? 0 : no_write(w);
}

static int write_bytes(struct writing *w, const void *bytes, size_t len)
{
	return archive_write_data(w->archive, bytes, len) == (la_ssize_t)len ? 0 : no_write(w);
}

static int copy_content(struct writing *w, int fd, const struct manifest_entry *entry)
{
	static char piece[PIECE];
	uint64_t left = entry->bytes;

	while (left) {
		ssize_t n = read(fd, piece, left < PIECE ? (size_t)left : PIECE);

		if (n <= 0)
			return fail(w->failure, CLI_EXIT_NOT_ALL_SCANNED, entry->path,
				    n ? strerror(errno) : "it is shorter than its manifest says");
		if (write_bytes(w, piece, (size_t)n))
			return -1;
		left -= (uint64_t)n;
	}
	return 0;
}

static int write_file(struct writing *w, const struct manifest_entry *entry)
{
	int r, fd = openat(w->directory, entry->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return fail(w->failure, CLI_EXIT_NOT_ALL_SCANNED, entry->path, strerror(errno));
	r = write_head(w, entry->path, entry->bytes);
	if (!r)
		r = copy_content(w, fd, entry);
	(void)close(fd);
	return r;
}

static int write_all(struct writing *w)
{
	int r = write_head(w, MANIFEST_FILE, w->text_len);

	if (!r)
		r = write_bytes(w, w->text, w->text_len);
	for (unsigned i = 0; !r && i < w->kept.n; i++)
		r = write_file(w, &w->kept.entries[i]);
	if (!r && archive_write_close(w->archive) != ARCHIVE_OK)
		r = no_write(w);
	return r;
}

/* Beside its place, and there when it is whole and on the disk. */
static int write_archive(struct writing *w)
{
	char temporary[PATH_MAX];
	int r, fd;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", w->source->path) >=
	    (int)sizeof(temporary))
		return fail(w->failure, CLI_EXIT_USAGE, w->source->path, "the path is too long");
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(w->failure, CLI_EXIT_NOT_ALL_SCANNED, w->source->path, strerror(errno));
	r = archive_write_open_fd(w->archive, fd) == ARCHIVE_OK ? write_all(w) : no_write(w);
	if (!r && (fchmod(fd, 0644) || fsync(fd) || rename(temporary, w->source->path)))
		r = fail(w->failure, CLI_EXIT_NOT_ALL_SCANNED, w->source->path, strerror(errno));
	if (r)
		(void)unlink(temporary);
	(void)close(fd);
	return r;
}

static int keep_official(struct writing *w, const struct definition_manifest *whole)
{
	for (unsigned i = 0; i < whole->n; i++) {
		bool is_custom;

		(void)manifest_path_name(whole->entries[i].path, &is_custom);
		if (!is_custom)
			(void)definition_manifest_add(&w->kept,
						      &whole->entries[i]); /* a part of what fits */
	}
	if (!w->kept.n)
		return fail(w->failure, CLI_EXIT_REFUSED, w->source->path,
			    "the generation has no signed files: there is nothing to export");
	w->text_len = definition_manifest_write(&w->kept, w->text);
	return 0;
}

static int read_manifest(struct writing *w)
{
	static struct definition_manifest whole;
	static char text[MANIFEST_BYTES + 1];
	int fd = openat(w->directory, MANIFEST_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		(void)close(fd);
	if (n < 0 || definition_manifest_read(&whole, text, (size_t)n))
		return failure_set(w->failure, CLI_EXIT_REFUSED,
				   "generation %llu has no manifest that can be read",
				   (unsigned long long)w->source->generation);
	return keep_official(w, &whole);
}

static int open_generation(const struct bundle_source *source, struct failure *failure)
{
	char path[PATH_MAX];
	int fd;

	if (!source->generation)
		return failure_set(failure, CLI_EXIT_REFUSED,
				   "the built-in set serves: there is no generation to export");
	(void)snprintf(path, sizeof(path), "%s/generations/%llu", source->root,
		       (unsigned long long)source->generation); /* cut: it is not there */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? fail(failure, errno == EACCES ? CLI_EXIT_NOT_PERMITTED : CLI_EXIT_REFUSED,
			     path, strerror(errno))
		      : fd;
}

static int prepare(struct writing *w)
{
	w->archive = archive_write_new();
	w->entry = archive_entry_new();
	if (!w->archive || !w->entry || archive_write_set_format_ustar(w->archive) != ARCHIVE_OK)
		return failure_set(w->failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	return 0;
}

int definition_bundle_write(const struct bundle_source *source, char ret_digest[BUNDLE_DIGEST_TEXT],
			    struct failure *ret_failure)
{
	struct writing *w = calloc(1, sizeof(*w));
	uint8_t digest[LIMIT_DIGEST_BYTES];
	int r;

	if (!w)
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	w->source = source;
	w->failure = ret_failure;
	w->directory = open_generation(source, ret_failure);
	r = w->directory < 0 ? -1 : read_manifest(w);
	if (!r)
		r = prepare(w);
	if (!r)
		r = write_archive(w);
	if (!r && sha256_of(w->text, w->text_len, digest))
		r = failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	if (!r)
		write_digest(digest, ret_digest);
	if (w->directory >= 0)
		(void)close(w->directory);
	archive_entry_free(w->entry);
	(void)archive_write_free(w->archive); /* closed already where that matters */
	free(w);
	return r;
}

/* ---- reading ---- */

struct reading {
	const char *path;
	struct failure *failure;
	struct archive *archive;
	struct definition_files *files;
	struct definition_manifest manifest;
	unsigned n_found;
};

static int refuse(struct reading *r, const char *what)
{
	return fail(r->failure, CLI_EXIT_REFUSED, r->path, what);
}

static int next(struct reading *r, struct archive_entry **ret_entry)
{
	int n = archive_read_next_header(r->archive, ret_entry);

	if (n == ARCHIVE_EOF)
		return 1;
	if (n != ARCHIVE_OK)
		return refuse(r, "it is no bundle, or damaged");
	if (archive_entry_filetype(*ret_entry) != AE_IFREG || archive_entry_hardlink(*ret_entry) ||
	    !archive_entry_pathname(*ret_entry) || !archive_entry_size_is_set(*ret_entry))
		return refuse(r, "something in it is no regular file");
	return 0;
}

static int take_manifest(struct reading *r, const char *wanted)
{
	static char text[MANIFEST_BYTES + 1];
	char found[BUNDLE_DIGEST_TEXT];
	uint8_t digest[LIMIT_DIGEST_BYTES];
	struct archive_entry *entry;
	la_ssize_t n;
	int error = next(r, &entry);

	if (error < 0)
		return -1;
	if (error || strcmp(archive_entry_pathname(entry), MANIFEST_FILE) != 0)
		return refuse(r, "it does not begin with a manifest");
	n = archive_read_data(r->archive, text, sizeof(text));
	if (n < 0 || definition_manifest_read(&r->manifest, text, (size_t)n))
		return refuse(r, "its manifest is none");
	if (definition_manifest_bytes(&r->manifest) > SET_BYTES_MAX)
		return refuse(r, "its files are larger than any set may be");
	if (sha256_of(text, (size_t)n, digest))
		return refuse(r, "out of memory");
	write_digest(digest, found);
	return !wanted || strcasecmp(wanted, found) == 0
		       ? 0
		       : refuse(r, "its digest is not the one that was named");
}

/* What arrives, into `fd` and the digest; no byte more than the manifest promises. */
static int unpack(struct reading *r, int fd, struct sha256 *hash, uint64_t left)
{
	static char piece[PIECE];
	la_ssize_t n;

	while ((n = archive_read_data(r->archive, piece, sizeof(piece))) > 0) {
		if ((uint64_t)n > left)
			return refuse(r, "a file in it is longer than its manifest says");
		left -= (uint64_t)n;
		if (sha256_add(hash, piece, (size_t)n) || write(fd, piece, (size_t)n) != n)
			return refuse(r, "it cannot be unpacked: no room");
	}
	return n < 0 || left ? refuse(r, "a file in it is cut or damaged") : 0;
}

static int unpack_checked(struct reading *r, int fd, const struct manifest_entry *promised)
{
	uint8_t digest[LIMIT_DIGEST_BYTES];
	struct sha256 *hash = sha256_new();
	int error = hash && !sha256_begin(hash) ? unpack(r, fd, hash, promised->bytes)
						: refuse(r, "out of memory");

	if (!error && sha256_end(hash, digest))
		error = refuse(r, "out of memory");
	if (!error && memcmp(digest, promised->digest, sizeof(digest)) != 0)
		error = refuse(r, "a file in it is not the one of its manifest");
	(void)sha256_free(hash);
	return error;
}

/* Files come in the order of the manifest: none twice, none that it does not name. */
static int take_file(struct reading *r, struct archive_entry *entry)
{
	const struct manifest_entry *promised = &r->manifest.entries[r->n_found];
	const char *name = archive_entry_pathname(entry);
	bool is_custom;
	int fd;

	if (r->n_found == r->manifest.n || strcmp(promised->path, name) != 0)
		return refuse(r, "its files are not those of its manifest");
	(void)manifest_path_name(promised->path, &is_custom);
	if (is_custom || (uint64_t)archive_entry_size(entry) != promised->bytes)
		return refuse(r, "its files are not those of its manifest");
	r->n_found++;
	fd = memfd_create("amp-definitions", MFD_CLOEXEC);
	if (fd < 0)
		return refuse(r, "it cannot be unpacked: no memory file");
	if (unpack_checked(r, fd, promised) || lseek(fd, 0, SEEK_SET) != 0) {
		(void)close(fd);
		return -1;
	}
	return definition_files_add_open(r->files, promised->path, fd, r->failure);
}

static int take_all(struct reading *r, const char *digest)
{
	struct archive_entry *entry;
	int error;

	if (archive_read_support_format_tar(r->archive) != ARCHIVE_OK ||
	    archive_read_open_filename(r->archive, r->path, PIECE) != ARCHIVE_OK)
		return fail(r->failure, CLI_EXIT_NOT_ALL_SCANNED, r->path,
			    "it cannot be read, or is no tar (a bundle is not compressed)");
	error = take_manifest(r, digest);
	while (!error) {
		error = next(r, &entry);
		if (!error)
			error = take_file(r, entry);
	}
	if (error < 0)
		return -1;
	return r->n_found == r->manifest.n ? 0 : refuse(r, "files of its manifest are missing");
}

int definition_bundle_read(const char *path, const char *digest, struct definition_files *files,
			   struct failure *ret_failure)
{
	struct reading *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	r->path = path;
	r->failure = ret_failure;
	r->files = files;
	r->archive = archive_read_new();
	error = r->archive ? take_all(r, digest) : refuse(r, "out of memory");
	(void)archive_read_free(r->archive);
	free(r);
	return error;
}
