/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/restart.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define LOOK_MS 5      /* between two looks at what has to be idle */
#define AGAIN_MS 5000  /* between two tries of a restart that is not possible now */
#define LET_GO_MS 2500 /* for strangers' files; a digest that hangs is given up before */
#define EXEC_TRIES 10  /* of HANDOVER_CLOSE_MS each; then the process ends: it has nothing left */

static void on_timer(uv_timer_t *timer);

static void later(struct daemon *d, uint64_t ms)
{
	(void)uv_timer_start(&d->restart.timer, on_timer, ms, 0); /* cannot fail with a callback */
}

/* ---- leaving ---- */

static void fill_head(struct daemon *d, struct handover_head *head)
{
	const struct dispatcher *dispatcher = desk_dispatcher(d->desk);
	const char *run_dir = d->configuration->run_dir;
	struct control_figures figures;
	struct service_view view;

	control_server_figures(d->server, &figures);
	supervisor_view(d->supervisor, &view);
	*head = (struct handover_head){
		.reason = d->restart.reason,
		.run_dir = span_of(run_dir, strlen(run_dir)),
		.listening = control_server_socket(d->server),
		.pid_lock = d->pid_fd,
		.incarnation = supervisor_incarnations(d->supervisor),
		.first_worker = dispatcher_next_worker(dispatcher),
		.first_serial = dispatcher_next_serial(dispatcher),
		.last_scan = control_server_last_scan(d->server),
		.started = d->started,
		.violations = figures.violations + view.violations +
			      scan_link_violations(desk_link(d->desk)),
		.last_scan_utc_ms = figures.last_scan_utc_ms,
	};
	head->counters = *dispatcher_counters(dispatcher);
}

/* The clients have gone: this only asks for their scans. What the workers leave to be filed goes into the journal, so that is the last
 * to end. */
static void pack(struct daemon *d)
{
	struct handover *h = &d->handover;
	struct service_view view;

	memset(h, 0, sizeof(*h));
	supervisor_view(d->supervisor, &view);
	fill_head(d, &h->head);
	h->n_scans =
		control_server_hand_over(d->server, d->restart.reason, h->scans, HANDOVER_SCANS);
	h->n_workers = desk_hand_over(d->desk, view.state == SERVICE_UP ? view.incarnation : 0,
				      h->workers, LIMIT_WORKERS);
	h->has_service = !supervisor_hand_over(d->supervisor, &h->service);
	if (!h->has_service)
		h->n_workers = 0;
	d->journal = journal_free(d->journal);
}

/* Does not come back. */
static void leave(struct daemon *d)
{
	char error[LIMIT_REASON_BYTES];
	int r = -EBUSY;

	log_notice("restarting in place: %s", d->restart.reason);
	definition_desk_let_go(d->definitions);
	pack(d);
	for (unsigned i = 0; r == -EBUSY && i < EXEC_TRIES; i++) {
		r = handover_exec(&d->restart.image, &d->handover, error, sizeof(error));
		log_error("%s", error);
	}
	log_error(
		"the restart in place failed; the daemon ends, whoever started it must start it again");
	_exit(EXIT_FAILURE); /* nothing is left that could be ended in an orderly way */
}

/* ---- asking ---- */

static int prepare(struct daemon *d, char *error, size_t size)
{
	unsigned stuck;
	int r = -EBUSY;

	(void)desk_files_read(d->desk, &stuck); /* others are done in a moment */
	if (stuck)
		(void)snprintf(error, size,
			       "%u files of clients hang in a read: a restart would wait for them",
			       stuck);
	else
		r = handover_prepare(&d->restart.image, d->configuration->path, error, size);
	d->restart.prepared = !r;
	return r;
}

static void give_up(struct daemon *d, const char *error)
{
	d->restart.asked = false;
	log_error("the connector is not restarted: %s", error);
}

static void again(struct daemon *d, const char *error)
{
	if (clock_mono_ms() >= d->restart.give_up) {
		give_up(d, error);
		return;
	}
	log_warning("the restart is tried again in %d ms: %s", AGAIN_MS, error);
	later(d, AGAIN_MS);
}

/* ---- letting go ---- */

/* A file whose close hangs is known only now, so nothing is done here that could not be taken back. */
static void let_go(struct daemon *d)
{
	d->restart.letting_go = true;
	d->restart.let_go_limit = mono_add(clock_mono_ms(), LET_GO_MS);
	(void)control_server_hand_over(d->server, d->restart.reason, d->handover.scans,
				       HANDOVER_SCANS); /* asked for again when it is packed */
	desk_let_go(d->desk);
	update_desk_rest(d->updates);
}

static void take_back(struct daemon *d, const char *reason)
{
	d->restart.letting_go = d->restart.prepared = false;
	handover_abandon(&d->restart.image);
	control_server_go_on(d->server);
	update_desk_go_on(d->updates);
	again(d, reason);
}

/* What exec would wait for, or lose; NULL: nothing. */
static const char *obstacle(const struct daemon *d)
{
	unsigned stuck;

	if (definition_desk_under_way(d->definitions) || update_desk_is_busy(d->updates))
		return "the storage of the definitions does not keep up";
	if (late_close_held() || desk_files_read(d->desk, &stuck))
		return "a file of a client hangs in its close, and a restart would wait for it";
	if (!journal_is_idle(d->journal))
		return "the journal's storage does not keep up";
	if (!worker_memory_is_idle(d->memory))
		return "the memory of the workers is being measured";
	return NULL;
}

static void on_timer(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	char error[LIMIT_REASON_BYTES];
	const char *reason;

	if (d->stopping)
		return;
	if (!d->restart.prepared && prepare(d, error, sizeof(error))) {
		again(d, error);
		return;
	}
	if (!d->restart.letting_go)
		let_go(d);
	reason = obstacle(d);
	if (!reason)
		leave(d);
	else if (clock_mono_ms() < d->restart.let_go_limit)
		later(d, LOOK_MS);
	else
		take_back(d, reason);
}

static void begin(struct daemon *d, const char *reason)
{
	d->restart.asked = true;
	d->restart.give_up = mono_add(clock_mono_ms(), RESTART_PATIENCE_MS);
	(void)snprintf(d->restart.reason, sizeof(d->restart.reason), "%s", reason);
	later(d, 0);
}

int restart_ask(struct daemon *d, char *error, size_t size)
{
	int r;

	if (d->restart.asked || d->stopping) {
		(void)snprintf(error, size, "the daemon is %s already",
			       d->stopping ? "stopping" : "restarting");
		return -EALREADY;
	}
	r = prepare(d, error, size);
	if (!r)
		begin(d, RESTART_ASKED);
	return r;
}

/* The causes keep in the journal when they last asked. One that cannot be written must not make them ask for ever. */
static bool is_too_early(const struct daemon *d)
{
	return d->was_executed && strcmp(d->restart.reason, RESTART_ASKED) != 0 &&
	       clock_mono_ms() - d->restart.image_since < d->configuration->restart_every_ms / 2;
}

void restart_insist(struct daemon *d, const char *reason)
{
	if (d->restart.asked || d->stopping)
		return;
	if (is_too_early(d))
		log_error("the connector is not restarted, it just was: %s", reason);
	else
		begin(d, reason);
}

void restart_init(struct daemon *d)
{
	(void)uv_timer_init(&d->loop, &d->restart.timer); /* cannot fail */
	d->restart.timer.data = d;
	d->restart.image.program = -1;
	d->restart.image_since = clock_mono_ms();
}
