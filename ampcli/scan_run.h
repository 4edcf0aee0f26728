/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_run: one scan from the first path to the summary. Owns the window of files under way and the decision what each
 * file's last word is; every file that was found has exactly one. Must not render: lines go to the sink.
 *
 * A daemon that goes away is waited for: each file that was sent is kept open until it is answered, and what was not answered is
 * sent again to the daemon that comes. So it is answered once, whatever became of the daemon. A file that was on its way through
 * SCAN_LOSSES_MOST lost connections may be what kills the daemon: it is an ERROR and is not sent again.
 *
 * A scan that is stopped or loses its daemon for good ends early: what is under way and unanswered, and each named path that was not
 * walked to its end, is NOT_SCANNED with the reason; a tree that was not finished counts as one.
 */
#ifndef AMP_AMPCLI_SCAN_RUN_H
#define AMP_AMPCLI_SCAN_RUN_H

#include "ampcli/control_client.h"
#include "ampcli/scan_tally.h"
#include "ampcli/walk.h"
#include "base/mono.h"

#define SCAN_LOSSES_MOST 3

struct scan_request {
	const char *const *paths; /* absolute */
	unsigned n_paths;
	struct walk_options walk;
	int stop_fd;             /* readable: stop; -1: cannot be stopped */
	const char *socket_path; /* of the daemon, to find it again */
	mono_ms patience;        /* how long a daemon that went away is waited for; 0: not at all */
};

struct scan_sink {
	void (*line)(void *context, const struct scan_line *line);
	void (*tick)(void *context,
		     const struct scan_tally *tally); /* ten times a second or more often */
	/* The daemon went away (`reason`), or is back (NULL). */
	void (*away)(void *context, const char *reason);
	void *context;
};

/*
 * Fills *ret_tally in every case. 0 when the scan came to its end or was stopped, -1 with the reason in *ret_failure when it
 * could not begin or its connection ended. *client may be another one afterwards, NULL when there is none; it stays the caller's. A lost connection's failure has the exit code NOT_ALL_SCANNED.
 */
int scan_run(struct control_client **client, const struct scan_request *request,
	     const struct scan_sink *sink, struct scan_tally *ret_tally,
	     struct failure *ret_failure);

#endif
