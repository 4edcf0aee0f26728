/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unit_main: the common main of CUnit programs. Runs one suite and says in TAP on standard output
 * what came of it: a line per test, the failed assertions behind it. Names of tests are sentences.
 */
#ifndef AMP_TESTS_SUPPORT_UNIT_MAIN_H
#define AMP_TESTS_SUPPORT_UNIT_MAIN_H

struct unit_test {
	const char *name;
	void (*run)(void);
};

/* Returns the exit status: 0 when every test passed and there was at least one. */
int unit_main(const char *suite, const struct unit_test *tests, unsigned n_tests);

#define UNIT_MAIN(suite, tests)                                                                    \
	int main(void)                                                                             \
	{                                                                                          \
		return unit_main(suite, tests, sizeof(tests) / sizeof((tests)[0]));                \
	}

#endif
