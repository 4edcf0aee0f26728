/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/warm_up.h"

#include <errno.h>
#include <iconv.h>
#include <stddef.h>
#include <time.h>

/* Those that libclamav asks for (its entconv.c and the OLE, RTF and mail readers). */
static const char *const charsets[] = {
	"UTF-16",     "UTF-16LE", "UTF-16BE",  "UTF-32", "UTF-32LE", "UTF-32BE",   "UCS-2",
	"UCS-4",      "CP1252",   "CP1250",    "CP1251", "CP932",    "ISO-8859-1", "ISO-8859-2",
	"ISO-8859-5", "KOI8-R",   "SHIFT_JIS", "EUC-JP", "GB18030",  "BIG5",       "EUC-KR"};

int warm_up(void)
{
	time_t now = time(NULL);
	struct tm local;
	int result = 0;

	tzset();
	(void)localtime_r(&now, &local); /* for what it opens */
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		/* Kept open: closing would unload the module. */
		iconv_t from = iconv_open("UTF-8", charsets[i]);

		/* The first needs no optional package; a rare one may be missing, and is then missing in a scan too. */
		if (from == (iconv_t)-1 && i == 0)
			result = -EIO;
	}
	return result;
}
