/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_birth: gathers what a newborn scan service is given - executable, directories, last-words memory, the two ends of its
 * channel - and has it spawned. Everything is opened anew for each life: directories may have been replaced. What a birth failed of is
 * told as core/cure_plan sorts it. Must not own the process (service_life), nor judge directories (installation).
 */
#ifndef AMP_AMPDAEMON_SERVICE_BIRTH_H
#define AMP_AMPDAEMON_SERVICE_BIRTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/cure_plan.h"
#include "ampdaemon/installation.h"
#include "ampdaemon/spawn.h"
#include "base/limits.h"

struct birth_request {
	const struct configuration *configuration;
	struct installation *installation;
	enum definition_source source;
	int definitions; /* directory in place of the installed one, stays the caller's; -1: none */
	int last_words;  /* stays the caller's */
};

struct birth_problem {
	enum birth_failure failure;
	char text[LIMIT_REASON_BYTES + 1]; /* one sentence */
};

/* 0: the process and our end of its channel are the caller's. Or -errno with the problem. */
int service_birth(const struct birth_request *request, struct spawned *ret_spawned,
		  int *ret_channel, struct birth_problem *ret_problem);

/* What an exit status of a scan service that was never ready, or the code that it gave itself, says. */
enum birth_failure service_birth_failure_of(int exit_code);

/* What a wait status says, when nobody of ours ended it; `need`: bytes of its engine, 0 when not known. */
void service_birth_problem_of_end(uint32_t status, uint64_t need,
				  struct birth_problem *ret_problem);

#endif
