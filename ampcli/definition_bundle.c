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
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampcli/unpack_place.h"
#include "ampcli/whole_file.h"
#include "base/definition_manifest.h"
#include "base/text.h"
#include "io/sha256.h"

#define PIECE 65536
#define TAR_BLOCK 512
#define NO_BUNDLE "it is no bundle (a plain tar, not compressed), or damaged"
#define DAMAGED "it is not what the manifest of its generation says: the disk has damaged it"

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
	struct sha256 *hash;
	int directory;                   /* of the generation */
	struct definition_manifest kept; /* the official part of its manifest */
	unsigned left_out;
	char text[MANIFEST_BYTES];
	size_t text_len;
};

static int cannot_read(struct writing *w, const char *path)
{
	bool is_theirs = errno == EACCES || errno == EPERM;

	return fail(w->failure, is_theirs ? CLI_EXIT_NOT_PERMITTED : CLI_EXIT_NOT_ALL_SCANNED, path,
		    strerror(errno));
}

static int cannot_write(struct writing *w, int error)
{
	return fail(w->failure, CLI_EXIT_NOT_ALL_SCANNED, w->source->path, strerror(error));
}

static int no_write(struct writing *w)
{
	const char *what = archive_error_string(w->archive);

	return fail(w->failure, CLI_EXIT_NOT_ALL_SCANNED, w->source->path,
		    what ? what : "it cannot be written");
}

/* A store that somebody else can write to is not what the daemon has proved. -1, or `fd`. */
static int take_roots(struct writing *w, int fd, mode_t type, const char *path)
{
	struct stat st;

	if (fd < 0)
		return cannot_read(w, path);
	if (!fstat(fd, &st) && st.st_uid == 0 && (st.st_mode & S_IFMT) == type &&
	    !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	(void)close(fd);
	return fail(w->failure, CLI_EXIT_REFUSED, path,
		    type == S_IFDIR ? "it is no directory that root alone may write"
				    : "it is no file that root alone may write");
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

		if (n < 0)
			return cannot_read(w, entry->path);
		if (n == 0)
			return fail(w->failure, CLI_EXIT_REFUSED, entry->path, DAMAGED);
		if (sha256_add(w->hash, piece, (size_t)n))
			return failure_set(w->failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
		if (write_bytes(w, piece, (size_t)n))
			return -1;
		left -= (uint64_t)n;
	}
	return 0;
}

/* A disk that lost bits is found here, not on the machine that the bundle is carried to. */
static int copy_checked(struct writing *w, int fd, const struct manifest_entry *entry)
{
	uint8_t digest[LIMIT_DIGEST_BYTES];

	if (sha256_begin(w->hash))
		return failure_set(w->failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	if (copy_content(w, fd, entry))
		return -1;
	if (sha256_end(w->hash, digest))
		return failure_set(w->failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	return memcmp(digest, entry->digest, sizeof(digest)) == 0
		       ? 0
		       : fail(w->failure, CLI_EXIT_REFUSED, entry->path, DAMAGED);
}

static int write_file(struct writing *w, const struct manifest_entry *entry)
{
	int r, fd = openat(w->directory, entry->path,
			   O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	fd = take_roots(w, fd, S_IFREG, entry->path);
	if (fd < 0)
		return -1;
	r = write_head(w, entry->path, entry->bytes);
	if (!r)
		r = copy_checked(w, fd, entry);
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

static int write_archive(struct writing *w)
{
	struct whole_file file;
	int r = whole_file_begin(&file, w->source->path);

	if (r)
		return cannot_write(w, -r);
	if (archive_write_open_fd(w->archive, file.fd) != ARCHIVE_OK)
		r = no_write(w);
	if (!r)
		r = write_all(w);
	if (r) {
		whole_file_drop(&file);
		return -1;
	}
	r = whole_file_settle(&file);
	return r ? cannot_write(w, -r) : 0;
}

static int keep_official(struct writing *w, const struct definition_manifest *whole)
{
	for (unsigned i = 0; i < whole->n; i++) {
		bool is_custom;

		(void)manifest_path_name(whole->entries[i].path, &is_custom);
		w->left_out += is_custom;
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

static int open_manifest(struct writing *w)
{
	int fd =
		openat(w->directory, MANIFEST_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return take_roots(w, fd, S_IFREG, MANIFEST_FILE);
}

static int read_manifest(struct writing *w)
{
	static struct definition_manifest whole;
	static char text[MANIFEST_BYTES + 1];
	int fd = open_manifest(w);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	if (n < 0 || definition_manifest_read(&whole, text, (size_t)n))
		return failure_set(w->failure, CLI_EXIT_REFUSED,
				   "generation %llu has no manifest that can be read",
				   (unsigned long long)w->source->generation);
	return keep_official(w, &whole);
}

static int open_generation(struct writing *w)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/generations/%llu", w->source->root,
		       (unsigned long long)w->source->generation); /* cut: it is not there */
	w->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (w->directory < 0 && errno == ENOENT)
		return failure_set(w->failure, CLI_EXIT_REFUSED, "there is no generation %llu",
				   (unsigned long long)w->source->generation);
	w->directory = take_roots(w, w->directory, S_IFDIR, path);
	return w->directory < 0 ? -1 : 0;
}

static int prepare(struct writing *w)
{
	w->archive = archive_write_new();
	w->entry = archive_entry_new();
	w->hash = sha256_new();
	if (!w->archive || !w->entry || !w->hash ||
	    archive_write_set_format_ustar(w->archive) != ARCHIVE_OK)
		return failure_set(w->failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	return 0;
}

static int describe(struct writing *w, struct bundle_view *ret_view)
{
	uint8_t digest[LIMIT_DIGEST_BYTES];

	if (sha256_of(w->text, w->text_len, digest))
		return failure_set(w->failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	*ret_view = (struct bundle_view){.generation = w->source->generation,
					 .path = w->source->path,
					 .left_out = w->left_out};
	write_digest(digest, ret_view->digest);
	return 0;
}

int definition_bundle_write(const struct bundle_source *source, struct bundle_view *ret_view,
			    struct failure *ret_failure)
{
	struct writing *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	w->source = source;
	w->failure = ret_failure;
	w->directory = -1;
	r = open_generation(w);
	if (!r)
		r = read_manifest(w);
	if (!r)
		r = prepare(w);
	if (!r)
		r = write_archive(w);
	if (!r)
		r = describe(w, ret_view);
	if (w->directory >= 0)
		(void)close(w->directory);
	(void)sha256_free(w->hash);
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
	uint64_t bytes; /* of the bundle */
	unsigned n_found;
};

static int refuse(struct reading *r, const char *what)
{
	return fail(r->failure, CLI_EXIT_REJECTED, r->path, what);
}

static int no_memory(struct reading *r)
{
	return failure_set(r->failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
}

/* What export writes, and nothing else: one block in front of each file, without headers that change its name, size or shape. */
static bool is_plain(struct reading *r, struct archive_entry *entry)
{
	return archive_format(r->archive) == ARCHIVE_FORMAT_TAR_USTAR &&
	       archive_filter_bytes(r->archive, 0) ==
		       archive_read_header_position(r->archive) + TAR_BLOCK &&
	       archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry) &&
	       archive_entry_sparse_count(entry) == 0 && archive_entry_size_is_set(entry) &&
	       archive_entry_size(entry) >= 0 && archive_entry_pathname(entry);
}

static int next(struct reading *r, struct archive_entry **ret_entry)
{
	int n = archive_read_next_header(r->archive, ret_entry);

	if (n == ARCHIVE_EOF)
		return 1;
	if (n != ARCHIVE_OK)
		return refuse(r, NO_BUNDLE);
	return is_plain(r, *ret_entry)
		       ? 0
		       : refuse(r, "something in it is no plain file as export writes them");
}

/* Kinds that nobody signs would come in as the administrator's own. */
static int check_manifest(struct reading *r)
{
	for (unsigned i = 0; i < r->manifest.n; i++) {
		bool is_custom;
		const char *name = manifest_path_name(r->manifest.entries[i].path, &is_custom);

		if (is_custom || !definition_files_is_official(name))
			return refuse(r, "its manifest names a file of a kind that is not signed");
	}
	if (definition_manifest_bytes(&r->manifest) > r->bytes)
		return refuse(r, "its manifest promises more than the bundle has");
	return unpack_place_check(definition_manifest_bytes(&r->manifest), r->failure);
}

static int check_digest(struct reading *r, const char *text, size_t len, const char *wanted)
{
	char found[BUNDLE_DIGEST_TEXT];
	uint8_t digest[LIMIT_DIGEST_BYTES];

	if (!wanted)
		return 0;
	if (sha256_of(text, len, digest))
		return no_memory(r);
	write_digest(digest, found);
	return strcasecmp(wanted, found) == 0
		       ? 0
		       : refuse(r, "its digest is not the one that was named");
}

static int take_manifest(struct reading *r, const char *wanted)
{
	static char text[MANIFEST_BYTES + 1];
	struct archive_entry *entry;
	int error = next(r, &entry);
	la_ssize_t n;

	if (error < 0)
		return -1;
	if (error || strcmp(archive_entry_pathname(entry), MANIFEST_FILE) != 0)
		return refuse(r, "it does not begin with a manifest");
	n = archive_read_data(r->archive, text, sizeof(text));
	if (n < 0 || definition_manifest_read(&r->manifest, text, (size_t)n))
		return refuse(r, "its manifest is damaged");
	return check_digest(r, text, (size_t)n, wanted) ? -1 : check_manifest(r);
}

static int put(struct reading *r, int fd, const char *piece, size_t len)
{
	while (len) {
		ssize_t n = write(fd, piece, len);

		if (n < 0)
			return fail(r->failure, CLI_EXIT_NOT_ALL_SCANNED, r->path, strerror(errno));
		piece += n;
		len -= (size_t)n;
	}
	return 0;
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
		if (sha256_add(hash, piece, (size_t)n))
			return no_memory(r);
		if (put(r, fd, piece, (size_t)n))
			return -1;
	}
	return n < 0 || left ? refuse(r, "a file in it is cut or damaged") : 0;
}

static int unpack_checked(struct reading *r, int fd, const struct manifest_entry *promised)
{
	uint8_t digest[LIMIT_DIGEST_BYTES];
	struct sha256 *hash = sha256_new();
	int error =
		hash && !sha256_begin(hash) ? unpack(r, fd, hash, promised->bytes) : no_memory(r);

	if (!error && sha256_end(hash, digest))
		error = no_memory(r);
	if (!error && memcmp(digest, promised->digest, sizeof(digest)) != 0)
		error = refuse(r, "a file in it is not the one of its manifest");
	(void)sha256_free(hash);
	return error;
}

static int keep(struct reading *r, const struct manifest_entry *promised)
{
	int writer, reader, error;

	if (unpack_place_new(&writer, &reader, r->failure))
		return -1;
	error = unpack_checked(r, writer, promised);
	if (close(writer) && !error)
		error = fail(r->failure, CLI_EXIT_NOT_ALL_SCANNED, r->path, strerror(errno));
	if (!error)
		return definition_files_add_open(r->files, promised->path, reader, r->failure);
	(void)close(reader);
	return -1;
}

/* Files come in the order of the manifest: none twice, none that it does not name. */
static int take_file(struct reading *r, struct archive_entry *entry)
{
	const struct manifest_entry *promised = &r->manifest.entries[r->n_found];

	if (r->n_found == r->manifest.n ||
	    strcmp(promised->path, archive_entry_pathname(entry)) != 0 ||
	    (uint64_t)archive_entry_size(entry) != promised->bytes)
		return refuse(r, "its files are not those of its manifest, in its order");
	r->n_found++;
	return keep(r, promised);
}

static int take_all(struct reading *r, int fd, const char *digest)
{
	struct archive_entry *entry;
	int error;

	if (archive_read_support_format_tar(r->archive) != ARCHIVE_OK)
		return no_memory(r);
	if (archive_read_open_fd(r->archive, fd, PIECE) != ARCHIVE_OK)
		return refuse(r, NO_BUNDLE);
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

/* A pipe would keep us waiting, a device never ends. */
static int open_bundle(struct reading *r)
{
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return fail(r->failure, CLI_EXIT_NOT_ALL_SCANNED, r->path, strerror(errno));
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		r->bytes = (uint64_t)st.st_size;
		return fd;
	}
	(void)close(fd);
	return fail(r->failure, CLI_EXIT_REFUSED, r->path, "it is no regular file");
}

int definition_bundle_read(const char *path, const char *digest, struct definition_files *files,
			   struct failure *ret_failure)
{
	struct reading *r = calloc(1, sizeof(*r));
	int fd, error = -1;

	if (!r)
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	r->path = path;
	r->failure = ret_failure;
	r->files = files;
	fd = open_bundle(r);
	r->archive = archive_read_new();
	if (fd >= 0)
		error = r->archive ? take_all(r, fd, digest) : no_memory(r);
	(void)archive_read_free(r->archive); /* NULL, too */
	if (fd >= 0)
		(void)close(fd);
	free(r);
	return error;
}
