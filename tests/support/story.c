/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/core/service_machine.h"

#define NAMES_MAX 128
#define TEXT_MAX 16384

struct name {
	char text[16];
	job_id job;
};

struct world {
	struct dispatcher *d;
	struct service_machine service;
	mono_ms now;
	struct name names[NAMES_MAX];
	unsigned n_names;
	unsigned n_effects; /* of the present line */
	char text[TEXT_MAX];
	size_t len;
};

struct dispatcher_settings story_settings(void)
{
	return (struct dispatcher_settings){
		.jobs = 16,
		.active = 1,
		.depth = 1,
		.depth_bytes = 1000,
		.recycle_jobs = 1000,
		.scan_ms = 1000,
		.queue_ms = 60000,
		.outage_ms = 30000,
		.worker_ms = 5000,
		.min_share = 8,
		.first_worker = 1,
	};
}

static void say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct world *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->text + w->len, TEXT_MAX - w->len, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= TEXT_MAX - w->len)
		abort(); /* the story is too long */
	w->len += (size_t)n;
}

static void say_effect(struct world *w, const char *verb, const char *object)
{
	say(w, "%s%s%s", w->n_effects++ ? ", " : "", verb, object);
}

static const char *name_of(const struct world *w, job_id job)
{
	for (unsigned i = 0; i < w->n_names; i++) {
		if (w->names[i].job == job)
			return w->names[i].text;
	}
	return "?";
}

/* A name that was never given is a number that was never given. */
static job_id job_of(const struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->n_names; i++) {
		if (strcmp(w->names[i].text, name) == 0)
			return w->names[i].job;
	}
	return UINT64_MAX;
}

static const char *end_text(const struct job_end *end)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s", verdict_name(end->verdict), end->reason ? " " : "",
		 end->reason ? scan_reason_name(end->reason) : "");
	return text;
}

static void say_dispatcher_effect(struct world *w, const struct effect *e)
{
	const char *job = e->job ? name_of(w, e->job) : "";
	char text[128];

	switch (e->kind) {
	case EFFECT_ORDER_WORKER:
		snprintf(text, sizeof(text),
			 e->epoch == 1 ? "order %" PRIu64 : "order %" PRIu64 " of %" PRIu64,
			 e->worker, e->epoch);
		break;
	case EFFECT_SEND_JOB:
		snprintf(text, sizeof(text), "send %s to %" PRIu64, job, e->worker);
		break;
	case EFFECT_FINISH_JOB:
		snprintf(text, sizeof(text), "finish %s %s", job, end_text(&e->end));
		break;
	case EFFECT_KILL_WORKER:
		snprintf(text, sizeof(text), "kill %" PRIu64 " (%s)", e->worker,
			 death_cause_name(e->cause));
		break;
	case EFFECT_RETIRE_WORKER:
		snprintf(text, sizeof(text), "retire %" PRIu64, e->worker);
		break;
	default:
		abort();
	}
	say_effect(w, text, "");
}

static void submit(struct world *w, char *words)
{
	struct job_request request = {
		.priority = PRIORITY_WRITE, .uid = 1000, .owner = 1, .bytes = 10};
	char *save = NULL;
	const char *name = strtok_r(words, " ", &save);
	struct name *entry = &w->names[w->n_names];

	for (char *word; (word = strtok_r(NULL, " ", &save));) {
		char *value = strchr(word, '=');

		if (!value || w->n_names == NAMES_MAX)
			abort();
		*value++ = 0;
		if (strcmp(word, "uid") == 0)
			request.uid = (uint32_t)strtoul(value, NULL, 10);
		else if (strcmp(word, "owner") == 0)
			request.owner = strtoull(value, NULL, 10);
		else if (strcmp(word, "bytes") == 0)
			request.bytes = strtoull(value, NULL, 10);
		else if (strcmp(word, "held") == 0)
			request.held = true;
		for (unsigned p = 0; strcmp(word, "priority") == 0 && p < PRIORITY_COUNT; p++)
			request.priority = strcmp(priority_name(p), value) ? request.priority : p;
	}
	if (dispatcher_submit(w->d, w->now, &request, &entry->job) != 0) {
		say_effect(w, "refused", "");
		return;
	}
	snprintf(entry->text, sizeof(entry->text), "%s", name);
	w->n_names++;
}

static void answer(struct world *w, uint64_t worker, const char *job, const char *name)
{
	enum verdict verdict = VERDICT_CLEAN;

	for (unsigned v = 0; *name && v < VERDICT_COUNT; v++) {
		if (strcmp(verdict_name(v), name) == 0)
			verdict = v;
	}
	if (dispatcher_answered(w->d, w->now, worker, job_of(w, job), verdict) != 0)
		say_effect(w, "refused", "");
}

static enum death_cause cause_of(const char *word)
{
	if (strcmp(word, "notice") == 0)
		return DEATH_NOTICE;
	if (strcmp(word, "violation") == 0)
		return DEATH_VIOLATION;
	return strcmp(word, "requested") == 0 ? DEATH_REQUESTED : DEATH_CRASH;
}

static void service_step(struct world *w, enum service_event event)
{
	unsigned effects = service_machine_step(&w->service, event, w->now);

	if (effects & SERVICE_EFFECT_LOST)
		dispatcher_service_lost(w->d, w->now, 1);
	if (effects & SERVICE_EFFECT_KILL)
		say_effect(w, "kill", " service");
	if (effects & SERVICE_EFFECT_CLOSE)
		say_effect(w, "close", " service");
	if (effects & SERVICE_EFFECT_SPAWN)
		say_effect(w, "spawn", " service");
	if (effects & SERVICE_EFFECT_UP)
		dispatcher_service_up(w->d, w->now, 1);
	if (effects & SERVICE_EFFECT_ABANDON)
		say_effect(w, "abandon service", "");
	if (effects & SERVICE_EFFECT_PING)
		say_effect(w, "ping", "");
}

static void service_event(struct world *w, const char *name)
{
	for (unsigned event = 0; event < SERVICE_EVENT_COUNT; event++) {
		if (strcmp(service_event_name(event), name) == 0) {
			service_step(w, event);
			return;
		}
	}
	abort(); /* no such event */
}

static void tick(struct world *w)
{
	service_step(w, SERVICE_EVENT_DEADLINE);
	dispatcher_tick(w->d, w->now);
}

static void adopt(struct world *w, uint64_t worker, const char *epoch, const char *owed)
{
	struct adopted_worker adopted = {
		.worker = worker,
		.epoch = strtoull(epoch, NULL, 10),
		.owed = (uint32_t)strtoul(owed, NULL, 10),
	};

	if (dispatcher_adopt(w->d, w->now, &adopted) != 0)
		say_effect(w, "refused", "");
}

/* False when it is none of these. */
static bool happen_to_service(struct world *w, const char *verb, const char *a)
{
	uint64_t epoch = *a ? strtoull(a, NULL, 10) : 1;

	if (strcmp(verb, "up") == 0)
		dispatcher_service_up(w->d, w->now, epoch);
	else if (strcmp(verb, "standby") == 0)
		dispatcher_service_standby(w->d, w->now, epoch);
	else if (strcmp(verb, "lost") == 0)
		dispatcher_service_lost(w->d, w->now, epoch);
	else if (strcmp(verb, "service") == 0)
		service_event(w, a);
	else
		return false;
	return true;
}

static bool happen_to_job(struct world *w, char *event, const char *verb, const char *a)
{
	if (strcmp(verb, "submit") == 0)
		submit(w, event + strlen("submit "));
	else if (strcmp(verb, "release") == 0)
		dispatcher_release(w->d, w->now, job_of(w, a));
	else if (strcmp(verb, "hold") == 0)
		(void)dispatcher_hold(w->d, w->now, job_of(w, a)); /* what follows tells */
	else if (strcmp(verb, "deny") == 0)
		dispatcher_refuse(w->d, w->now, job_of(w, a), VERDICT_FAILED,
				  SCAN_REASON_UNSCANNABLE);
	else
		return false;
	return true;
}

static void happen(struct world *w, char *event)
{
	char verb[16] = "", a[16] = "", b[16] = "", c[16] = "";
	uint64_t number;

	sscanf(event, "%15s %15s %15s %15s", verb, a, b, c);
	number = strtoull(a, NULL, 10);
	if (happen_to_service(w, verb, a) || happen_to_job(w, event, verb, a))
		return;
	if (strcmp(verb, "adopt") == 0)
		adopt(w, number, b, c);
	else if (strcmp(verb, "ready") == 0)
		dispatcher_worker_ready(w->d, w->now, number);
	else if (strcmp(verb, "answer") == 0)
		answer(w, number, b, c);
	else if (strcmp(verb, "gone") == 0)
		dispatcher_worker_gone(w->d, w->now, number, cause_of(b));
	else if (strcmp(verb, "refuse") == 0)
		dispatcher_send_failed(w->d, w->now, number, job_of(w, b));
	else if (strcmp(verb, "cancel") == 0)
		dispatcher_cancel_owner(w->d, w->now, number);
	else if (strcmp(verb, "drain") == 0)
		dispatcher_drain(w->d, w->now, (mono_ms)number);
	else if (strcmp(verb, "tick") == 0)
		tick(w);
	else
		abort(); /* no such event */
}

static void finish_line(struct world *w)
{
	struct effect effect;
	mono_ms deadline;

	while (dispatcher_next_effect(w->d, &effect))
		say_dispatcher_effect(w, &effect);
	deadline = mono_min(dispatcher_deadline(w->d), service_machine_deadline(&w->service));
	if (w->n_effects == 0)
		say(w, "-");
	if (deadline == MONO_NEVER)
		say(w, " until never\n");
	else
		say(w, " until %" PRId64 "\n", deadline);
}

static void play(struct world *w, const char *line, size_t len)
{
	const char *open = memchr(line, ']', len);
	const char *end = memchr(line, '>', len);
	char event[96];

	if (!open || !end || end - open < 3)
		abort(); /* not a line of a story */
	snprintf(event, sizeof(event), "%.*s", (int)(end - open - 3), open + 2);
	w->now = strtoll(line + 1, NULL, 10);
	w->n_effects = 0;
	say(w, "[%" PRId64 "] %s > ", w->now, event);
	happen(w, event);
	finish_line(w);
}

static void print_commented(const char *title, const char *text)
{
	printf("# %s:\n", title);
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		printf("#   %.*s\n", (int)(end - text), text);
}

bool story_holds(const struct dispatcher_settings *settings, const char *transcript)
{
	struct world *w = calloc(1, sizeof(*w));
	bool same;

	w->d = dispatcher_new(settings, 0);
	service_machine_init(&w->service, 60000);
	for (const char *line = transcript, *end; (end = strchr(line, '\n')); line = end + 1)
		play(w, line, (size_t)(end - line));
	same = strcmp(w->text, transcript) == 0;
	if (!same) {
		print_commented("told", transcript);
		print_commented("came out", w->text);
	}
	dispatcher_free(w->d);
	free(w);
	return same;
}
