/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>

size_t terminal_columns(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}
