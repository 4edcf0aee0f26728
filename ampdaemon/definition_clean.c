/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_clean.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/definition_link.h"
#include "ampdaemon/definition_store_internal.h"
#include "ampdaemon/definition_tree.h"
#include "base/definition_manifest.h"
#include "base/text.h"

#define DROPPED "dropped-" /* in staging: a generation on its way out */

struct cleaning {
	const struct definition_store *store;
	definition_tell_fn *tell;
	void *context;
};

static int move_out(const struct definition_store *store, const char *name, const char *dropped)
{
	int r;

	if (store->staging < 0)
		return -EROFS;
	r = definition_tree_remove(store->staging, dropped);
	return r || !renameat(store->generations, name, store->staging, dropped) ? r : -errno;
}

/* Where it cannot leave its place in one step: without its manifest it is no generation any more, and the next start does what is left. */
static void spoil(const struct definition_store *store, const char *name)
{
	int directory = definition_tree_open(store->generations, name);

	if (directory < 0)
		return;                              /* no directory of ours is no generation */
	(void)unlinkat(directory, MANIFEST_FILE, 0); /* it may have none */
	(void)definition_tree_sync(directory);       /* fails: the next start has more to do */
	close(directory);
}

int definition_put_away(const struct definition_store *store, uint64_t number)
{
	char name[DEFINITION_NUMBER_BYTES], dropped[sizeof(DROPPED) + DEFINITION_NUMBER_BYTES];
	int r;

	(void)snprintf(dropped, sizeof(dropped), DROPPED "%s",
		       definition_number_text(number, name)); /* fits */
	r = move_out(store, name, dropped);
	if (r == -ENOENT)
		return 0;
	if (!r) {
		r = definition_tree_sync(store->generations);
		return definition_tree_remove(store->staging, dropped) ?: r;
	}
	spoil(store, name);
	r = definition_tree_remove(store->generations, name);
	return r ? r : definition_tree_sync(store->generations);
}

static void tell(const struct cleaning *cleaning, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(const struct cleaning *cleaning, const char *format, ...)
{
	char text[LIMIT_LOG_TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* a long sentence is cut */
	va_end(arguments);
	cleaning->tell(cleaning->context, text);
}

/* What cannot be put away now is put away later: it is in nobody's way. */
static void tell_of_removal(const struct cleaning *cleaning, const char *what, int error)
{
	if (error)
		tell(cleaning, "%s cannot be put away: %s", what, strerror(-error));
}

static int clean_staged(void *context, int directory, const char *name)
{
	tell_of_removal(context, "what was left in staging",
			definition_tree_remove(directory, name));
	return 0;
}

static void remove_one(const struct cleaning *cleaning, uint64_t number, const char *why)
{
	char what[LIMIT_DETAIL_BYTES];

	(void)snprintf(what, sizeof(what), "generation %llu", (unsigned long long)number);
	tell(cleaning, "%s is put away: %s", what, why);
	tell_of_removal(cleaning, what, definition_put_away(cleaning->store, number));
}

static int clean_generation(void *context, int directory, const char *name)
{
	const struct cleaning *cleaning = context;
	char why[LIMIT_REASON_BYTES], shown[LIMIT_DETAIL_BYTES];
	struct stored_generation set;
	uint64_t number = definition_number_of(name);
	int r;

	if (!number) {
		tell(cleaning, "generations/%s is no generation: it is let be",
		     text_escape(span_of_text(name), shown, sizeof(shown)));
		return 0;
	}
	r = definition_store_read_set(directory, number, &set, why);
	if (r == -EBADMSG)
		remove_one(cleaning, number, why);
	else if (r) /* not known for certain: another start may see it whole */
		tell(cleaning, "generation %s is not used: %s", name, why);
	return 0;
}

static void clean_link(const struct cleaning *cleaning, enum definition_link link)
{
	const char *name = definition_link_name(link);

	definition_link_clean(cleaning->store, link);
	if (!definition_link_is_dead(cleaning->store, link))
		return;
	tell(cleaning, "the link %s leads to no generation: it is put away", name);
	tell_of_removal(cleaning, name, definition_link_point(cleaning->store, link, 0));
}

void definition_clean(const struct definition_store *store, definition_tell_fn *tell_fn,
		      void *context)
{
	struct cleaning cleaning = {.store = store, .tell = tell_fn, .context = context};
	int r = 0;

	if (store->staging >= 0)
		r = definition_tree_each(store->staging, clean_staged, &cleaning);
	if (!r && store->generations >= 0)
		r = definition_tree_each(store->generations, clean_generation, &cleaning);
	if (r)
		tell(&cleaning, "the definitions cannot be listed: %s", strerror(-r));
	for (unsigned link = 0; link < DEFINITION_LINK_COUNT; link++)
		clean_link(&cleaning, link);
}
