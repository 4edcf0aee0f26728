/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/incident_desk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/core/restart_ledger.h"
#include "ampdaemon/suspect_list.h"
#include "base/text.h"
#include "io/atomic_file.h"
#include "io/clock.h"
#include "io/log.h"

#define LEDGER_KEY "ledger"
#define SAVED_VERSION 3
#define CAUSES 8        /* last ones that are told in words */
#define CAUSE_BYTES 240 /* a sentence */

struct cause {
	char text[CAUSE_BYTES];
};

/* Kept in the journal as it is. Native byte order: a database does not move. */
struct saved_state {
	uint32_t version;
	char boot_id[BOOT_ID_BYTES];
	struct ledger_saved ledger;
	mono_ms spared_since, spared_until; /* MONO_NEVER: no file is spared */
	uint32_t replacements, restarts;    /* since the last calm */
	uint32_t n_causes;                  /* ever; the newest are kept */
	struct cause causes[CAUSES];
};

struct incident_desk {
	uv_timer_t timer;
	struct journal *journal;
	struct fault_desk *faults;
	struct incident_callbacks callbacks;
	void *context;
	struct restart_ledger ledger;
	struct suspect_list *suspects;
	struct saved_state state; /* its ledger is of the last time that it was kept */
};

/* ---- words ---- */

struct writing {
	char *text;
	size_t size, len;
};

#define PUT(w, ...) text_append((w)->text, (w)->size, &(w)->len, __VA_ARGS__)

static void put_time(struct writing *w, mono_ms ms)
{
	if (ms >= 120000 && ms % 60000 == 0)
		PUT(w, "%" PRId64 " minutes", ms / 60000);
	else if (ms % 1000 == 0)
		PUT(w, "%" PRId64 " s", ms / 1000);
	else
		PUT(w, "%" PRId64 " ms", ms);
}

static void put_counts(const struct incident_desk *desk, struct writing *w)
{
	uint32_t recent[FAILURE_CLASS_COUNT];
	uint64_t in_window = 0, ever = 0;
	const char *separator = " (";

	restart_ledger_recent(&desk->ledger, clock_mono_ms(), recent);
	for (unsigned i = FAILURE_NONE + 1; i < FAILURE_CLASS_COUNT; i++) {
		in_window += recent[i];
		ever += desk->ledger.totals[i];
	}
	PUT(w, "%" PRIu64 " failure%s in the last ", in_window, in_window == 1 ? "" : "s");
	put_time(w, desk->ledger.settings.window_ms);
	for (unsigned i = FAILURE_NONE + 1; i < FAILURE_CLASS_COUNT; i++) {
		if (!recent[i])
			continue;
		PUT(w, "%s%" PRIu32 " %s", separator, recent[i], failure_class_name(i));
		separator = ", ";
	}
	PUT(w, "%s%" PRIu64 " since the first start)", in_window ? "; " : " (", ever);
}

static void put_times(struct writing *w, const char *what, uint32_t times)
{
	if (times == 1)
		PUT(w, ", %s once", what);
	else if (times)
		PUT(w, ", %s %" PRIu32 " times", what, times);
}

static void put_steps(const struct incident_desk *desk, struct writing *w)
{
	mono_ms since = restart_ledger_unlucky_since(&desk->ledger);

	put_times(w, "scan service replaced", desk->state.replacements);
	put_times(w, "connector restarted", desk->state.restarts);
	if (restart_ledger_is_critical(&desk->ledger))
		PUT(w, "; no scan has succeeded for %" PRId64 " s",
		    (desk->ledger.now - since) / 1000);
}

static void put_causes(const struct incident_desk *desk, struct writing *w)
{
	uint32_t n = desk->state.n_causes < CAUSES ? desk->state.n_causes : CAUSES;

	for (uint32_t i = 0; i < n; i++)
		PUT(w, "%s%s", i ? "; " : "; last causes: ",
		    desk->state.causes[(desk->state.n_causes - 1 - i) % CAUSES].text);
}

static void put_files(const struct incident_desk *desk, struct writing *w)
{
	static const char intro[] = "; files that were being scanned: ";
	size_t room = w->size - w->len;

	if (room <= sizeof(intro) + 64)
		return;
	suspect_list_write(desk->suspects, clock_mono_ms() - desk->ledger.settings.window_ms,
			   w->text + w->len + strlen(intro), room - strlen(intro));
	if (!w->text[w->len + strlen(intro)]) {
		w->text[w->len] = '\0';
		return;
	}
	memcpy(w->text + w->len, intro, strlen(intro));
	w->len += strlen(w->text + w->len);
}

/* ---- the ladder ---- */

static void raise_fault(struct incident_desk *desk)
{
	static char detail[LIMIT_FAULT_DETAIL_BYTES + 1]; /* of the loop thread */
	struct writing w = {.text = detail, .size = sizeof(detail)};

	put_counts(desk, &w);
	put_steps(desk, &w);
	put_causes(desk, &w);
	put_files(desk, &w);
	fault_desk_raise(desk->faults, FAULT_SERVICE_RESTARTING,
			 restart_ledger_is_critical(&desk->ledger) ? FAULT_CRITICAL : FAULT_MAJOR,
			 detail, NULL);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct incident_desk *desk)
{
	mono_ms due = restart_ledger_deadline(&desk->ledger), now = clock_mono_ms();

	if (due == MONO_NEVER)
		(void)uv_timer_stop(&desk->timer); /* cannot fail */
	else
		(void)uv_timer_start(&desk->timer, on_timer, due > now ? (uint64_t)(due - now) : 1,
				     0);
}

/* With the event that it follows from, and the file that goes with it (its key NULL: none). */
static void save(struct incident_desk *desk, const struct event *event,
		 const struct journal_value *suspect)
{
	struct journal_value values[2] = {
		{.key = LEDGER_KEY, .data = &desk->state, .len = sizeof(desk->state)}, *suspect};

	restart_ledger_save(&desk->ledger, &desk->state.ledger);
	journal_record_with(desk->journal, event, values, suspect->key ? 2 : 1);
}

static void count_steps(struct incident_desk *desk, unsigned steps)
{
	if (steps & LEDGER_CALM)
		desk->state.replacements = desk->state.restarts = 0;
	desk->state.replacements += (steps & LEDGER_REPLACE) != 0;
	desk->state.restarts += (steps & LEDGER_RESTART) != 0;
}

static void clear_fault(struct incident_desk *desk)
{
	char reason[LIMIT_REASON_BYTES];
	struct writing w = {.text = reason, .size = sizeof(reason)};

	PUT(&w, "fewer than %" PRIu32 " failures in the last ", desk->ledger.settings.limit);
	put_time(&w, desk->ledger.settings.window_ms);
	PUT(&w, " and none newer than ");
	put_time(&w, desk->ledger.settings.calm_ms);
	fault_desk_clear(desk->faults, FAULT_SERVICE_RESTARTING, reason);
}

/* One time that grows: files that fail once more after it are known again. */
static void spare(struct incident_desk *desk, mono_ms since)
{
	static const struct journal_value none;

	desk->state.spared_since = mono_min(desk->state.spared_since, since);
	desk->state.spared_until = clock_mono_ms();
	suspect_list_spare(desk->suspects, desk->state.spared_since, desk->state.spared_until);
	save(desk, NULL, &none);
}

static void tell_storm(struct incident_desk *desk)
{
	mono_ms since = restart_ledger_storm_since(&desk->ledger);

	if (since != MONO_NEVER && desk->callbacks.on_storm(desk->context, since))
		spare(desk, since);
}

/* What is told and done after the ledger is kept: the fault follows the ledger, after a crash in between too (agree). A restart may
 * not come back from its callback: it is the last. */
static void climb(struct incident_desk *desk, unsigned steps)
{
	if (steps & LEDGER_CALM)
		clear_fault(desk);
	if (steps & LEDGER_STORM) {
		raise_fault(desk);
		tell_storm(desk);
	}
	arm(desk);
	if (steps & LEDGER_REPLACE)
		desk->callbacks.on_replace(desk->context, "it failed too often");
	if (steps & LEDGER_RESTART)
		desk->callbacks.on_restart(desk->context,
					   "the scan service restarts frequently (fault 6)");
}

static void take_steps(struct incident_desk *desk, unsigned steps)
{
	static const struct journal_value none;

	count_steps(desk, steps);
	if (steps & LEDGER_CALM)
		save(desk, NULL, &none);
	climb(desk, steps);
}

static void on_timer(uv_timer_t *timer)
{
	struct incident_desk *desk = timer->data;

	take_steps(desk, restart_ledger_tick(&desk->ledger, clock_mono_ms()));
}

/* ---- certificates ---- */

static void note_cause(struct incident_desk *desk, const struct death_certificate *c)
{
	struct cause *cause = &desk->state.causes[desk->state.n_causes++ % CAUSES];

	(void)snprintf(cause->text, sizeof(cause->text), "%s %" PRIu32 " %s: %s",
		       c->is_service ? "scan service" : "worker", c->pid,
		       death_cause_name(c->cause), c->detail); /* cut is fine */
}

static void tell(const struct death_certificate *c)
{
	char path[LIMIT_SHOWN_PATH_BYTES];

	if (c->is_service)
		return; /* the supervisor has told it */
	if (c->path.len)
		log_warning("scan worker %" PRIu32 " %s while it scanned %s (attempt %" PRIu32
			    "): %s",
			    c->pid, death_cause_name(c->cause),
			    text_escape(c->path, path, sizeof(path)), c->attempt, c->detail);
	else
		log_warning("scan worker %" PRIu32 " %s; it had no file in hand: %s", c->pid,
			    death_cause_name(c->cause), c->detail);
}

static struct event describe(const struct death_certificate *c, char *detail, size_t size)
{
	struct event event = {.type = EVENT_WORKER_FAILED, .body = EVENT_BODY_WORKER};

	(void)snprintf(detail, size, "%s: %s", death_cause_name(c->cause), c->detail);
	event.worker.worker = c->worker;
	event.worker.pid = c->pid;
	event.worker.cause = c->cause;
	event.worker.status = c->has_status ? c->status : 0;
	event.worker.path = c->path;
	event.worker.attempt = c->attempt;
	event.worker.detail = detail;
	event.worker.handover_us = c->handover_us;
	event.worker.job = c->job;
	event.worker.phase = c->phase;
	event.worker.digest = c->digest;
	return event;
}

static void note_suspect(struct incident_desk *desk, const struct death_certificate *c, mono_ms now,
			 struct journal_value *ret_value)
{
	mono_ms began = suspect_list_note(desk->suspects, now, c->path, c->digest, ret_value);

	if (c->failure != FAILURE_NONE)
		restart_ledger_date(&desk->ledger, began);
}

void incident_desk_file(struct incident_desk *desk, const struct death_certificate *c)
{
	char detail[2 * LIMIT_REASON_BYTES];
	struct event event = describe(c, detail, sizeof(detail));
	mono_ms now = clock_mono_ms();
	unsigned steps = restart_ledger_failed(&desk->ledger, now, c->failure);
	struct journal_value suspect = {.key = NULL};

	note_cause(desk, c);
	if (c->path.len)
		note_suspect(desk, c, now, &suspect);
	tell(c);
	count_steps(desk, steps);
	save(desk, c->is_service ? NULL : &event, &suspect);
	climb(desk, steps);
}

void incident_desk_scanned(struct incident_desk *desk, bool succeeded)
{
	unsigned steps = restart_ledger_scanned(&desk->ledger, clock_mono_ms(), succeeded);

	if (steps)
		take_steps(desk, steps);
	else if (!succeeded && desk->ledger.stormy)
		arm(desk);
}

void incident_desk_figures(const struct incident_desk *desk, struct incident_figures *ret_figures)
{
	ret_figures->in_window = restart_ledger_in_window(&desk->ledger, clock_mono_ms());
	memcpy(ret_figures->totals, desk->ledger.totals, sizeof(ret_figures->totals));
	ret_figures->stormy = desk->ledger.stormy;
}

/* ---- life ---- */

static void restore(void *context, const char *key, const void *data, size_t len)
{
	static struct saved_state saved; /* some kilobytes; of the start */
	struct incident_desk *desk = context;
	bool same_boot;

	if (strcmp(key, LEDGER_KEY) != 0)
		return;
	if (len == sizeof(saved))
		memcpy(&saved, data, sizeof(saved));
	if (len != sizeof(saved) || saved.version != SAVED_VERSION) {
		log_warning("the failures before this start are of another version: they are not "
			    "counted");
		return;
	}
	same_boot = !memcmp(saved.boot_id, desk->state.boot_id, sizeof(saved.boot_id));
	restart_ledger_restore(&desk->ledger, clock_mono_ms(), &saved.ledger, same_boot);
	if (same_boot)
		suspect_list_spare(desk->suspects, saved.spared_since, saved.spared_until);
	else
		saved.spared_since = saved.spared_until = MONO_NEVER;
	memcpy(saved.boot_id, desk->state.boot_id, sizeof(saved.boot_id));
	for (unsigned i = 0; i < CAUSES; i++)
		saved.causes[i].text[CAUSE_BYTES - 1] = '\0';
	desk->state = saved;
}

/* The ledger is kept first and the fault follows: a crash in between, or a value that was damaged, leaves them in disagreement. */
static void agree(struct incident_desk *desk)
{
	bool is_raised = fault_desk_is_active(desk->faults, FAULT_SERVICE_RESTARTING);

	if (is_raised)
		restart_ledger_resume(&desk->ledger, clock_mono_ms());
	else if (desk->ledger.stormy)
		raise_fault(desk);
	arm(desk);
}

static struct ledger_settings settings_of(const struct configuration *c)
{
	return (struct ledger_settings){.limit = c->failure_limit,
					.window_ms = c->failure_window_ms,
					.calm_ms = c->calm_ms,
					.replace_limit = c->replace_limit,
					.replace_ms = c->replace_window_ms,
					.restart_every_ms = c->restart_every_ms,
					.no_success_ms = c->no_success_ms};
}

static void read_boot_id(char boot_id[BOOT_ID_BYTES])
{
	if (atomic_file_read("/proc/sys/kernel/random/boot_id", boot_id, BOOT_ID_BYTES) >= 0)
		return;
	memset(boot_id, 0, BOOT_ID_BYTES);
	log_warning("the kernel gives no boot id: times of failures are taken for this boot's");
}

static struct incident_desk *make(const struct configuration *configuration,
				  struct journal *journal, struct fault_desk *faults)
{
	struct incident_desk *desk = calloc(1, sizeof(*desk));
	struct ledger_settings settings = settings_of(configuration);

	if (!desk)
		return NULL;
	desk->journal = journal;
	desk->faults = faults;
	desk->state.version = SAVED_VERSION;
	desk->state.spared_since = desk->state.spared_until = MONO_NEVER;
	read_boot_id(desk->state.boot_id);
	restart_ledger_init(&desk->ledger, &settings, clock_mono_ms());
	desk->suspects = suspect_list_new(journal, desk->state.boot_id, clock_mono_ms());
	if (desk->suspects)
		return desk;
	free(desk);
	return NULL;
}

struct incident_desk *incident_desk_new(uv_loop_t *loop, const struct configuration *configuration,
					struct journal *journal, struct fault_desk *faults,
					const struct incident_callbacks *callbacks, void *context)
{
	struct incident_desk *desk = make(configuration, journal, faults);

	if (!desk || uv_timer_init(loop, &desk->timer)) {
		if (desk)
			suspect_list_free(desk->suspects);
		free(desk);
		return NULL;
	}
	desk->timer.data = desk;
	uv_unref((uv_handle_t *)&desk->timer);
	desk->callbacks = *callbacks;
	desk->context = context;
	if (journal_recall(journal, LEDGER_KEY, restore, desk))
		log_warning("the failures before this start cannot be read: they are not counted");
	agree(desk);
	return desk;
}

static void free_desk(uv_handle_t *handle)
{
	struct incident_desk *desk = handle->data;

	suspect_list_free(desk->suspects);
	free(desk);
}

struct incident_desk *incident_desk_free(struct incident_desk *desk)
{
	if (desk)
		uv_close((uv_handle_t *)&desk->timer, free_desk);
	return NULL;
}
