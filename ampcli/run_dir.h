/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run_dir: where the daemon that was started with a given configuration has its socket. Reads the one key `run_dir` of the
 * daemon's YAML file and judges nothing else of it: that is the daemon's business.
 */
#ifndef AMP_AMPCLI_RUN_DIR_H
#define AMP_AMPCLI_RUN_DIR_H

#include <stddef.h>

#include "ampcli/failure.h"

/* 0, or -1 with the reason. */
int run_dir_read(const char *config_path, char *ret_dir, size_t size, struct failure *ret_failure);

#endif
