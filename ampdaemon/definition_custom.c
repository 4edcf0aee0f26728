/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_custom.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/definition_tree.h"
#include "ampdaemon/refusal.h"
#include "base/definition_manifest.h"
#include "base/text.h"

struct look {
	definition_custom_fn *fn;
	void *context;
	unsigned n;
};

static const char *reason_of(int error)
{
	switch (error) {
	case -EINVAL:
		return "it is no regular file";
	case -EPERM:
		return "it must belong to root, and nobody else may write to it";
	default:
		return strerror(-error);
	}
}

static int look_at(void *context, int directory, const char *name)
{
	char shown[LIMIT_DETAIL_BYTES];
	struct look *look = context;
	struct stat st;
	int fd;

	if (look->n++ == DEFINITION_CUSTOM_NAMES)
		return -E2BIG;
	if (!manifest_name_is_valid(name)) {
		look->fn(look->context, text_escape(span_of_text(name), shown, sizeof(shown)), -1,
			 "its name is not one of 1 to 64 letters, digits, dots, dashes and "
			 "underscores, with no dot in front");
		return 0;
	}
	fd = definition_tree_open_file(directory, name, &st);
	look->fn(look->context, name, fd < 0 ? -1 : fd, fd < 0 ? reason_of(fd) : NULL);
	return 0;
}

static int say(int error, char *why)
{
	if (error == -EPERM)
		return refusal_say(why, error,
				   "the directory custom is refused: it must belong to root, and "
				   "nobody else may write to it");
	if (error == -E2BIG)
		return refusal_say(why, error, "the directory custom has more than %u names",
				   DEFINITION_CUSTOM_NAMES);
	return refusal_say(why, error, "the directory custom cannot be read: %s", strerror(-error));
}

int definition_custom_each(const struct definition_store *store, definition_custom_fn *fn,
			   void *context, char why[LIMIT_REASON_BYTES])
{
	struct look look = {.fn = fn, .context = context};
	int r, directory = definition_store_open_custom(store);

	if (directory == -ENOENT)
		return 0;
	if (directory < 0)
		return say(directory, why);
	r = definition_tree_each(directory, look_at, &look);
	close(directory);
	return r ? say(r, why) : 0;
}
