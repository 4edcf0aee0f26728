/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/succession.h"

#include <assert.h>

NAME_TABLE_DEFINE(succession_role, SUCCESSION_ROLE_LIST)
NAME_TABLE_DEFINE(succession_event, SUCCESSION_EVENT_LIST)

static void say(struct succession *s, enum succession_effect_kind kind, unsigned place)
{
	assert(s->n_effects < SUCCESSION_EFFECTS);
	s->effects[s->n_effects++] = (struct succession_effect){kind, place};
}

static unsigned other_of(unsigned place)
{
	return 1 - place;
}

static void start_as(struct succession *s, unsigned place, enum succession_role role)
{
	s->roles[place] = role;
	say(s, SUCCESSION_DO_START, place);
}

static void stop_place(struct succession *s, unsigned place)
{
	s->roles[place] = ROLE_OUTGOING;
	if (s->stopping[place])
		return;
	s->stopping[place] = true;
	say(s, SUCCESSION_DO_STOP, place);
}

static void promote(struct succession *s, unsigned place)
{
	s->roles[place] = ROLE_ACTIVE;
	say(s, SUCCESSION_DO_PROMOTE, place);
}

/* ---- what is to be done with the other place, when the active life is up ---- */

static void follow(struct succession *s, unsigned active)
{
	s->replace_again = false;
	if (s->again_fits)
		start_as(s, other_of(active), ROLE_NEXT);
	else
		say(s, SUCCESSION_DO_KILL, active);
}

/* A standby gives its place to the next one, and its memory with it. */
static void clear_standby(struct succession *s, unsigned place)
{
	s->again_fits |= s->up[place];
	stop_place(s, place);
}

static void settle(struct succession *s)
{
	int active = succession_active(s);
	unsigned other;

	if (!s->wanted || active < 0 || !s->up[active])
		return;
	other = other_of((unsigned)active);
	if (s->replace_again && s->roles[other] == ROLE_NONE)
		follow(s, (unsigned)active);
	else if (s->replace_again && s->roles[other] == ROLE_STANDBY)
		clear_standby(s, other);
	else if (s->standby_wanted && s->roles[other] == ROLE_NONE)
		start_as(s, other, ROLE_STANDBY);
}

/* ---- events ---- */

static void start_one(struct succession *s)
{
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++) {
		if (s->roles[place] == ROLE_NONE) {
			start_as(s, place, ROLE_ACTIVE);
			return;
		}
	}
}

/* Both may still be on their way out: then the first that is down begins again. */
static void on_start(struct succession *s)
{
	int active = succession_active(s);
	bool begins = !s->wanted;

	s->wanted = true;
	if (active < 0)
		start_one(s);
	else if (begins && s->up[active])
		promote(s, (unsigned)active); /* adopted */
	settle(s);
}

static bool is_down(const struct succession *s)
{
	return s->roles[0] == ROLE_NONE && s->roles[1] == ROLE_NONE;
}

static void on_stop(struct succession *s)
{
	s->wanted = s->replace_again = false;
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++) {
		if (s->roles[place] != ROLE_NONE)
			stop_place(s, place);
	}
	if (is_down(s))
		say(s, SUCCESSION_ALL_DOWN, 0);
}

static void on_replace(struct succession *s, bool fits)
{
	if (!s->wanted)
		return;
	s->replace_again = true;
	s->again_fits = fits;
	settle(s);
}

/* The other one, if there is one, was born for the same end and is not up. */
static void active_up(struct succession *s, unsigned place)
{
	promote(s, place);
	if (s->roles[other_of(place)] == ROLE_NEXT)
		stop_place(s, other_of(place));
}

static void next_up(struct succession *s, unsigned place)
{
	unsigned old = other_of(place);

	promote(s, place);
	if (s->roles[old] != ROLE_ACTIVE)
		return;
	if (s->up[old])
		s->roles[old] = ROLE_OUTGOING;
	else
		stop_place(s, old);
}

static void standby_up(struct succession *s, unsigned place)
{
	unsigned active = other_of(place);

	if (s->roles[active] == ROLE_ACTIVE && s->up[active]) {
		say(s, SUCCESSION_DO_STANDBY, place);
		return;
	}
	s->roles[active] = ROLE_STANDBY; /* it was lost, and tries again */
	promote(s, place);
}

static void on_up(struct succession *s, unsigned place)
{
	if (s->roles[place] == ROLE_NONE || s->stopping[place])
		return;
	s->up[place] = true;
	if (s->roles[place] == ROLE_ACTIVE)
		active_up(s, place);
	else if (s->roles[place] == ROLE_NEXT)
		next_up(s, place);
	else if (s->roles[place] == ROLE_STANDBY)
		standby_up(s, place);
	settle(s);
}

/* One that is up takes over: the standby, or the outgoing one that was not stopped yet; then the lost one replaces it
 * as soon as it is back. */
static void active_lost(struct succession *s, unsigned place)
{
	unsigned other = other_of(place);

	if (!s->up[other] || s->stopping[other]) {
		s->replace_again = false; /* whatever follows is born after the request */
		say(s, SUCCESSION_DO_LOST, place);
		return;
	}
	s->roles[place] = s->roles[other] == ROLE_STANDBY ? ROLE_STANDBY : ROLE_NEXT;
	promote(s, other);
}

static void on_lost(struct succession *s, unsigned place)
{
	if (!s->up[place])
		return;
	s->up[place] = false;
	if (s->stopping[place])
		return;
	if (s->roles[place] == ROLE_ACTIVE)
		active_lost(s, place);
	else if (s->roles[place] == ROLE_OUTGOING)
		stop_place(s, place); /* else its machine would bring it back */
	settle(s);
}

static void on_failed(struct succession *s, unsigned place)
{
	if (s->roles[place] != ROLE_NEXT)
		return;
	say(s, SUCCESSION_GAVE_UP, place);
	stop_place(s, place);
}

static void on_drained(struct succession *s, unsigned place)
{
	if (s->roles[place] == ROLE_OUTGOING)
		stop_place(s, place);
}

static void on_down(struct succession *s, unsigned place)
{
	if (!s->stopping[place])
		return;
	s->roles[place] = ROLE_NONE;
	s->up[place] = s->stopping[place] = false;
	if (!s->wanted) {
		if (is_down(s))
			say(s, SUCCESSION_ALL_DOWN, 0);
		return;
	}
	if (succession_active(s) < 0)
		start_one(s);
	settle(s);
}

/* ---- outside ---- */

void succession_init(struct succession *succession, bool standby_wanted)
{
	*succession = (struct succession){.standby_wanted = standby_wanted};
}

void succession_step(struct succession *succession, enum succession_event event, unsigned place,
		     bool fits)
{
	static void (*const of_place[SUCCESSION_EVENT_COUNT])(struct succession *, unsigned) = {
		[SUCCESSION_UP] = on_up,         [SUCCESSION_LOST] = on_lost,
		[SUCCESSION_FAILED] = on_failed, [SUCCESSION_DRAINED] = on_drained,
		[SUCCESSION_DOWN] = on_down,
	};

	assert(event < SUCCESSION_EVENT_COUNT && place < SUCCESSION_PLACES);
	succession->n_effects = 0;
	if (event == SUCCESSION_START)
		on_start(succession);
	else if (event == SUCCESSION_STOP)
		on_stop(succession);
	else if (event == SUCCESSION_REPLACE)
		on_replace(succession, fits);
	else
		of_place[event](succession, place);
}

void succession_adopt(struct succession *succession, unsigned place)
{
	succession->roles[place] = ROLE_ACTIVE;
	succession->up[place] = true;
}

int succession_active(const struct succession *succession)
{
	for (int place = 0; place < SUCCESSION_PLACES; place++) {
		if (succession->roles[place] == ROLE_ACTIVE)
			return place;
	}
	return -1;
}
