/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/prompt.h"

#include <editline/readline.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Copies one word to `to`; returns where the rest begins, NULL when a quote stays open. */
static char *take_word(char *from, char *to)
{
	char quote = 0;

	for (; *from && (quote || !strchr(" \t\n", *from)); from++) {
		if (*from == quote)
			quote = 0;
		else if (!quote && (*from == '"' || *from == '\''))
			quote = *from;
		else if (*from == '\\' && quote != '\'' && from[1])
			*to++ = *++from;
		else
			*to++ = *from;
	}
	if (*from)
		from++;
	*to = '\0';
	return quote ? NULL : from;
}

int prompt_split(char *line, char *words[PROMPT_WORDS + 1])
{
	int n = 0;

	for (line += strspn(line, " \t\n"); *line && *line != '#'; line += strspn(line, " \t\n")) {
		if (n == PROMPT_WORDS)
			return -1;
		words[n++] = line;
		line = take_word(line, line);
		if (!line)
			return -1;
	}
	words[n] = NULL;
	return n;
}

static int await(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return CLI_EXIT_NOT_ALL_SCANNED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Ctrl-C is for the command, not for the prompt. */
static int run_apart(struct cli *cli, int (*run)(struct cli *, int, char **), int argc, char **argv)
{
	void (*before)(int);
	pid_t child;
	int code;

	(void)fflush(NULL); /* nothing may be written twice */
	child = fork();
	if (child < 0)
		return cli_usage_error("no process for the command: %s", strerror(errno));
	if (child == 0) {
		code = run(cli, argc, argv);
		_exit(fflush(stdout) == 0 ? code : CLI_EXIT_NOT_ALL_SCANNED);
	}
	before = signal(SIGINT, SIG_IGN);
	code = await(child);
	(void)signal(SIGINT, before);
	return code;
}

static char *read_line(bool is_terminal)
{
	char *line = NULL;
	size_t size = 0;

	if (is_terminal)
		return readline("ampcli> ");
	if (getline(&line, &size, stdin) < 0) {
		free(line);
		return NULL;
	}
	return line;
}

/* 1: quit. Otherwise 0, and the code of a command that did not succeed goes to *code. */
static int run_line(struct cli *cli, int (*run)(struct cli *, int, char **), char *line, int *code)
{
	char *words[PROMPT_WORDS + 1];
	int n = prompt_split(line, words);
	int r;

	if (n == 0)
		return 0;
	if (n < 0) {
		*code = cli_usage_error("the line has an open quote or too many words");
		return 0;
	}
	if (strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0)
		return 1;
	r = run_apart(cli, run, n, words);
	if (r != CLI_EXIT_OK)
		*code = r;
	return 0;
}

int prompt_run(struct cli *cli, int (*run)(struct cli *cli, int argc, char **argv))
{
	bool is_terminal = isatty(STDIN_FILENO);
	int code = CLI_EXIT_OK, quit = 0;
	char *line;

	while (!quit && (line = read_line(is_terminal))) {
		if (is_terminal && *line)
			(void)add_history(
				line); /* without memory the line is only not remembered */
		quit = run_line(cli, run, line, &code);
		free(line);
	}
	return is_terminal ? CLI_EXIT_OK : code;
}
