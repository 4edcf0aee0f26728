/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/exit_code.h"

const char *exit_code_text(int code)
{
	switch (code) {
	case EXIT_CODE_OK:
		return "ended when told to";
	case EXIT_CODE_USAGE:
		return "was not started by ampdaemon";
	case EXIT_CODE_PROTOCOL:
		return "could not understand the daemon";
	case EXIT_CODE_WALLS:
		return "could not build its walls";
	case EXIT_CODE_DEFINITIONS:
		return "could not load any definitions";
	case EXIT_CODE_MEMORY:
		return "had too little memory to load the definitions";
	case EXIT_CODE_CANARY:
		return "did not find its canaries";
	case EXIT_CODE_TEMP:
		return "could not use its temporary storage";
	case EXIT_CODE_CHANNEL:
		return "lost its channel";
	case EXIT_CODE_INTERNAL:
		return "met an error of its own";
	default:
		return "exit status is not one of ours";
	}
}
