/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/definition_clean.h"
#include "ampdaemon/definition_generation.h"
#include "ampdaemon/definition_link.h"
#include "ampdaemon/definition_store_internal.h"
#include "ampdaemon/definition_tree.h"
#include "ampdaemon/refusal.h"
#include "base/definition_manifest.h"

#define STAGING "staging"
#define STAGING_MODE 0700

const char *definition_number_text(uint64_t number, char text[DEFINITION_NUMBER_BYTES])
{
	(void)snprintf(text, DEFINITION_NUMBER_BYTES, "%llu", (unsigned long long)number);
	return text;
}

uint64_t definition_number_of(const char *name)
{
	char text[DEFINITION_NUMBER_BYTES];
	unsigned long long number;

	if (*name < '1' || *name > '9')
		return 0;
	errno = 0;
	number = strtoull(name, NULL, 10);
	return !errno && !strcmp(definition_number_text(number, text), name) ? number : 0;
}

/* ---- looking ---- */

static int open_number(int place, uint64_t number)
{
	char name[DEFINITION_NUMBER_BYTES];

	return place < 0 ? -ENOENT
			 : definition_tree_open(place, definition_number_text(number, name));
}

int definition_store_open_generation(const struct definition_store *store, uint64_t number)
{
	return open_number(store->generations, number);
}

int definition_store_open_staged(const struct definition_store *store, uint64_t number)
{
	return open_number(store->staging, number);
}

int definition_store_read_set(int place, uint64_t number, struct stored_generation *ret_set,
			      char why[LIMIT_REASON_BYTES])
{
	struct definition_manifest manifest;
	int r, directory = open_number(place, number);

	if (directory == -EPERM)
		return refusal_say(why, -EPERM, "its directory can be written by others than root");
	if (directory == -ENOTDIR)
		return refusal_say(why, -EBADMSG, "it is no directory");
	if (directory < 0)
		return refusal_say(why, directory, "it cannot be opened: %s", strerror(-directory));
	r = definition_generation_read(directory, &manifest, ret_set->digest, why);
	close(directory);
	if (r)
		return r;
	ret_set->number = number;
	ret_set->n_files = manifest.n;
	ret_set->bytes = definition_manifest_bytes(&manifest);
	return 0;
}

struct listing {
	struct stored_generation *all; /* the newest first */
	unsigned n;
};

static void insert(struct listing *listing, const struct stored_generation *set)
{
	unsigned place = listing->n;

	while (place > 0 && listing->all[place - 1].number < set->number)
		place--;
	if (place == DEFINITION_STORE_LISTED)
		return;
	if (listing->n == DEFINITION_STORE_LISTED)
		listing->n--; /* the oldest is not told */
	memmove(&listing->all[place + 1], &listing->all[place],
		(listing->n - place) * sizeof(*set));
	listing->all[place] = *set;
	listing->n++;
}

static int list_one(void *context, int directory, const char *name)
{
	struct stored_generation set = {.number = 0};
	char why[LIMIT_REASON_BYTES];
	uint64_t number = definition_number_of(name);

	if (number && !definition_store_read_set(directory, number, &set, why))
		insert(context, &set);
	return 0;
}

int definition_store_list(const struct definition_store *store,
			  struct stored_generation ret_all[DEFINITION_STORE_LISTED])
{
	struct listing listing = {.all = ret_all};
	int r;

	if (store->generations < 0)
		return 0;
	r = definition_tree_each(store->generations, list_one, &listing);
	return r ? r : (int)listing.n;
}

uint64_t definition_store_bytes(const struct definition_store *store)
{
	uint64_t bytes = 0;

	if (store->generations >= 0)
		bytes += definition_tree_bytes(store->generations);
	if (store->staging >= 0)
		bytes += definition_tree_bytes(store->staging);
	return bytes;
}

/* Each has its own place in the directory, and its own life. */
static int open_place(int place, const char *name)
{
	return place < 0 ? -EROFS : definition_tree_open(place, name);
}

int definition_store_open_staging(const struct definition_store *store)
{
	return open_place(store->staging, ".");
}

int definition_store_open_generations(const struct definition_store *store)
{
	return open_place(store->generations, ".");
}

int definition_store_open_custom(const struct definition_store *store)
{
	return open_place(store->root, MANIFEST_CUSTOM);
}

/* ---- changing ---- */

/* A generation that may not last through a loss of power is none. */
static int move_in(const struct definition_store *store, const char *name)
{
	int r;

	if (renameat(store->staging, name, store->generations, name))
		return errno == ENOTEMPTY ? -EEXIST : -errno;
	r = definition_tree_sync(store->generations);
	if (!r)
		r = definition_tree_sync(store->staging);
	if (r)
		(void)renameat(store->generations, name, store->staging, name); /* told: r */
	return r;
}

int definition_store_publish(const struct definition_store *store, uint64_t number,
			     char why[LIMIT_REASON_BYTES])
{
	char name[DEFINITION_NUMBER_BYTES];
	struct stored_generation set;
	int r = definition_store_read_set(store->staging, number, &set, why);

	if (r)
		return r;
	if (store->generations < 0)
		return refusal_say(why, -EROFS, "the disk of the definitions is read-only");
	r = move_in(store, definition_number_text(number, name));
	if (!r)
		return 0;
	return refusal_say(why, r, "generation %s cannot be published: %s", name, strerror(-r));
}

int definition_store_discard(const struct definition_store *store, uint64_t number)
{
	char name[DEFINITION_NUMBER_BYTES];

	if (store->staging < 0)
		return 0;
	return definition_tree_remove(store->staging, definition_number_text(number, name));
}

int definition_store_drop(const struct definition_store *store, uint64_t number)
{
	if (store->generations < 0)
		return 0;
	for (unsigned link = 0; link < DEFINITION_LINK_COUNT; link++) {
		if (definition_link_target(store, link) == number)
			return -EBUSY;
	}
	return definition_put_away(store, number);
}

/* ---- opening ---- */

static int make(int parent, const char *name, mode_t mode)
{
	int r, fd = definition_tree_make(parent, name);

	if (fd < 0)
		return fd;
	r = fchmod(fd, mode) || fsync(fd) ? -errno : 0;
	if (!r && parent != AT_FDCWD)
		r = definition_tree_sync(parent);
	if (!r)
		return fd;
	close(fd);
	return r;
}

static bool is_unwritable(int error)
{
	return error == -EROFS || error == -ENOSPC || error == -EDQUOT;
}

/* `ret_fd` -1: it cannot be made on this disk. */
static int open_or_make(int parent, const char *name, mode_t mode, int *ret_fd)
{
	int fd = definition_tree_open(parent, name);

	if (fd == -ENOENT)
		fd = make(parent, name, mode);
	*ret_fd = fd < 0 ? -1 : fd;
	return fd < 0 && !is_unwritable(fd) ? fd : 0;
}

static int refuse(const char *root, const char *name, int error, char *why)
{
	if (error == -EPERM)
		return refusal_say(why, error,
				   "%s/%s is refused: it must belong to root, and nobody else may "
				   "write to it",
				   root, name);
	return refusal_say(why, error, "%s/%s cannot be opened: %s", root, name, strerror(-error));
}

static int open_places(struct definition_store *store, const char *root, char *why)
{
	int custom, r;

	r = open_or_make(AT_FDCWD, root, DEFINITION_DIRECTORY_MODE, &store->root);
	if (r || store->root < 0)
		return refuse(root, ".", r ? r : -EROFS, why);
	r = open_or_make(store->root, DEFINITION_GENERATIONS, DEFINITION_DIRECTORY_MODE,
			 &store->generations);
	if (r)
		return refuse(root, DEFINITION_GENERATIONS, r, why);
	r = open_or_make(store->root, STAGING, STAGING_MODE, &store->staging);
	if (r)
		return refuse(root, STAGING, r, why);
	/* The administrator's own: whether it is as it must be is looked at when files are taken. */
	(void)open_or_make(store->root, MANIFEST_CUSTOM, DEFINITION_DIRECTORY_MODE, &custom);
	if (custom >= 0)
		close(custom);
	/* A candidate is nobody's business before it is proved. Refused: the disk is read-only. */
	if (store->staging >= 0)
		(void)fchmod(store->staging, STAGING_MODE);
	return 0;
}

int definition_store_open(const char *root, definition_tell_fn *tell, void *context,
			  struct definition_store **ret_store, char why[LIMIT_REASON_BYTES])
{
	struct definition_store *store = malloc(sizeof(*store));
	int r;

	*ret_store = NULL;
	if (!store)
		return refusal_say(why, -ENOMEM, "there is no memory");
	*store = (struct definition_store){-1, -1, -1};
	r = open_places(store, root, why);
	if (r) {
		definition_store_close(store);
		return r;
	}
	definition_clean(store, tell, context);
	*ret_store = store;
	return 0;
}

struct definition_store *definition_store_close(struct definition_store *store)
{
	if (!store)
		return NULL;
	if (store->staging >= 0)
		close(store->staging);
	if (store->generations >= 0)
		close(store->generations);
	if (store->root >= 0)
		close(store->root);
	free(store);
	return NULL;
}
