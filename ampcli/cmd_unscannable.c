/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/cli.h"

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	(void)arg; /* argp_error would name it; the sentence below is enough */
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = state->input;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unscannable takes no arguments");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static void show(const struct cli *cli, const struct unscannable_report *file)
{
	const struct json_target json = cli_json(cli);
	const struct text_target text = cli_text(cli);

	if (cli->json || cli->field)
		(void)render_json_unscannable(&json, file); /* the field was asked for in advance */
	else
		render_text_unscannable(&text, file);
}

/* Page by page: entries that come or go meanwhile may be missed or shown twice, no page is ever empty for ever. */
static int list(const struct cli *cli, struct control_client *client, struct failure *ret_failure)
{
	struct request request = {.kind = REQUEST_UNSCANNABLE,
				  .unscannable = {.limit = LIMIT_HISTORY_ROWS}};
	struct reply reply;
	uint32_t shown = 0;

	do {
		if (control_client_ask(client, &request, REPLY_UNSCANNABLE, &reply, ret_failure) <
		    0)
			return -1;
		for (unsigned i = 0; i < reply.unscannable.n_files; i++)
			show(cli, &reply.unscannable.files[i]);
		shown += reply.unscannable.n_files;
		request.unscannable.from = shown;
	} while (reply.unscannable.more && reply.unscannable.n_files > 0 &&
		 shown < LIMIT_UNSCANNABLE);
	if (!shown && !cli->json && !cli->field)
		(void)puts("No file is unscannable.");
	return 0;
}

int cmd_unscannable(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.parser = take_option,
		.doc = "List the files that failed scan workers twice: they are not scanned again until they or the definitions change.",
		.children = children};
	struct control_client *client;
	struct failure failure;
	int code = CLI_EXIT_OK;

	cli_parse(&argp, argc, argv, cli);
	if (cli->field && !render_json_knows_unscannable_field(cli->field))
		return cli_usage_error("no unscannable file has a field '%s'", cli->field);
	client = cli_connect(cli, &failure);
	if (!client)
		return cli_fail(&failure);
	if (list(cli, client, &failure) < 0)
		code = cli_fail(&failure);
	(void)control_client_free(client);
	return code;
}
