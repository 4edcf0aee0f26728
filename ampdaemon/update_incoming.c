/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_incoming.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ampdaemon/definition_tree.h"
#include "ampdaemon/refusal.h"

#define DEPTH_MAX 4                   /* the library makes one level */
#define MEMORY_BYTES_MAX 65536        /* of the library's memory; it has some hundred */
#define PIECE_BYTES ((size_t)1 << 30) /* of one copy_file_range(2) */
#define BUFFER_BYTES 65536
#define FILE_NAME_BYTES (LIMIT_DATABASE_BYTES + 5)

/* ---- taking away ---- */

/* -EXDEV at the edge of another file system, or at a mount of the same. */
static int go_into(int parent, const char *name)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
	long fd = syscall(SYS_openat2, parent, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

struct sweep {
	unsigned depth;
	bool keeps_memory;
	uint32_t uid; /* whose memory may stay; 0: whoever's */
};

static int remove_entry(void *context, int parent, const char *name);

static void remove_directory(int parent, const char *name, unsigned depth)
{
	struct sweep below = {.depth = depth + 1};
	int fd = depth < DEPTH_MAX ? go_into(parent, name) : -ELOOP;

	if (fd >= 0) {
		(void)definition_tree_each(fd, remove_entry, &below); /* the rmdir tells */
		close(fd);
	}
	(void)unlinkat(parent, name, AT_REMOVEDIR); /* else it is the updater's to sweep */
}

static bool is_memory(const struct sweep *sweep, int parent, const char *name)
{
	struct stat st;

	return sweep->keeps_memory && !strcmp(name, UPDATE_INCOMING_MEMORY) &&
	       !fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
	       st.st_nlink == 1 && st.st_size <= MEMORY_BYTES_MAX &&
	       (!sweep->uid || st.st_uid == sweep->uid);
}

/* Never an error: one that stays must not save the others. */
static int remove_entry(void *context, int parent, const char *name)
{
	const struct sweep *sweep = context;

	if (is_memory(sweep, parent, name))
		return 0;
	if (unlinkat(parent, name, 0) && (errno == EISDIR || errno == EPERM))
		remove_directory(parent, name, sweep->depth);
	return 0;
}

/* ---- the directory ---- */

static int open_root(const char *root, char why[LIMIT_REASON_BYTES])
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return refusal_say(why, -errno, "%.200s cannot be opened: %s", root,
				   strerror(errno));
	if (!fstat(fd, &st) && definition_tree_is_ours(&st))
		return fd;
	close(fd);
	return refusal_say(why, -EPERM, "%.200s is not root's alone", root);
}

static int open_in(int root, char why[LIMIT_REASON_BYTES])
{
	int fd = openat(root, UPDATE_INCOMING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return refusal_say(why, -errno, UPDATE_INCOMING " of the definition store: %s",
			   strerror(errno));
}

/* While it is ours, nobody who runs as its owner can put anything there. */
static int take_over(int directory, char why[LIMIT_REASON_BYTES])
{
	if (fchown(directory, geteuid(), getegid()) || fchmod(directory, 0700))
		return refusal_say(why, -errno,
				   UPDATE_INCOMING " of the definition store cannot be taken: %s",
				   strerror(errno));
	return 0;
}

int update_incoming_sweep(const char *root, char why[LIMIT_REASON_BYTES])
{
	struct sweep sweep = {.keeps_memory = true};
	int r = 0, directory, fd = open_root(root, why);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	directory = open_in(fd, why);
	close(fd);
	if (directory < 0)
		return directory == -ENOENT ? 0 : directory;
	r = take_over(directory, why);
	if (!r)
		r = definition_tree_each(directory, remove_entry, &sweep);
	close(directory);
	return r;
}

/* ---- copies ---- */

static int copy_by_hand(int source, int target)
{
	char buffer[BUFFER_BYTES];
	ssize_t n;

	while ((n = read(source, buffer, sizeof(buffer))) != 0) {
		for (ssize_t at = 0, done; n > 0 && at < n; at += done) {
			done = write(target, buffer + at, (size_t)(n - at));
			if (done < 0)
				return -errno;
		}
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Shared blocks where the file system has them; each of the three goes on where the one before stopped. */
static int copy_bytes(int source, int target)
{
	ssize_t n;

	if (!ioctl(target, FICLONE, source))
		return 0;
	do {
		n = copy_file_range(source, NULL, target, NULL, PIECE_BYTES, 0);
	} while (n > 0);
	return copy_by_hand(source, target); /* an end, too, is found there */
}

static int fill(int source, int target, const struct incoming_order *order)
{
	int r = copy_bytes(source, target);

	if (!r && (fchmod(target, 0600) || fchown(target, order->uid, order->gid)))
		r = -errno;
	return r;
}

/* 1: it is there. */
static int put(const struct incoming_order *order, int directory, const char *name)
{
	struct stat st;
	int r, target, source = definition_tree_open_file(order->generation, name, &st);

	if (source < 0)
		return source == -ENOENT ? 0 : source;
	if ((uint64_t)st.st_size > order->max_file_bytes) {
		close(source);
		return 0;
	}
	target =
		openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = target < 0 ? -errno : fill(source, target, order);
	close(source);
	if (target >= 0 && close(target) && !r)
		r = -errno;
	if (r)
		(void)unlinkat(directory, name, 0); /* the first error is told */
	return r ? r : 1;
}

static int put_all(const struct incoming_order *order, int directory, char why[LIMIT_REASON_BYTES])
{
	static const char *const endings[] = {".cld", ".cvd"};
	char name[FILE_NAME_BYTES];

	for (unsigned i = 0; order->generation >= 0 && i < order->n_databases; i++) {
		int r = 0;

		for (unsigned k = 0; !r && k < 2; k++) {
			(void)snprintf(name, sizeof(name), "%s%s", order->databases[i],
				       endings[k]); /* fits: the configuration was checked */
			r = put(order, directory, name);
		}
		if (r < 0)
			return refusal_say(why, r,
					   "%s cannot be copied into " UPDATE_INCOMING ": %s", name,
					   strerror(-r));
	}
	return 0;
}

/* ---- before a birth ---- */

static int make_ready(const struct incoming_order *order, int directory,
		      char why[LIMIT_REASON_BYTES])
{
	struct sweep sweep = {.keeps_memory = true, .uid = order->uid};
	int r = take_over(directory, why);

	if (r)
		return r;
	r = definition_tree_each(directory, remove_entry, &sweep);
	if (r)
		return refusal_say(why, r, UPDATE_INCOMING " cannot be listed: %s", strerror(-r));
	r = put_all(order, directory, why);
	if (!r && fchown(directory, order->uid, order->gid))
		r = refusal_say(why, -errno, UPDATE_INCOMING " cannot be given to its user: %s",
				strerror(errno));
	return r;
}

int update_incoming_prepare(const struct incoming_order *order, char why[LIMIT_REASON_BYTES])
{
	int r, directory, root = open_root(order->root, why);

	if (root < 0)
		return root;
	r = mkdirat(root, UPDATE_INCOMING, 0700) && errno != EEXIST ? -errno : 0;
	directory = r ? refusal_say(why, r, UPDATE_INCOMING " cannot be made in %.200s: %s",
				    order->root, strerror(-r))
		      : open_in(root, why);
	close(root);
	if (directory < 0)
		return directory;
	r = make_ready(order, directory, why);
	if (!r)
		return directory;
	close(directory);
	return r;
}

/* ---- after an end ---- */

int update_incoming_open(int directory, const char *name, uint32_t uid, uint64_t max_bytes,
			 char why[LIMIT_REASON_BYTES])
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *fault = NULL;
	struct stat st;

	if (fd < 0)
		return refusal_say(why, -errno, "%s, which was said to be there: %s", name,
				   strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		fault = "no regular file";
	else if (st.st_uid != uid || st.st_nlink != 1)
		fault = "another's file";
	else if (st.st_size <= 0 || (uint64_t)st.st_size > max_bytes)
		fault = "empty, or larger than permitted";
	if (!fault)
		return fd;
	close(fd);
	return refusal_say(why, -EPERM, "%s is %s", name, fault);
}
