/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_defupdate: has the daemon ask the mirrors for definitions, now. */
#include <unistd.h>

#include "ampcli/cli.h"
#include "ampcli/definition_send.h"
#include "base/update_outcome.h"

#define KEY_NOW 0x200

static const struct argp_option options[] = {
	{"now", KEY_NOW, NULL, 0,
	 "Outside the update window too (that is always so: the option is for scripts that say it)",
	 0},
	{0}};

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = state->input;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "defupdate takes no arguments, not '%s'", arg);
	else if (key != KEY_NOW)
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static int show(const struct cli *cli, const struct update_verdict *verdict)
{
	const struct json_target json = cli_json(cli);
	const struct text_target text = cli_text(cli);

	if (cli->json || cli->field)
		(void)render_json_update(&json, verdict); /* the field is known */
	else
		render_text_update(&text, verdict);
	if (verdict->is_rejected)
		return CLI_EXIT_REJECTED;
	return update_outcome_is_success((enum update_outcome)verdict->outcome)
		       ? CLI_EXIT_OK
		       : CLI_EXIT_NOT_ALL_SCANNED;
}

int cmd_defupdate(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.options = options,
		.parser = take_option,
		.doc = "Ask the mirrors for newer definitions now (root), and wait until they serve or are rejected. Exit code 0: updated, or nothing "
		       "newer; 2: no mirror could be asked to the end; 7: what was downloaded is rejected.",
		.children = children};
	const struct request request = {.kind = REQUEST_UPDATE};
	struct wait_line line = wait_line_on(STDERR_FILENO);
	struct control_client *client;
	struct failure failure;
	struct reply reply;
	int code;

	cli_parse(&argp, argc, argv, cli);
	if (cli->field && !render_json_knows_update_field(cli->field))
		return cli_usage_error("defupdate has no field '%s'", cli->field);
	client = cli_connect(cli, &failure);
	if (!client)
		return cli_fail(&failure);
	code = definition_ask(client, &request, REPLY_UPDATE_VERDICT, &line, &reply, &failure)
		       ? cli_fail(&failure)
		       : show(cli, &reply.update_verdict);
	(void)control_client_free(client);
	return code;
}
