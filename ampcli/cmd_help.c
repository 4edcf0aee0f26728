/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/cli.h"

static int help_on(struct cli *cli, const char *name)
{
	char program[80], option[] = "--help";

	for (const struct cli_command *command = cli_commands(); command->name; command++) {
		if (strcmp(command->name, name) != 0)
			continue;
		(void)snprintf(program, sizeof(program), "ampcli %s", name);
		if (command->run != cmd_help)
			return command->run(cli, 2, (char *[]){program, option, NULL});
	}
	if (strcmp(name, "help") == 0)
		return cmd_help(cli, 1, (char *[]){program, NULL});
	return cli_usage_error("there is no command '%s'; `ampcli help` names them", name);
}

int cmd_help(struct cli *cli, int argc, char **argv)
{
	if (argc > 2)
		return cli_usage_error("help takes the name of one command");
	if (argc == 2 && *argv[1] != '-')
		return help_on(cli, argv[1]);
	(void)printf("ampcli %s: talks to ampdaemon\n\n", AMP_VERSION);
	(void)printf(
		"Usage: ampcli [--socket PATH] [--config FILE] [--json] [--field NAME] COMMAND ...\n\n");
	for (const struct cli_command *command = cli_commands(); command->name; command++)
		(void)printf("  %-11s %s\n", command->name, command->help);
	(void)printf(
		"\n`ampcli help COMMAND` says more. Without a command ampcli reads commands from standard input.\n");
	return CLI_EXIT_OK;
}
