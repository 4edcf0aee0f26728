/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/left_behind.h"

#include <assert.h>
#include <sys/wait.h>
#include <unistd.h>

void left_behind_init(struct left_behind *left)
{
	for (unsigned i = 0; i < LEFT_BEHIND_LIMIT; i++)
		left->pidfds[i] = -1;
}

static bool has_ended(int pidfd)
{
	siginfo_t info = {0};

	return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) || info.si_pid != 0;
}

bool left_behind_has_place(struct left_behind *left)
{
	bool has_place = false;

	for (unsigned i = 0; i < LEFT_BEHIND_LIMIT; i++) {
		if (left->pidfds[i] >= 0 && has_ended(left->pidfds[i])) {
			close(left->pidfds[i]);
			left->pidfds[i] = -1;
		}
		has_place |= left->pidfds[i] < 0;
	}
	return has_place;
}

void left_behind_add(struct left_behind *left, int pidfd)
{
	for (unsigned i = 0; i < LEFT_BEHIND_LIMIT; i++) {
		if (left->pidfds[i] < 0) {
			left->pidfds[i] = pidfd;
			return;
		}
	}
	assert(!"left_behind_has_place() was not asked");
}
