/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/incident_desk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/core/restart_ledger.h"
#include "base/text.h"
#include "io/atomic_file.h"
#include "io/clock.h"
#include "io/log.h"

#define LEDGER_KEY "ledger"
#define SAVED_VERSION 1
#define BOOT_ID_BYTES 40
#define CAUSES 8 /* last ones that are told in words */
#define FILES                                                                                      \
	128 /* that are told by name: two deaths each of the fifty of a bad directory, and more */

struct saved_ledger {
	uint32_t version;
	char boot_id[BOOT_ID_BYTES];
	struct ledger_saved ledger;
};

struct cause {
	char text[LIMIT_REASON_BYTES];
};

struct suspect {
	mono_ms at;
	char path[LIMIT_SHOWN_PATH_BYTES];
	char digest[2 * LIMIT_DIGEST_BYTES + 1];
};

struct incident_desk {
	uv_timer_t timer;
	struct journal *journal;
	struct fault_desk *faults;
	struct incident_callbacks callbacks;
	void *context;
	mono_ms window_ms;
	struct restart_ledger ledger;
	char boot_id[BOOT_ID_BYTES];
	uint32_t replacements;
	unsigned n_causes; /* ever; the newest are kept */
	struct cause causes[CAUSES];
	unsigned n_suspects;
	struct suspect suspects[FILES]; /* the newest first */
};

/* ---- words ---- */

struct writing {
	char *text;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct writing *w, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(w->text + w->len, w->size - w->len, format, arguments);
	va_end(arguments);
	if (n > 0)
		w->len += (size_t)n < w->size - w->len ? (size_t)n : w->size - w->len - 1;
}

static void put_counts(const struct incident_desk *desk, struct writing *w)
{
	const struct restart_ledger *ledger = &desk->ledger;
	uint64_t all = 0;

	for (unsigned i = FAILURE_NONE + 1; i < FAILURE_CLASS_COUNT; i++)
		all += ledger->totals[i];
	put(w, "%" PRIu32 " failures in the last %" PRId64 " s; since the first start %" PRIu64,
	    restart_ledger_in_window(ledger, clock_mono_ms()), desk->window_ms / 1000, all);
	for (unsigned i = FAILURE_NONE + 1; i < FAILURE_CLASS_COUNT; i++)
		put(w, "%s%" PRIu64 " %s", i == FAILURE_NONE + 1 ? " (" : ", ", ledger->totals[i],
		    failure_class_name(i));
	put(w, "); the scan service was replaced %" PRIu32 " times since this start",
	    desk->replacements);
	if (restart_ledger_is_critical(ledger))
		put(w, "; no scan has succeeded for %" PRId64 " s",
		    (ledger->now - ledger->unlucky_since) / 1000);
}

static void put_causes(const struct incident_desk *desk, struct writing *w)
{
	unsigned n = desk->n_causes < CAUSES ? desk->n_causes : CAUSES;

	for (unsigned i = 0; i < n; i++)
		put(w, "%s%s", i ? "; " : "; last causes, newest first: ",
		    desk->causes[(desk->n_causes - 1 - i) % CAUSES].text);
}

static bool is_recent(const struct incident_desk *desk, const struct suspect *suspect)
{
	return clock_mono_ms() - suspect->at < desk->window_ms;
}

static void put_files(const struct incident_desk *desk, struct writing *w)
{
	unsigned shown = 0, more = 0;

	for (unsigned i = 0; i < desk->n_suspects; i++) {
		const struct suspect *suspect = &desk->suspects[i];

		if (!is_recent(desk, suspect))
			continue;
		if (w->size - w->len < sizeof(suspect->path) + 200) { /* the digest and the end */
			more++;
			continue;
		}
		put(w, "%s%s (sha256 %s)",
		    shown++ ? ", " : "; files that were being scanned: ", suspect->path,
		    suspect->digest[0] ? suspect->digest : "not known");
	}
	if (more)
		put(w, " and %u more (ampcli unscannable)", more);
}

/* ---- the ladder ---- */

static void raise_fault(struct incident_desk *desk)
{
	static char detail[LIMIT_FAULT_DETAIL_BYTES + 1]; /* of the loop thread */
	struct writing w = {.text = detail, .size = sizeof(detail)};

	put_counts(desk, &w);
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

static void save(struct incident_desk *desk, const struct event *event)
{
	struct saved_ledger saved = {.version = SAVED_VERSION};
	struct journal_value value = {.key = LEDGER_KEY, .data = &saved, .len = sizeof(saved)};

	memcpy(saved.boot_id, desk->boot_id, sizeof(saved.boot_id));
	restart_ledger_save(&desk->ledger, &saved.ledger);
	journal_record_with(desk->journal, event, &value, 1);
}

/* A restart may not come back from its callback: everything else is done before. */
static void climb(struct incident_desk *desk, unsigned steps)
{
	if (steps & LEDGER_CALM) {
		fault_desk_clear(desk->faults, FAULT_SERVICE_RESTARTING,
				 "no new failures for long enough");
		save(desk, NULL);
	}
	if (steps & LEDGER_STORM)
		raise_fault(desk);
	arm(desk);
	if (steps & LEDGER_REPLACE) {
		desk->replacements++;
		desk->callbacks.on_replace(desk->context, "it failed too often");
	}
	if (steps & LEDGER_RESTART)
		desk->callbacks.on_restart(desk->context,
					   "the scan service restarts frequently (fault 6)");
}

static void on_timer(uv_timer_t *timer)
{
	struct incident_desk *desk = timer->data;

	climb(desk, restart_ledger_tick(&desk->ledger, clock_mono_ms()));
}

/* ---- certificates ---- */

static void write_digest(struct span digest, char out[2 * LIMIT_DIGEST_BYTES + 1])
{
	const uint8_t *bytes = digest.data;

	out[0] = '\0';
	for (size_t i = 0; i < digest.len && i < LIMIT_DIGEST_BYTES; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* A file that is known moves to the front, with its digest if that came now. */
static void note_suspect(struct incident_desk *desk, const struct death_certificate *c)
{
	static struct suspect suspect; /* a kilobyte */
	unsigned at = 0;

	suspect.at = clock_mono_ms();
	(void)text_escape(c->path, suspect.path, sizeof(suspect.path));
	write_digest(c->digest, suspect.digest);
	while (at < desk->n_suspects && strcmp(desk->suspects[at].path, suspect.path))
		at++;
	if (at < desk->n_suspects && !suspect.digest[0])
		memcpy(suspect.digest, desk->suspects[at].digest, sizeof(suspect.digest));
	if (at == desk->n_suspects && at < FILES)
		desk->n_suspects++;
	if (at == FILES)
		at--;
	memmove(desk->suspects + 1, desk->suspects, at * sizeof(suspect));
	desk->suspects[0] = suspect;
}

static void note_cause(struct incident_desk *desk, const struct death_certificate *c)
{
	struct cause *cause = &desk->causes[desk->n_causes++ % CAUSES];

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

void incident_desk_file(struct incident_desk *desk, const struct death_certificate *c)
{
	char detail[2 * LIMIT_REASON_BYTES];
	struct event event = describe(c, detail, sizeof(detail));
	unsigned steps = restart_ledger_failed(&desk->ledger, clock_mono_ms(), c->failure);

	note_cause(desk, c);
	if (c->path.len)
		note_suspect(desk, c);
	tell(c);
	save(desk, c->is_service ? NULL : &event);
	climb(desk, steps);
}

void incident_desk_scanned(struct incident_desk *desk, bool succeeded)
{
	unsigned steps = restart_ledger_scanned(&desk->ledger, clock_mono_ms(), succeeded);

	if (steps)
		climb(desk, steps);
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
	struct incident_desk *desk = context;
	struct saved_ledger saved;

	if (len != sizeof(saved) || strcmp(key, LEDGER_KEY))
		return;
	memcpy(&saved, data, sizeof(saved));
	if (saved.version != SAVED_VERSION)
		return;
	restart_ledger_restore(&desk->ledger, clock_mono_ms(), &saved.ledger,
			       !memcmp(saved.boot_id, desk->boot_id, sizeof(saved.boot_id)));
}

/* The fault and the ledger are kept in rows of their own: where they disagree (a damaged value), the fault is what was announced. */
static void agree_with_fault(struct incident_desk *desk)
{
	if (!fault_desk_is_active(desk->faults, FAULT_SERVICE_RESTARTING) || desk->ledger.stormy)
		return;
	desk->ledger.stormy = true;
	desk->ledger.restored_at = clock_mono_ms();
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

struct incident_desk *incident_desk_new(uv_loop_t *loop, const struct configuration *configuration,
					struct journal *journal, struct fault_desk *faults,
					const struct incident_callbacks *callbacks, void *context)
{
	struct incident_desk *desk = calloc(1, sizeof(*desk));
	struct ledger_settings settings = settings_of(configuration);

	if (!desk || uv_timer_init(loop, &desk->timer)) {
		free(desk);
		return NULL;
	}
	desk->timer.data = desk;
	uv_unref((uv_handle_t *)&desk->timer);
	desk->journal = journal;
	desk->faults = faults;
	desk->callbacks = *callbacks;
	desk->context = context;
	desk->window_ms = configuration->failure_window_ms;
	if (atomic_file_read("/proc/sys/kernel/random/boot_id", desk->boot_id,
			     sizeof(desk->boot_id)) < 0)
		log_warning(
			"the kernel gives no boot id: times of failures are taken for this boot's");
	restart_ledger_init(&desk->ledger, &settings, clock_mono_ms());
	if (journal_recall(journal, LEDGER_KEY, restore, desk))
		log_warning("the failures before this start cannot be read: they are not counted");
	agree_with_fault(desk);
	arm(desk);
	return desk;
}

static void free_desk(uv_handle_t *handle)
{
	free(handle->data);
}

struct incident_desk *incident_desk_free(struct incident_desk *desk)
{
	if (desk)
		uv_close((uv_handle_t *)&desk->timer, free_desk);
	return NULL;
}
