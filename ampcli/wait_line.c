/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/wait_line.h"

#include <stdio.h>
#include <unistd.h>

#include "ampcli/amounts.h"
#include "ampcli/terminal.h"
#include "base/text.h"

#define LINE_BYTES 400

struct wait_line wait_line_on(int fd)
{
	return (struct wait_line){.fd = isatty(fd) ? fd : -1};
}

/* A line that wraps could not be taken away again. */
static void say(const struct wait_line *line, const char *text)
{
	int fits = (int)terminal_columns(line->fd) - 1;

	(void)dprintf(line->fd, TERMINAL_CLEAR_LINE "%.*s", fits,
		      text); /* of no consequence when it is lost */
}

void wait_line_draw(struct wait_line *line, const char *text, uint64_t done, uint64_t total)
{
	char shown[LINE_BYTES], amount[AMOUNT_TEXT], of[AMOUNT_TEXT];
	size_t at = 0;

	if (line->fd < 0)
		return;
	text_append(shown, sizeof(shown), &at, "%s", text); /* printable: the decoder saw to it */
	if (total)
		text_append(shown, sizeof(shown), &at, " (%s of %s)", amount_of_bytes(done, amount),
			    amount_of_bytes(total, of));
	else if (done)
		text_append(shown, sizeof(shown), &at, " (%s)", amount_of_bytes(done, amount));
	say(line, shown);
	line->is_drawn = true;
}

void wait_line_clear(struct wait_line *line)
{
	if (line->is_drawn)
		say(line, "");
	line->is_drawn = false;
}
