/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include <time.h>

#include "ampcli/cli.h"

struct definitions_words {
	struct cli *cli;
};

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	const struct definitions_words *words = state->input;

	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = words->cli;
	else if (key == ARGP_KEY_ARG && (state->arg_num > 0 || strcmp(arg, "list") != 0))
		argp_error(state, "definitions knows only 'list', not '%s'", arg);
	else if (key == ARGP_KEY_END && state->arg_num == 0)
		argp_error(state, "definitions what? 'definitions list' shows them");
	else if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static void show(const struct cli *cli, const struct status_report *status)
{
	const struct json_target json = cli_json(cli);
	const struct text_target text = cli_text(cli);
	uint64_t now = (uint64_t)time(NULL) * 1000;

	if (!cli->json && !cli->field) {
		render_text_definitions(&text, status, now);
		return;
	}
	for (unsigned i = 0; i < status->n_files; i++)
		(void)render_json_definition(&json, status, i, now); /* the field is known */
}

int cmd_definitions(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.parser = take_option,
		.args_doc = "list",
		.doc = "Show the files of the definitions: what each gives, how old it is, why one is not used.",
		.children = children};
	struct request request = {.kind = REQUEST_STATUS};
	struct definitions_words words = {.cli = cli};
	struct control_client *client;
	struct failure failure;
	struct reply reply;
	int code = CLI_EXIT_OK;

	cli_parse(&argp, argc, argv, &words);
	if (cli->field && !render_json_knows_definition_field(cli->field))
		return cli_usage_error("no file of the definitions has a field '%s'", cli->field);
	client = cli_connect(cli, &failure);
	if (!client)
		return cli_fail(&failure);
	if (control_client_ask(client, &request, REPLY_STATUS, &reply, &failure) < 0)
		code = cli_fail(&failure);
	else
		show(cli, &reply.status);
	(void)control_client_free(client);
	return code;
}
