/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/obituary.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/last_words_page.h"
#include "ampdaemon/wait_status.h"
#include "base/limits.h"
#include "base/mono.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define OBITUARIES_RESERVE 48 /* twice the workers that there can be */
#define WORDS_BYTES 240

enum obituary_state { OBITUARY_FREE, OBITUARY_WAITING, OBITUARY_TOLD };

struct obituary {
	enum obituary_state state;
	uint64_t token; /* never given twice: a digest that comes late finds nobody */
	mono_ms due;
	uint64_t noticed_us;
	int file; /* to be hashed: after the turn in which its job goes to another worker; -1: none, or asked */
	bool awaits_digest;
	bool is_settled; /* its job has ended: no hand-over comes */
	uint8_t digest[LIMIT_DIGEST_BYTES];
	struct death_certificate certificate; /* its pointers are set when it is handed on */
	bool has_digest;
	char words[WORDS_BYTES]; /* its last ones; "" */
	char detail[LIMIT_DETAIL_BYTES + 1];
	size_t path_len;
};

struct obituaries {
	uv_timer_t timer;
	struct digest_desk *digests;
	obituary_fn *on_certificate;
	void *context;
	uint64_t last_token;
	unsigned n_waiting;
	struct obituary all[OBITUARIES];
	char paths[OBITUARIES][LIMIT_PATH_BYTES]; /* beside, so that a search touches few pages */
};

static void describe(const struct obituary *o, char *out, size_t size)
{
	char how[80] = "how it ended is not known";
	size_t at = 0;

	if (o->certificate.has_status)
		(void)wait_status_text(o->certificate.status, how, sizeof(how));
	text_append(out, size, &at, "%s", how);
	if (o->words[0])
		text_append(out, size, &at, "; %s", o->words);
	if (o->detail[0])
		text_append(out, size, &at, "; %s", o->detail);
}

static char *path_of(struct obituaries *obituaries, const struct obituary *o)
{
	return obituaries->paths[o - obituaries->all];
}

/* A file of a client. */
static void forget_file(struct obituary *o)
{
	if (o->file >= 0)
		late_close(o->file);
	o->file = -1;
}

/* The place stays taken during the call: who hears of it may kill the next one. */
static void hand_on(struct obituaries *obituaries, struct obituary *o)
{
	char detail[LIMIT_REASON_BYTES];
	struct death_certificate *certificate = &o->certificate;

	o->state = OBITUARY_TOLD;
	forget_file(o);
	obituaries->n_waiting--;
	describe(o, detail, sizeof(detail));
	certificate->detail = detail;
	certificate->path = span_of(path_of(obituaries, o), o->path_len);
	if (o->has_digest)
		certificate->digest = span_of(o->digest, sizeof(o->digest));
	obituaries->on_certificate(obituaries->context, certificate);
	o->state = OBITUARY_FREE;
}

/* Not told from here: who brought the last of the news stands in the middle of something. */
static void look(struct obituary *o)
{
	const struct death_certificate *certificate = &o->certificate;

	if (certificate->has_status && !o->awaits_digest &&
	    (!certificate->job || certificate->handover_us || o->is_settled))
		o->due = 0;
}

static void hand_on_due(struct obituaries *obituaries, mono_ms now)
{
	for (unsigned i = 0; i < OBITUARIES; i++) {
		struct obituary *o = &obituaries->all[i];

		if (o->state == OBITUARY_WAITING && o->due <= now)
			hand_on(obituaries, o);
	}
}

static void arm(struct obituaries *obituaries);
static void on_digest(void *context, uint64_t token, int error,
		      const uint8_t digest[LIMIT_DIGEST_BYTES]);

static void ask_for_digest(struct obituaries *obituaries, struct obituary *o)
{
	o->awaits_digest =
		digest_desk_ask(obituaries->digests, o->file, o->token, on_digest, obituaries) == 0;
	forget_file(o); /* the desk has its own */
	look(o);
}

static void on_timer(uv_timer_t *timer)
{
	struct obituaries *obituaries = timer->data;

	for (unsigned i = 0; i < OBITUARIES; i++) {
		if (obituaries->all[i].state == OBITUARY_WAITING && obituaries->all[i].file >= 0)
			ask_for_digest(obituaries, &obituaries->all[i]);
	}
	hand_on_due(obituaries, clock_mono_ms());
	arm(obituaries);
}

static void arm(struct obituaries *obituaries)
{
	mono_ms due = MONO_NEVER, now = clock_mono_ms();

	for (unsigned i = 0; i < OBITUARIES; i++) {
		const struct obituary *o = &obituaries->all[i];

		if (o->state == OBITUARY_WAITING)
			due = mono_min(due, o->file >= 0 ? now : o->due);
	}
	if (due == MONO_NEVER)
		(void)uv_timer_stop(&obituaries->timer); /* cannot fail */
	else
		(void)uv_timer_start(&obituaries->timer, on_timer,
				     due > now ? (uint64_t)(due - now) : 0, 0);
}

static struct obituary *find_oldest(struct obituaries *obituaries)
{
	struct obituary *oldest = NULL;

	for (unsigned i = 0; i < OBITUARIES; i++) {
		struct obituary *o = &obituaries->all[i];

		if (o->state == OBITUARY_WAITING && o->due && (!oldest || o->token < oldest->token))
			oldest = o;
	}
	return oldest;
}

/* A free place. Room for more deaths than one turn of the loop can bring is made beforehand. */
static struct obituary *take_place(struct obituaries *obituaries)
{
	struct obituary *oldest;

	if (obituaries->n_waiting >= OBITUARIES - OBITUARIES_RESERVE) {
		oldest = find_oldest(obituaries);
		if (oldest)
			oldest->due = 0;
	}
	for (unsigned i = 0; i < OBITUARIES; i++) {
		if (obituaries->all[i].state == OBITUARY_FREE)
			return &obituaries->all[i];
	}
	return NULL;
}

static void on_digest(void *context, uint64_t token, int error,
		      const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	struct obituaries *obituaries = context;

	for (unsigned i = 0; i < OBITUARIES; i++) {
		struct obituary *o = &obituaries->all[i];

		if (o->state != OBITUARY_WAITING || o->token != token)
			continue;
		o->awaits_digest = false;
		o->has_digest = !error;
		if (!error)
			memcpy(o->digest, digest, sizeof(o->digest));
		look(o);
	}
	arm(obituaries);
}

static void copy_notice(struct obituary *o, const struct obituary_notice *notice)
{
	o->certificate = (struct death_certificate){
		.failure = failure_class_of(notice->cause, notice->job != 0),
		.cause = notice->cause,
		.worker = notice->worker,
		.incarnation = notice->incarnation,
		.pid = notice->pid,
		.has_status = notice->has_status,
		.status = notice->status,
		.job = notice->job,
		.attempt = notice->attempt,
	};
	o->file = -1;
	o->has_digest = o->awaits_digest = false;
	(void)snprintf(o->detail, sizeof(o->detail), "%s", notice->detail);
}

/* At once: the page is cleared for the slot's next worker. */
static void hear_last_words(struct obituary *o, int last_words)
{
	struct last_words_report report;

	o->words[0] = '\0';
	if (!last_words_page_read(last_words, o->certificate.worker, &report))
		return;
	o->certificate.phase = report.phase;
	(void)last_words_page_text(&report, o->words, sizeof(o->words));
}

static void copy_path(struct obituaries *obituaries, struct obituary *o, struct span path)
{
	o->path_len = path.len < LIMIT_PATH_BYTES ? path.len : LIMIT_PATH_BYTES;
	if (o->path_len)
		memcpy(path_of(obituaries, o), path.data, o->path_len);
}

/* ---- outside ---- */

struct obituaries *obituaries_new(uv_loop_t *loop, struct digest_desk *digests,
				  obituary_fn *on_certificate, void *context)
{
	struct obituaries *obituaries = calloc(1, sizeof(*obituaries));

	if (!obituaries)
		return NULL;
	if (uv_timer_init(loop, &obituaries->timer)) {
		free(obituaries);
		return NULL;
	}
	obituaries->timer.data = obituaries;
	obituaries->digests = digests;
	obituaries->on_certificate = on_certificate;
	obituaries->context = context;
	return obituaries;
}

static void free_all(uv_handle_t *handle)
{
	free(handle->data);
}

struct obituaries *obituaries_free(struct obituaries *obituaries)
{
	if (!obituaries)
		return NULL;
	hand_on_due(obituaries, MONO_NEVER);
	uv_close((uv_handle_t *)&obituaries->timer, free_all);
	return NULL;
}

void obituaries_open(struct obituaries *obituaries, const struct obituary_notice *notice)
{
	uint64_t noticed_us = clock_mono_us();
	struct obituary *o = take_place(obituaries);

	if (!o) {
		log_error("the death of scan worker %u is not noted: %u wait", notice->pid,
			  OBITUARIES);
		return;
	}
	copy_notice(o, notice);
	copy_path(obituaries, o, notice->path);
	hear_last_words(o, notice->last_words);
	o->noticed_us = noticed_us;
	o->token = ++obituaries->last_token;
	o->due = mono_add(clock_mono_ms(), OBITUARY_WAIT_MS);
	o->state = OBITUARY_WAITING;
	obituaries->n_waiting++;
	if (obituaries->digests && notice->job && notice->file >= 0)
		o->file = fcntl(notice->file, F_DUPFD_CLOEXEC, 0);
	o->awaits_digest = o->file >= 0;
	look(o);
	arm(obituaries);
}

void obituaries_note_exit(struct obituaries *obituaries, uint64_t worker, uint32_t status)
{
	for (unsigned i = 0; i < OBITUARIES; i++) {
		struct obituary *o = &obituaries->all[i];

		if (o->state != OBITUARY_WAITING || o->certificate.worker != worker)
			continue;
		o->certificate.has_status = true;
		o->certificate.status = status;
		look(o);
	}
	arm(obituaries);
}

void obituaries_note_handover(struct obituaries *obituaries, uint64_t job)
{
	bool is_known = false;

	if (!obituaries->n_waiting)
		return; /* this is asked at each job */
	for (unsigned i = 0; i < OBITUARIES; i++) {
		struct obituary *o = &obituaries->all[i];

		if (o->state != OBITUARY_WAITING || o->certificate.job != job ||
		    o->certificate.handover_us)
			continue;
		o->certificate.handover_us = clock_mono_us() - o->noticed_us + 1; /* 0 means not */
		look(o);
		is_known = true;
	}
	if (is_known)
		arm(obituaries);
}

void obituaries_note_settled(struct obituaries *obituaries, uint64_t job)
{
	bool is_known = false;

	if (!obituaries->n_waiting)
		return;
	for (unsigned i = 0; i < OBITUARIES; i++) {
		struct obituary *o = &obituaries->all[i];

		if (o->state != OBITUARY_WAITING || o->certificate.job != job)
			continue;
		o->is_settled = is_known = true;
		look(o);
	}
	if (is_known)
		arm(obituaries);
}
