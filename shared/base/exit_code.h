/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exit_code: what the exit status of our processes means. Owns the lists. The daemon turns those of the scan service
 * into words and decisions, scripts rely on those of ampcli.
 */
#ifndef AMP_SHARED_BASE_EXIT_CODE_H
#define AMP_SHARED_BASE_EXIT_CODE_H

/* ampscansvc and its workers; 60 up, so that no library's habit (1, 2, 126...) is taken for one of ours. ampupdater ends with the same, or
 * with an outcome: base/update_outcome.h. */
enum exit_code {
	EXIT_CODE_OK = 0,           /* told to end, by end-of-file on the channel */
	EXIT_CODE_USAGE = 64,       /* not started by ampdaemon */
	EXIT_CODE_PROTOCOL = 65,    /* the daemon's message made no sense */
	EXIT_CODE_WALLS = 66,       /* a wall could not be built */
	EXIT_CODE_DEFINITIONS = 67, /* nothing could be loaded */
	EXIT_CODE_MEMORY = 68,      /* not enough memory to load */
	EXIT_CODE_CANARY = 69,      /* the engine does not find the canaries */
	EXIT_CODE_TEMP = 70,        /* the temporary storage is unusable */
	EXIT_CODE_CHANNEL = 71,     /* the channel failed */
	EXIT_CODE_INTERNAL = 72,
};

/* "ended when told to", "could not build its walls", ...; "exit status is not one of ours" for the rest. */
const char *exit_code_text(int code);

/* ampcli; given by spec connector.md, so that scripts can rely on them. */
enum cli_exit {
	CLI_EXIT_OK = 0,
	CLI_EXIT_THREAT = 1,
	CLI_EXIT_NOT_ALL_SCANNED = 2,
	CLI_EXIT_USAGE = 3,
	CLI_EXIT_NO_DAEMON = 4,
	CLI_EXIT_NOT_PERMITTED = 5,
	CLI_EXIT_REFUSED = 6,
	CLI_EXIT_REJECTED =
		7, /* ours: definitions were tried, and do not serve; CLI_EXIT_REFUSED: nothing was tried */
};

#endif
