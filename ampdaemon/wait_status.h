/* SPDX-License-Identifier: GPL-2.0-only */
/* wait_status: how a process ended, in words. Both the scan service and its workers end here. */
#ifndef AMP_AMPDAEMON_WAIT_STATUS_H
#define AMP_AMPDAEMON_WAIT_STATUS_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* What waitid(2) gave, as waitpid(2) would give it. */
uint32_t wait_status_of(const siginfo_t *info);

/* "signal 11 (Segmentation fault)", "could not build its walls (exit status 66)". Returns `out`. */
char *wait_status_text(uint32_t status, char *out, size_t size);

#endif
