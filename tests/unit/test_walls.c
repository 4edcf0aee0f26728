/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/walls.h"

#include <CUnit/CUnit.h>
#include <string.h>

#include "tests/support/unit_main.h"

static void every_wall_has_a_name_of_its_own(void)
{
	for (unsigned a = 0; a < WALL_COUNT; a++) {
		CU_ASSERT(strcmp(wall_name(a), "unknown") != 0);
		for (unsigned b = 0; b < a; b++)
			CU_ASSERT(strcmp(wall_name(a), wall_name(b)) != 0);
	}
	CU_ASSERT_STRING_EQUAL(wall_name(WALL_COUNT), "unknown");
}

/* "unknown" is a state here, so its number must be the only one called so. */
static void every_state_has_a_name(void)
{
	CU_ASSERT_STRING_EQUAL(wall_state_name(WALL_STATE_UNKNOWN), "unknown");
	for (unsigned state = WALL_STATE_UNKNOWN + 1; state < WALL_STATE_COUNT; state++)
		CU_ASSERT(strcmp(wall_state_name(state), "unknown") != 0);
}

/* The wire carries them: a list that grows in the middle would make two versions misunderstand each
 * other. */
static void numbers_never_change(void)
{
	CU_ASSERT_EQUAL(WALL_USER, 0);
	CU_ASSERT_EQUAL(WALL_SECCOMP, 12);
	CU_ASSERT_EQUAL(WALL_DESCRIPTORS, 16);
	CU_ASSERT_EQUAL(WALL_STATE_UNKNOWN, 0);
	CU_ASSERT_EQUAL(WALL_STATE_BREACHED, 3);
}

static const struct unit_test tests[] = {
	{"every wall has a name of its own", every_wall_has_a_name_of_its_own},
	{"every state has a name", every_state_has_a_name},
	{"numbers never change", numbers_never_change},
};

UNIT_MAIN("walls", tests)
