/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spawn: the birth of a process: clone, descriptors, exec. A newborn gets the descriptors that its order names and nothing else, and
 * closes nothing of a client's on its way. Nothing here waits for another thread of the daemon. What a scan service is given is
 * base/birth_contract.h.
 * Knows no loop and no state machine; who asked owns what comes out. Must not judge the program (trusted_program, installation).
 */
#ifndef AMP_AMPDAEMON_SPAWN_H
#define AMP_AMPDAEMON_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SPAWN_FDS 8

/* All descriptors stay the caller's. */
struct spawn_program {
	int program;              /* O_PATH; already judged */
	const char *path;         /* for people only: how errors name the program */
	char *const *arguments;   /* the first is its name */
	char *const *environment; /* ends with NULL, as arguments do */
	int fds[SPAWN_FDS];       /* become 0, 1, 2...; -1: /dev/null */
	unsigned n_fds;           /* at least 3 */
	bool own_pids;            /* a pid namespace of its own, where the kernel allows */
	bool dies_with_us;        /* killed when the calling thread ends */
};

struct spawn_order {
	int program;      /* O_PATH of the scan service's executable: installation_open_program() */
	const char *path; /* for people only */
	int channel;      /* the service's end of the service channel */
	int builtin;      /* directory */
	int definitions;  /* directory, or -1 */
	int last_words;   /* memory of BIRTH_WORKER_SLOTS pages, or -1 */
};

struct spawned {
	pid_t pid;
	int pidfd; /* becomes readable when it has ended; the caller's to close */
};

/*
 * Starts a program. 0, or -errno with one sentence in `ret_error`. A failure of exec itself is told here too, not as an exit
 * status. Waits for the exec, 5 seconds at most; -ETIMEDOUT may leave a process behind that SIGKILL did not end. After
 * low_fds_reserve().
 */
int spawn_program(const struct spawn_program *order, struct spawned *ret_spawned, char *ret_error,
		  size_t size);

/* The same for a scan service: in a pid namespace of its own, with an empty environment; it dies with the daemon. */
int spawn_service(const struct spawn_order *order, struct spawned *ret_spawned, char *ret_error,
		  size_t size);

/* Kills and closes `pidfd`. False: a second was not enough, it waits for some storage, and is left as it is. */
bool spawn_end(int pidfd);

#endif
