/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_restart: what root asks the daemon to do to itself: restart in place, look again at what was put right. */
#include "ampcli/cli.h"

#include <time.h>

#include "io/clock.h"

#define AWAY_LIMIT_MS 30000
#define LOOK_EVERY_MS 10

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	(void)arg; /* argp_error would name it; the sentence below is enough */
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = state->input;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "%s takes no arguments", state->name);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static void pause_a_little(void)
{
	const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};

	(void)nanosleep(&pause, NULL); /* cut short: we look sooner */
}

/* The old image hangs up when it leaves. One that is still there when the time is up could not leave. */
static int await_hang_up(struct control_client *client, struct failure *ret_failure)
{
	mono_ms deadline = clock_mono_ms() + AWAY_LIMIT_MS;
	struct reply reply;

	while (control_client_receive(client, &reply, ret_failure) >= 0) {
		if (clock_mono_ms() >= deadline)
			return failure_set(ret_failure, CLI_EXIT_REFUSED,
					   "the daemon did not restart: its log says why");
		pause_a_little();
	}
	return 0;
}

static int ask(struct cli *cli, enum request_kind kind, struct failure *ret_failure)
{
	const struct request request = {.kind = kind};
	struct control_client *client = cli_connect(cli, ret_failure);
	struct reply reply;
	int r;

	if (!client)
		return -1;
	r = control_client_ask(client, &request, REPLY_DONE, &reply, ret_failure);
	if (!r)
		(void)puts(reply.done.text);
	if (!r && kind == REQUEST_RESTART)
		r = await_hang_up(client, ret_failure);
	(void)control_client_free(client);
	return r;
}

static int await_answer(struct cli *cli, mono_ms begun, struct failure *ret_failure)
{
	struct control_client *client = NULL;

	while (control_client_open(cli->socket_path, &client, ret_failure) < 0) {
		if (clock_mono_ms() - begun > AWAY_LIMIT_MS)
			return -1;
		pause_a_little();
	}
	(void)control_client_free(client);
	(void)printf("the connector answered again after %lld ms\n",
		     (long long)(clock_mono_ms() - begun));
	return 0;
}

int cmd_restart(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.parser = take_option,
		.doc = "Restart the daemon in place (root): the scan service, its definitions and running scans go on.",
		.children = children};
	mono_ms begun = clock_mono_ms();
	struct failure failure;

	cli_parse(&argp, argc, argv, cli);
	if (ask(cli, REQUEST_RESTART, &failure) < 0 || await_answer(cli, begun, &failure) < 0)
		return cli_fail(&failure);
	return CLI_EXIT_OK;
}

int cmd_recheck(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.parser = take_option,
		.doc = "Look again at account, directories and definitions (root), as after a repair; the daemon does it by itself each minute.",
		.children = children};
	struct failure failure;

	cli_parse(&argp, argc, argv, cli);
	return ask(cli, REQUEST_RECHECK, &failure) < 0 ? cli_fail(&failure) : CLI_EXIT_OK;
}
