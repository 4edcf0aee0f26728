/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/service_birth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/memory_room.h"
#include "ampdaemon/wait_status.h"
#include "base/exit_code.h"
#include "io/packet.h"

#define SCARCE_BYTES (64u << 20) /* less is little, whatever the engine needs */

static bool is_out_of_memory(int error)
{
	return error == -ENOMEM || error == -EAGAIN;
}

static int spawn_with_channel(struct spawn_order *order, struct spawned *ret_spawned,
			      int *ret_channel, struct birth_problem *problem)
{
	int pair[2];
	int r = packet_pair(pair);

	problem->failure = BIRTH_FAILURE_OTHER;
	if (r) {
		(void)snprintf(problem->text, sizeof(problem->text), "no socket pair: %s",
			       strerror(-r));
		return r;
	}
	order->channel = pair[1];
	r = spawn_service(order, ret_spawned, problem->text, sizeof(problem->text));
	close(pair[1]);
	if (is_out_of_memory(r))
		problem->failure = BIRTH_FAILURE_MEMORY;
	else if (r == -ENOEXEC || r == -ENOENT || r == -EACCES || r == -EPERM)
		problem->failure = BIRTH_FAILURE_EXECUTABLE;
	if (r)
		close(pair[0]);
	else
		*ret_channel = pair[0];
	return r;
}

/* Also the order in which they are opened and what it means when one cannot be. */
static int open_all(const struct birth_request *request, struct spawn_order *order,
		    struct birth_problem *problem)
{
	const char *path = request->configuration->scan_service;
	const char *slash = strrchr(path, '/');

	problem->failure = BIRTH_FAILURE_EXECUTABLE;
	order->program = installation_open_program(request->installation, slash ? slash + 1 : path,
						   problem->text, sizeof(problem->text));
	if (order->program < 0)
		return order->program;
	problem->failure = BIRTH_FAILURE_DIRECTORY;
	order->builtin = installation_open(request->installation, INSTALLATION_BUILTIN,
					   problem->text, sizeof(problem->text));
	if (order->builtin < 0)
		return order->builtin;
	if (request->source == SOURCE_BUILTIN)
		return 0;
	if (request->definitions >= 0) {
		order->definitions = fcntl(request->definitions, F_DUPFD_CLOEXEC, 0);
		return order->definitions < 0 ? -errno : 0;
	}
	order->definitions = installation_open(request->installation, INSTALLATION_DEFINITIONS,
					       problem->text, sizeof(problem->text));
	/* The built-in set can stand in for it. */
	problem->failure = BIRTH_FAILURE_DEFINITIONS;
	return order->definitions < 0 ? order->definitions : 0;
}

int service_birth(const struct birth_request *request, struct spawned *ret_spawned,
		  int *ret_channel, struct birth_problem *ret_problem)
{
	struct spawn_order order = {.program = -1,
				    .path = request->configuration->scan_service,
				    .builtin = -1,
				    .definitions = -1,
				    .last_words = request->last_words};
	int r;

	ret_problem->text[0] = '\0';
	r = open_all(request, &order, ret_problem);
	if (!r)
		r = spawn_with_channel(&order, ret_spawned, ret_channel, ret_problem);
	if (order.program >= 0)
		close(order.program);
	if (order.builtin >= 0)
		close(order.builtin);
	if (order.definitions >= 0)
		close(order.definitions);
	return r;
}

enum birth_failure service_birth_failure_of(int exit_code)
{
	switch (exit_code) {
	case EXIT_CODE_DEFINITIONS:
	case EXIT_CODE_CANARY:
		return BIRTH_FAILURE_DEFINITIONS;
	case EXIT_CODE_MEMORY:
		return BIRTH_FAILURE_MEMORY;
	case EXIT_CODE_WALLS:
	case EXIT_CODE_TEMP:
		return BIRTH_FAILURE_WALLS;
	case EXIT_CODE_USAGE:
	case EXIT_CODE_PROTOCOL:
	case EXIT_CODE_CHANNEL:
	case EXIT_CODE_OK:
		return BIRTH_FAILURE_OTHER;
	default:
		return BIRTH_FAILURE_DIED;
	}
}

/* The kernel kills like that when memory runs out, but an operator may, too: so it is asked how much there is. */
static bool tell_want_of_memory(uint64_t need, struct birth_problem *problem)
{
	uint64_t left = memory_room_available();

	if (left >= need && left >= SCARCE_BYTES)
		return false;
	problem->failure = BIRTH_FAILURE_MEMORY;
	(void)snprintf(
		problem->text, sizeof(problem->text),
		"it was killed by signal 9, perhaps by the kernel for want of memory: %llu MiB are available",
		(unsigned long long)(left >> 20));
	return true;
}

void service_birth_problem_of_end(uint32_t status, uint64_t need, struct birth_problem *ret_problem)
{
	int wait = (int)status;

	if (WIFSIGNALED(wait) && WTERMSIG(wait) == SIGKILL &&
	    tell_want_of_memory(need, ret_problem))
		return;
	ret_problem->failure =
		WIFEXITED(wait) ? service_birth_failure_of(WEXITSTATUS(wait)) : BIRTH_FAILURE_DIED;
	(void)wait_status_text(status, ret_problem->text, sizeof(ret_problem->text));
}
