/* SPDX-License-Identifier: GPL-2.0-only */
/* ampdaemon: options, configuration, run. */
#include <argp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/daemon.h"
#include "ampdaemon/handover.h"
#include "ampdaemon/overseer.h"

const char *argp_program_version = "ampdaemon " AMP_VERSION;

struct options {
	const char *config;
	bool foreground, check, supervised;
	unsigned hang_limit;
	unsigned handover; /* 0: not asked */
};

#define HANG_LIMIT_MOST 3600

enum long_only { KEY_SUPERVISED = 256, KEY_HANG_LIMIT, KEY_HANDOVER_VERSION };

static const struct argp_option descriptions[] = {
	{"config", 'c', "FILE", 0,
	 "Read the configuration from FILE (default: " AMP_PREFIX "/etc/ampdaemon.yaml)", 0},
	{"foreground", 'f', NULL, 0, "Log to standard error too", 0},
	{"check", 't', NULL, 0, "Check the configuration, say what is wrong, and exit", 0},
	{"supervised", KEY_SUPERVISED, NULL, 0,
	 "Stay as a small parent that starts the daemon again when it ends or hangs", 0},
	{"hang-limit", KEY_HANG_LIMIT, "SECONDS", 0,
	 "With --supervised: how long the daemon may give no sign of life (default: 30)", 0},
	{"handover-version", KEY_HANDOVER_VERSION, "NUMBER", OPTION_HIDDEN, NULL, 0},
	{0},
};

/* 1 to `most`; anything else ends the program with the usage. */
static unsigned number_of(const char *text, unsigned most, const struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !number || number > most)
		argp_error(state, "'%s' is not a number from 1 to %u", text, most);
	return (unsigned)number;
}

static error_t take(int key, char *value, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c':
		options->config = value;
		return 0;
	case 'f':
		options->foreground = true;
		return 0;
	case 't':
		options->check = true;
		return 0;
	case KEY_SUPERVISED:
		options->supervised = true;
		return 0;
	case KEY_HANG_LIMIT:
		options->hang_limit = number_of(value, HANG_LIMIT_MOST, state);
		return 0;
	case KEY_HANDOVER_VERSION:
		options->handover = number_of(value, UINT_MAX, state);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = descriptions,
	.parser = take,
	.doc = "The privileged daemon of amp: watches over the scan service and hands it what is to be scanned.",
};

/* The daemon is started by the overseer as it was started itself, but for --supervised: argp takes it cut short, too. */
static void drop_supervised(char **arguments)
{
	static const char option[] = "--supervised";
	char **out = arguments + 1;

	for (char **in = arguments + 1; *in; in++) {
		if (strlen(*in) < 3 || strncmp(*in, option, strlen(*in)) != 0)
			*out++ = *in;
	}
	*out = NULL;
}

static int check_handover(unsigned version)
{
	if (version <= HANDOVER_VERSION)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "ampdaemon: a state of version %u cannot be read: %d is the newest\n",
		      version, HANDOVER_VERSION);
	return EXIT_FAILURE;
}

static int run(const struct options *options, struct configuration *configuration, char **arguments)
{
	if (options->check)
		return check_handover(options->handover);
	if (geteuid() != 0) {
		(void)fprintf(
			stderr,
			"ampdaemon: must be started as root: it gives rights away, it cannot make them\n");
		return EXIT_FAILURE;
	}
	if (options->supervised) {
		drop_supervised(arguments);
		return overseer_run(arguments, options->hang_limit);
	}
	configuration->log_to_stderr |= options->foreground;
	return daemon_run(configuration);
}

int main(int argc, char **argv)
{
	struct options options = {.config = AMP_PREFIX "/etc/ampdaemon.yaml",
				  .hang_limit = OVERSEER_HANG_LIMIT};
	struct configuration *configuration;
	char error[5000];
	int status;

	argp_err_exit_status = EXIT_USAGE;
	handover_remember(argv);
	if (argp_parse(&parser, argc, argv, 0, NULL, &options))
		return EXIT_USAGE;
	configuration = configuration_read(options.config, error, sizeof(error));
	if (!configuration) {
		(void)fprintf(stderr, "ampdaemon: %s\n", error);
		return EXIT_CONFIGURATION;
	}
	status = run(&options, configuration, argv);
	(void)configuration_free(configuration);
	return status;
}
