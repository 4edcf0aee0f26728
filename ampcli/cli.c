/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "ampcli/run_dir.h"
#include "base/text.h"

#define KEY_JSON 0x100
#define KEY_FIELD 0x101
#define KEY_SOCKET 0x102
#define KEY_CONFIG 0x103

static error_t take_common(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case KEY_JSON:
		cli->json = true;
		return 0;
	case KEY_FIELD:
		cli->field = arg;
		return 0;
	case KEY_SOCKET:
		cli->socket_path = arg;
		return 0;
	case KEY_CONFIG:
		cli->config_path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp *cli_common_argp(void)
{
	static const struct argp_option options[] = {
		{"json", KEY_JSON, NULL, 0, "Write JSON, one object per line (docs/json.md)", -2},
		{"field", KEY_FIELD, "NAME", 0,
		 "Write only this member of the JSON, as plain text; dots lead inside", -2},
		{"socket", KEY_SOCKET, "PATH", 0, "Control socket of the daemon", -2},
		{"config", KEY_CONFIG, "FILE", 0,
		 "Configuration of the daemon; its run_dir has the socket", -2},
		{0}};
	static const struct argp argp = {.options = options, .parser = take_common};

	return &argp;
}

void cli_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	(void)argp_parse(argp, argc, argv, 0, NULL,
			 input); /* ends the process itself when it fails */
}

int cli_find_socket(struct cli *cli, struct failure *ret_failure)
{
	if (cli->socket_path)
		return 0;
	if (cli->config_path && run_dir_read(cli->config_path, cli->socket_buffer,
					     sizeof(cli->socket_buffer), ret_failure) < 0)
		return -1;
	if (!cli->config_path)
		(void)snprintf(cli->socket_buffer, sizeof(cli->socket_buffer), "%s", AMP_RUN_DIR);
	if (strlen(cli->socket_buffer) + sizeof("/control.sock") > sizeof(cli->socket_buffer))
		return failure_set(ret_failure, CLI_EXIT_USAGE, "run_dir is too long");
	(void)strcat(cli->socket_buffer, "/control.sock");
	cli->socket_path = cli->socket_buffer;
	return 0;
}

struct control_client *cli_connect(struct cli *cli, struct failure *ret_failure)
{
	struct control_client *client = NULL;

	if (cli_find_socket(cli, ret_failure) < 0)
		return NULL;
	return control_client_open(cli->socket_path, &client, ret_failure) < 0 ? NULL : client;
}

int cli_fail(const struct failure *failure)
{
	(void)fflush(stdout); /* keeps the order on a terminal; main looks at errors */
	(void)fprintf(stderr, "ampcli: %s\n", failure->text);
	return (int)failure->exit;
}

int cli_usage_error(const char *format, ...)
{
	char raw[600], text[1000];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(raw, sizeof(raw), format, args); /* cut is good enough */
	va_end(args);
	(void)fprintf(stderr, "ampcli: %s\n", text_escape(span_of_text(raw), text, sizeof(text)));
	return CLI_EXIT_USAGE;
}

struct json_target cli_json(const struct cli *cli)
{
	return (struct json_target){.stream = stdout, .field = cli->field};
}

struct text_target cli_text(const struct cli *cli)
{
	return (struct text_target){.stream = stdout, .colour = cli->colour};
}
