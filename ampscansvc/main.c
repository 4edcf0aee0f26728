/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main: takes what a newborn scan service is given (base/birth_contract.h), makes sure that it has nothing else, and runs the
 * service. Started by ampdaemon only.
 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "ampscansvc/service.h"
#include "base/birth_contract.h"
#include "io/fd_kind.h"

#if AMP_SANITIZED
/* Behind the walls there is no /proc to look at and nobody to trace for. */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_abort=0:abort_on_error=0:intercept_tls_get_addr=0";
}
#endif

static void reset_signals(void)
{
	sigset_t none;

	/* The daemon ignores some; a kill by SIGXFSZ or SIGPIPE must be one here. */
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL); /* SIGKILL, SIGSTOP and libc's own refuse */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail with these arguments */
}

int main(void)
{
	bool is_environment_empty = !environ || !environ[0];

	if (fd_is_packet_socket(BIRTH_FD_CHANNEL) < 0 || fcntl(BIRTH_FD_BUILTIN, F_GETFD) < 0 ||
	    fcntl(BIRTH_FD_DEFINITIONS, F_GETFD) < 0 || fcntl(BIRTH_FD_LAST_WORDS, F_GETFD) < 0)
		return EXIT_CODE_USAGE;
	if (close_range(BIRTH_FD_LAST_WORDS + 1, ~0u, 0) < 0)
		for (int fd = BIRTH_FD_LAST_WORDS + 1; fd < 65536; fd++)
			close(fd);
	reset_signals();
	if (clearenv() != 0)
		return EXIT_CODE_INTERNAL;
	/* The library's exit handlers would touch half of the engine: nothing is left to be saved. */
	_exit((int)service_run(is_environment_empty));
}
