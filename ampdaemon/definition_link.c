/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampdaemon/definition_store_internal.h"
#include "ampdaemon/definition_tree.h"

#define TARGET_BYTES (sizeof(DEFINITION_GENERATIONS "/") + DEFINITION_NUMBER_BYTES)

static const struct {
	const char *name, *temporary;
} links[DEFINITION_LINK_COUNT] = {
	[DEFINITION_LINK_ACTIVE] = {"active", ".active.new"},
	[DEFINITION_LINK_GOOD] = {"last-good", ".last-good.new"},
};

/* What the link says, be it there or not; 0: no number. */
static uint64_t read_target(const struct definition_store *store, enum definition_link link)
{
	char target[TARGET_BYTES + 1];
	ssize_t len = readlinkat(store->root, links[link].name, target, sizeof(target) - 1);
	size_t prefix = sizeof(DEFINITION_GENERATIONS "/") - 1;

	if (len < 0)
		return 0;
	target[len] = '\0';
	if (strncmp(target, DEFINITION_GENERATIONS "/", prefix) != 0)
		return 0;
	return definition_number_of(target + prefix);
}

/* 0, or why its directory cannot be opened. */
static int look_at(const struct definition_store *store, uint64_t number)
{
	int directory = definition_store_open_generation(store, number);

	if (directory < 0)
		return directory;
	close(directory);
	return 0;
}

uint64_t definition_link_target(const struct definition_store *store, enum definition_link link)
{
	uint64_t number = read_target(store, link);

	return number && !look_at(store, number) ? number : 0;
}

static int remove_link(const struct definition_store *store, enum definition_link link)
{
	if (unlinkat(store->root, links[link].name, 0))
		return errno == ENOENT ? 0 : -errno;
	return definition_tree_sync(store->root);
}

static int replace_link(const struct definition_store *store, enum definition_link link,
			const char *target)
{
	const char *temporary = links[link].temporary;

	if (unlinkat(store->root, temporary, 0) && errno != ENOENT)
		return -errno;
	if (symlinkat(target, store->root, temporary))
		return -errno;
	if (renameat(store->root, temporary, store->root, links[link].name)) {
		int error = -errno;

		(void)unlinkat(store->root, temporary, 0); /* the first error is told */
		return error;
	}
	return definition_tree_sync(store->root);
}

int definition_link_point(const struct definition_store *store, enum definition_link link,
			  uint64_t number)
{
	char target[TARGET_BYTES];
	int r;

	if (!number)
		return remove_link(store, link);
	r = look_at(store, number);
	if (r)
		return r;
	(void)snprintf(target, sizeof(target), DEFINITION_GENERATIONS "/%llu",
		       (unsigned long long)number);
	return replace_link(store, link, target);
}

const char *definition_link_name(enum definition_link link)
{
	return links[link].name;
}

bool definition_link_is_dead(const struct definition_store *store, enum definition_link link)
{
	uint64_t number = read_target(store, link);
	struct stat st;
	int r = number ? look_at(store, number) : -ENOENT;

	return (r == -ENOENT || r == -ENOTDIR) &&
	       !fstatat(store->root, links[link].name, &st, AT_SYMLINK_NOFOLLOW);
}

void definition_link_clean(const struct definition_store *store, enum definition_link link)
{
	(void)unlinkat(store->root, links[link].temporary, 0); /* mostly there is none */
}
