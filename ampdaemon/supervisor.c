/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/memory_room.h"
#include "ampdaemon/scan_site.h"
#include "ampdaemon/supervisor_internal.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/peer.h"

static void turn(struct supervisor *s, enum succession_event event, unsigned place, bool fits);

struct life_view supervisor_life(const struct supervisor *s, unsigned place)
{
	struct life_view view;

	service_life_view(s->lives[place], &view);
	return view;
}

static unsigned place_of(const struct supervisor *s, const struct service_life *life)
{
	return life == s->lives[0] ? 0 : 1;
}

/* The place of a service that lives; -1. */
static int find(const struct supervisor *s, uint64_t incarnation)
{
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++) {
		if (s->lives[place] && incarnation != 0 &&
		    supervisor_life(s, place).order.incarnation == incarnation)
			return (int)place;
	}
	return -1;
}

static struct cure_subject subject_of(const struct supervisor *s, unsigned place)
{
	struct life_view view = supervisor_life(s, place);

	return (struct cure_subject){.incarnation = view.order.incarnation,
				     .pid = (uint32_t)view.pid,
				     .source = view.order.source,
				     .report = view.report};
}

static unsigned active_place(const struct supervisor *s)
{
	int active = succession_active(&s->succession);

	return active < 0 ? 0 : (unsigned)active;
}

/* ---- what lives ask and tell ---- */

static int on_birth(void *context, struct service_life *life, struct life_order *ret_order,
		    struct birth_problem *ret_problem)
{
	struct supervisor *s = context;
	bool is_next = s->succession.roles[place_of(s, life)] == ROLE_NEXT;

	scan_site_look(s->site);
	ret_order->incarnation = ++s->incarnations;
	ret_order->account = scan_site_account(s->site);
	return supervisor_choose(s, is_next, ret_order, ret_problem);
}

/* A standby that does not start leaves scanning as it is: the status says so. */
static void on_failed(void *context, struct service_life *life, const struct birth_problem *problem)
{
	struct supervisor *s = context;
	unsigned place = place_of(s, life);
	enum succession_role role = s->succession.roles[place];
	struct cure_subject subject = subject_of(s, place);

	turn(s, SUCCESSION_FAILED, place, false);
	if (role == ROLE_ACTIVE || role == ROLE_NEXT)
		cure_desk_failed(s->cure, &subject, problem);
}

static void on_up(void *context, struct service_life *life)
{
	struct supervisor *s = context;
	unsigned place = place_of(s, life);
	struct cure_subject subject = subject_of(s, place);

	cure_desk_ready(s->cure, &subject);
	turn(s, SUCCESSION_UP, place, false);
}

static void on_lost(void *context, struct service_life *life)
{
	struct supervisor *s = context;
	unsigned place = place_of(s, life);

	s->callbacks.on_lost(s->context, supervisor_life(s, place).order.incarnation);
	turn(s, SUCCESSION_LOST, place, false);
}

static void on_down(void *context, struct service_life *life)
{
	struct supervisor *s = context;

	turn(s, SUCCESSION_DOWN, place_of(s, life), false);
}

static void on_worker_exited(void *context, uint64_t worker, uint32_t status)
{
	struct supervisor *s = context;

	s->callbacks.on_worker_exited(s->context, worker, status);
}

static void on_worker_failed(void *context, uint64_t worker, const char *reason)
{
	struct supervisor *s = context;

	s->callbacks.on_worker_failed(s->context, worker, reason);
}

static void on_certificate(void *context, const struct death_certificate *certificate)
{
	struct supervisor *s = context;

	s->callbacks.on_certificate(s->context, certificate);
}

static const struct life_callbacks life_callbacks = {.on_birth = on_birth,
						     .on_failed = on_failed,
						     .on_up = on_up,
						     .on_lost = on_lost,
						     .on_down = on_down,
						     .on_worker_exited = on_worker_exited,
						     .on_worker_failed = on_worker_failed,
						     .on_certificate = on_certificate};

/* ---- account and directories ---- */

bool supervisor_is_next_on_its_way(const struct supervisor *s)
{
	return s->succession.roles[0] == ROLE_NEXT || s->succession.roles[1] == ROLE_NEXT ||
	       s->succession.replace_again;
}

/* A service of another account serves on until one of the right account is up. */
static void judge_serving(struct supervisor *s)
{
	int active = succession_active(&s->succession);
	struct life_view view;

	if (active < 0)
		return;
	view = supervisor_life(s, (unsigned)active);
	if (view.state == SERVICE_UP && !scan_site_judge(s->site, view.pid) &&
	    !supervisor_is_next_on_its_way(s))
		supervisor_replace(s, "the account of the scan service was put right");
}

static void on_recheck_timer(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;

	scan_site_look(s->site);
	judge_serving(s);
	supervisor_seek(s);
}

/* ---- the succession's effects ---- */

static void count_replacement(struct supervisor *s, unsigned place)
{
	struct life_view view = supervisor_life(s, place);
	struct event event = {.type = EVENT_SERVICE_REPLACED, .body = EVENT_BODY_SERVICE};

	s->replacements++;
	event.service.incarnation = view.order.incarnation;
	event.service.pid = (uint32_t)view.pid;
	event.service.reason = s->replace_reason;
	journal_record(s->journal, &event);
}

static void promote(struct supervisor *s, unsigned place, enum succession_role before)
{
	struct life_view view = supervisor_life(s, place);
	enum succession_role other = s->succession.roles[1 - place];

	if (before == ROLE_NEXT && other == ROLE_OUTGOING)
		count_replacement(s, place);
	s->callbacks.on_up(s->context, view.order.incarnation, supervisor_number(s, place));
	cure_desk_serves(s->cure, view.order.source);
	supervisor_serves(s, place);
	judge_serving(s);
}

static void stand_by(struct supervisor *s, unsigned place)
{
	struct life_view view = supervisor_life(s, place);

	s->callbacks.on_standby(s->context, view.order.incarnation, supervisor_number(s, place));
}

static void kill_for_the_next(struct supervisor *s, unsigned place)
{
	char reason[LIMIT_REASON_BYTES + 1];

	log_warning(
		"there is no memory for two scan services: the present one is ended first, and nothing is scanned until the next one is ready");
	count_replacement(s, place);
	(void)snprintf(reason, sizeof(reason), "%.300s (there is no memory for two of them)",
		       s->replace_reason); /* status says so meanwhile */
	service_life_kill(s->lives[place], reason);
}

static void carry_out(struct supervisor *s, const struct succession_effect *effect,
		      enum succession_role before)
{
	switch (effect->kind) {
	case SUCCESSION_DO_START:
		service_life_start(s->lives[effect->place]);
		break;
	case SUCCESSION_DO_STOP:
		service_life_stop(s->lives[effect->place]);
		break;
	case SUCCESSION_DO_KILL:
		kill_for_the_next(s, effect->place);
		break;
	case SUCCESSION_DO_PROMOTE:
		promote(s, effect->place, before);
		break;
	case SUCCESSION_DO_STANDBY:
		stand_by(s, effect->place);
		break;
	case SUCCESSION_DO_LOST:
		cure_desk_lost(s->cure);
		break;
	case SUCCESSION_GAVE_UP:
		log_error("the scan service that was to replace the present one did not start: %s",
			  supervisor_life(s, effect->place).reason);
		supervisor_load_failed(s, effect->place);
		break;
	case SUCCESSION_ALL_DOWN:
		s->callbacks.on_down(s->context);
		break;
	}
}

static void take_turn(struct supervisor *s)
{
	struct turn t = s->turns[s->first_turn];
	enum succession_role before[SUCCESSION_PLACES];
	struct succession_effect effects[SUCCESSION_EFFECTS];
	unsigned n;

	s->first_turn = (s->first_turn + 1) % TURNS;
	s->n_turns--;
	memcpy(before, s->succession.roles, sizeof(before));
	succession_step(&s->succession, t.event, t.place, t.fits);
	n = s->succession.n_effects;
	memcpy(effects, s->succession.effects, sizeof(effects));
	for (unsigned i = 0; i < n; i++)
		carry_out(s, &effects[i], before[effects[i].place]);
}

/* Effects cause events: one loop takes them in their order, whoever was first. */
static void turn(struct supervisor *s, enum succession_event event, unsigned place, bool fits)
{
	assert(s->n_turns < TURNS);
	s->turns[(s->first_turn + s->n_turns++) % TURNS] = (struct turn){event, place, fits};
	if (s->turning)
		return;
	s->turning = true;
	while (s->n_turns > 0)
		take_turn(s);
	s->turning = false;
}

/* ---- replacement ---- */

/* A second engine, with a fifth to spare. */
static bool fits_beside(const struct supervisor *s, const struct life_view *present)
{
	uint64_t bytes = cure_desk_need(s->cure, cure_desk_source(s->cure, true));

	if (!bytes)
		bytes = present->report->ready.memory_bytes;
	return memory_room_available() >= bytes + bytes / 5;
}

static void ask_for_replacement(struct supervisor *s, const char *reason, bool fits)
{
	(void)snprintf(s->replace_reason, sizeof(s->replace_reason), "%s", reason);
	log_notice("the scan service is replaced: %s", reason);
	turn(s, SUCCESSION_REPLACE, 0, fits);
}

void supervisor_replace(struct supervisor *s, const char *reason)
{
	int active = succession_active(&s->succession);
	struct life_view view;

	if (active < 0)
		return;
	view = supervisor_life(s, (unsigned)active);
	if (view.state == SERVICE_WAITING || view.state == SERVICE_KILLED)
		return; /* the next one is new anyhow */
	ask_for_replacement(s, reason, fits_beside(s, &view));
}

bool supervisor_try_beside(void *context, const char *reason)
{
	struct supervisor *s = context;
	struct life_view view = supervisor_life(s, active_place(s));

	if (view.state != SERVICE_UP || supervisor_is_next_on_its_way(s))
		return true; /* it is about to be tried */
	if (!fits_beside(s, &view))
		return false;
	ask_for_replacement(s, reason, true);
	return true;
}

static mono_ms next_birth(void *context)
{
	struct supervisor *s = context;
	struct life_view view = supervisor_life(s, active_place(s));

	return view.state == SERVICE_WAITING ? view.deadline : MONO_NEVER;
}

static void on_restart(void *context, const char *reason)
{
	struct supervisor *s = context;

	s->callbacks.on_restart(s->context, reason);
}

static const struct cure_desk_callbacks cure_callbacks = {.next_birth = next_birth,
							  .try_configured = supervisor_try_beside,
							  .on_aside = supervisor_put_aside,
							  .on_restart = on_restart};

void supervisor_kill(struct supervisor *s, uint64_t incarnation, const char *reason)
{
	int place = find(s, incarnation);

	if (place >= 0 && supervisor_life(s, (unsigned)place).state == SERVICE_UP)
		service_life_kill(s->lives[place], reason);
}

/* ---- outside ---- */

static int make_lives(struct supervisor *s, uv_loop_t *loop)
{
	s->base = (struct life_base){.loop = loop,
				     .configuration = s->configuration,
				     .journal = s->journal,
				     .installation = scan_site_installation(s->site),
				     .callbacks = &life_callbacks,
				     .context = s};
	left_behind_init(&s->base.left_behind);
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++) {
		s->lives[place] = service_life_new(&s->base);
		if (!s->lives[place])
			return -ENOMEM;
	}
	return 0;
}

struct supervisor *supervisor_new(uv_loop_t *loop, const struct configuration *configuration,
				  struct journal *journal, struct fault_desk *faults,
				  const struct supervisor_callbacks *callbacks, void *context)
{
	struct supervisor *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->configuration = configuration;
	s->journal = journal;
	s->callbacks = *callbacks;
	s->context = context;
	(void)uv_timer_init(loop, &s->recheck_timer); /* only fills the handle */
	s->recheck_timer.data = s;
	s->site = scan_site_new(configuration, faults);
	s->cure = cure_desk_new(loop, configuration, journal, faults);
	if (!s->site || !s->cure || make_lives(s, loop))
		return supervisor_free(s);
	cure_desk_listen(s->cure, &cure_callbacks, s);
	generation_book_recall(&s->generations, journal);
	succession_init(&s->succession, configuration->standby_service);
	return s;
}

static void free_supervisor(uv_handle_t *handle)
{
	free(handle->data);
}

struct supervisor *supervisor_free(struct supervisor *s)
{
	if (!s)
		return NULL;
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++)
		s->lives[place] = service_life_free(s->lives[place]);
	s->site = scan_site_free(s->site);
	s->cure = cure_desk_free(s->cure);
	uv_close((uv_handle_t *)&s->recheck_timer, free_supervisor);
	return NULL;
}

void supervisor_start(struct supervisor *s)
{
	uint64_t every = s->configuration->recheck_ms;

	(void)uv_timer_start(&s->recheck_timer, on_recheck_timer, every, every); /* cannot fail */
	if (s->succession.up[0])
		scan_site_look(s->site); /* an adopted one has no birth that looks */
	turn(s, SUCCESSION_START, 0, false);
}

void supervisor_stop(struct supervisor *s)
{
	(void)uv_timer_stop(&s->recheck_timer); /* cannot fail */
	cure_desk_rest(s->cure);
	turn(s, SUCCESSION_STOP, 0, false);
}

void supervisor_recheck(struct supervisor *s)
{
	if (!s->succession.wanted)
		return;
	scan_site_look(s->site);
	judge_serving(s);
	cure_desk_hope(s->cure); /* first: it says what the births below get */
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++)
		service_life_hurry(s->lives[place]);
	supervisor_seek(s);
}

void supervisor_drained(struct supervisor *s, uint64_t incarnation)
{
	int place = find(s, incarnation);

	if (place >= 0)
		turn(s, SUCCESSION_DRAINED, (unsigned)place, false);
}

int supervisor_spawn_worker(struct supervisor *s, uint64_t incarnation, uint64_t worker,
			    int channel)
{
	int place = find(s, incarnation);

	return place < 0 ? -ENOTCONN : service_life_spawn_worker(s->lives[place], worker, channel);
}

struct supervised supervisor_look(const struct supervisor *s, uint64_t incarnation)
{
	bool wants_more =
		s->configuration->definitions_dir || s->choice.is_makeshift || s->choice.generation;
	int place = find(s, incarnation);
	struct life_view view;

	if (place < 0)
		return (struct supervised){
			.last_words = -1, .has_hung_up = true, .is_makeshift = wants_more};
	view = supervisor_life(s, (unsigned)place);
	return (struct supervised){.pid = view.pid,
				   .last_words = service_life_last_words(s->lives[place]),
				   .has_hung_up = service_life_has_hung_up(s->lives[place]),
				   .is_makeshift =
					   wants_more && view.order.source == SOURCE_BUILTIN};
}

struct scan_site *supervisor_site(struct supervisor *s)
{
	return s->site;
}

int supervisor_hand_over(struct supervisor *s, struct service_handover *ret_handover)
{
	int active = succession_active(&s->succession);
	int r = -EAGAIN;

	cure_desk_rest(s->cure);
	(void)uv_timer_stop(&s->recheck_timer); /* cannot fail */
	if (active >= 0)
		r = service_life_hand_over(s->lives[active], ret_handover);
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++)
		s->lives[place] = service_life_free(s->lives[place]);
	return r;
}

int supervisor_adopt(struct supervisor *s, const struct service_handover *handover)
{
	int r = service_life_adopt(s->lives[0], handover);

	if (r)
		return r;
	supervisor_count_from(s, handover->incarnation);
	succession_adopt(&s->succession, 0);
	return 0;
}

uint64_t supervisor_incarnations(const struct supervisor *s)
{
	return s->incarnations;
}

void supervisor_count_from(struct supervisor *s, uint64_t incarnations)
{
	if (incarnations > s->incarnations)
		s->incarnations = incarnations;
}

static void view_standby(const struct supervisor *s, struct service_view *ret_view)
{
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++) {
		struct life_view view = supervisor_life(s, place);

		if (s->succession.roles[place] != ROLE_STANDBY || view.state != SERVICE_UP)
			continue;
		ret_view->standby_ready = true;
		ret_view->standby_pid = (uint32_t)view.pid;
	}
}

void supervisor_view(const struct supervisor *s, struct service_view *ret_view)
{
	unsigned place = active_place(s);
	struct life_view active = supervisor_life(s, place), other = supervisor_life(s, 1 - place);

	*ret_view = (struct service_view){
		.state = active.state,
		.pid = (uint32_t)active.pid,
		.starts = active.starts + other.starts,
		.uid = peer_uid_of_process(active.pid),
		.user = active.order.account.unsound ? "root" : s->configuration->scan_user,
		.as_root = active.order.account.unsound,
		.reason = active.reason,
		.incarnation = active.order.incarnation,
		.report = active.report,
		.builtin = active.order.source == SOURCE_BUILTIN,
		.generation = active.order.generation,
		.violations = active.violations + other.violations,
		.replacements = s->replacements,
		.standby_wanted = s->succession.standby_wanted,
	};
	view_standby(s, ret_view);
}
