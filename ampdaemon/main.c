/* SPDX-License-Identifier: GPL-2.0-only */
/* ampdaemon: options, configuration, run. */
#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/daemon.h"

#define EXIT_USAGE 64
#define EXIT_CONFIGURATION 78 /* EX_CONFIG of sysexits.h */

const char *argp_program_version = "ampdaemon " AMP_VERSION;

struct options {
	const char *config;
	bool foreground, check;
};

static const struct argp_option descriptions[] = {
	{"config", 'c', "FILE", 0,
	 "Read the configuration from FILE (default: " AMP_PREFIX "/etc/ampdaemon.yaml)", 0},
	{"foreground", 'f', NULL, 0, "Log to standard error too", 0},
	{"check", 't', NULL, 0, "Check the configuration, say what is wrong, and exit", 0},
	{0},
};

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

int main(int argc, char **argv)
{
	struct options options = {.config = AMP_PREFIX "/etc/ampdaemon.yaml"};
	struct configuration *configuration;
	char error[5000];
	int status;

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&parser, argc, argv, 0, NULL, &options))
		return EXIT_USAGE;
	configuration = configuration_read(options.config, error, sizeof(error));
	if (!configuration) {
		(void)fprintf(stderr, "ampdaemon: %s\n", error);
		return EXIT_CONFIGURATION;
	}
	if (options.check) {
		(void)configuration_free(configuration);
		return EXIT_SUCCESS;
	}
	if (geteuid() != 0) {
		(void)fprintf(
			stderr,
			"ampdaemon: must be started as root: it gives rights away, it cannot make them\n");
		return EXIT_FAILURE;
	}
	configuration->log_to_stderr |= options.foreground;
	status = daemon_run(configuration);
	(void)configuration_free(configuration);
	return status;
}
