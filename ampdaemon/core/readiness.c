/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/readiness.h"

/* The clock's milliseconds are cut: what began and ended in the same one took some of it. */
static mono_ms gap(const struct readiness *r, mono_ms now)
{
	return r->is_away ? now - r->away_since + 1 : 0;
}

static mono_ms longer(mono_ms a, mono_ms b)
{
	return a > b ? a : b;
}

/* A gap that is not over belongs to this switch, too: the service before may have ended first. */
void readiness_switch(struct readiness *r)
{
	r->of_switch = 0;
	r->is_switching = r->has_begun;
}

void readiness_note(struct readiness *r, mono_ms now, bool is_ready, bool is_followed)
{
	if (is_ready) {
		r->longest = readiness_longest(r, now);
		r->of_switch = readiness_of_switch(r, now);
		r->is_away = false;
		r->has_begun = true;
	} else if (r->has_begun && !r->is_away) {
		r->is_away = true;
		r->away_since = now;
	}
	if (r->is_switching && is_followed) {
		r->is_switching = false;
		r->switches++;
	}
}

mono_ms readiness_longest(const struct readiness *r, mono_ms now)
{
	return longer(r->longest, gap(r, now));
}

mono_ms readiness_of_switch(const struct readiness *r, mono_ms now)
{
	return longer(r->of_switch, gap(r, now));
}
