/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/fault_registry.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/unit_main.h"

#define RAISED FAULT_ANNOUNCE_RAISED
#define CLEARED FAULT_ANNOUNCE_CLEARED
#define ALL_CLEARED FAULT_ANNOUNCE_ALL_CLEARED

static struct fault_registry registry; /* large */

static const struct fault_record *record_of(uint32_t id)
{
	const struct fault_record *record = fault_registry_get(&registry, id);

	CU_ASSERT_PTR_NOT_NULL_FATAL(record);
	return record;
}

static unsigned raise(uint32_t id, enum fault_severity severity, const char *detail, uint64_t ms)
{
	return fault_registry_raise(&registry, id, severity, detail, NULL, ms);
}

static void a_raise_is_announced_once(void)
{
	const struct fault_record *record;

	fault_registry_init(&registry);
	CU_ASSERT_FALSE(fault_registry_is_active(&registry, 6));
	CU_ASSERT_EQUAL(raise(6, FAULT_MAJOR, "five", 1000), RAISED);
	CU_ASSERT_EQUAL(raise(6, FAULT_MAJOR, "six", 2000), 0);
	CU_ASSERT_EQUAL(raise(6, FAULT_MAJOR, "seven", 3000), 0);
	CU_ASSERT_TRUE(fault_registry_is_active(&registry, 6));
	record = record_of(6);
	CU_ASSERT_EQUAL(record->raised_ms, 1000);
	CU_ASSERT_EQUAL(record->seen_ms, 3000);
	CU_ASSERT_EQUAL(record->count, 3);
	CU_ASSERT_STRING_EQUAL(record->detail, "seven");
	CU_ASSERT_STRING_EQUAL(record->remedy, fault_of(6)->remedy);
}

static void another_severity_is_announced_and_the_raise_stays_where_it_was(void)
{
	fault_registry_init(&registry);
	CU_ASSERT_EQUAL(raise(6, FAULT_MAJOR, "a", 1000), RAISED);
	CU_ASSERT_EQUAL(raise(6, FAULT_CRITICAL, "b", 2000), RAISED);
	CU_ASSERT_EQUAL(raise(6, FAULT_CRITICAL, "c", 3000), 0);
	CU_ASSERT_EQUAL(raise(6, FAULT_MAJOR, "d", 4000), RAISED); /* a relief */
	CU_ASSERT_EQUAL(record_of(6)->raised_ms, 1000);
	CU_ASSERT_EQUAL(record_of(6)->severity, FAULT_MAJOR);
	CU_ASSERT_EQUAL(record_of(6)->count, 4);
	CU_ASSERT_EQUAL(registry.n_active, 1);
}

static void the_last_clearing_clears_all(void)
{
	fault_registry_init(&registry);
	CU_ASSERT_EQUAL(raise(5, FAULT_MAJOR, "a", 1000), RAISED);
	CU_ASSERT_EQUAL(raise(7, FAULT_CRITICAL, "b", 1000), RAISED);
	CU_ASSERT_EQUAL(fault_registry_clear(&registry, 5, "made", 2000), CLEARED);
	CU_ASSERT_EQUAL(fault_registry_clear(&registry, 5, "again", 2500), 0);
	CU_ASSERT_EQUAL(fault_registry_clear(&registry, 7, "ready", 3000), CLEARED | ALL_CLEARED);
	CU_ASSERT_EQUAL(record_of(5)->cleared_ms, 2000);
	CU_ASSERT_STRING_EQUAL(record_of(5)->reason, "made");
	CU_ASSERT_EQUAL(registry.n_active, 0);
}

static void what_was_never_raised_is_not_cleared(void)
{
	fault_registry_init(&registry);
	for (unsigned place = 0; place < FAULT_COUNT; place++) {
		uint32_t id = fault_at(place)->id;

		CU_ASSERT_EQUAL(fault_registry_clear(&registry, id, "?", 1), 0);
		CU_ASSERT_EQUAL(record_of(id)->cleared_ms, 0);
	}
}

static void a_second_raise_begins_anew(void)
{
	fault_registry_init(&registry);
	CU_ASSERT_EQUAL(raise(7, FAULT_CRITICAL, "a", 1000), RAISED);
	CU_ASSERT_EQUAL(raise(7, FAULT_CRITICAL, "a", 1100), 0);
	CU_ASSERT_EQUAL(fault_registry_clear(&registry, 7, "ready", 2000), CLEARED | ALL_CLEARED);
	CU_ASSERT_EQUAL(raise(7, FAULT_CRITICAL, "b", 3000), RAISED);
	CU_ASSERT_EQUAL(record_of(7)->raised_ms, 3000);
	CU_ASSERT_EQUAL(record_of(7)->count, 1);
	CU_ASSERT_STRING_EQUAL(record_of(7)->reason, "");
}

static void a_restored_fault_is_active_without_an_announcement(void)
{
	static struct fault_record record; /* large */

	fault_registry_init(&registry);
	CU_ASSERT_EQUAL(raise(5, FAULT_MAJOR, "no such user", 1000), RAISED);
	record = *record_of(5);
	fault_registry_init(&registry);
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, 5, &record), 0);
	CU_ASSERT_TRUE(fault_registry_is_active(&registry, 5));
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, 5, &record), 0); /* counted once */
	CU_ASSERT_EQUAL(raise(5, FAULT_MAJOR, "no such user", 2000), 0);
	CU_ASSERT_EQUAL(record_of(5)->raised_ms, 1000);
	CU_ASSERT_EQUAL(fault_registry_clear(&registry, 5, "made", 3000), CLEARED | ALL_CLEARED);
}

static void a_record_that_makes_no_sense_is_not_taken(void)
{
	static struct fault_record good, bad; /* large */

	fault_registry_init(&registry);
	good.active = true;
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, 4, &good), -EINVAL);
	bad = good;
	bad.severity = FAULT_SEVERITY_COUNT;
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, 5, &bad), -EINVAL);
	bad = good;
	memset(bad.detail, 'x', sizeof(bad.detail));
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, 5, &bad), -EINVAL);
	bad = good;
	memset(bad.remedy, 'x', sizeof(bad.remedy));
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, 5, &bad), -EINVAL);
	bad = good;
	memset(bad.reason, 'x', sizeof(bad.reason));
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, 5, &bad), -EINVAL);
	CU_ASSERT_EQUAL(registry.n_active, 0);
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, 5, &good), 0);
	CU_ASSERT_EQUAL(registry.n_active, 1);
}

static void texts_are_cut_to_their_ceilings(void)
{
	static char text[2 * LIMIT_FAULT_DETAIL_BYTES];

	memset(text, 'x', sizeof(text) - 1);
	fault_registry_init(&registry);
	CU_ASSERT_EQUAL(fault_registry_raise(&registry, 5, FAULT_MAJOR, text, text, 1), RAISED);
	CU_ASSERT_EQUAL(strlen(record_of(5)->detail), LIMIT_FAULT_DETAIL_BYTES);
	CU_ASSERT_EQUAL(strlen(record_of(5)->remedy), LIMIT_REASON_BYTES);
	CU_ASSERT_EQUAL(fault_registry_clear(&registry, 5, text, 2), CLEARED | ALL_CLEARED);
	CU_ASSERT_EQUAL(strlen(record_of(5)->reason), LIMIT_REASON_BYTES);
}

static bool is_told(const char *text)
{
	return strlen(text) > 10 && strlen(text) <= LIMIT_REASON_BYTES &&
	       text_is_printable(text, strlen(text)) && !strstr(text, "see the log");
}

static void every_fault_of_the_catalogue_has_its_words(void)
{
	CU_ASSERT(FAULT_COUNT <= LIMIT_FAULTS);
	for (unsigned place = 0; place < FAULT_COUNT; place++) {
		const struct fault_entry *entry = fault_at(place);

		CU_ASSERT_EQUAL(fault_place(entry->id), (int)place);
		CU_ASSERT_PTR_EQUAL(fault_of(entry->id), entry);
		CU_ASSERT(place == 0 || entry->id > fault_at(place - 1)->id);
		CU_ASSERT(entry->severity < FAULT_SEVERITY_COUNT);
		CU_ASSERT(strlen(entry->name) > 0);
		CU_ASSERT_TRUE(is_told(entry->raised));
		CU_ASSERT_TRUE(is_told(entry->meanwhile));
		CU_ASSERT_TRUE(is_told(entry->cleared));
		CU_ASSERT_TRUE(is_told(entry->remedy));
	}
	CU_ASSERT_EQUAL(fault_place(0), -1);
	CU_ASSERT_PTR_NULL(fault_of(4));
	CU_ASSERT_PTR_NULL(fault_registry_get(&registry, 12));
	CU_ASSERT_FALSE(fault_registry_is_active(&registry, 12));
}

static const struct unit_test tests[] = {
	{"a raise is announced once", a_raise_is_announced_once},
	{"another severity is announced, and the raise stays where it was",
	 another_severity_is_announced_and_the_raise_stays_where_it_was},
	{"the last clearing clears all", the_last_clearing_clears_all},
	{"what was never raised is not cleared", what_was_never_raised_is_not_cleared},
	{"a second raise begins anew", a_second_raise_begins_anew},
	{"a restored fault is active without an announcement",
	 a_restored_fault_is_active_without_an_announcement},
	{"a record that makes no sense is not taken", a_record_that_makes_no_sense_is_not_taken},
	{"texts are cut to their ceilings", texts_are_cut_to_their_ceilings},
	{"every fault of the catalogue has its words", every_fault_of_the_catalogue_has_its_words},
};

UNIT_MAIN("fault_registry", tests)
