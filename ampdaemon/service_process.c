/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/service_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/last_words_page.h"
#include "ampdaemon/spawn.h"
#include "ampdaemon/wait_status.h"
#include "io/log.h"

void service_process_init(struct service_process *process, void (*on_end)(void *context),
			  void *context)
{
	*process = (struct service_process){
		.pidfd = -1, .last_words = -1, .on_end = on_end, .context = context};
}

void service_process_forget_words(struct service_process *process)
{
	if (process->last_words >= 0)
		close(process->last_words);
	process->last_words = -1;
}

void service_process_renew_words(struct service_process *process)
{
	service_process_forget_words(process);
	process->last_words = last_words_page_make();
	if (process->last_words < 0)
		log_warning("no memory for last words: %s; deaths are told without them",
			    strerror(-process->last_words));
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct service_process *process = poll->data;

	(void)status; /* whatever it is, waitid() knows */
	(void)events;
	process->on_end(process->context);
}

static void free_poll(uv_handle_t *handle)
{
	free(handle);
}

int service_process_take(struct service_process *process, uv_loop_t *loop, pid_t pid, int pidfd)
{
	uv_poll_t *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	if (uv_poll_init(loop, watch, pidfd)) {
		free(watch);
		return -EIO;
	}
	watch->data = process;
	if (uv_poll_start(watch, UV_READABLE, on_readable)) {
		uv_close((uv_handle_t *)watch, free_poll);
		return -EIO;
	}
	process->watch = watch;
	process->pid = pid;
	process->pidfd = pidfd;
	return 0;
}

void service_process_kill(struct service_process *process)
{
	if (process->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL,
			      0); /* ESRCH: it has ended */
}

int service_process_release(struct service_process *process)
{
	int pidfd = process->pidfd;

	if (process->watch)
		uv_close((uv_handle_t *)process->watch, free_poll);
	process->watch = NULL;
	process->pidfd = -1;
	process->pid = 0;
	return pidfd;
}

bool service_process_bury(struct service_process *process, uint32_t *ret_status)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG) || info.si_pid == 0)
		return false;
	*ret_status = wait_status_of(&info);
	close(service_process_release(process));
	return true;
}

void service_process_end(struct service_process *process)
{
	int pidfd = service_process_release(process);

	if (pidfd >= 0 && !spawn_end(pidfd))
		log_warning("a scan service does not end: the storage of a file hangs");
}
