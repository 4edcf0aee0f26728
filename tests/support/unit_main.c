/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/unit_main.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned failures_of(const CU_Test *test)
{
	unsigned n = 0;

	for (const CU_FailureRecord *f = CU_get_failure_list(); f; f = f->pNext)
		n += f->pTest == test;
	return n;
}

static void print_failures(const CU_Test *test)
{
	for (const CU_FailureRecord *f = CU_get_failure_list(); f; f = f->pNext) {
		if (f->pTest == test)
			printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
	}
}

static unsigned report(const CU_Suite *suite)
{
	unsigned failed = 0;

	for (const CU_Test *test = suite->pTest; test; test = test->pNext) {
		bool bad = failures_of(test) > 0;

		printf("%s - %s: %s\n", bad ? "not ok" : "ok", suite->pName, test->pName);
		print_failures(test);
		failed += bad;
	}
	return failed;
}

int unit_main(const char *name, const struct unit_test *tests, unsigned n_tests)
{
	CU_Suite *suite;
	unsigned failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%u\n", n_tests);
	if (n_tests == 0 || CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	suite = CU_add_suite(name, NULL, NULL);
	for (unsigned i = 0; suite && i < n_tests; i++) {
		if (!CU_add_test(suite, tests[i].name, tests[i].run)) {
			printf("Bail out! no test '%s': %s\n", tests[i].name, CU_get_error_msg());
			return EXIT_FAILURE;
		}
	}
	if (!suite || CU_run_all_tests() != CUE_SUCCESS) {
		printf("Bail out! %s\n", CU_get_error_msg());
		return EXIT_FAILURE;
	}
	failed = report(suite);
	CU_cleanup_registry();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
