/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/cli.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fault.h"

struct fault_words {
	struct cli *cli;
	uint32_t id; /* 0: all active ones */
};

static void refuse_number(const char *arg, const struct argp_state *state)
{
	char ids[16 * FAULT_COUNT] = "";
	size_t at = 0;

	for (unsigned i = 0; i < FAULT_COUNT; i++)
		at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%u", i ? ", " : "",
				       (unsigned)fault_at(i)->id); /* ten digits and a comma fit */
	argp_error(state, "'%s' is not the number of a fault; there are: %s", arg, ids);
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	struct fault_words *words = state->input;
	unsigned long id;
	char *end;

	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = words->cli;
		return 0;
	}
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (state->arg_num > 0)
		argp_error(state, "one fault at a time");
	errno = 0;
	id = strtoul(arg, &end, 10);
	if (errno || *arg < '0' || *arg > '9' || *end || id > UINT32_MAX || !fault_of((uint32_t)id))
		refuse_number(arg, state);
	words->id = (uint32_t)id;
	return 0;
}

static int show(const struct fault_words *words, const struct reply *reply)
{
	const struct json_target json = cli_json(words->cli);
	const struct text_target text = cli_text(words->cli);

	if (words->cli->json || words->cli->field) {
		if (!render_json_faults(&json, reply->faults.faults, reply->faults.n_faults))
			return cli_usage_error("faults have no field '%s'", words->cli->field);
		return CLI_EXIT_OK;
	}
	if (!reply->faults.n_faults)
		(void)puts("No fault is active.");
	for (unsigned i = 0; i < reply->faults.n_faults; i++)
		render_text_fault(&text, &reply->faults.faults[i], words->id != 0);
	return CLI_EXIT_OK;
}

int cmd_faults(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.parser = take_option,
		.args_doc = "[ID]",
		.doc = "Show the active faults, or one of the catalogue with its history.",
		.children = children};
	struct fault_words words = {.cli = cli};
	struct request request = {.kind = REQUEST_FAULTS};
	struct control_client *client;
	struct failure failure;
	struct reply reply;
	int code;

	cli_parse(&argp, argc, argv, &words);
	request.faults.id = words.id;
	client = cli_connect(cli, &failure);
	if (!client)
		return cli_fail(&failure);
	if (control_client_ask(client, &request, REPLY_FAULTS, &reply, &failure) < 0)
		code = cli_fail(&failure);
	else
		code = show(&words, &reply);
	(void)control_client_free(client);
	return code;
}
