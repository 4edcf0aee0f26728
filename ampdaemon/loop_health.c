/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/loop_health.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ampdaemon/service_notify.h"
#include "io/clock.h"
#include "io/log.h"

struct probe {
	bool (*is_well)(void *context, const char **ret_why);
	void *context;
};

struct loop_health {
	uv_timer_t timer;
	int heartbeat;
	mono_ms every, due;
	bool withheld;
	unsigned n_probes;
	struct probe probes[HEALTH_PROBES];
};

bool loop_health_is_overdue(mono_ms deadline)
{
	return deadline != MONO_NEVER && clock_mono_ms() > mono_add(deadline, HEALTH_LATE_MS);
}

static bool ask(const struct loop_health *health, const char **ret_why)
{
	for (unsigned i = 0; i < health->n_probes; i++) {
		if (!health->probes[i].is_well(health->probes[i].context, ret_why))
			return false;
	}
	*ret_why = "a turn of the loop took longer than it may";
	return !loop_health_is_overdue(health->due);
}

static void beat(struct loop_health *health)
{
	service_notify_watchdog();
	if (health->heartbeat >= 0 &&
	    send(health->heartbeat, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EPIPE) {
		log_notice("the overseer is gone; the daemon goes on without it");
		close(health->heartbeat);
		health->heartbeat = -1;
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct loop_health *health = timer->data;
	const char *why;
	bool is_well = ask(health, &why);

	if (!is_well && !health->withheld)
		log_error("the daemon is not well: %s; the watchdog is not fed", why);
	if (is_well && health->withheld)
		log_notice("the daemon is well again; the watchdog is fed");
	health->withheld = !is_well;
	if (is_well)
		beat(health);
	health->due = clock_mono_ms() + health->every;
}

struct loop_health *loop_health_new(uv_loop_t *loop, int heartbeat)
{
	struct loop_health *health = calloc(1, sizeof(*health));
	mono_ms watchdog = (mono_ms)service_notify_watchdog_ms() / 2; /* of half the limit */

	if (!health)
		return NULL;
	health->heartbeat = heartbeat;
	health->every = watchdog && watchdog < HEALTH_BEAT_MS ? watchdog : HEALTH_BEAT_MS;
	health->due = clock_mono_ms();
	(void)uv_timer_init(loop, &health->timer); /* cannot fail */
	health->timer.data = health;
	(void)uv_timer_start(&health->timer, on_timer, 0,
			     (uint64_t)health->every); /* has a callback */
	uv_unref((uv_handle_t *)&health->timer);
	return health;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct loop_health *loop_health_free(struct loop_health *health)
{
	if (!health)
		return NULL;
	if (health->heartbeat >= 0)
		close(health->heartbeat);
	uv_close((uv_handle_t *)&health->timer, on_closed);
	return NULL;
}

int loop_health_add(struct loop_health *health,
		    bool (*is_well)(void *context, const char **ret_why), void *context)
{
	if (health->n_probes == HEALTH_PROBES)
		return -ENOSPC;
	health->probes[health->n_probes++] = (struct probe){is_well, context};
	return 0;
}
