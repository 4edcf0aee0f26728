/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_process: the process of one scan service: pid, pidfd, the watch for its end, its last-words memory. Owns these; must not own the
 * channel or any decision (service_life).
 */
#ifndef AMP_AMPDAEMON_SERVICE_PROCESS_H
#define AMP_AMPDAEMON_SERVICE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

struct service_process {
	pid_t pid; /* 0: none */
	int pidfd;
	uv_poll_t *watch;
	int last_words;
	void (*on_end)(void *context);
	void *context;
};

void service_process_init(struct service_process *process, void (*on_end)(void *context),
			  void *context);

/* A new memory for last words, before a birth; the old one is not needed any more: whoever died has been buried. */
void service_process_renew_words(struct service_process *process);

/* After the burial. */
void service_process_forget_words(struct service_process *process);

/* Watches a process from now on; it is this one's when 0 is returned. -ENOMEM or -EIO. */
int service_process_take(struct service_process *process, uv_loop_t *loop, pid_t pid, int pidfd);

void service_process_kill(struct service_process *process);

/* True when it has ended: its wait status, and it is none any more. */
bool service_process_bury(struct service_process *process, uint32_t *ret_status);

/* It is none any more; the pidfd, the caller's, or -1. */
int service_process_release(struct service_process *process);

/* Kills it and waits for it, a second at most. */
void service_process_end(struct service_process *process);

#endif
