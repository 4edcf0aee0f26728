/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cli: what every command is given, and the options that all of them share. A command is a function from its words to an
 * exit code; it parses them first and talks to the daemon after that, so that a slip of the pen is one even when the daemon
 * is down.
 */
#ifndef AMP_AMPCLI_CLI_H
#define AMP_AMPCLI_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>

#include "ampcli/control_client.h"
#include "ampcli/failure.h"
#include "ampcli/render_json.h"
#include "ampcli/render_text.h"

struct cli {
	const char *socket_path; /* NULL: that of the configuration, or the default */
	const char *config_path;
	bool json;
	const char *field;
	bool colour;
	char socket_buffer[4200]; /* run_dir is at most 4,000 bytes */
};

struct cli_command {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *help;
};

/* The table; its end has no name. */
const struct cli_command *cli_commands(void);

/* --socket, --config, --json, --field; its input is the struct cli. */
const struct argp *cli_common_argp(void);

/* argp_parse() for a command; argv[0] is shown as the program. Ends the process after --help and errors of usage. */
void cli_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Fills cli->socket_path. 0, or -1 with the reason. */
int cli_find_socket(struct cli *cli, struct failure *ret_failure);

/* NULL with the reason in *ret_failure. The caller frees. */
struct control_client *cli_connect(struct cli *cli, struct failure *ret_failure);

/* Says it on standard error; returns the exit code. */
int cli_fail(const struct failure *failure);
int cli_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct json_target cli_json(const struct cli *cli);
struct text_target cli_text(const struct cli *cli);

int cmd_status(struct cli *cli, int argc, char **argv);
int cmd_scan(struct cli *cli, int argc, char **argv);
int cmd_history(struct cli *cli, int argc, char **argv);
int cmd_faults(struct cli *cli, int argc, char **argv);
int cmd_defupdate(struct cli *cli, int argc, char **argv);
int cmd_definitions(struct cli *cli, int argc, char **argv);
int cmd_unscannable(struct cli *cli, int argc, char **argv);
int cmd_restart(struct cli *cli, int argc, char **argv);
int cmd_recheck(struct cli *cli, int argc, char **argv);
int cmd_about(struct cli *cli, int argc, char **argv);
int cmd_help(struct cli *cli, int argc, char **argv);
int cmd_version(struct cli *cli, int argc, char **argv);

#endif
