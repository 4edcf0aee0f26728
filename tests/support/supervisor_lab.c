/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/supervisor_lab.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/clock.h"
#include "tests/support/own_fds.h"

#define PATIENCE_MS 8000

struct supervisor_lab t;

/* ---- stand-ins ---- */

void journal_record(struct journal *journal, const struct event *event)
{
	(void)journal;
	if (!event)
		return; /* values alone */
	t.cures += event->type == EVENT_SERVICE_CURE;
	t.replaced += event->type == EVENT_SERVICE_REPLACED;
	t.started += event->type == EVENT_SERVICE_STARTED;
}

static void save(const struct journal_value *value)
{
	unsigned i = 0;

	while (t.saved[i].key[0] && strcmp(t.saved[i].key, value->key) != 0)
		i++;
	CU_ASSERT_FATAL(i < SAVED_MAX && value->len <= sizeof(t.saved[i].data));
	(void)snprintf(t.saved[i].key, sizeof(t.saved[i].key), "%s", value->key);
	memcpy(t.saved[i].data, value->data, value->len);
	t.saved[i].len = value->len;
}

void journal_record_with(struct journal *journal, const struct event *event,
			 const struct journal_value *values, unsigned n)
{
	journal_record(journal, event);
	for (unsigned i = 0; i < n; i++)
		save(&values[i]);
}

int journal_recall(struct journal *journal, const char *prefix, journal_recall_fn *each,
		   void *context)
{
	(void)journal;
	for (unsigned i = 0; i < SAVED_MAX && t.saved[i].key[0]; i++) {
		if (strncmp(t.saved[i].key, prefix, strlen(prefix)) == 0)
			each(context, t.saved[i].key, t.saved[i].data, t.saved[i].len);
	}
	return 0;
}

void fault_desk_raise(struct fault_desk *desk, enum fault_id id, enum fault_severity severity,
		      const char *detail, const char *remedy)
{
	(void)desk;
	CU_ASSERT_EQUAL(severity, id == FAULT_SERVICE_USER ? FAULT_MAJOR : FAULT_CRITICAL);
	t.active[id] = true;
	t.raised[id]++;
	(void)snprintf(t.detail, sizeof(t.detail), "%s", detail);
	(void)snprintf(t.remedy, sizeof(t.remedy), "%s", remedy ? remedy : "");
}

void fault_desk_clear(struct fault_desk *desk, enum fault_id id, const char *reason)
{
	(void)desk;
	CU_ASSERT(reason[0] != '\0');
	t.cleared[id] += t.active[id];
	t.active[id] = false;
}

bool fault_desk_is_active(const struct fault_desk *desk, enum fault_id id)
{
	(void)desk;
	return t.active[id];
}

/* ---- what the supervisor tells ---- */

static void on_up(void *context, uint64_t incarnation, uint64_t generation)
{
	(void)context;
	t.ups++;
	t.outgoing = t.serving;
	t.serving = incarnation;
	t.generation = generation;
}

static void on_standby(void *context, uint64_t incarnation, uint64_t generation)
{
	(void)context;
	(void)generation;
	t.standbys++;
	t.standby = incarnation;
}

static void on_lost(void *context, uint64_t incarnation)
{
	(void)context;
	t.losts++;
	t.lost = incarnation;
	CU_ASSERT(supervisor_look(t.supervisor, incarnation).last_words >= 0);
}

static void on_worker_exited(void *context, uint64_t worker, uint32_t status)
{
	(void)context;
	(void)worker;
	(void)status;
	CU_FAIL("nobody said so");
}

static void on_worker_failed(void *context, uint64_t worker, const char *reason)
{
	(void)context;
	(void)worker;
	(void)reason;
	CU_FAIL("nobody said so");
}

static void on_certificate(void *context, const struct death_certificate *certificate)
{
	(void)context;
	CU_ASSERT(certificate->is_service && certificate->has_status);
	CU_ASSERT_EQUAL(certificate->failure, FAILURE_UNEXPLAINED);
	t.certificates++;
	t.cause = certificate->cause;
	t.status = certificate->status;
}

static void on_restart(void *context, const char *reason)
{
	(void)context;
	CU_ASSERT(reason[0] != '\0');
	t.restarts++;
}

static void on_serves(void *context, uint64_t generation, const struct service_report *report)
{
	(void)context;
	CU_ASSERT(report->ready.signatures > 0);
	t.serves++;
	t.served = generation;
}

static int on_open(void *context, uint64_t generation, char *ret_why)
{
	(void)context;
	t.opened = generation;
	if (t.open_error) {
		(void)snprintf(ret_why, LIMIT_REASON_BYTES, "it is gone");
		return t.open_error;
	}
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void on_aside(void *context, uint64_t generation, bool is_bad, const char *why)
{
	(void)context;
	CU_ASSERT(why[0] != '\0');
	t.asides++;
	t.aside = generation;
	t.aside_is_bad = is_bad;
}

static void on_down(void *context)
{
	(void)context;
	t.downs++;
}

static const struct supervisor_callbacks callbacks = {.on_up = on_up,
						      .on_standby = on_standby,
						      .on_lost = on_lost,
						      .on_worker_exited = on_worker_exited,
						      .on_worker_failed = on_worker_failed,
						      .on_certificate = on_certificate,
						      .on_serves = on_serves,
						      .on_open = on_open,
						      .on_aside = on_aside,
						      .on_restart = on_restart,
						      .on_down = on_down};

/* ---- running ---- */

static void on_patience(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void on_closed(uv_handle_t *handle)
{
	(void)handle;
}

/* Turns the loop until *counter is at least `wanted`. */
bool lab_comes(const unsigned *counter, unsigned wanted)
{
	uv_timer_t timer;
	bool over = false;

	(void)uv_timer_init(&t.loop, &timer); /* only fills the handle */
	timer.data = &over;
	(void)uv_timer_start(&timer, on_patience, PATIENCE_MS, 0); /* open: cannot fail */
	while (*counter < wanted && !over)
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, on_closed);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
	if (*counter < wanted)
		printf("# waited in vain; last detail: %s\n", t.detail);
	return *counter >= wanted;
}

struct service_view lab_view(void)
{
	struct service_view v;

	supervisor_view(t.supervisor, &v);
	return v;
}

void lab_make(void)
{
	t.supervisor = supervisor_new(&t.loop, &t.configuration, NULL, NULL, &callbacks, NULL);
	CU_ASSERT_FATAL(t.supervisor != NULL);
}

void lab_set_up(bool has_configured)
{
	static char scan_service[] = "/nowhere/bin/ampscansvc", builtin[] = "/nowhere/builtin";
	static char configured[] = "/nowhere/definitions", user[] = "scan";

	memset(&t, 0, sizeof(t));
	memset(&pretended, 0, sizeof(pretended));
	CU_ASSERT_EQUAL(uv_loop_init(&t.loop), 0);
	t.configuration =
		(struct configuration){.scan_service = scan_service,
				       .builtin_dir = builtin,
				       .definitions_dir = has_configured ? configured : NULL,
				       .scan_user = user,
				       .scan_timeout_ms = 1000,
				       .start_attempts = 3,
				       .start_retry_ms = 300,
				       .down_limit_ms = 10000,
				       .recheck_ms = 60000,
				       .restart_every_ms = 600000};
	pretended.available = 64ull << 30;
	pretended.account = (struct scan_account){.uid = UID, .gid = UID};
	lab_make();
}

void lab_load(uint64_t generation, bool is_makeshift)
{
	const struct supervisor_load order = {.generation = generation,
					      .is_makeshift = is_makeshift,
					      .need = generation ? ENGINE : 0,
					      .reason = "for the test"};

	supervisor_load(t.supervisor, &order);
}

void lab_begin_with(uint64_t generation, enum manner manner)
{
	static char root[] = "/nowhere/store";

	lab_set_up(false);
	(void)supervisor_free(t.supervisor);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
	t.configuration.definitions_root = root;
	pretended.manner = manner;
	lab_make();
	lab_load(generation, false);
	supervisor_start(t.supervisor);
}

void lab_begin(bool has_configured)
{
	lab_set_up(has_configured);
	supervisor_start(t.supervisor);
}

void lab_end(void)
{
	supervisor_stop(t.supervisor);
	CU_ASSERT(lab_comes(&t.downs, 1));
	supervisor_free(t.supervisor);
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}
