/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include <time.h>

#include "ampcli/cli.h"
#include "ampcli/definition_check.h"

#define FILES_MAX LIMIT_DEFINITION_FILES

struct definitions_words {
	struct cli *cli;
	bool is_check;
	int n_files;
	char *files[FILES_MAX];
};

static void take_word(struct definitions_words *words, char *arg, const struct argp_state *state)
{
	if (state->arg_num == 0) {
		words->is_check = strcmp(arg, "check") == 0;
		if (!words->is_check && strcmp(arg, "list") != 0)
			argp_error(state, "definitions knows 'list' and 'check', not '%s'", arg);
	} else if (!words->is_check) {
		argp_error(state, "definitions list takes no arguments");
	} else if (words->n_files == FILES_MAX) {
		argp_error(state, "a set has at most %d files", FILES_MAX);
	} else {
		words->files[words->n_files++] = arg;
	}
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	struct definitions_words *words = state->input;

	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = words->cli;
	} else if (key == ARGP_KEY_ARG) {
		take_word(words, arg, state);
	} else if (key == ARGP_KEY_END) {
		if (state->arg_num == 0)
			argp_error(state, "definitions what? 'definitions list' shows them");
		if (words->is_check && !words->n_files)
			argp_error(state, "which files are to be checked?");
	} else {
		return ARGP_ERR_UNKNOWN;
	}
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

static int list(const struct cli *cli, struct control_client *client)
{
	const struct request request = {.kind = REQUEST_STATUS};
	struct failure failure;
	struct reply reply;

	if (control_client_ask(client, &request, REPLY_STATUS, &reply, &failure) < 0)
		return cli_fail(&failure);
	show(cli, &reply.status);
	return CLI_EXIT_OK;
}

static int check(const struct definitions_words *words, struct control_client *client)
{
	const struct json_target json = cli_json(words->cli);
	const struct text_target text = cli_text(words->cli);
	struct failure failure;
	struct reply reply;

	if (definition_check(client, words->files, words->n_files, &reply, &failure))
		return cli_fail(&failure);
	if (words->cli->json || words->cli->field)
		(void)render_json_check(&json, &reply.check_verdict); /* the field is known */
	else
		render_text_check(&text, &reply.check_verdict);
	return reply.check_verdict.passed ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}

static bool knows_field(const struct definitions_words *words)
{
	const char *field = words->cli->field;

	return !field || (words->is_check ? render_json_knows_check_field(field)
					  : render_json_knows_definition_field(field));
}

int cmd_definitions(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.parser = take_option,
		.args_doc = "list\ncheck FILE...",
		.doc = "Show the files of the definitions; or have others tried as a set, by the scan service behind its walls, without using "
		       "them (root).",
		.children = children};
	struct definitions_words words = {.cli = cli};
	struct control_client *client;
	struct failure failure;
	int code;

	cli_parse(&argp, argc, argv, &words);
	if (!knows_field(&words))
		return cli_usage_error("definitions %s has no field '%s'",
				       words.is_check ? "check" : "list", cli->field);
	client = cli_connect(cli, &failure);
	if (!client)
		return cli_fail(&failure);
	code = words.is_check ? check(&words, client) : list(cli, client);
	(void)control_client_free(client);
	return code;
}
