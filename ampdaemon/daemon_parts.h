/* SPDX-License-Identifier: GPL-2.0-only */
/* daemon_parts: what the daemon is composed of. Private to daemon.c (start, running, stop) and restart.c (leaving for the next image). */
#ifndef AMP_AMPDAEMON_DAEMON_PARTS_H
#define AMP_AMPDAEMON_DAEMON_PARTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/control_server.h"
#include "ampdaemon/definition_desk.h"
#include "ampdaemon/fault_desk.h"
#include "ampdaemon/handover.h"
#include "ampdaemon/held_verdict.h"
#include "ampdaemon/incident_desk.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/loop_health.h"
#include "ampdaemon/scan_desk.h"
#include "ampdaemon/site_watch.h"
#include "ampdaemon/status_view.h"
#include "ampdaemon/supervisor.h"
#include "ampdaemon/update_desk.h"
#include "ampdaemon/worker_memory.h"

struct daemon {
	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_timer_t reaper; /* of children that the image before this one left */
	const struct configuration *configuration;
	struct journal *journal;
	struct fault_desk *faults;
	struct incident_desk *incidents;
	struct site_watch *watch;
	struct supervisor *supervisor;
	struct scan_desk *desk;
	struct definition_desk *definitions;
	struct held_verdict *held;
	struct update_desk *updates;
	struct control_server *server;
	struct worker_memory *memory;
	struct loop_health *health;
	mono_ms started;
	bool ready_told, stopping;
	uint64_t generation;    /* of the service that is up */
	uint32_t switches_told; /* of dispatcher_gap() */
	int pid_fd;
	const char *stop_reason;
	char pid_path[PATH_MAX];
	struct status_notices notices;

	bool is_next;      /* of an image before this one, whose state was taken over */
	bool was_executed; /* by an image before this one, whatever became of its state */
	uint32_t restarts; /* in place, since the first start */
	struct {
		uv_timer_t timer;
		bool asked, prepared;
		struct handover_image image;
		mono_ms give_up;
		mono_ms image_since; /* this image is restarted by itself only later */
		bool letting_go;     /* clients are away, their files are being closed */
		mono_ms let_go_limit;
		char reason[LIMIT_REASON_BYTES + 1];
	} restart;
	struct handover
		handover; /* arriving: what the image before left; leaving: what the next gets */
};

#endif
