/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/wait_status.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/exit_code.h"

uint32_t wait_status_of(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? (uint32_t)(info->si_status & 0xff) << 8
					   : (uint32_t)info->si_status & 0x7f;
}

char *wait_status_text(uint32_t status, char *out, size_t size)
{
	int wait = (int)status;

	if (WIFSIGNALED(wait) && WTERMSIG(wait) == SIGSYS)
		(void)snprintf(out, size, "killed by the seccomp wall (signal %d, SIGSYS)", SIGSYS);
	else if (WIFSIGNALED(wait))
		(void)snprintf(out, size, "signal %d (%s)", WTERMSIG(wait),
			       strsignal(WTERMSIG(wait)));
	else if (WIFEXITED(wait))
		(void)snprintf(out, size, "%s (exit status %d)", exit_code_text(WEXITSTATUS(wait)),
			       WEXITSTATUS(wait));
	else
		(void)snprintf(out, size, "status %#x", status);
	return out;
}
