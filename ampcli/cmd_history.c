/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "io/clock.h"

#define KEY_LIMIT 0x300
#define KEY_TYPE 0x301
#define KEY_SINCE 0x302

#define DEFAULT_ROWS 50 /* a few screens */

struct history_words {
	struct cli *cli;
	bool is_list;
	uint64_t limit;
	uint32_t type;
	uint64_t since_ms;
};

static bool read_number(const char *text, int base, uint64_t *ret_number)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, base);
	if (errno || end == text || *end || *text == '-')
		return false;
	*ret_number = number;
	return true;
}

static bool read_type(const char *text, uint32_t *ret_type)
{
#define ROW(member, number, name) {number, name},
	static const struct {
		uint32_t number;
		const char *name;
	} types[] = {EVENT_TYPE_LIST(ROW)};
#undef ROW
	uint64_t number;

	if (read_number(text, 0, &number) && number > 0 && number <= UINT32_MAX) {
		*ret_type = (uint32_t)number;
		return true;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcasecmp(text, types[i].name) == 0) {
			*ret_type = types[i].number;
			return true;
		}
	}
	return false;
}

/* "90s", "15m", "2h", "7d": so long ago. */
static bool read_ago(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
	static const struct {
		char unit;
		uint64_t ms;
	} units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (errno || end == text || *text == '-' || *end != units[i].unit || end[1])
			continue;
		*ret_ms = n > now_ms / units[i].ms ? 0 : now_ms - n * units[i].ms;
		return true;
	}
	return false;
}

/* Local time unless it ends in Z. */
static bool read_date(const char *text, uint64_t *ret_ms)
{
	static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					      "%Y-%m-%d %H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, formats[i], &tm);
		bool utc = end && strcmp(end, "Z") == 0;
		time_t seconds;

		if (!end || (*end && !utc))
			continue;
		seconds = utc ? timegm(&tm) : mktime(&tm);
		if (seconds < 0)
			return false;
		*ret_ms = (uint64_t)seconds * 1000;
		return true;
	}
	return false;
}

static bool read_time(const char *text, uint64_t *ret_ms)
{
	if (*text == '@' && read_number(text + 1, 10, ret_ms) && *ret_ms < UINT64_MAX / 1000) {
		*ret_ms *= 1000;
		return true;
	}
	return read_ago(text, clock_utc_ms(), ret_ms) || read_date(text, ret_ms);
}

static error_t take_word(struct history_words *words, const char *arg, struct argp_state *state)
{
	if (state->arg_num > 0 || strcmp(arg, "list") != 0)
		argp_error(state, "'%s' is not something that history can do; there is: list", arg);
	words->is_list = true;
	return 0;
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	struct history_words *words = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = words->cli;
		return 0;
	case KEY_LIMIT:
		if (!read_number(arg, 10, &words->limit) || words->limit == 0)
			argp_error(state, "--limit takes a number from 1 up, not '%s'", arg);
		return 0;
	case KEY_TYPE:
		if (!read_type(arg, &words->type))
			argp_error(state, "'%s' is not the name or number of an event type", arg);
		return 0;
	case KEY_SINCE:
		if (!read_time(arg, &words->since_ms))
			argp_error(
				state,
				"'%s' is not a time: 2h, 7d, 2030-01-31, '2030-01-31 12:00', @SECONDS",
				arg);
		return 0;
	case ARGP_KEY_ARG:
		return take_word(words, arg, state);
	case ARGP_KEY_END:
		if (!words->is_list)
			argp_error(state, "say what to do: history list");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void parse(struct history_words *words, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"limit", KEY_LIMIT, "N", 0, "At most so many events, the newest first (50)", 0},
		{"type", KEY_TYPE, "NAME|NUMBER", 0,
		 "Only events of this type, e.g. 'Threat Detected'", 0},
		{"since", KEY_SINCE, "TIME", 0,
		 "Only events since 2h, 7d, 2030-01-31, '2030-01-31 12:00' or @SECONDS", 0},
		{0}};
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {.options = options,
				  .parser = take_option,
				  .args_doc = "list",
				  .doc = "Show what the journal has recorded.",
				  .children = children};

	cli_parse(&argp, argc, argv, words);
}

static void show(const struct cli *cli, const struct event *event)
{
	const struct json_target json = cli_json(cli);
	const struct text_target text = cli_text(cli);

	if (cli->json || cli->field)
		(void)render_json_event(&json, event); /* an event without the field says nothing */
	else
		render_text_event(&text, event);
}

static int list(const struct history_words *words, struct control_client *client,
		struct failure *ret_failure)
{
	struct request request = {.kind = REQUEST_HISTORY,
				  .history = {.type = words->type, .since_ms = words->since_ms}};
	uint64_t left = words->limit;
	struct reply reply;

	do {
		request.history.limit =
			left < LIMIT_HISTORY_ROWS ? (uint32_t)left : LIMIT_HISTORY_ROWS;
		if (control_client_ask(client, &request, REPLY_HISTORY, &reply, ret_failure) < 0)
			return -1;
		for (unsigned i = 0; i < reply.history.n_events && left > 0; i++, left--) {
			const struct event *event = &reply.history.events[i];

			if (request.history.before && event->sequence >= request.history.before)
				return failure_set(
					ret_failure, CLI_EXIT_NO_DAEMON,
					"ampdaemon broke the protocol: the journal goes in circles");
			show(words->cli, event);
			request.history.before = event->sequence;
		}
	} while (reply.history.more && reply.history.n_events > 0 && left > 0);
	return 0;
}

int cmd_history(struct cli *cli, int argc, char **argv)
{
	struct history_words words = {.cli = cli, .limit = DEFAULT_ROWS};
	struct control_client *client;
	struct failure failure;
	int code = CLI_EXIT_OK;

	parse(&words, argc, argv);
	if (cli->field && !render_json_knows_event_field(cli->field))
		return cli_usage_error("no event has a field '%s'", cli->field);
	client = cli_connect(cli, &failure);
	if (!client)
		return cli_fail(&failure);
	if (list(&words, client, &failure) < 0)
		code = cli_fail(&failure);
	(void)control_client_free(client);
	return code;
}
