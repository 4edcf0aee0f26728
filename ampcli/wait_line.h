/* SPDX-License-Identifier: GPL-2.0-only */
/* wait_line: one line on a terminal that says what is being waited for. Where there is none, nothing is said. */
#ifndef AMP_AMPCLI_WAIT_LINE_H
#define AMP_AMPCLI_WAIT_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct wait_line {
	int fd; /* -1: no terminal */
	bool is_drawn;
};

struct wait_line wait_line_on(int fd);

/* Bytes; `total` 0: not known, `done` 0 as well: there is nothing to count. */
void wait_line_draw(struct wait_line *line, const char *text, uint64_t done, uint64_t total);
void wait_line_clear(struct wait_line *line);

#endif
