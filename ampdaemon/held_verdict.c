/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/held_verdict.h"

#include <stdio.h>
#include <stdlib.h>

struct held_verdict {
	uv_timer_t timer;
	held_verdict_fn *give;
	void *context;
	bool is_held;
	uint64_t client;
	struct definition_answer answer; /* points to what follows */
	char detail[LIMIT_REASON_BYTES + 1];
	struct service_report report;
};

void held_verdict_give(struct held_verdict *held)
{
	if (!held->is_held)
		return;
	held->is_held = false;
	(void)uv_timer_stop(&held->timer); /* cannot fail */
	held->give(held->context, held->client, &held->answer);
}

static void on_timer(uv_timer_t *timer)
{
	held_verdict_give(timer->data);
}

void held_verdict_hold(struct held_verdict *held, uint64_t client,
		       const struct definition_answer *answer)
{
	held_verdict_give(held);
	held->client = client;
	held->answer = *answer;
	(void)snprintf(held->detail, sizeof(held->detail), "%s", answer->detail);
	held->answer.detail = held->detail;
	if (answer->report) {
		service_report_copy(&held->report, answer->report);
		held->answer.report = &held->report;
	}
	held->is_held = true;
	(void)uv_timer_start(&held->timer, on_timer, HELD_VERDICT_MS, 0); /* open: cannot fail */
}

struct held_verdict *held_verdict_new(uv_loop_t *loop, held_verdict_fn *give, void *context)
{
	struct held_verdict *held = calloc(1, sizeof(*held));

	if (!held)
		return NULL;
	(void)uv_timer_init(loop, &held->timer); /* only fills the handle */
	held->timer.data = held;
	uv_unref((uv_handle_t *)&held->timer);
	held->give = give;
	held->context = context;
	return held;
}

static void free_held(uv_handle_t *handle)
{
	free(handle->data);
}

struct held_verdict *held_verdict_free(struct held_verdict *held)
{
	if (held)
		uv_close((uv_handle_t *)&held->timer, free_held);
	return NULL;
}
