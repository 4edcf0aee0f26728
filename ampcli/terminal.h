/* SPDX-License-Identifier: GPL-2.0-only */
/* terminal: how wide one is, and the bytes that take a line away. Owns no text. */
#ifndef AMP_AMPCLI_TERMINAL_H
#define AMP_AMPCLI_TERMINAL_H

#include <stddef.h>

#define TERMINAL_CLEAR_LINE "\r\033[K"

/* 80 when it does not say. */
size_t terminal_columns(int fd);

#endif
