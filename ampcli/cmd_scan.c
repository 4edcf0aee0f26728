/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ampcli/progress.h"
#include "ampcli/scan_run.h"

#define KEY_CROSS 0x200
#define KEY_ALL 0x201
#define KEY_FOLLOW 0x202
#define KEY_RECONNECT 0x203
#define KEY_NO_RECONNECT 0x204

#define PATIENCE_S 60 /* a start with the official definitions takes some ten seconds */

struct scan_words {
	struct cli *cli;
	bool cross, all;
	unsigned long patience; /* seconds */
	const char *kind;
	unsigned n_paths;
	char **paths; /* room for all words */
};

struct scan_view {
	const struct cli *cli;
	bool all;
	struct progress *progress;
};

static int stop_fd = -1; /* for the signal handler */

/* The second signal ends us as if there were no handler. */
static void ask_to_stop(int signal_number)
{
	static volatile sig_atomic_t asked;
	const uint64_t one = 1;
	int saved = errno;

	if (asked) {
		(void)signal(signal_number, SIG_DFL);
		(void)raise(signal_number);
	}
	asked = 1;
	if (write(stop_fd, &one, sizeof(one)) < 0)
		asked = 0; /* the next one tries again */
	errno = saved;
}

static void watch_signals(void)
{
	/* No SA_RESTART: an open() that a slow file system holds is given up. */
	const struct sigaction action = {.sa_handler = ask_to_stop};

	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		return; /* then a signal ends us without a summary */
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

static void show_line(void *context, const struct scan_line *line)
{
	const struct scan_view *view = context;
	const struct json_target json = cli_json(view->cli);
	const struct text_target text = cli_text(view->cli);

	if (line->verdict == VERDICT_CLEAN && !view->all)
		return;
	progress_clear(view->progress);
	if (view->cli->json || view->cli->field)
		(void)render_json_scan_line(&json, line); /* the field was asked for in advance */
	else
		render_text_scan_line(&text, line);
}

static void show_tick(void *context, const struct scan_tally *tally)
{
	const struct scan_view *view = context;

	progress_draw(view->progress, tally);
}

static void show_away(void *context, const char *reason)
{
	const struct scan_view *view = context;

	progress_clear(view->progress);
	(void)fflush(stdout); /* keeps the order on a terminal; main looks at errors */
	(void)fprintf(stderr, "ampcli: %s%s\n",
		      reason ? reason : "ampdaemon is back, the scan goes on",
		      reason ? "; the scan goes on when it answers" : "");
}

static void show_summary(const struct cli *cli, const struct scan_tally *tally)
{
	const struct json_target json = cli_json(cli);
	const struct text_target text = cli_text(cli);

	if (cli->json || cli->field)
		(void)render_json_scan_summary(&json,
					       tally); /* the field was asked for in advance */
	else
		render_text_scan_summary(&text, tally);
}

/* Absolute, so that the journal's entries mean something; nothing is resolved. NULL when that cannot be done. */
static char *make_absolute(const char *path)
{
	char *cwd, *absolute = NULL;

	if (*path == '/')
		return strdup(path);
	while (path[0] == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return NULL;
	if (*path == '\0' || strcmp(path, ".") == 0)
		return cwd;
	if (asprintf(&absolute, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path) < 0)
		absolute = NULL;
	free(cwd);
	return absolute;
}

static int scan_paths(struct cli *cli, const struct scan_words *words, struct scan_request *request)
{
	struct failure failure = {.exit = CLI_EXIT_OK};
	struct scan_view view = {.cli = cli, .all = words->all};
	const struct scan_sink sink = {
		.line = show_line, .tick = show_tick, .away = show_away, .context = &view};
	struct control_client *client = cli_connect(cli, &failure);
	struct scan_tally tally;
	int r;

	if (!client)
		return cli_fail(&failure);
	request->socket_path = cli->socket_path;
	view.progress =
		progress_new(STDERR_FILENO, request->paths, request->n_paths, &request->walk);
	r = scan_run(&client, request, &sink, &tally, &failure);
	view.progress = progress_free(view.progress);
	(void)control_client_free(client);
	if (r < 0)
		(void)cli_fail(&failure);
	if (r == 0 || tally.files > 0)
		show_summary(cli, &tally);
	return (int)scan_tally_exit(&tally, &failure);
}

static error_t take_word(struct scan_words *words, char *arg, struct argp_state *state)
{
	if (state->arg_num > 0) {
		if (*arg == '\0')
			argp_error(state, "a path must not be empty");
		words->paths[words->n_paths++] = arg;
		return 0;
	}
	if (strcmp(arg, "custom") != 0)
		argp_error(state,
			   "'%s' is not a kind of scan that this build has; there is: custom", arg);
	words->kind = arg;
	return 0;
}

static unsigned long take_seconds(const char *arg, const struct argp_state *state)
{
	char *end;
	unsigned long seconds = strtoul(arg, &end, 10);

	if (*arg < '0' || *arg > '9' || *end || seconds > 86400)
		argp_error(state, "--reconnect takes seconds, 0 to 86400, not '%s'", arg);
	return seconds;
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	struct scan_words *words = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = words->cli;
		return 0;
	case KEY_CROSS:
		words->cross = true;
		return 0;
	case KEY_ALL:
		words->all = true;
		return 0;
	case KEY_RECONNECT:
		words->patience = take_seconds(arg, state);
		return 0;
	case KEY_NO_RECONNECT:
		words->patience = 0;
		return 0;
	case KEY_FOLLOW:
		return 0; /* a scan of ours is followed to its end anyway */
	case ARGP_KEY_ARG:
		return take_word(words, arg, state);
	case ARGP_KEY_END:
		if (!words->kind || words->n_paths == 0)
			argp_error(state, "say what to scan: scan custom PATH...");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void parse(struct scan_words *words, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"cross", KEY_CROSS, NULL, 0,
		 "Go into other file systems that are mounted below a path", 0},
		{"all", KEY_ALL, NULL, 0, "Name the clean files too", 0},
		{"reconnect", KEY_RECONNECT, "SECONDS", 0,
		 "How long to wait for a daemon that went away in the middle (60; 0: not at all)",
		 0},
		{"no-reconnect", KEY_NO_RECONNECT, NULL, 0,
		 "Do not wait for a daemon that went away in the middle", 0},
		{"follow", KEY_FOLLOW, NULL, 0,
		 "Stay until the scan is done (always so in this version)", 0},
		{0}};
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.options = options,
		.parser = take_option,
		.args_doc = "custom PATH...",
		.doc = "Scan files and the regular files of trees; one file system unless --cross is given.\v"
		       "Exit status: 0 all clean, 1 threat found, 2 something could not be scanned, 3 usage, "
		       "4 daemon not reachable, 5 not permitted, 6 refused.",
		.children = children};

	cli_parse(&argp, argc, argv, words);
}

int cmd_scan(struct cli *cli, int argc, char **argv)
{
	struct scan_words words = {.cli = cli,
				   .patience = PATIENCE_S,
				   .paths = calloc((size_t)argc + 1, sizeof(char *))};
	struct scan_request request;
	int code = CLI_EXIT_OK;

	if (!words.paths)
		return cli_usage_error("not enough memory");
	parse(&words, argc, argv);
	if (cli->field && !render_json_knows_scan_field(cli->field))
		code = cli_usage_error("no line of a scan has a field '%s'", cli->field);
	for (unsigned i = 0; i < words.n_paths; i++) {
		words.paths[i] = make_absolute(words.paths[i]);
		if (!words.paths[i])
			code = cli_usage_error("the current directory cannot be named: %s",
					       strerror(errno));
	}
	if (code == CLI_EXIT_OK) {
		watch_signals();
		request = (struct scan_request){.paths = (const char *const *)words.paths,
						.n_paths = words.n_paths,
						.walk = {.cross = words.cross},
						.stop_fd = stop_fd,
						.patience = (mono_ms)words.patience * 1000};
		code = scan_paths(cli, &words, &request);
	}
	for (unsigned i = 0; i < words.n_paths; i++)
		free(words.paths[i]);
	free(words.paths);
	return code;
}
