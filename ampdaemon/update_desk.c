/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ampdaemon/refusal.h"
#include "ampdaemon/update_check.h"
#include "ampdaemon/update_events.h"
#include "ampdaemon/update_memory.h"
#include "io/clock.h"
#include "io/log.h"

#define CLIENT_NONE 0
#define LOOK_MS 60000 /* at the age, and at a clock that somebody sets */

struct update_desk {
	uv_timer_t timer;
	struct update_needs needs;
	struct update_callbacks callbacks;
	void *context;
	struct update_check *check;
	struct update_memory *memory;
	struct update_plan plan;
	bool is_on;
	bool is_resting; /* before the start, and while the daemon leaves */
	bool knows_age;  /* something has served */
	bool is_old;
	uint64_t built_s;
	uint64_t client;                      /* who waits for the check */
	char blocked[LIMIT_REASON_BYTES + 1]; /* why nothing could be asked the last time; "" */
};

/* ---- the world outside ---- */

/* Without chance all machines come at once, which is no reason to do nothing. */
static unsigned throw_dice(void)
{
	unsigned number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		return UPDATE_JITTER_MAX / 2;
	return number % UPDATE_JITTER_MAX;
}

static struct update_now now_of(mono_ms at)
{
	mono_ms past = clock_mono_ms() - at;
	time_t wall = (time_t)(((int64_t)clock_utc_ms() - past) / 1000);
	struct update_now now = {.at = at};
	struct tm parts;

	if (localtime_r(&wall, &parts))
		now.minute = (unsigned)(parts.tm_hour * 60 + parts.tm_min);
	return now;
}

static struct update_now look_at_clock(void)
{
	return now_of(clock_mono_ms());
}

static void save(struct update_desk *d)
{
	update_memory_save(d->memory, &d->plan, clock_mono_ms());
}

/* ---- age ---- */

static uint64_t serving(const struct update_desk *d)
{
	return definition_desk_machine(d->needs.definitions)->active;
}

static struct age_story story_of(const struct update_desk *d)
{
	return (struct age_story){
		.journal = d->needs.journal,
		.generation = serving(d),
		.built_s = d->built_s,
		.limit_s = d->needs.configuration->max_definition_age_ms / 1000,
	};
}

static enum definition_age age_of(const struct update_desk *d)
{
	struct age_story story = story_of(d);

	return definition_age(d->built_s, clock_utc_ms() / 1000, story.limit_s);
}

static bool has_none(const struct update_desk *d)
{
	const struct definition_machine *machine = definition_desk_machine(d->needs.definitions);

	for (unsigned i = 0; i < DEFINITIONS_MAX; i++) {
		if (machine->all[i].number)
			return false;
	}
	return true;
}

/* What nobody knows the age of is not old; but who is to have definitions and never had any has been waiting too long from the first day on. */
static bool is_too_old(const struct update_desk *d)
{
	enum definition_age age = age_of(d);

	return age == DEFINITION_AGE_OLD ||
	       (age == DEFINITION_AGE_UNKNOWN && d->is_on && has_none(d));
}

static void look_at_age(struct update_desk *d)
{
	struct age_story story = story_of(d);

	if (!d->knows_age)
		return;
	d->is_old = is_too_old(d);
	update_plan_age(&d->plan, d->is_old);
	if (d->is_old == (d->memory->state.is_told_old != 0))
		return;
	if (d->is_old)
		update_events_old(&story);
	else
		update_events_fresh(&story);
	d->memory->state.is_told_old = d->is_old;
	save(d);
}

/* When what serves turns old, if nothing changes. */
static mono_ms next_look(const struct update_desk *d, mono_ms now)
{
	uint64_t turns = (d->built_s + story_of(d).limit_s + 1) * 1000, utc = clock_utc_ms();
	mono_ms look = mono_add(now, LOOK_MS);

	if (!d->built_s || d->is_old || turns <= utc || turns - utc > LOOK_MS)
		return look;
	return mono_min(look, mono_add(now, (mono_ms)(turns - utc)));
}

/* ---- the check ---- */

static void on_timer(uv_timer_t *timer);

static void arm(struct update_desk *d)
{
	mono_ms now = clock_mono_ms();
	mono_ms due = mono_min(next_look(d, now), update_plan_deadline(&d->plan));

	if (!d->is_resting)
		(void)uv_timer_start(&d->timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
}

static void answer(struct update_desk *d, const struct check_result *result)
{
	const struct update_answer verdict = {.outcome = result->outcome,
					      .rejection = result->rejection,
					      .reason = result->reason,
					      .generation = result->generation,
					      .bytes = result->bytes};
	uint64_t client = d->client;

	d->client = CLIENT_NONE;
	if (client)
		d->callbacks.on_verdict(d->context, client, &verdict);
}

/* A set that is not to come again: not what failed for want of room or rights. */
static bool is_of_content(enum rejection rejection)
{
	return rejection_is_of_set(rejection) || rejection == REJECTION_KNOWN ||
	       rejection == REJECTION_OLDER;
}

static void note_rejected(struct update_desk *d, const struct check_result *result)
{
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		if (result->files[i].is_blamed)
			update_plan_rejected(&d->plan, clock_mono_ms(), result->files[i].mirror, i,
					     result->files[i].version);
	}
}

/* What is accepted may be rejected later, in its probation or by command: then its mirrors are not to bring it again. */
static void note_accepted(struct update_desk *d, const struct check_result *result)
{
	struct remembered_set *set = &d->memory->state.set;
	const struct generation *generation = definition_machine_find(
		definition_desk_machine(d->needs.definitions), result->generation);

	if (!generation)
		return;
	memcpy(set->digest, generation->facts.digest, sizeof(set->digest));
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		const struct check_file *file = &result->files[i];

		set->files[i].is_known = file->was_brought;
		set->files[i].mirror = file->mirror;
		set->files[i].version = file->version;
	}
}

static void look_at_accepted(struct update_desk *d)
{
	struct remembered_set *set = &d->memory->state.set;

	if (!definition_machine_is_rejected(definition_desk_machine(d->needs.definitions),
					    set->digest))
		return;
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		if (set->files[i].is_known)
			update_plan_rejected(&d->plan, clock_mono_ms(), set->files[i].mirror, i,
					     set->files[i].version);
	}
	memset(set, 0, sizeof(*set));
}

static void remember(struct update_desk *d, const struct check_result *result)
{
	struct update_state *state = &d->memory->state;

	state->checked_utc = clock_utc_ms();
	if (result->went_well)
		state->success_utc = state->checked_utc;
	state->outcome = result->outcome;
	state->failures = d->plan.failures;
	memset(state->reason, 0, sizeof(state->reason));
	(void)snprintf(state->reason, LIMIT_REASON_BYTES + 1, "%s", result->reason);
	save(d);
}

static void on_done(void *context, const struct check_result *result)
{
	struct update_desk *d = context;

	if (result->was_tried && is_of_content(result->rejection))
		note_rejected(d, result);
	else if (result->was_tried && result->rejection == REJECTION_NONE)
		note_accepted(d, result);
	update_plan_ended(&d->plan, look_at_clock(), result->went_well, throw_dice());
	(void)snprintf(d->blocked, sizeof(d->blocked), "%s",
		       result->is_blocked ? result->reason : "");
	/* What is rejected the definition desk has told. */
	if (!update_outcome_is_success(result->outcome))
		update_events_failed(d->needs.journal, serving(d), result->reason);
	else
		log_notice("updates: %s", result->reason);
	remember(d, result);
	answer(d, result);
	arm(d);
}

/* Kept at once: whoever is told to stay away must know it after a crash, too. */
static void on_attempt(void *context, unsigned mirror, enum update_outcome outcome,
		       uint64_t wait_ms)
{
	struct update_desk *d = context;

	update_plan_attempt(&d->plan, clock_mono_ms(), mirror, outcome, (mono_ms)wait_ms,
			    throw_dice());
	if (outcome == UPDATE_WAIT)
		save(d);
}

static void on_progress(void *context, const char *text, uint64_t done)
{
	struct update_desk *d = context;

	if (d->client)
		d->callbacks.on_progress(d->context, d->client, text, done, 0);
}

static void begin(struct update_desk *d)
{
	struct check_order order = {0};
	mono_ms now = clock_mono_ms();

	look_at_accepted(d);
	order.n_mirrors = update_plan_mirrors(&d->plan, now, order.mirrors);
	for (unsigned i = 0; i < d->plan.settings.n_mirrors; i++) {
		for (unsigned j = 0; j < LIMIT_DATABASES; j++)
			order.refused[i][j] = update_plan_refused(&d->plan, now, i, j);
	}
	log_info("updates: %u mirrors are asked", order.n_mirrors);
	update_check_begin(d->check, &order);
}

static void on_timer(uv_timer_t *timer)
{
	struct update_desk *d = timer->data;

	look_at_age(d);
	if (update_plan_tick(&d->plan, look_at_clock(), throw_dice()))
		begin(d);
	arm(d);
}

/* ---- clients ---- */

int update_desk_ask(struct update_desk *d, uint64_t client, char why[LIMIT_REASON_BYTES + 1])
{
	unsigned mirrors[LIMIT_MIRRORS];
	mono_ms now = clock_mono_ms();

	if (!d->needs.configuration->update_mirrors_count)
		return refusal_say(why, -EPERM,
				   "the configuration names no mirrors (update_mirrors)");
	if (!d->is_on)
		return refusal_say(why, -EPERM,
				   "what is loaded is not the definition store's: an update could "
				   "not be used (definitions_root, definitions_dir)");
	if (d->client)
		return refusal_say(why, -EBUSY, "another client waits for a check of the mirrors");
	if (d->is_resting)
		return refusal_say(why, -EBUSY, "the daemon is restarting");
	if (!d->plan.is_running && !update_plan_mirrors(&d->plan, now, mirrors))
		return refusal_say(why, -EAGAIN,
				   "all mirrors have asked to be left alone for some time");
	d->client = client;
	(void)update_plan_command(&d->plan, now); /* else one is running */
	arm(d);
	return 0;
}

void update_desk_cancel(struct update_desk *d, uint64_t client)
{
	if (d->client == client)
		d->client = CLIENT_NONE;
}

/* ---- from the others ---- */

void update_desk_answered(struct update_desk *d, const struct definition_answer *answer)
{
	update_check_answered(d->check, answer);
}

void update_desk_phase(struct update_desk *d, enum candidate_phase phase)
{
	update_check_phase(d->check, phase);
}

void update_desk_serves(struct update_desk *d, uint64_t built_s)
{
	d->built_s = built_s;
	d->knows_age = true;
	look_at_age(d);
	arm(d);
}

/* ---- restart in place ---- */

void update_desk_rest(struct update_desk *d)
{
	struct check_result result = {.outcome = UPDATE_FAILED,
				      .reason = "the daemon is restarting"};

	d->is_resting = true;
	(void)uv_timer_stop(&d->timer); /* cannot fail */
	if (!d->plan.is_running)
		return;
	update_check_drop(d->check);
	update_plan_ended(&d->plan, look_at_clock(), false, throw_dice());
	answer(d, &result);
}

void update_desk_go_on(struct update_desk *d)
{
	if (!d->is_resting)
		return;
	d->is_resting = false;
	arm(d);
}

bool update_desk_is_busy(const struct update_desk *d)
{
	return update_check_is_busy(d->check);
}

/* ---- looking ---- */

static uint64_t utc_of(mono_ms at)
{
	mono_ms now = clock_mono_ms();

	if (at == MONO_NEVER)
		return 0;
	return clock_utc_ms() + (at > now ? (uint64_t)(at - now) : 0);
}

void update_desk_view(const struct update_desk *d, struct update_view *ret_view)
{
	const struct update_state *state = &d->memory->state;

	*ret_view = (struct update_view){
		.is_on = d->is_on,
		.is_running = d->plan.is_running,
		.last_check_ms = state->checked_utc,
		.last_outcome = state->outcome,
		.last_reason = state->reason,
		.next_check_ms = utc_of(update_plan_deadline(&d->plan)),
		.age = d->is_old ? DEFINITION_AGE_OLD : age_of(d),
		.built_s = d->built_s,
		.age_limit_s = story_of(d).limit_s,
	};
}

static const char *words_of_off(const struct update_desk *d)
{
	return d->needs.configuration->update_mirrors_count && !d->is_on
		       ? "no mirror is asked for definitions: what is loaded is not the definition store's (definitions_root, definitions_dir)"
		       : "";
}

bool update_desk_notice(const struct update_desk *d, unsigned n,
			char ret_text[LIMIT_REASON_BYTES + 1])
{
	char age[LIMIT_REASON_BYTES + 1];
	struct age_story story = story_of(d);
	const char *texts[3];
	unsigned n_texts = 0;

	(void)snprintf(ret_text, LIMIT_REASON_BYTES + 1, "definitions are out of date: ");
	update_events_age(&story, age);
	(void)strncat(ret_text, age, LIMIT_REASON_BYTES - strlen(ret_text));
	if (*words_of_off(d))
		texts[n_texts++] = words_of_off(d);
	if (*d->blocked)
		texts[n_texts++] = d->blocked;
	if (d->is_old)
		texts[n_texts++] = ret_text;
	if (n < n_texts && texts[n] != ret_text)
		(void)snprintf(ret_text, LIMIT_REASON_BYTES + 1, "%s", texts[n]);
	return n < n_texts;
}

/* ---- life ---- */

static mono_ms since(uint64_t utc)
{
	uint64_t now = clock_utc_ms();

	if (!utc)
		return MONO_NEVER;
	return now > utc ? (mono_ms)(now - utc) : 0;
}

/* A pause after failures goes on, unless it is over by now: then it is as if the daemon had not been there. */
static void restore_pause(struct update_desk *d)
{
	const struct update_state *state = &d->memory->state;
	struct update_now now = look_at_clock();
	struct update_plan plan = d->plan;

	if (!state->failures || !state->checked_utc)
		return;
	plan.is_running = true;
	plan.failures = state->failures - 1;
	update_plan_ended(&plan, now_of(now.at - since(state->checked_utc)), false, throw_dice());
	if (update_plan_deadline(&plan) > now.at)
		d->plan = plan;
}

/* From the beginning on: what it knows is kept with whatever is told before the start. */
static void plan(struct update_desk *d)
{
	const struct configuration *c = d->needs.configuration;
	const struct update_settings settings = {
		.interval_ms = c->update_interval_ms,
		.retry_first_ms = c->update_retry_ms,
		.retry_max_ms = c->update_retry_max_ms,
		.window_from = c->update_window_from,
		.window_to = c->update_window_to,
		.n_mirrors = d->is_on ? c->update_mirrors_count : 0,
	};

	update_plan_init(&d->plan, &settings, look_at_clock(), since(d->memory->state.success_utc),
			 throw_dice());
	update_memory_restore(d->memory, &d->plan, clock_mono_ms());
	restore_pause(d);
}

struct update_desk *update_desk_new(const struct update_needs *needs,
				    const struct update_callbacks *callbacks, void *context)
{
	static const struct update_check_callbacks from_check = {
		.on_attempt = on_attempt, .on_progress = on_progress, .on_done = on_done};
	const struct update_check_needs of_check = {.loop = needs->loop,
						    .configuration = needs->configuration,
						    .definitions = needs->definitions};
	struct update_desk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->needs = *needs;
	d->callbacks = *callbacks;
	d->context = context;
	d->is_resting = true;
	d->is_on = needs->configuration->update_mirrors_count > 0 &&
		   definition_desk_is_in_charge(needs->definitions);
	(void)uv_timer_init(needs->loop, &d->timer); /* only fills the handle */
	d->timer.data = d;
	d->memory = update_memory_new(needs->journal, needs->configuration);
	d->check = update_check_new(&of_check, &from_check, d);
	if (!d->memory || !d->check)
		return update_desk_free(d);
	plan(d);
	return d;
}

void update_desk_start(struct update_desk *d)
{
	d->is_resting = false;
	if (*words_of_off(d))
		log_warning("updates: %s", words_of_off(d));
	if (definition_desk_is_in_charge(d->needs.definitions))
		update_check_sweep(d->check);
	arm(d);
}

static void free_desk(uv_handle_t *handle)
{
	free(handle->data);
}

struct update_desk *update_desk_free(struct update_desk *d)
{
	if (!d)
		return NULL;
	d->check = update_check_free(d->check);
	d->memory = update_memory_free(d->memory);
	uv_close((uv_handle_t *)&d->timer, free_desk);
	return NULL;
}
