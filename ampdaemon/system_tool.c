/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/system_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/spawn.h"
#include "ampdaemon/trusted_program.h"
#include "base/text.h"
#include "io/clock.h"

#define SAID_BYTES 200

struct run {
	char path[64];
	struct spawned spawned;
	int output;            /* our end of its standard output and error */
	char said[SAID_BYTES]; /* the beginning; the rest is read and dropped */
	size_t n_said;
};

static int find(struct run *run, const char *name, char *error, size_t size)
{
	static const char *const directories[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};
	int fd = -ENOENT;

	for (size_t i = 0; fd == -ENOENT && i < sizeof(directories) / sizeof(directories[0]); i++) {
		(void)snprintf(run->path, sizeof(run->path), "%s/%s", directories[i], name);
		fd = trusted_program_open(AT_FDCWD, run->path, run->path, error, size);
	}
	if (fd == -ENOENT)
		(void)snprintf(error, size, "%s is not installed", name);
	return fd;
}

static int start(struct run *run, int program, char *const *arguments, char *error, size_t size)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = {path, locale, NULL};
	struct spawn_program order = {.program = program,
				      .path = run->path,
				      .arguments = arguments,
				      .environment = environment,
				      .fds = {-1, -1, -1},
				      .n_fds = 3};
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC)) {
		r = -errno;
		(void)snprintf(error, size, "no pipe for %s: %s", run->path, strerror(-r));
		return r;
	}
	order.fds[STDOUT_FILENO] = order.fds[STDERR_FILENO] = ends[1];
	r = spawn_program(&order, &run->spawned, error, size);
	close(ends[1]);
	run->output = ends[0];
	if (!r && fcntl(ends[0], F_SETFL, O_NONBLOCK)) {
		r = -errno;
		(void)spawn_end(run->spawned.pidfd); /* a tool that cannot be ended is left */
		(void)snprintf(error, size, "no pipe for %s: %s", run->path, strerror(-r));
	}
	if (r)
		close(ends[0]);
	return r;
}

/* False when nothing more will come. */
static bool listen_to(struct run *run)
{
	char dropped[256];
	bool full = run->n_said == SAID_BYTES;
	ssize_t n = full ? read(run->output, dropped, sizeof(dropped))
			 : read(run->output, run->said + run->n_said, SAID_BYTES - run->n_said);

	if (n > 0 && !full)
		run->n_said += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* A helper that the tool left behind may hold the pipe: the tool's own end is what counts. */
static bool await(struct run *run, mono_ms limit)
{
	struct pollfd ends[] = {{.fd = run->spawned.pidfd, .events = POLLIN},
				{.fd = run->output, .events = POLLIN}};

	for (;;) {
		mono_ms now = clock_mono_ms();

		if (now >= limit)
			return false;
		if (poll(ends, 2, (int)(limit - now)) < 0 && errno != EINTR)
			return false;
		if (ends[1].revents && !listen_to(run))
			ends[1].fd = -1;
		if (ends[0].revents)
			return true;
		ends[1].revents = 0;
	}
}

static int tell_end(struct run *run, const siginfo_t *info, char *error, size_t size)
{
	char said[2 * SAID_BYTES];

	while (run->n_said && (run->said[run->n_said - 1] == '\n'))
		run->n_said--;
	if (info->si_code == CLD_EXITED && info->si_status == 0)
		return 0;
	text_escape((struct span){(const uint8_t *)run->said, run->n_said}, said, sizeof(said));
	(void)snprintf(error, size, "%s ended with %s %d%s%s", run->path,
		       info->si_code == CLD_EXITED ? "status" : "signal", info->si_status,
		       *said ? ": " : "", said);
	return -EIO;
}

static int finish(struct run *run, char *error, size_t size)
{
	siginfo_t info = {0};
	int r = 0;

	for (int i = 0; i < 64 && listen_to(run) && run->n_said < SAID_BYTES; i++)
		; /* what it said last is still in the pipe: 64 reads are more than fit */
	if (waitid(P_PIDFD, (id_t)run->spawned.pidfd, &info, WEXITED | WNOHANG)) {
		r = -errno;
		(void)snprintf(error, size, "the end of %s cannot be learnt: %s", run->path,
			       strerror(-r));
	}
	close(run->spawned.pidfd);
	return r ? r : tell_end(run, &info, error, size);
}

int system_tool_run(const char *name, char *const *arguments, mono_ms limit, char *error,
		    size_t size)
{
	struct run run = {0};
	int r, program = find(&run, name, error, size);

	if (program < 0)
		return program;
	r = start(&run, program, arguments, error, size);
	close(program);
	if (r)
		return r;
	if (await(&run, limit)) {
		r = finish(&run, error, size);
	} else {
		(void)snprintf(error, size, "%s did not end in time and was killed%s", run.path,
			       spawn_end(run.spawned.pidfd) ? "" : ", which did not end it");
		r = -ETIMEDOUT;
	}
	close(run.output);
	return r;
}
