/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/definition_desk_internal.h"
#include "ampdaemon/definition_link.h"
#include "ampdaemon/refusal.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define IDLE_MS                                                                                    \
	120000 /* between two files of one that is brought: nobody else may bring anything meanwhile */

/* ---- the disk ---- */

static void tell(void *context, const char *text)
{
	(void)context;
	log_notice("definitions: %s", text);
}

static void on_staged(void *context, const uint8_t *digest, const char *why);
static void on_tried(void *context, const struct trial_report *report,
		     const struct trial_outcome *outcome);

static void shut(struct definition_desk *d)
{
	d->candidate = definition_candidate_free(d->candidate);
	if (d->errands)
		d->errands = definition_errands_free(d->errands);
	d->store = definition_store_close(d->store);
}

static int staff(struct definition_desk *d, char why[LIMIT_REASON_BYTES + 1])
{
	static const struct candidate_callbacks callbacks = {.on_staged = on_staged,
							     .on_tried = on_tried};
	const struct candidate_needs origin = {.loop = d->needs.loop,
					       .configuration = d->needs.configuration,
					       .site = d->needs.site,
					       .store = d->store};

	d->errands = definition_errands_new(origin.loop, d->store, definition_effects_errand, d);
	d->candidate = definition_candidate_new(&origin, &callbacks, d);
	if (d->errands && d->candidate)
		return 0;
	shut(d);
	return refusal_say(why, -ENOMEM, "the daemon is out of memory");
}

static int open_store(struct definition_desk *d, char why[LIMIT_REASON_BYTES + 1])
{
	const char *root = d->needs.configuration->definitions_root;
	char text[LIMIT_REASON_BYTES];
	int r;

	if (d->store)
		return 0;
	if (!root)
		return refusal_say(
			why, -ENOENT,
			"definitions_root of the configuration names no directory for it");
	r = definition_store_open(root, tell, NULL, &d->store, text);
	return r ? refusal_say(why, r, "%.100s: %.290s", root, text) : staff(d, why);
}

/* ---- what there is ---- */

static void restore_one(struct definition_desk *d, const struct stored_generation *stored)
{
	struct definition_facts unknown = {.bytes = stored->bytes};
	const struct definition_facts *facts =
		definition_memory_facts(d->memory, stored->number, stored->digest);

	memcpy(unknown.digest, stored->digest, sizeof(unknown.digest));
	if (definition_machine_restore(&d->machine, stored->number, facts ? facts : &unknown))
		definition_effects_ask(d, ERRAND_DROP,
				       stored->number); /* too many, and this is the oldest */
}

static int restore(struct definition_desk *d, char why[LIMIT_REASON_BYTES + 1])
{
	struct stored_generation all[DEFINITION_STORE_LISTED];
	int n = definition_store_list(d->store, all);

	if (n < 0) {
		shut(d);
		return refusal_say(why, n, "the store cannot be read: %s", strerror(-n));
	}
	for (int i = 0; i < n; i++)
		restore_one(d, &all[i]);
	return 0;
}

/* The link may be newer than what the journal knows. */
static mono_ms probation_left(const struct definition_desk *d, uint64_t active)
{
	const struct definition_state *state = &d->memory->state;
	uint64_t now = clock_utc_ms();

	if (!state->probation || state->probation != active)
		return 0;
	return state->probation_ends_utc > now ? (mono_ms)(state->probation_ends_utc - now) : 1;
}

static void begin_to_serve(struct definition_desk *d)
{
	uint64_t active = 0, good = 0;

	if (d->store) {
		active = definition_link_target(d->store, DEFINITION_LINK_ACTIVE);
		good = definition_link_target(d->store, DEFINITION_LINK_GOOD);
	}
	definition_machine_start(&d->machine, active, good, probation_left(d, active));
	definition_effects_pump(d);
}

/* Whenever the store can be opened for the first time: a candidate beside generations that nobody knows would be taken for all that there is. */
static int take_up(struct definition_desk *d, char why[LIMIT_REASON_BYTES + 1])
{
	bool is_first = !d->store && definition_desk_is_in_charge(d);
	int r = open_store(d, why);

	if (!r && is_first)
		r = restore(d, why);
	if (!r && is_first)
		begin_to_serve(d);
	return r;
}

void definition_desk_start(struct definition_desk *d)
{
	char why[LIMIT_REASON_BYTES + 1];

	if (!definition_desk_is_in_charge(d) || !take_up(d, why))
		return;
	log_error("definitions: %s; the built-in set serves, and it is tried again", why);
	(void)snprintf(d->detail, sizeof(d->detail), "%s", why);
	begin_to_serve(d);
}

/* ---- a candidate ---- */

static void on_staged(void *context, const uint8_t *digest, const char *why)
{
	struct definition_desk *d = context;

	if (!digest)
		(void)snprintf(d->detail, sizeof(d->detail), "%s", why);
	definition_machine_staged(&d->machine, digest);
	definition_effects_pump(d);
}

static void on_tried(void *context, const struct trial_report *report,
		     const struct trial_outcome *outcome)
{
	struct definition_desk *d = context;

	d->outcome = outcome;
	(void)snprintf(d->detail, sizeof(d->detail), "%s", outcome->detail);
	definition_machine_tried(&d->machine, report);
	definition_effects_pump(d);
}

/* Who stopped in the middle hears it when it goes on: its next file is refused. */
static void give_up_idle(struct definition_desk *d)
{
	(void)snprintf(d->detail, sizeof(d->detail),
		       "whoever brings it was silent for %lld seconds",
		       (long long)(d->idle_ms / 1000));
	definition_candidate_cancel(d->candidate);
	definition_machine_staged(&d->machine, NULL);
}

void definition_desk_tick(struct definition_desk *d)
{
	mono_ms now = clock_mono_ms();
	char why[LIMIT_REASON_BYTES + 1];

	definition_machine_tick(&d->machine, now);
	if (d->is_open && now >= d->idle_at)
		give_up_idle(d);
	if (!d->store && definition_desk_is_in_charge(d) && !take_up(d, why))
		log_notice("definitions: the store can be used now");
	definition_effects_pump(d);
}

static void wait_for_files(struct definition_desk *d)
{
	d->is_open = true;
	d->idle_at = mono_add(clock_mono_ms(), d->idle_ms);
	definition_effects_arm(d);
}

/* The client hears it as a refusal, not as an answer. */
static int give_up(struct definition_desk *d, int error)
{
	d->client = DEFINITION_CLIENT_NONE;
	d->is_open = false;
	definition_candidate_cancel(d->candidate);
	d->is_refused = true;
	definition_machine_staged(&d->machine, NULL);
	definition_effects_pump(d);
	d->is_refused = false;
	return error;
}

static bool is_mine(const struct definition_desk *d, uint64_t client,
		    char why[LIMIT_REASON_BYTES + 1])
{
	if (client && d->client == client && d->is_open)
		return true;
	(void)refusal_say(why, -EPROTO, "no definitions of yours are being taken");
	return false;
}

static int refuse_stranger(const struct definition_desk *d, char why[LIMIT_REASON_BYTES + 1])
{
	const char *flat = d->needs.configuration->definitions_dir;

	if (definition_desk_is_in_charge(d))
		return 0;
	if (!flat)
		return refusal_say(why, -EPERM, "the configuration names no definitions_root");
	return refusal_say(
		why, -EPERM,
		"definitions_dir of the configuration (%.200s) is what is loaded: files are exchanged there, not by this command",
		flat);
}

static int refuse_second(const struct definition_desk *d, char why[LIMIT_REASON_BYTES + 1])
{
	return refusal_say(why, -EBUSY, "%s of definitions is under way (%s)",
			   candidate_origin_name(d->candidate_origin),
			   candidate_phase_name(d->machine.candidate.phase));
}

int definition_desk_begin(struct definition_desk *d, uint64_t client, enum candidate_origin origin,
			  bool forced, char why[LIMIT_REASON_BYTES + 1])
{
	uint64_t number;
	int r = origin == ORIGIN_CHECK ? 0 : refuse_stranger(d, why);

	if (!r)
		r = take_up(d, why);
	if (r)
		return r;
	if (definition_machine_stage(&d->machine, origin, forced, &number))
		return refuse_second(d, why);
	d->client = client;
	d->candidate_origin = origin;
	d->detail[0] = '\0';
	wait_for_files(d);
	r = definition_candidate_begin(d->candidate, number, why);
	return r ? give_up(d, r) : 0;
}

int definition_desk_add(struct definition_desk *d, uint64_t client, const char *name,
			bool is_custom, int fd, char why[LIMIT_REASON_BYTES + 1])
{
	int r;

	if (!is_mine(d, client, why)) {
		late_close(fd);
		return -EPROTO;
	}
	if (is_custom && d->candidate_origin != ORIGIN_CHECK) {
		late_close(fd);
		return give_up(
			d,
			refusal_say(
				why, -EINVAL,
				"%s is not signed: an administrator's own files are put into %.200s/custom",
				name, d->needs.configuration->definitions_root));
	}
	r = definition_candidate_add(d->candidate, name, is_custom, fd, why);
	if (r)
		return give_up(d, r);
	wait_for_files(d);
	return 0;
}

int definition_desk_go(struct definition_desk *d, uint64_t client, char why[LIMIT_REASON_BYTES + 1])
{
	int r = 0;

	if (!is_mine(d, client, why))
		return -EPROTO;
	if (d->candidate_origin != ORIGIN_CHECK)
		r = definition_candidate_complete(d->candidate, d->machine.active, why);
	if (!r)
		r = definition_candidate_start(d->candidate, why);
	if (r)
		return give_up(d, r);
	d->is_open = false;
	definition_effects_phase(d);
	return 0;
}

void definition_desk_cancel(struct definition_desk *d, uint64_t client)
{
	if (!client || d->client != client)
		return;
	if (d->is_open)
		(void)give_up(d, -ECANCELED);
	else
		d->client = DEFINITION_CLIENT_NONE;
}

static int refuse_way_back(const struct definition_desk *d, int error, uint64_t number,
			   char why[LIMIT_REASON_BYTES + 1])
{
	if (error == -EBUSY && d->machine.candidate.phase == CANDIDATE_NONE)
		return refusal_say(
			why, error,
			"definitions are being loaded; ask again when a scan service is up");
	if (error == -EBUSY)
		return refuse_second(d, why);
	if (error == -EALREADY)
		return refusal_say(why, error, "generation %llu serves already",
				   (unsigned long long)number);
	return number ? refusal_say(why, error, "there is no sound generation %llu",
				    (unsigned long long)number)
		      : refusal_say(why, error, "there is no generation to go back to");
}

int definition_desk_roll_back(struct definition_desk *d, uint64_t client, uint64_t number,
			      char why[LIMIT_REASON_BYTES + 1])
{
	struct definition_story story;
	int r = refuse_stranger(d, why);

	if (!r)
		r = open_store(d, why);
	if (r)
		return r;
	r = definition_machine_roll_back(&d->machine, number);
	if (r)
		return refuse_way_back(d, r, number, why);
	d->client = client;
	d->candidate_origin = ORIGIN_ROLLBACK;
	d->detail[0] = '\0'; /* the reason says it all */
	story = definition_effects_story(d, d->machine.candidate.number);
	story.rejection = REJECTION_ROLLED_BACK;
	definition_events_back(&story);
	definition_effects_pump(d);
	return 0;
}

/* ---- what serves ---- */

bool definition_desk_is_in_charge(const struct definition_desk *d)
{
	const struct configuration *c = d->needs.configuration;

	return c->definitions_root && !c->definitions_dir;
}

int definition_desk_open(const struct definition_desk *d, uint64_t generation,
			 char why[LIMIT_REASON_BYTES + 1])
{
	int directory = d->store ? definition_store_open_generation(d->store, generation) : -ENOENT;

	if (directory < 0)
		return refusal_say(why, directory,
				   "generation %llu of the definitions cannot be opened: %s",
				   (unsigned long long)generation, strerror(-directory));
	return directory;
}

static void learn(struct definition_desk *d, uint64_t generation,
		  const struct service_report *report)
{
	const struct trial_outcome outcome = {.report = report};
	const struct generation *known = definition_machine_find(&d->machine, generation);
	struct trial_report said;

	if (!known ||
	    (known->facts.signatures && known->facts.engine_bytes == report->ready.memory_bytes))
		return;
	said = definition_candidate_report(&outcome);
	definition_machine_learn(&d->machine, generation, &said.facts);
	definition_memory_learn(d->memory, &d->machine);
}

void definition_desk_up(struct definition_desk *d, uint64_t generation,
			const struct service_report *report)
{
	struct definition_state *state = &d->memory->state;
	struct definition_story story = definition_effects_story(d, generation);

	if (!definition_desk_is_in_charge(d))
		return;
	learn(d, generation, report);
	definition_machine_up(&d->machine, clock_mono_ms(), generation);
	if (d->machine.active == generation && state->serving != generation) {
		story.former = state->serving;
		story.reason = "";
		definition_events_activated(&story);
		state->serving = generation;
	}
	if (generation)
		state->served = generation;
	definition_effects_pump(d);
}

static void on_read(void *context, uint64_t number, const struct stage_result *result)
{
	struct definition_desk *d = context;

	d->aside = 0;
	(void)snprintf(d->detail, sizeof(d->detail), "%s",
		       result->error ? result->why : d->aside_why);
	if (result->error)
		definition_machine_broken(&d->machine, number);
	else
		definition_machine_not_up(&d->machine, number, true);
	definition_effects_pump(d);
}

/* The disk may have changed what was once proved: then the content is not to blame. Nor is it when nobody can look. */
static void read_through(struct definition_desk *d, uint64_t generation, const char *why)
{
	char problem[LIMIT_REASON_BYTES + 1];

	if (d->aside)
		return; /* it is being read, and births go on */
	if (definition_candidate_read(d->candidate, generation, on_read, d, problem)) {
		(void)snprintf(d->detail, sizeof(d->detail), "%s", problem);
		definition_machine_broken(&d->machine, generation);
		return;
	}
	d->aside = generation;
	(void)snprintf(d->aside_why, sizeof(d->aside_why), "%s", why);
}

void definition_desk_not_up(struct definition_desk *d, uint64_t generation, bool is_bad,
			    const char *why)
{
	bool is_candidate = d->machine.candidate.phase == CANDIDATE_ACTIVATING &&
			    d->machine.candidate.number == generation;

	if (!definition_desk_is_in_charge(d) || !d->candidate ||
	    !definition_machine_find(&d->machine, generation))
		return;
	if (is_bad && !is_candidate) {
		read_through(d, generation, why);
	} else if (is_candidate) {
		(void)snprintf(d->detail, sizeof(d->detail), "%s", why);
		definition_machine_not_up(&d->machine, generation, is_bad);
	}
	definition_effects_pump(d);
}

bool definition_desk_storm(struct definition_desk *d, mono_ms since)
{
	bool falls;

	if (!definition_desk_is_in_charge(d))
		return false;
	falls = definition_machine_storm(&d->machine, since);
	definition_effects_pump(d);
	return falls;
}

/* ---- looking ---- */

const struct definition_machine *definition_desk_machine(const struct definition_desk *d)
{
	return &d->machine;
}

const char *definition_desk_root(const struct definition_desk *d)
{
	const char *root = d->needs.configuration->definitions_root;

	return root ? root : "";
}

uint64_t definition_desk_bytes(const struct definition_desk *d)
{
	return d->store ? definition_store_bytes(d->store) : 0;
}

bool definition_desk_rejected(const struct definition_desk *d, unsigned n,
			      struct definition_rejected *ret_rejected)
{
	if (n >= d->memory->n_rejected)
		return false;
	*ret_rejected = d->memory->rejected[d->memory->n_rejected - 1 - n];
	return true;
}

unsigned definition_desk_under_way(const struct definition_desk *d)
{
	unsigned n = d->candidate ? definition_candidate_under_way(d->candidate) : 0;

	return n + (d->errands ? definition_errands_under_way(d->errands) : 0);
}

void definition_desk_let_go(struct definition_desk *d)
{
	if (d->candidate)
		definition_candidate_forget(d->candidate);
}

/* ---- life ---- */

struct definition_desk *definition_desk_new(const struct definition_needs *needs,
					    const struct definition_callbacks *callbacks,
					    void *context)
{
	struct definition_desk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->needs = *needs;
	d->callbacks = *callbacks;
	d->context = context;
	d->idle_ms = IDLE_MS;
	d->memory = definition_memory_new(needs->journal);
	if (!d->memory) {
		free(d);
		return NULL;
	}
	(void)uv_timer_init(needs->loop, &d->timer); /* only fills the handle */
	d->timer.data = d;
	definition_machine_init(&d->machine, needs->configuration->probation_ms);
	definition_machine_count_from(&d->machine, d->memory->state.last);
	for (unsigned i = 0; i < d->memory->n_rejected; i++)
		definition_machine_restore_rejected(&d->machine, d->memory->rejected[i].digest);
	return d;
}

static void free_desk(uv_handle_t *handle)
{
	free(handle->data);
}

struct definition_desk *definition_desk_free(struct definition_desk *d)
{
	if (!d)
		return NULL;
	d->is_closing = true;
	shut(d);
	d->memory = definition_memory_free(d->memory);
	uv_close((uv_handle_t *)&d->timer, free_desk);
	return NULL;
}
