/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prompt: commands from standard input, one per line: with a prompt and a history on a terminal, plain otherwise. Owns the
 * splitting of a line into words (blanks, quotes, backslash; nothing is ever expanded). Each command runs in a process of
 * its own, so that none can hurt the next.
 */
#ifndef AMP_AMPCLI_PROMPT_H
#define AMP_AMPCLI_PROMPT_H

#include "ampcli/cli.h"

#define PROMPT_WORDS 256

/* Splits `line` in place. The number of words, or -1 when a quote is open or there are more than PROMPT_WORDS. */
int prompt_split(char *line, char *words[PROMPT_WORDS + 1]);

/* Until end-of-file or `quit`. The exit code of the last command that did not succeed, or 0. */
int prompt_run(struct cli *cli, int (*run)(struct cli *cli, int argc, char **argv));

#endif
