/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/overseer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "base/mono.h"
#include "io/clock.h"
#include "io/packet.h"
#include "io/peer.h"

#define FIRST_WAIT_MS 100
#define LONGEST_WAIT_MS 10000
#define GOOD_LIFE_MS 60000
#define ABORT_MS 5000 /* from SIGABRT to SIGKILL */
#define EXIT_CANNOT 127

struct overseer {
	char *const *arguments;
	mono_ms hang_limit;
	int signals;

	/* The child; pid 0: there is none. */
	pid_t pid;
	int pidfd, heartbeat;
	mono_ms born;
	mono_ms deadline; /* of the next beat, of its end, or of the next birth */
	bool aborted;     /* SIGABRT was sent */

	mono_ms wait;
	bool told_to_end;
	bool is_over;
	int status;
};

/* ---- birth ---- */

static _Noreturn void become(const struct overseer *o, int heartbeat)
{
	char number[16];
	sigset_t none;
	int fd =
		fcntl(heartbeat, F_DUPFD, LOW_FDS); /* the daemon reserves those below; inherited */

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
	(void)snprintf(number, sizeof(number), "%d", fd);
	if (fd >= 0 && !setenv(OVERSEER_HEARTBEAT, number, 1))
		execv("/proc/self/exe", o->arguments);
	fprintf(stderr, "ampdaemon: overseer: the daemon cannot be executed: %s\n",
		strerror(errno));
	_exit(EXIT_CANNOT);
}

static int open_pidfd(struct overseer *o)
{
	o->pidfd = (int)syscall(SYS_pidfd_open, o->pid, 0);
	return o->pidfd < 0 ? -errno : 0;
}

/* No memory and the like: tried again as if it had died at once. */
static void put_off(struct overseer *o)
{
	o->deadline = clock_mono_ms() + o->wait;
	o->wait = o->wait * 2 < LONGEST_WAIT_MS ? o->wait * 2 : LONGEST_WAIT_MS;
}

static void give_birth(struct overseer *o)
{
	int ends[2];
	int r = packet_pair(ends);

	if (!r) {
		o->pid = fork();
		r = o->pid < 0 ? -errno : 0;
		if (o->pid == 0)
			become(o, ends[1]);
		close(ends[1]);
		if (!r)
			r = open_pidfd(o); /* it is ours and not waited for: it is there */
		if (r)
			close(ends[0]);
	}
	if (r) {
		fprintf(stderr, "ampdaemon: overseer: the daemon cannot be started: %s\n",
			strerror(-r));
		if (o->pid > 0)
			(void)kill(o->pid, SIGKILL); /* without a pidfd it cannot be watched */
		o->pid = 0;
		put_off(o);
		return;
	}
	o->heartbeat = ends[0];
	o->aborted = false;
	o->born = clock_mono_ms();
	o->deadline = o->born + o->hang_limit;
	fprintf(stderr, "ampdaemon: overseer: the daemon is started (pid %d)\n", o->pid);
}

/* ---- end ---- */

static bool is_final(const struct overseer *o, const siginfo_t *info)
{
	bool exited = info->si_code == CLD_EXITED;

	if (o->told_to_end)
		return true;
	return exited && (info->si_status == EXIT_SUCCESS || info->si_status == EXIT_USAGE ||
			  info->si_status == EXIT_CONFIGURATION);
}

static void bury(struct overseer *o)
{
	siginfo_t info = {0};
	bool exited;

	if (waitid(P_PIDFD, (id_t)o->pidfd, &info, WEXITED | WNOHANG) || !info.si_pid)
		return;
	exited = info.si_code == CLD_EXITED;
	fprintf(stderr, "ampdaemon: overseer: the daemon (pid %d) ended with %s %d\n", o->pid,
		exited ? "status" : "signal", info.si_status);
	close(o->pidfd);
	close(o->heartbeat);
	o->pid = 0;
	o->status = exited ? info.si_status : 128 + info.si_status;
	o->is_over = is_final(o, &info);
	if (o->is_over)
		return;
	if (clock_mono_ms() - o->born > GOOD_LIFE_MS)
		o->wait = FIRST_WAIT_MS;
	fprintf(stderr, "ampdaemon: overseer: it is started again in %lld ms\n",
		(long long)o->wait);
	put_off(o);
}

/* Dead, but a stranger's file holds a thread of it in the kernel: nobody can wait for its end, and nothing is served meanwhile. */
static void leave_behind(struct overseer *o)
{
	fprintf(stderr, "ampdaemon: overseer: the daemon (pid %d) is dead and held; %s\n", o->pid,
		o->told_to_end ? "it is left" : "another is started");
	close(o->pidfd);
	close(o->heartbeat);
	o->pid = 0;
	o->status = EXIT_FAILURE;
	o->is_over = o->told_to_end;
	put_off(o);
}

/* ---- what happens ---- */

static void send_child(const struct overseer *o, int signal)
{
	if (o->pid)
		(void)syscall(SYS_pidfd_send_signal, o->pidfd, signal, NULL, 0); /* ESRCH: ended */
}

static void hear_signal(struct overseer *o)
{
	struct signalfd_siginfo info;

	if (read(o->signals, &info, sizeof(info)) != sizeof(info))
		return;
	send_child(o, (int)info.ssi_signo);
	if (info.ssi_signo == SIGHUP)
		return;
	o->told_to_end = true;
	if (o->pid)
		return;
	o->is_over = true; /* between two lives */
	o->status = EXIT_SUCCESS;
}

/* After the last beat nothing more comes: the end of the child's end only says that it ends or has forgotten us. */
static void hear_heartbeat(struct overseer *o)
{
	uint8_t beats[64];
	struct packet_meta meta;
	ssize_t n = packet_receive(o->heartbeat, beats, sizeof(beats), MSG_DONTWAIT, &meta);

	if (n > 0 && !o->aborted)
		o->deadline = clock_mono_ms() + o->hang_limit;
	if (n > 0 && meta.fd >= 0)
		close(meta.fd);
}

static void pass_deadline(struct overseer *o)
{
	if (!o->pid) {
		give_birth(o);
	} else if (peer_has_ended(o->pid)) {
		leave_behind(o);
	} else if (!o->aborted) {
		fprintf(stderr,
			"ampdaemon: overseer: no sign of life for %lld ms; SIGABRT for pid %d\n",
			(long long)o->hang_limit, o->pid);
		o->aborted = true;
		o->deadline = clock_mono_ms() + ABORT_MS;
		send_child(o, SIGABRT);
		send_child(o, SIGCONT); /* a stopped one does not die of it */
	} else {
		fprintf(stderr, "ampdaemon: overseer: SIGKILL for pid %d\n", o->pid);
		o->deadline = clock_mono_ms() + ABORT_MS;
		send_child(o, SIGKILL);
	}
}

static int time_left(const struct overseer *o)
{
	mono_ms now = clock_mono_ms();

	return o->deadline > now ? (int)(o->deadline - now) : 0;
}

static void turn(struct overseer *o)
{
	struct pollfd ends[] = {{.fd = o->signals, .events = POLLIN},
				{.fd = o->pid ? o->pidfd : -1, .events = POLLIN},
				{.fd = o->pid ? o->heartbeat : -1, .events = POLLIN}};
	int n = poll(ends, 3, time_left(o));

	if (n < 0)
		return; /* EINTR, or no memory for a moment */
	if (ends[2].revents & POLLIN)
		hear_heartbeat(o);
	if (ends[1].revents)
		bury(o);
	if (ends[0].revents && !o->is_over)
		hear_signal(o);
	if (!o->is_over && !time_left(o))
		pass_deadline(o);
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_SETMASK, &set, NULL); /* cannot fail */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int overseer_run(char *const *arguments, unsigned hang_limit)
{
	struct overseer o = {.arguments = arguments,
			     .hang_limit = (mono_ms)hang_limit * 1000,
			     .wait = FIRST_WAIT_MS};

	o.signals = catch_signals();
	if (o.signals < 0) {
		perror("ampdaemon: overseer: signals cannot be caught");
		return EXIT_FAILURE;
	}
	give_birth(&o);
	while (!o.is_over)
		turn(&o);
	return o.status;
}
