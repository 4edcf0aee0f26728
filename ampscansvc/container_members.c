/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/container_members.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "ampscansvc/core/container_info.h"
#include "base/text.h"
#include "io/sha256.h"

#define BLOCK 512 /* tar's */
#define CHUNK ((size_t)128 * BLOCK)
#define SIZE_AT 124 /* of a tar header: twelve bytes, octal */
#define SIZE_FIELD 12
#define TYPE_AT 156
#define MEMBER_BYTES_MAX INT32_MAX /* libclamav counts in 32 bits, and wraps */

/* Hashes unfold to thrice their size, code to eight times; zlib can do a thousand. */
#define UNFOLD 32
#define UNFOLD_MORE (1u << 20) /* a small one is mostly padding */
#define UNFOLD_MAX (UINT64_C(8) << 30)

struct walk {
	enum definition_kind kind;
	bool may_weaken;
	gzFile archive;
	uint64_t left; /* bytes that it may still unfold to */
	struct sha256 *hash;
	struct container_list list;
	char header[CONTAINER_HEADER_BYTES];
	size_t info_len;
	char info[CONTAINER_INFO_BYTES];
	uint32_t passed_over;
	bool is_line_begun; /* of a member whose lines are counted */
	uint8_t chunk[CHUNK];
	char *why;
};

static int refuse(struct walk *walk, const char *sentence)
{
	size_t at = 0;

	text_append(walk->why, LIMIT_DETAIL_BYTES, &at, "%s", sentence);
	return -EBADMSG;
}

/* Exactly `len` bytes, or at the end none of them: 1, 0, or -EBADMSG. */
static int pull(struct walk *walk, void *bytes, unsigned len)
{
	int n;

	if (len > walk->left)
		return refuse(walk, "it unfolds to much more than its size");
	walk->left -= len;
	n = gzread(walk->archive, bytes, len);
	if (n == (int)len)
		return 1;
	if (n < 0)
		return refuse(walk, "its compressed body is damaged");
	return n == 0 && gzeof(walk->archive) ? 0
					      : refuse(walk, "it ends in the middle of a member");
}

static int read_size(struct walk *walk, const uint8_t *field, uint64_t *ret_bytes)
{
	unsigned i = 0;

	*ret_bytes = 0;
	for (; i < SIZE_FIELD - 1 && field[i] >= '0' && field[i] <= '7'; i++)
		*ret_bytes = *ret_bytes * 8 + (uint64_t)(field[i] - '0');
	/* Signs, blanks before it, more digits: readers disagree on those. */
	if (i == 0 || (field[i] != '\0' && field[i] != ' ') || *ret_bytes > MEMBER_BYTES_MAX)
		return refuse(walk, "it has a member whose size makes no sense");
	return 0;
}

/* Lines that are signatures, in a kind that libclamav passes over. */
static void count_lines(struct walk *walk, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			walk->is_line_begun = false;
			continue;
		}
		if (walk->is_line_begun)
			continue;
		walk->is_line_begun = true;
		walk->passed_over += bytes[i] != '#';
	}
}

static int keep_list(struct walk *walk, const uint8_t *bytes, size_t len)
{
	if (len > sizeof(walk->info) - walk->info_len)
		return refuse(walk, "the list of its members is too long");
	memcpy(walk->info + walk->info_len, bytes, len);
	walk->info_len += len;
	return 0;
}

static int take(struct walk *walk, const struct container_member *member, const uint8_t *bytes,
		size_t len)
{
	if (definition_kind_of(member->name) == DEFINITION_KIND_UNWANTED)
		count_lines(walk, bytes, len);
	if (sha256_add(walk->hash, bytes, len) < 0)
		return -ENOMEM;
	return container_info_is_list(member->name) ? keep_list(walk, bytes, len) : 0;
}

static int read_content(struct walk *walk, struct container_member *member)
{
	uint64_t left = member->bytes;
	int result = sha256_begin(walk->hash);

	walk->is_line_begun = false;
	while (result == 0 && left) {
		size_t used = left < CHUNK ? (size_t)left : CHUNK;
		unsigned whole = (unsigned)((used + BLOCK - 1) / BLOCK * BLOCK);

		result = pull(walk, walk->chunk, whole);
		if (result == 0)
			return refuse(walk, "it ends in the middle of a member");
		if (result > 0)
			result = take(walk, member, walk->chunk, used);
		left -= used;
	}
	return result < 0 ? result : sha256_end(walk->hash, member->digest);
}

/* The member behind the header in `block`. */
static int read_member(struct walk *walk, const uint8_t block[BLOCK])
{
	struct container_member *member;
	char name[CONTAINER_NAME_BYTES + 1] = "";
	uint64_t bytes;
	int result;

	memcpy(name, block, CONTAINER_NAME_BYTES);
	if (block[TYPE_AT] != '0' && block[TYPE_AT] != '\0')
		return refuse(walk, "it has a member that is no plain file");
	result = read_size(walk, block + SIZE_AT, &bytes);
	if (result == 0)
		result = container_info_name(&walk->list, name, walk->may_weaken, walk->why);
	if (result < 0)
		return result;
	member = &walk->list.members[walk->list.n++];
	memcpy(member->name, name, sizeof(name));
	member->bytes = bytes;
	return read_content(walk, member);
}

/* Ends where libclamav ends: at a header without a name, or with the file. */
static int read_members(struct walk *walk)
{
	uint8_t block[BLOCK];
	int result;

	while ((result = pull(walk, block, BLOCK)) > 0) {
		if (!block[0])
			return 0;
		result = read_member(walk, block);
		if (result < 0)
			return result;
	}
	return result;
}

static uint64_t unfold_limit(uint64_t file_bytes)
{
	return file_bytes > UNFOLD_MAX / UNFOLD ? UNFOLD_MAX : file_bytes * UNFOLD + UNFOLD_MORE;
}

/* A .cld is what libfreshclam writes for us, which does not compress: a .cvd under that name would have its own signature ignored. */
static int look(struct walk *walk, int fd)
{
	struct stat status;
	uint8_t magic[2];

	if (fstat(fd, &status) < 0 ||
	    pread(fd, walk->header, CONTAINER_HEADER_BYTES, 0) != CONTAINER_HEADER_BYTES ||
	    pread(fd, magic, sizeof(magic), CONTAINER_HEADER_BYTES) != sizeof(magic))
		return refuse(walk, "it is a header without a body");
	/* One function of libclamav ends it at a control character, another does not: each would read other fields. */
	if (!text_is_printable(walk->header, CONTAINER_HEADER_BYTES))
		return refuse(walk, "its header is no text");
	if (walk->kind == DEFINITION_KIND_CLD && magic[0] == 0x1f && magic[1] == 0x8b)
		return refuse(walk, "it is compressed, as a .cvd is and a .cld of ours is not");
	walk->left = unfold_limit((uint64_t)status.st_size);
	return lseek(fd, CONTAINER_HEADER_BYTES, SEEK_SET) < 0 ? refuse(walk, "it cannot be read")
							       : 0;
}

static int check(struct walk *walk, const char *path, struct container_facts *ret_facts)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = fd < 0 ? refuse(walk, "it cannot be opened") : look(walk, fd);

	if (result == 0) {
		walk->hash = sha256_new();
		walk->archive = walk->hash ? gzdopen(fd, "rb") : NULL;
		result = walk->archive ? 0 : -ENOMEM;
	}
	if (result == 0)
		result = read_members(walk);
	if (result == 0)
		result = container_info_compare(walk->info, walk->info_len, &walk->list,
						definition_kind_is_official(walk->kind),
						ret_facts->database, walk->why);
	if (result == 0 && walk->kind == DEFINITION_KIND_CLD)
		result = container_info_header(walk->header, walk->info, walk->info_len, walk->why);
	ret_facts->passed_over = walk->passed_over;
	walk->hash = sha256_free(walk->hash);
	if (walk->archive)
		(void)gzclose(walk->archive); /* closes `fd` too; nothing was written */
	else if (fd >= 0)
		close(fd);
	return result;
}

int container_members_check(const char *path, enum definition_kind kind, bool may_weaken,
			    struct container_facts *ret_facts, char why[LIMIT_DETAIL_BYTES])
{
	struct walk *walk = calloc(1, sizeof(*walk));
	int result;

	if (!walk)
		return -ENOMEM;
	walk->kind = kind;
	walk->may_weaken = may_weaken;
	walk->why = why;
	result = check(walk, path, ret_facts);
	free(walk);
	return result;
}
