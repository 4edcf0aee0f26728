/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/update_outcome.h"

#include "base/exit_code.h"

NAME_TABLE_DEFINE(update_outcome, UPDATE_OUTCOME_LIST)

#define WORDS(member, name, words, of_mirror) [member] = (words),
#define OF_MIRROR(member, name, words, of_mirror) [member] = (of_mirror),

const char *update_outcome_words(unsigned outcome)
{
	static const char *const words[] = {UPDATE_OUTCOME_LIST(WORDS)};

	return outcome < UPDATE_OUTCOME_COUNT ? words[outcome] : "unknown";
}

bool update_outcome_is_success(enum update_outcome outcome)
{
	return outcome == UPDATE_UPDATED || outcome == UPDATE_NOTHING_NEW;
}

bool update_outcome_is_of_mirror(enum update_outcome outcome)
{
	static const bool of_mirror[] = {UPDATE_OUTCOME_LIST(OF_MIRROR)};

	return outcome < UPDATE_OUTCOME_COUNT && of_mirror[outcome];
}

int update_outcome_exit(enum update_outcome outcome)
{
	return outcome == UPDATE_UPDATED ? EXIT_CODE_OK : UPDATE_EXIT_BASE + (int)outcome;
}

const char *update_exit_text(int code)
{
	if (code == EXIT_CODE_OK)
		return update_outcome_words(UPDATE_UPDATED);
	if (code > UPDATE_EXIT_BASE && code < UPDATE_EXIT_BASE + UPDATE_OUTCOME_COUNT)
		return update_outcome_words((unsigned)(code - UPDATE_EXIT_BASE));
	return exit_code_text(code);
}
