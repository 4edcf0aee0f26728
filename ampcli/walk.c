/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

/* O_NONBLOCK: neither a FIFO nor a lease may hold us; O_NOCTTY: no terminal may become ours. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

#define OPEN_LEVELS 64 /* most trees are not deeper: these never need to find a directory again */
#define OPEN_LEVELS_MIN 2 /* the directory being read, and the one it was entered from */
#define FDS_FOR_OTHERS                                                                             \
	24 /* standard streams, the socket, what a walk opens in passing; files on their way: scan_run.c */

#define WALKS_SHARE 4 /* a quarter each: there is a second walk, that counts */

struct level {
	DIR *dir; /* NULL while closed */
	dev_t dev;
	ino_t ino;
	off_t cookie;            /* where to go on reading */
	struct timespec changed; /* of the directory when it was closed */
	size_t path_len;
	bool moved; /* it changed while it was closed: the cookie may have lost entries */
};

struct walk {
	struct walk_options options;
	struct walk_skips skips;
	bool fresh; /* the path that was named has not been looked at */
	dev_t root_dev;
	size_t root_len;
	struct level *levels;
	size_t depth, room;
	size_t lowest_open; /* levels from here up are open */
	size_t path_len;
	char path[LIMIT_PATH_BYTES + NAME_MAX + 2];
};

static unsigned open_levels_allowed(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= WALKS_SHARE * OPEN_LEVELS + FDS_FOR_OTHERS)
		return OPEN_LEVELS;
	if (limit.rlim_cur <= FDS_FOR_OTHERS + WALKS_SHARE * OPEN_LEVELS_MIN)
		return OPEN_LEVELS_MIN;
	return (unsigned)(limit.rlim_cur - FDS_FOR_OTHERS) / WALKS_SHARE;
}

struct walk *walk_new(const struct walk_options *options)
{
	struct walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return NULL;
	walk->options = *options;
	if (walk->options.max_open == 0)
		walk->options.max_open = open_levels_allowed();
	if (walk->options.max_open < OPEN_LEVELS_MIN)
		walk->options.max_open = OPEN_LEVELS_MIN;
	return walk;
}

static void close_level(struct level *level)
{
	if (level->dir)
		(void)closedir(level->dir); /* read only: nothing can be lost */
	level->dir = NULL;
}

static void drop_levels(struct walk *walk)
{
	while (walk->depth > 0)
		close_level(&walk->levels[--walk->depth]);
	walk->lowest_open = 0;
}

struct walk *walk_free(struct walk *walk)
{
	if (!walk)
		return NULL;
	drop_levels(walk);
	free(walk->levels);
	free(walk);
	return NULL;
}

int walk_start(struct walk *walk, const char *path)
{
	size_t len = strlen(path);

	drop_levels(walk);
	if (len > LIMIT_PATH_BYTES)
		return -ENAMETOOLONG;
	while (len > 1 && path[len - 1] == '/')
		len--;
	memcpy(walk->path, path, len);
	walk->path[len] = '\0';
	walk->path_len = walk->root_len = len;
	walk->fresh = true;
	return 0;
}

const struct walk_skips *walk_skipped(const struct walk *walk)
{
	return &walk->skips;
}

static enum scan_reason reason_of(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return SCAN_REASON_NOT_PERMITTED;
	case ENOENT:
	case ENOTDIR:
	case ESTALE:
		return SCAN_REASON_GONE;
	case ENXIO:
	case ENODEV:
		return SCAN_REASON_NOT_REGULAR;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return SCAN_REASON_RESOURCE;
	case ENAMETOOLONG:
		return SCAN_REASON_PATH_TOO_LONG;
	default:
		return SCAN_REASON_OPEN;
	}
}

static int give_trouble(struct walk *walk, enum scan_reason reason, int error,
			struct walk_item *ret_item)
{
	*ret_item = (struct walk_item){.kind = WALK_TROUBLE,
				       .path = span_of(walk->path, walk->path_len),
				       .fd = -1,
				       .reason = reason,
				       .error = error};
	return 1;
}

static int give_file(struct walk *walk, int fd, const struct stat *st, struct walk_item *ret_item)
{
	*ret_item = (struct walk_item){.kind = WALK_FILE,
				       .path = span_of(walk->path, walk->path_len),
				       .fd = fd,
				       .bytes = (uint64_t)st->st_size};
	return 1;
}

/* O_NOATIME is for owners and root only: try, then do without. */
static int open_quietly(int at, const char *name, int flags)
{
	int fd = openat(at, name, OPEN_FLAGS | O_NOATIME | flags);

	return fd < 0 && errno == EPERM ? openat(at, name, OPEN_FLAGS | flags) : fd;
}

/*
 * One system call takes PATH_MAX bytes. Returns a directory from which *ret_rest can be reached in one call: AT_FDCWD, or a
 * descriptor of the caller's; or -errno.
 */
static int reach(const char *path, const char **ret_rest)
{
	char piece[PATH_MAX];
	int at = AT_FDCWD;

	while (strlen(path) >= PATH_MAX) {
		const char *cut = memrchr(path, '/', PATH_MAX - 2);
		size_t len = cut ? (size_t)(cut - path) + 1 : 0;
		int next;

		memcpy(piece, path, len);
		piece[len] = '\0';
		next = len ? openat(at, piece, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		if (next < 0)
			next = len ? -errno : -ENAMETOOLONG;
		if (at != AT_FDCWD)
			close(at);
		if (next < 0)
			return next;
		at = next;
		path += len;
		path += strspn(path, "/");
	}
	*ret_rest = path;
	return at;
}

static bool is_ancestor(const struct walk *walk, const struct stat *st)
{
	for (size_t i = 0; i < walk->depth; i++) {
		if (walk->levels[i].ino == st->st_ino && walk->levels[i].dev == st->st_dev)
			return true;
	}
	return false;
}

/* Closes the outermost open directory and remembers where it stood. */
static void shelve(struct walk *walk)
{
	struct level *level = &walk->levels[walk->lowest_open++];
	struct stat st;

	if (!level->dir)
		return;
	if (fstat(dirfd(level->dir), &st) == 0)
		level->changed = st.st_ctim;
	close_level(level);
}

static int make_room(struct walk *walk)
{
	size_t room = walk->room ? 2 * walk->room : OPEN_LEVELS;
	struct level *levels;

	if (walk->depth < walk->room)
		return 0;
	levels = realloc(walk->levels, room * sizeof(*levels));
	if (!levels)
		return -ENOMEM;
	walk->levels = levels;
	walk->room = room;
	return 0;
}

/* Takes `fd`. */
static int enter(struct walk *walk, int fd, const struct stat *st)
{
	DIR *dir;

	if (make_room(walk) < 0) {
		close(fd);
		return -ENOMEM;
	}
	dir = fdopendir(fd);
	if (!dir) {
		int error = errno;

		close(fd);
		return -error;
	}
	if (walk->depth - walk->lowest_open >= walk->options.max_open)
		shelve(walk);
	walk->levels[walk->depth++] = (struct level){
		.dir = dir, .dev = st->st_dev, .ino = st->st_ino, .path_len = walk->path_len};
	return 0;
}

static int look_into(struct walk *walk, int fd, bool is_root, struct walk_item *ret_item)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) != 0) {
		r = -errno;
		close(fd);
		return give_trouble(walk, SCAN_REASON_DIRECTORY, -r, ret_item);
	}
	if (is_root)
		walk->root_dev = st.st_dev;
	if (!walk->options.cross && st.st_dev != walk->root_dev) {
		walk->skips.mounts++;
		close(fd);
		return 0;
	}
	if (is_ancestor(walk, &st)) {
		close(fd);
		return give_trouble(walk, SCAN_REASON_LOOP, 0, ret_item);
	}
	r = enter(walk, fd, &st);
	return r < 0 ? give_trouble(walk, reason_of(-r), -r, ret_item) : 0;
}

static int open_directory(struct walk *walk, int at, const char *name, struct walk_item *ret_item)
{
	int fd = open_quietly(at, name, O_DIRECTORY | O_NOFOLLOW);

	if (fd < 0)
		return give_trouble(walk, reason_of(errno), errno, ret_item);
	return look_into(walk, fd, false, ret_item);
}

/* Of an entry that was a regular file when its name was read. */
static int open_file(struct walk *walk, int at, const char *name, struct walk_item *ret_item)
{
	struct stat st;
	int fd;

	if (walk->options.count_only)
		return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0
			       ? give_file(walk, -1, &st, ret_item)
			       : 0;
	fd = open_quietly(at, name, O_NOFOLLOW);
	if (fd < 0 && errno == ELOOP) {
		walk->skips.symlinks++;
		return 0;
	}
	if (fd < 0)
		return give_trouble(walk, reason_of(errno), errno, ret_item);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return give_file(walk, fd, &st, ret_item);
	close(fd);
	walk->skips.special++;
	return 0;
}

static unsigned char type_of(mode_t mode)
{
	return (unsigned char)IFTODT(mode);
}

static int take_entry(struct walk *walk, int at, const struct dirent *entry,
		      struct walk_item *ret_item)
{
	unsigned char type = entry->d_type;
	struct stat st;

	if (type == DT_UNKNOWN) {
		if (fstatat(at, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return give_trouble(walk, reason_of(errno), errno, ret_item);
		type = type_of(st.st_mode);
	}
	if (type == DT_LNK) {
		walk->skips.symlinks++;
		return 0;
	}
	if (type != DT_REG && type != DT_DIR) {
		walk->skips.special++;
		return 0;
	}
	if (walk->path_len > LIMIT_PATH_BYTES)
		return give_trouble(walk, SCAN_REASON_PATH_TOO_LONG, 0, ret_item);
	if (type == DT_DIR)
		return open_directory(walk, at, entry->d_name, ret_item);
	return open_file(walk, at, entry->d_name, ret_item);
}

static void set_path(struct walk *walk, size_t dir_len, const char *name)
{
	size_t at = dir_len, len = name ? strnlen(name, NAME_MAX) : 0;

	if (name && at > 0 && walk->path[at - 1] != '/')
		walk->path[at++] = '/';
	if (name)
		memcpy(walk->path + at, name, len);
	walk->path_len = at + len;
	walk->path[walk->path_len] = '\0';
}

/* Goes on reading `level` through `fd`, which it takes, when that is still the same directory. */
static int resume(struct walk *walk, size_t index, int fd)
{
	struct level *level = &walk->levels[index];
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_dev != level->dev || st.st_ino != level->ino) {
		close(fd);
		return -ESTALE;
	}
	level->moved |= st.st_ctim.tv_sec != level->changed.tv_sec ||
			st.st_ctim.tv_nsec != level->changed.tv_nsec;
	level->dir = fdopendir(fd);
	if (!level->dir) {
		int error = errno;

		close(fd);
		return -error;
	}
	seekdir(level->dir, level->cookie);
	walk->lowest_open = index;
	return 0;
}

/* Takes `at`, gives the directory one level further down. */
static int step_down(const struct walk *walk, size_t index, int at)
{
	const char *start = walk->path + walk->levels[index - 1].path_len;
	char name[NAME_MAX + 1];
	size_t len;
	int fd;

	start += *start == '/'; /* none between "/" and its entries */
	len = (size_t)(walk->path + walk->levels[index].path_len - start);
	memcpy(name, start, len);
	name[len] = '\0';
	fd = openat(at, name, OPEN_FLAGS | O_DIRECTORY | O_NOFOLLOW);
	close(at);
	return fd;
}

/* The way down again from the path that was named, by descriptors; for when ".." led elsewhere. */
static int find_again(struct walk *walk, size_t index)
{
	const char saved = walk->path[walk->root_len];
	const char *rest = NULL;
	int at, fd;

	walk->path[walk->root_len] = '\0';
	at = reach(walk->path, &rest);
	fd = rest ? openat(at, rest, OPEN_FLAGS | O_DIRECTORY) : -1;
	walk->path[walk->root_len] = saved;
	if (at >= 0)
		close(at);
	for (size_t i = 1; i <= index && fd >= 0; i++)
		fd = step_down(walk, i, fd);
	return fd < 0 ? -ESTALE : resume(walk, index, fd);
}

static void leave(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	size_t below = walk->depth - 2;

	if (walk->depth > 1 && !walk->levels[below].dir && level->dir) {
		int fd = openat(dirfd(level->dir), "..", OPEN_FLAGS | O_DIRECTORY);

		if (fd >= 0)
			(void)resume(walk, below,
				     fd); /* when it is another one, find_again() looks for it */
	}
	close_level(level);
	walk->depth--;
	if (walk->lowest_open > walk->depth)
		walk->lowest_open = walk->depth;
}

/* The end of a directory, or of what can be read of it. */
static int end_level(struct walk *walk, int error, struct walk_item *ret_item)
{
	struct level *level = &walk->levels[walk->depth - 1];
	bool complete = error == 0 && !level->moved;

	set_path(walk, level->path_len, NULL);
	leave(walk);
	return complete ? 0 : give_trouble(walk, SCAN_REASON_DIRECTORY, error, ret_item);
}

static int read_entry(struct walk *walk, struct walk_item *ret_item)
{
	struct level *level = &walk->levels[walk->depth - 1];
	struct dirent *entry;

	if (!level->dir) {
		int r = find_again(walk, walk->depth - 1);

		if (r < 0 || !level->dir)
			return end_level(walk, r < 0 ? -r : ESTALE, ret_item);
	}
	errno = 0;
	entry = readdir(level->dir);
	if (!entry)
		return end_level(walk, errno, ret_item);
	level->cookie = entry->d_off;
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	set_path(walk, level->path_len, entry->d_name);
	return take_entry(walk, dirfd(level->dir), entry, ret_item);
}

/* What the user named: looked at before it is opened, so that no device is touched. */
static int open_named(struct walk *walk, int at, const char *rest, struct walk_item *ret_item)
{
	struct stat st;
	int fd;

	if (fstatat(at, rest, &st, 0) != 0)
		return give_trouble(walk, reason_of(errno), errno, ret_item);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return give_trouble(walk, SCAN_REASON_NOT_REGULAR, 0, ret_item);
	if (S_ISREG(st.st_mode) && walk->options.count_only)
		return give_file(walk, -1, &st, ret_item);
	fd = open_quietly(at, rest, 0);
	if (fd < 0)
		return give_trouble(walk, reason_of(errno), errno, ret_item);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return give_file(walk, fd, &st, ret_item);
	if (S_ISDIR(st.st_mode))
		return look_into(walk, fd, true, ret_item);
	close(fd);
	return give_trouble(walk, SCAN_REASON_NOT_REGULAR, 0, ret_item);
}

static int take_root(struct walk *walk, struct walk_item *ret_item)
{
	const char *rest = walk->path;
	int at = reach(walk->path, &rest);
	int r;

	walk->fresh = false;
	if (at < 0 && at != AT_FDCWD)
		return give_trouble(walk, reason_of(-at), -at, ret_item);
	r = open_named(walk, at, rest, ret_item);
	if (at != AT_FDCWD)
		close(at);
	return r;
}

int walk_next(struct walk *walk, struct walk_item *ret_item)
{
	int r = 0;

	while (r == 0 && (walk->fresh || walk->depth > 0))
		r = walk->fresh ? take_root(walk, ret_item) : read_entry(walk, ret_item);
	return r;
}
