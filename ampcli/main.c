/* SPDX-License-Identifier: GPL-2.0-only */
/* main: the words of the command line to a command; standard streams; the exit code. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampcli/cli.h"
#include "ampcli/prompt.h"

struct main_words {
	struct cli *cli;
	int first; /* index of the command's name; 0: none */
};

static const struct cli_command commands[] = {
	{"status", cmd_status, "how the connector is: scan service, walls, definitions"},
	{"scan", cmd_scan, "scan custom PATH...: files and trees"},
	{"history", cmd_history, "history list: what the journal has recorded"},
	{"faults", cmd_faults, "faults [ID]: what keeps the connector from working as designed"},
	{"definitions", cmd_definitions,
	 "definitions list | store | check | import | rollback | export (check, import, rollback: root)"},
	{"defupdate", cmd_defupdate, "ask the mirrors for newer definitions now (root)"},
	{"unscannable", cmd_unscannable, "files that are not scanned because they failed workers"},
	{"restart", cmd_restart, "restart the daemon in place (root)"},
	{"recheck", cmd_recheck, "look again at account, directories, definitions (root)"},
	{"about", cmd_about, "versions of the programs, the engine, the definitions"},
	{"version", cmd_version, "version of this program"},
	{"help", cmd_help, "help [COMMAND]"},
	{NULL, NULL, NULL}};

const struct cli_command *cli_commands(void)
{
	return commands;
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	struct main_words *words = state->input;

	(void)arg; /* the words from here on are the command's */
	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = words->cli;
	} else if (key == ARGP_KEY_ARG) {
		words->first = state->next - 1;
		state->next = state->argc;
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void print_version(FILE *stream, struct argp_state *state)
{
	(void)state; /* argp's own signature */
	(void)fprintf(stream, "ampcli %s\n", AMP_VERSION);
}

static void parse(struct main_words *words, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, NULL, 0}, {0}};
	const struct argp argp = {.parser = take_option,
				  .args_doc = "COMMAND ...",
				  .doc = "Talk to ampdaemon. `ampcli help` names the commands.",
				  .children = children};

	argp_program_version_hook = print_version;
	argp_err_exit_status = CLI_EXIT_USAGE;
	(void)argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL,
			 words); /* ends the process itself when it fails */
}

static int run_command(struct cli *cli, int argc, char **argv)
{
	char program[80];

	for (const struct cli_command *command = commands; command->name; command++) {
		if (strcmp(command->name, argv[0]) != 0)
			continue;
		(void)snprintf(program, sizeof(program), "ampcli %s", argv[0]);
		argv[0] = program; /* as argp shows it */
		return command->run(cli, argc, argv);
	}
	return cli_usage_error("there is no command '%s'; `ampcli help` names them", argv[0]);
}

/* Everything that was said must have arrived; a reader that is satisfied early ended us by SIGPIPE. */
static int check_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	(void)fprintf(stderr, "ampcli: the output could not be written: %s\n", strerror(errno));
	return code == CLI_EXIT_OK ? CLI_EXIT_NOT_ALL_SCANNED : code;
}

static bool may_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) &&
	       !(term && strcmp(term, "dumb") == 0);
}

int main(int argc, char **argv)
{
	struct cli cli = {.colour = may_colour()};
	struct main_words words = {.cli = &cli};

	(void)setlocale(LC_ALL, ""); /* without it only the texts of libc are English */
	(void)signal(SIGPIPE,
		     SIG_DFL); /* whatever we inherited: `ampcli ... | head` ends quietly */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	parse(&words, argc, argv);
	if (words.first == 0)
		return check_output(prompt_run(&cli, run_command));
	return check_output(run_command(&cli, argc - words.first, argv + words.first));
}
