/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_restart: what root asks the daemon to do to itself: restart in place, look again at what was put right. */
#include "ampcli/cli.h"

#include <poll.h>
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
	struct pollfd hang_up = {.fd = control_client_fd(client), .events = POLLIN};
	mono_ms deadline = clock_mono_ms() + AWAY_LIMIT_MS;
	struct reply reply;

	while (control_client_receive(client, &reply, ret_failure) >= 0) {
		if (clock_mono_ms() >= deadline)
			return failure_set(ret_failure, CLI_EXIT_REFUSED,
					   "the daemon did not restart: its log says why");
		(void)poll(&hang_up, 1, LOOK_EVERY_MS); /* either way we look */
	}
	return 0;
}

/* What was asked for and what became of it. */
struct errand {
	struct cli *cli;
	enum request_kind kind;
	char text[LIMIT_REASON_BYTES + 1]; /* the daemon's answer */
	int64_t ms;                        /* until it answered again; -1: it did not go away */
};

static int ask(struct errand *errand, struct failure *ret_failure)
{
	const struct request request = {.kind = errand->kind};
	struct control_client *client = cli_connect(errand->cli, ret_failure);
	struct reply reply;
	int r;

	if (!client)
		return -1;
	r = control_client_ask(client, &request, REPLY_DONE, &reply, ret_failure);
	if (!r) {
		(void)snprintf(errand->text, sizeof(errand->text), "%s", reply.done.text);
		if (!errand->cli->json && !errand->cli->field)
			(void)puts(errand->text);
	}
	if (!r && errand->kind == REQUEST_RESTART)
		r = await_hang_up(client, ret_failure);
	(void)control_client_free(client);
	return r;
}

static int await_answer(struct errand *errand, struct failure *ret_failure)
{
	mono_ms begun = clock_mono_ms();
	struct control_client *client = NULL;

	while (control_client_open(errand->cli->socket_path, &client, ret_failure) < 0) {
		if (clock_mono_ms() - begun > AWAY_LIMIT_MS)
			return -1;
		pause_a_little();
	}
	(void)control_client_free(client);
	errand->ms = clock_mono_ms() - begun;
	return 0;
}

static void show(const struct errand *errand)
{
	const struct json_target json = cli_json(errand->cli);

	if (errand->cli->json || errand->cli->field)
		(void)render_json_done(&json, errand->text,
				       errand->ms); /* the field was asked for in advance */
	else if (errand->ms >= 0)
		(void)printf("the connector answered again after %lld ms\n", (long long)errand->ms);
}

static int run(struct errand *errand, const char *doc, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {.parser = take_option, .doc = doc, .children = children};
	struct json_target probe = {0};
	struct failure failure;

	cli_parse(&argp, argc, argv, errand->cli);
	probe.field = errand->cli->field;
	if (probe.field && !render_json_done(&probe, "", -1))
		return cli_usage_error("there is no field '%s'", probe.field);
	if (ask(errand, &failure) < 0 ||
	    (errand->kind == REQUEST_RESTART && await_answer(errand, &failure) < 0))
		return cli_fail(&failure);
	show(errand);
	return CLI_EXIT_OK;
}

int cmd_restart(struct cli *cli, int argc, char **argv)
{
	struct errand errand = {.cli = cli, .kind = REQUEST_RESTART, .ms = -1};

	return run(
		&errand,
		"Restart the daemon in place (root): the scan service, its definitions and running scans go on.",
		argc, argv);
}

int cmd_recheck(struct cli *cli, int argc, char **argv)
{
	struct errand errand = {.cli = cli, .kind = REQUEST_RECHECK, .ms = -1};

	return run(
		&errand,
		"Look again at account, directories and definitions (root), as after a repair; the daemon does it by itself each minute.",
		argc, argv);
}
