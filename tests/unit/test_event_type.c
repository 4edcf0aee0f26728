/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/event_type.h"

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define NUMBER(member, number, name) number,

static const uint32_t numbers[] = {EVENT_TYPE_LIST(NUMBER)};

#define N_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static void every_type_is_known_and_named(void)
{
	for (unsigned i = 0; i < N_NUMBERS; i++) {
		CU_ASSERT_EQUAL(event_type_is_known(numbers[i]), 1);
		CU_ASSERT(strcmp(event_type_name(numbers[i]), "Unknown Event") != 0);
	}
	CU_ASSERT_STRING_EQUAL(event_type_name(EVENT_THREAT_DETECTED), "Threat Detected");
}

static void a_stranger_is_unknown(void)
{
	static const uint32_t strangers[] = {0, 1, 0x2100A000u, 0x2100A0FFu, UINT32_MAX};

	for (unsigned i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		CU_ASSERT_EQUAL(event_type_is_known(strangers[i]), 0);
		CU_ASSERT_STRING_EQUAL(event_type_name(strangers[i]), "Unknown Event");
	}
}

static bool is_the_products(uint32_t number)
{
	return number == 553648195u || number == 1090519107u || number == 2164260931u ||
	       number == 553648196u || number == 553648197u;
}

/* Those that collectors know are the product's own (spec faults.md); all others keep away from them. */
static void numbers_are_distinct_and_away_from_the_products(void)
{
	unsigned products = 0;

	for (unsigned a = 0; a < N_NUMBERS; a++) {
		products += is_the_products(numbers[a]);
		CU_ASSERT(is_the_products(numbers[a]) || (numbers[a] & 0xffffffu) >= 0x00a001u);
		for (unsigned b = 0; b < a; b++) {
			CU_ASSERT_NOT_EQUAL(numbers[a], numbers[b]);
			CU_ASSERT(is_the_products(numbers[a]) ||
				  (numbers[a] & 0xffffffu) != (numbers[b] & 0xffffffu));
		}
	}
	CU_ASSERT_EQUAL(products, 5);
}

static void the_first_byte_is_the_severity(void)
{
	CU_ASSERT_EQUAL(event_type_severity(EVENT_CONNECTOR_STARTED), EVENT_INFORMATION);
	CU_ASSERT_EQUAL(event_type_severity(EVENT_WORKER_FAILED), EVENT_WARNING);
	CU_ASSERT_EQUAL(event_type_severity(EVENT_THREAT_DETECTED), EVENT_SERIOUS);
	for (unsigned i = 0; i < N_NUMBERS; i++) {
		uint32_t class = numbers[i] >> 24;

		CU_ASSERT(class == 0x21 || class == 0x41 || class == 0x81);
	}
}

static void every_severity_has_a_name(void)
{
	CU_ASSERT_STRING_EQUAL(event_severity_name(EVENT_INFORMATION), "information");
	CU_ASSERT_STRING_EQUAL(event_severity_name(EVENT_WARNING), "warning");
	CU_ASSERT_STRING_EQUAL(event_severity_name(EVENT_SERIOUS), "serious");
}

static const struct unit_test tests[] = {
	{"every type is known and named", every_type_is_known_and_named},
	{"a stranger is unknown", a_stranger_is_unknown},
	{"numbers are distinct and away from the product's",
	 numbers_are_distinct_and_away_from_the_products},
	{"the first byte is the severity", the_first_byte_is_the_severity},
	{"every severity has a name", every_severity_has_a_name},
};

UNIT_MAIN("event_type", tests)
