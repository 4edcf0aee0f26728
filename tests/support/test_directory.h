/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_directory: a directory of this program alone, below AMP_TMP when ./test gives one. The paths returned are valid until
 * the 8th call after.
 */
#ifndef AMP_TESTS_SUPPORT_TEST_DIRECTORY_H
#define AMP_TESTS_SUPPORT_TEST_DIRECTORY_H

const char *test_directory(void);

/* test_directory()/NAME */
const char *test_path(const char *name);

/* NAME with `text` in it; ends the program when that fails. */
const char *test_file(const char *name, const char *text);

#endif
