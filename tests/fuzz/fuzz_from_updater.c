/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz_from_updater: what the updater tells the daemon. */
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/packets.h"
#include "tests/support/update_messages.h"
#include "wire/update_report.h"

static struct update_report report;

/* As the daemon takes it: whatever comes, no file is named that was not asked for, and none after a lie. */
static void take(const struct from_updater *message)
{
	char name[UPDATE_REPORT_FILE_BYTES];
	const char *why = NULL;
	int r = update_report_take(&report, message, false, 1000, &why);

	FUZZ_CHECK(r == 0 || (why && *why && report.is_lie));
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		if (update_report_file(&report, i, name))
			FUZZ_CHECK(!report.is_lie && i < report.start->n_databases &&
				   report.results[i].mirror < report.start->n_mirrors &&
				   update_database_is_sound(report.start->databases[i]));
	}
	FUZZ_CHECK(!report.is_lie || !update_report_agrees(&report, 0));
}

static int decode(struct wire_arena *arenas[2], const uint8_t *packet, size_t len,
		  unsigned *ret_message)
{
	static struct from_updater first, again;
	static uint8_t bytes[LIMIT_PACKET_BYTES];
	const char *why = NULL;
	ssize_t n;
	int r = from_updater_decode(arenas[0], packet, len, &first, &why);

	if (r) {
		FUZZ_CHECK(why && *why);
		return r;
	}
	n = from_updater_encode(&first, bytes, sizeof(bytes));
	FUZZ_CHECK(n >= 0);
	FUZZ_CHECK(from_updater_decode(arenas[1], bytes, (size_t)n, &again, &why) == 0);
	FUZZ_CHECK(from_updater_equal(&first, &again));
	take(&first);
	*ret_message = first.kind;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n;

	update_report_init(&report, sample_update_starts(&n));
	packets_run(data, size, &rules_from_updater, decode);
	return 0;
}
