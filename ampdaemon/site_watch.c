/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/site_watch.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/path_chain.h"
#include "io/log.h"

#define WATCHES 32 /* directories; the recheck timer has the rest */
#define NAMES 8    /* in one directory; with more of them every name counts */

struct place {
	uv_fs_event_t event;
	struct site_watch *watch;
	char *path;
	char *names[NAMES]; /* entries that count, the directory's own name is one */
	unsigned n_names;
	bool every_name;
};

struct site_watch {
	uv_timer_t settle; /* runs from the first change to its telling */
	uv_timer_t renew;
	struct place places[WATCHES];
	unsigned n_places;
	unsigned open; /* handles that are not closed yet */
	void (*on_change)(void *context);
	void *context;
};

/* ---- what is watched ---- */

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void count_name(struct place *place, const char *name)
{
	for (unsigned i = 0; i < place->n_names; i++) {
		if (!strcmp(place->names[i], name))
			return;
	}
	if (place->n_names < NAMES)
		place->names[place->n_names] = strdup(name);
	if (place->n_names == NAMES || !place->names[place->n_names])
		place->every_name = true;
	else
		place->n_names++;
}

static struct place *find_place(struct site_watch *watch, const char *path)
{
	struct place *place;

	for (unsigned i = 0; i < watch->n_places; i++) {
		if (!strcmp(watch->places[i].path, path))
			return &watch->places[i];
	}
	if (watch->n_places == WATCHES)
		return NULL;
	place = &watch->places[watch->n_places];
	place->path = strdup(path);
	if (!place->path)
		return NULL;
	place->watch = watch;
	watch->n_places++;
	count_name(place, last_of(path)); /* changes of the directory itself come under it */
	return place;
}

static void add_name(struct site_watch *watch, const char *directory, const char *name)
{
	struct place *place = find_place(watch, directory);

	if (!place)
		return;
	if (name)
		count_name(place, name);
	else
		place->every_name = true;
}

/* Each directory down to `directory`, in each the next step; in the last one `name`, or all when it is NULL. */
static void add_chain(struct site_watch *watch, const char *root, const char *directory,
		      const char *name)
{
	struct path_chain chain;
	char above[PATH_MAX], path[PATH_MAX];

	path_chain_make(&chain, root, directory);
	for (unsigned i = 0; i < chain.n; i++) {
		path_chain_step(&chain, i, path);
		if (i)
			add_name(watch, above, last_of(path));
		memcpy(above, path, sizeof(above));
	}
	add_name(watch, path, name);
}

static void add_account_files(struct site_watch *watch)
{
	static const char *const names[] = {"passwd",  "group",      "shadow",
					    "gshadow", "login.defs", "nsswitch.conf"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add_name(watch, "/etc", names[i]);
}

static void add_all(struct site_watch *watch, const struct configuration *configuration)
{
	const char *root = configuration->install_root;
	const char *program = configuration->scan_service;
	char directory[PATH_MAX];
	size_t len = (size_t)(last_of(program) - program);

	add_account_files(watch);
	if (len > 1 && len < sizeof(directory)) {
		memcpy(directory, program, len - 1);
		directory[len - 1] = '\0';
		add_chain(watch, root, directory, last_of(program));
	}
	add_chain(watch, root, configuration->builtin_dir, NULL);
	if (configuration->definitions_dir)
		add_chain(watch, root, configuration->definitions_dir, NULL);
}

/* ---- watching ---- */

static bool counts(const struct place *place, const char *name)
{
	if (place->every_name || !name)
		return true;
	for (unsigned i = 0; i < place->n_names; i++) {
		if (!strcmp(place->names[i], name))
			return true;
	}
	return false;
}

static void tell(uv_timer_t *timer);

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct place *place = event->data;
	struct site_watch *watch = place->watch;

	(void)events; /* what happened is the looker's to find out */
	if (status >= 0 && !counts(place, name))
		return;
	(void)uv_fs_event_stop(event); /* always 0; on again before the change is told */
	if (!uv_is_active((uv_handle_t *)&watch->settle))
		(void)uv_timer_start(&watch->settle, tell, SITE_WATCH_SETTLE_MS,
				     0); /* fails without a callback only */
}

/* By path again: what stands there may be another directory by now. */
static void arm(struct place *place)
{
	int r;

	(void)uv_fs_event_stop(&place->event); /* always 0 */
	r = uv_fs_event_start(&place->event, on_event, place->path, 0);
	if (r && r != UV_ENOENT)
		log_debug("%s cannot be watched: %s", place->path, uv_strerror(r));
}

static void arm_all(struct site_watch *watch)
{
	for (unsigned i = 0; i < watch->n_places; i++)
		arm(&watch->places[i]);
}

/* Watches first, so that nothing falls between them and the look that follows. */
static void tell(uv_timer_t *timer)
{
	struct site_watch *watch = timer->data;

	arm_all(watch);
	watch->on_change(watch->context); /* the last: it may free the watch */
}

static void renew(uv_timer_t *timer)
{
	struct site_watch *watch = timer->data;

	if (!uv_is_active((uv_handle_t *)&watch->settle))
		arm_all(watch);
}

static void init_timer(uv_loop_t *loop, uv_timer_t *timer, struct site_watch *watch)
{
	(void)uv_timer_init(loop, timer); /* always 0 */
	timer->data = watch;
	uv_unref((uv_handle_t *)timer); /* a watch keeps no loop alive */
	watch->open++;
}

static void init_places(uv_loop_t *loop, struct site_watch *watch)
{
	for (unsigned i = 0; i < watch->n_places; i++) {
		struct place *place = &watch->places[i];

		(void)uv_fs_event_init(loop, &place->event); /* always 0 */
		place->event.data = place;
		uv_unref((uv_handle_t *)&place->event);
		watch->open++;
	}
}

struct site_watch *site_watch_new(uv_loop_t *loop, const struct configuration *configuration,
				  void (*on_change)(void *context), void *context)
{
	struct site_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->on_change = on_change;
	watch->context = context;
	add_all(watch, configuration);
	init_timer(loop, &watch->settle, watch);
	init_timer(loop, &watch->renew, watch);
	init_places(loop, watch);
	arm_all(watch);
	(void)uv_timer_start(&watch->renew, renew, configuration->recheck_ms,
			     configuration->recheck_ms); /* fails without a callback only */
	return watch;
}

static void let_go(struct site_watch *watch)
{
	if (--watch->open)
		return;
	for (unsigned i = 0; i < watch->n_places; i++) {
		for (unsigned k = 0; k < watch->places[i].n_names; k++)
			free(watch->places[i].names[k]);
		free(watch->places[i].path);
	}
	free(watch);
}

static void on_timer_closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

static void on_place_closed(uv_handle_t *handle)
{
	struct place *place = handle->data;

	let_go(place->watch);
}

struct site_watch *site_watch_free(struct site_watch *watch)
{
	if (!watch)
		return NULL;
	uv_close((uv_handle_t *)&watch->settle, on_timer_closed);
	uv_close((uv_handle_t *)&watch->renew, on_timer_closed);
	for (unsigned i = 0; i < watch->n_places; i++)
		uv_close((uv_handle_t *)&watch->places[i].event, on_place_closed);
	return NULL;
}
