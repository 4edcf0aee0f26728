/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/cli.h"

#include "io/clock.h"

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	(void)arg; /* argp_error would name it; the sentence below is enough */
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = state->input;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "status takes no arguments");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

/* A field is a label of the text ("Scan Service"), or else a member of the JSON ("scan_service.pid"). */
static int show_field(const struct cli *cli, const struct status_report *status)
{
	const struct json_target json = cli_json(cli);
	const struct text_target text = cli_text(cli);

	if (!cli->json && render_text_status_field(&text, status, clock_utc_ms(), cli->field))
		return CLI_EXIT_OK;
	if (render_json_status(&json, status, clock_utc_ms()))
		return CLI_EXIT_OK;
	return cli_usage_error("status has no field '%s'", cli->field);
}

static int show(const struct cli *cli, const struct status_report *status)
{
	const struct json_target json = cli_json(cli);
	const struct text_target text = cli_text(cli);

	if (cli->field)
		return show_field(cli, status);
	if (cli->json)
		(void)render_json_status(&json, status,
					 clock_utc_ms()); /* only a field can be missing */
	else
		render_text_status(&text, status, clock_utc_ms());
	return CLI_EXIT_OK;
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.parser = take_option, .doc = "Show how the connector is.", .children = children};
	const struct request request = {.kind = REQUEST_STATUS};
	struct control_client *client;
	struct failure failure;
	struct reply reply;
	int code;

	cli_parse(&argp, argc, argv, cli);
	client = cli_connect(cli, &failure);
	if (!client)
		return cli_fail(&failure);
	if (control_client_ask(client, &request, REPLY_STATUS, &reply, &failure) < 0)
		code = cli_fail(&failure);
	else
		code = show(cli, &reply.status);
	(void)control_client_free(client);
	return code;
}
