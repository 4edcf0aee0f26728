/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/number_scan.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_DIGITS 9 /* what surely fits into an unsigned; longer ones are libc's */

/* The number at `text` and what follows it; NULL when libc must look: no digit first, or many of them. */
static const char *take_number(const char *text, unsigned *ret_number)
{
	unsigned number = 0;
	int digits = 0;

	for (; *text >= '0' && *text <= '9' && digits <= MAX_DIGITS; digits++)
		number = number * 10 + (unsigned)(*text++ - '0');
	*ret_number = number;
	return digits > 0 && digits <= MAX_DIGITS ? text : NULL;
}

/* "%u" and "%u,%u": how many numbers were read; -2 when it is neither, or not an easy case. */
static int take_easy(const char *text, const char *format, unsigned numbers[2])
{
	bool two = format[0] == '%' && format[1] == 'u' && !strcmp(format + 2, ",%u");

	if (!two && strcmp(format, "%u") != 0)
		return -2;
	text = take_number(text, &numbers[0]);
	if (!text)
		return -2;
	if (!two || *text != ',')
		return 1;
	return take_number(text + 1, &numbers[1]) ? 2 : -2;
}

int number_scan(const char *text, const char *format, va_list arguments)
{
	unsigned numbers[2];
	int n = take_easy(text, format, numbers);

	if (n == -2)
		return vsscanf(text, format, arguments);
	for (int i = 0; i < n; i++)
		*va_arg(arguments, unsigned *) = numbers[i];
	return n;
}

#if !AMP_SANITIZED /* the sanitizers have their own */
#define DEFINE_SSCANF(function, symbol)                                                            \
	int function(const char *text, const char *format, ...) __asm__(symbol);                   \
	__attribute__((visibility("default"), used, format(scanf, 2, 3))) int function(            \
		const char *text, const char *format, ...)                                         \
	{                                                                                          \
		va_list arguments;                                                                 \
		int n;                                                                             \
                                                                                                   \
		va_start(arguments, format);                                                       \
		n = number_scan(text, format, arguments);                                          \
		va_end(arguments);                                                                 \
		return n;                                                                          \
	}

/* By the names that libraries ask for: GNU's own, C99's since glibc 2.7, C23's since 2.38. */
DEFINE_SSCANF(sscanf_gnu, "sscanf")
DEFINE_SSCANF(sscanf_c99, "__isoc99_sscanf")
DEFINE_SSCANF(sscanf_c23, "__isoc23_sscanf")
#endif
