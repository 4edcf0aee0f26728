/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/cli.h"

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	(void)arg; /* the sentence below is enough */
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = state->input;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "takes no arguments");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static void parse(struct cli *cli, int argc, char **argv, const char *doc)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {.parser = take_option, .doc = doc, .children = children};

	cli_parse(&argp, argc, argv, cli);
}

/* `about` answers without a daemon too: then it says why there is none, and still succeeds. */
static void ask(struct control_client *client, struct reply *reply, struct about_view *about,
		struct failure *failure)
{
	const struct request request = {.kind = REQUEST_STATUS};

	if (control_client_ask(client, &request, REPLY_STATUS, reply, failure) < 0) {
		about->trouble = failure->text;
		return;
	}
	about->daemon_version = reply->status.version;
	about->engine = reply->status.engine;
	about->generation = reply->status.generation;
	about->signatures = reply->status.signatures;
}

int cmd_about(struct cli *cli, int argc, char **argv)
{
	struct about_view about = {.client_version = AMP_VERSION,
				   .daemon_version = "",
				   .engine = "",
				   .socket = "",
				   .trouble = ""};
	struct control_client *client;
	struct failure failure;
	struct reply reply;
	int code = CLI_EXIT_OK;

	parse(cli, argc, argv,
	      "Show the versions of the programs, the engine and the definitions.");
	client = cli_connect(cli, &failure);
	if (client)
		ask(client, &reply, &about, &failure);
	else
		about.trouble = failure.text;
	about.socket = cli->socket_path ? cli->socket_path : "";
	if (!cli->json && !cli->field)
		render_text_about(&(struct text_target){.stream = stdout, .colour = cli->colour},
				  &about);
	else if (!render_json_about(&(struct json_target){.stream = stdout, .field = cli->field},
				    &about))
		code = cli_usage_error("about has no field '%s'", cli->field);
	(void)control_client_free(client);
	return code;
}

int cmd_version(struct cli *cli, int argc, char **argv)
{
	parse(cli, argc, argv, "Show the version of this program.");
	if (cli->field && strcmp(cli->field, "ampcli") != 0)
		return cli_usage_error("version has no field '%s'", cli->field);
	(void)printf(cli->field  ? "%s\n"
		     : cli->json ? "{\"ampcli\":\"%s\"}\n"
				 : "ampcli %s\n",
		     AMP_VERSION);
	return CLI_EXIT_OK;
}
