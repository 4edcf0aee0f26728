/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/unscannable.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "ampdaemon/core/unscannable_code.h"
#include "base/lives.h"
#include "tests/support/unit_main.h"

#define GENERATION 7

static struct unscannable_entry entry_of(uint64_t inode)
{
	struct unscannable_entry entry = {
		.identity = {.device = 1,
			     .inode = inode,
			     .bytes = 1000 + inode,
			     .mtime_ns = -5,
			     .owner = 7,
			     .asker = 8},
		.generation = GENERATION,
		.since_ms = inode,
		.cause = DEATH_CRASH,
		.path_len = 5,
	};

	memcpy(entry.path, "/file", 5);
	return entry;
}

static struct unscannable_entry with_digest(uint64_t inode, uint8_t byte)
{
	struct unscannable_entry entry = entry_of(inode);

	entry.has_digest = true;
	memset(entry.digest, byte, sizeof(entry.digest));
	return entry;
}

static void only_the_very_file_is_known(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry entry = entry_of(1);
	struct file_identity other;

	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION), UNSCANNABLE_NO);
	CU_ASSERT(unscannable_add(table, &entry) < LIMIT_UNSCANNABLE);
	CU_ASSERT_EQUAL(unscannable_count(table), 1);
	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION), UNSCANNABLE_YES);
	CU_ASSERT_EQUAL(unscannable_at(table, 0)->spared, 1);
	other = entry.identity;
	other.ctime_ns++;
	CU_ASSERT_EQUAL(unscannable_ask(table, &other, GENERATION), UNSCANNABLE_NO);
	other = entry.identity;
	other.mtime_ns++;
	CU_ASSERT_EQUAL(unscannable_ask(table, &other, GENERATION), UNSCANNABLE_NO);
	other = entry.identity;
	other.device++;
	CU_ASSERT_EQUAL(unscannable_ask(table, &other, GENERATION), UNSCANNABLE_NO);
	CU_ASSERT_EQUAL(unscannable_at(table, 0)->spared, 1);
	CU_ASSERT_PTR_NULL(unscannable_free(table));
}

static void other_definitions_are_another_chance(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry entry = with_digest(1, 1);
	struct file_identity copy = entry.identity;

	copy.inode = 99;
	(void)unscannable_add(table, &entry);
	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION + 1), UNSCANNABLE_NO);
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION + 1), UNSCANNABLE_NO);
	CU_ASSERT_FALSE(unscannable_ask_digest(table, &copy, entry.digest, GENERATION + 1));
	entry.generation++;
	(void)unscannable_add(table, &entry);
	CU_ASSERT_EQUAL(unscannable_count(table), 1);
	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION + 1), UNSCANNABLE_YES);
	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION), UNSCANNABLE_NO);
	unscannable_free(table);
}

static void a_copy_is_known_by_its_digest_and_then_by_itself(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry entry = with_digest(1, 1);
	struct file_identity copy = entry.identity;
	uint8_t other[LIMIT_DIGEST_BYTES] = {2};

	copy.inode = 50;
	(void)unscannable_add(table, &entry);
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION), UNSCANNABLE_ASK_HASH);
	CU_ASSERT_FALSE(unscannable_ask_digest(table, &copy, other, GENERATION));
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION), UNSCANNABLE_ASK_HASH);
	CU_ASSERT_TRUE(unscannable_ask_digest(table, &copy, entry.digest, GENERATION));
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION), UNSCANNABLE_YES);
	CU_ASSERT_EQUAL(unscannable_count(table), 1);
	CU_ASSERT_EQUAL(unscannable_at(table, 0)->spared, 2);
	copy.bytes++; /* of another size it is not even asked for */
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION), UNSCANNABLE_NO);
	CU_ASSERT_FALSE(unscannable_ask_digest(table, &copy, entry.digest, GENERATION));
	unscannable_free(table);
}

/* Whoever owns a file can show workers other bytes than the hash: nobody else may lose a scan by it. */
static void others_are_not_spoken_for(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry entry = with_digest(1, 1);
	struct file_identity same = entry.identity, copy = entry.identity;

	(void)unscannable_add(table, &entry);
	same.asker = 0;
	CU_ASSERT_EQUAL(unscannable_ask(table, &same, GENERATION), UNSCANNABLE_NO);
	CU_ASSERT_FALSE(unscannable_ask_digest(table, &same, entry.digest, GENERATION));
	copy.inode = 2;
	copy.owner = 0;
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION), UNSCANNABLE_NO);
	CU_ASSERT_FALSE(unscannable_ask_digest(table, &copy, entry.digest, GENERATION));
	entry.identity.asker = 9;
	(void)unscannable_add(table, &entry); /* beside the other, not in its place */
	CU_ASSERT_EQUAL(unscannable_count(table), 2);
	entry.identity.asker = 8;
	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION), UNSCANNABLE_YES);
	unscannable_free(table);
}

static void an_alias_goes_with_its_entry(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry entry = with_digest(1, 1);
	struct file_identity copy = entry.identity;

	copy.inode = 5000;
	(void)unscannable_add(table, &entry);
	CU_ASSERT_TRUE(unscannable_ask_digest(table, &copy, entry.digest, GENERATION));
	for (uint64_t i = 2; i <= LIMIT_UNSCANNABLE + 1; i++) {
		entry = entry_of(i);
		(void)unscannable_add(table, &entry);
	}
	CU_ASSERT_EQUAL(unscannable_forgotten(table), 1);
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION), UNSCANNABLE_NO);
	unscannable_free(table);
}

static void a_digest_that_comes_later_completes_the_entry(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry entry = entry_of(1);
	struct file_identity copy = entry.identity;
	unsigned place = unscannable_add(table, &entry);

	copy.inode = 50;
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION), UNSCANNABLE_NO);
	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION), UNSCANNABLE_YES);
	entry = with_digest(1, 9);
	CU_ASSERT_EQUAL(unscannable_add(table, &entry), place);
	CU_ASSERT_EQUAL(unscannable_count(table), 1);
	CU_ASSERT_EQUAL(unscannable_at(table, 0)->spared, 1);
	CU_ASSERT_EQUAL(unscannable_ask(table, &copy, GENERATION), UNSCANNABLE_ASK_HASH);
	entry = with_digest(1, 9);
	entry.identity = copy; /* the same content under another name: one entry */
	CU_ASSERT_EQUAL(unscannable_add(table, &entry), place);
	CU_ASSERT_EQUAL(unscannable_count(table), 1);
	CU_ASSERT_EQUAL(unscannable_at(table, 0)->identity.inode, 50);
	unscannable_free(table);
}

static void a_full_table_forgets_the_oldest_and_counts_it(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry entry;
	unsigned first = 0;

	for (uint64_t i = 1; i <= LIMIT_UNSCANNABLE; i++) {
		entry = entry_of(i);
		first = i == 1 ? unscannable_add(table, &entry)
			       : (unscannable_add(table, &entry), first);
	}
	CU_ASSERT_EQUAL(unscannable_count(table), LIMIT_UNSCANNABLE);
	CU_ASSERT_EQUAL(unscannable_forgotten(table), 0);
	entry = entry_of(LIMIT_UNSCANNABLE + 1);
	CU_ASSERT_EQUAL(unscannable_add(table, &entry), first);
	CU_ASSERT_EQUAL(unscannable_count(table), LIMIT_UNSCANNABLE);
	CU_ASSERT_EQUAL(unscannable_forgotten(table), 1);
	entry = entry_of(1);
	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION), UNSCANNABLE_NO);
	entry = entry_of(2);
	CU_ASSERT_EQUAL(unscannable_ask(table, &entry.identity, GENERATION), UNSCANNABLE_YES);
	CU_ASSERT_EQUAL(unscannable_at(table, 0)->identity.inode, LIMIT_UNSCANNABLE + 1);
	CU_ASSERT_EQUAL(unscannable_at(table, LIMIT_UNSCANNABLE - 1)->identity.inode, 2);
	CU_ASSERT_PTR_NULL(unscannable_at(table, LIMIT_UNSCANNABLE));
	unscannable_free(table);
}

static void what_was_saved_comes_back_in_its_order(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry a = entry_of(30), b = entry_of(10), c = with_digest(20, 3);

	CU_ASSERT_EQUAL(unscannable_restore(table, 0, &a), 0);
	CU_ASSERT_EQUAL(unscannable_restore(table, 5, &b), 0);
	CU_ASSERT_EQUAL(unscannable_restore(table, LIMIT_UNSCANNABLE - 1, &c), 0);
	CU_ASSERT_EQUAL(unscannable_count(table), 3);
	CU_ASSERT_EQUAL(unscannable_at(table, 0)->identity.inode, 30);
	CU_ASSERT_EQUAL(unscannable_at(table, 1)->identity.inode, 20);
	CU_ASSERT_EQUAL(unscannable_at(table, 2)->identity.inode, 10);
	CU_ASSERT_EQUAL(unscannable_ask(table, &b.identity, GENERATION), UNSCANNABLE_YES);
	CU_ASSERT_EQUAL(unscannable_add(table, &c), LIMIT_UNSCANNABLE - 1);
	a = entry_of(40);
	CU_ASSERT_EQUAL(unscannable_add(table, &a), 1); /* 0 is taken */
	unscannable_free(table);
}

static void nonsense_is_not_restored(void)
{
	struct unscannable *table = unscannable_new();
	struct unscannable_entry entry = entry_of(1);

	CU_ASSERT_EQUAL(unscannable_restore(table, LIMIT_UNSCANNABLE, &entry), -EINVAL);
	entry.cause = DEATH_CAUSE_COUNT;
	CU_ASSERT_EQUAL(unscannable_restore(table, 0, &entry), -EINVAL);
	entry = entry_of(1);
	entry.path_len = LIMIT_SHOWN_PATH_BYTES + 1;
	CU_ASSERT_EQUAL(unscannable_restore(table, 0, &entry), -EINVAL);
	entry = entry_of(1);
	CU_ASSERT_EQUAL(unscannable_count(table), 0);
	CU_ASSERT_EQUAL(unscannable_restore(table, 0, &entry), 0);
	entry = entry_of(2);
	CU_ASSERT_EQUAL(unscannable_restore(table, 0, &entry), -EINVAL);
	CU_ASSERT_EQUAL(unscannable_count(table), 1);
	unscannable_free(table);
}

/* ---- the bytes that the journal keeps ---- */

static struct unscannable_entry full_entry(void)
{
	struct unscannable_entry entry = with_digest(UINT64_MAX, 0xab);

	entry.identity.ctime_ns = INT64_MIN;
	entry.generation = UINT64_MAX - 1;
	entry.spared = 12345678901;
	entry.cause = DEATH_VIOLATION;
	entry.path_len = LIMIT_SHOWN_PATH_BYTES;
	memset(entry.path, 'p', sizeof(entry.path));
	return entry;
}

static void an_entry_survives_its_bytes(void)
{
	struct unscannable_entry entries[] = {full_entry(), entry_of(3)}, back;
	uint8_t bytes[UNSCANNABLE_CODE_BYTES];

	for (unsigned i = 0; i < 2; i++) {
		size_t len = unscannable_encode(&entries[i], bytes);

		CU_ASSERT_FATAL(len <= sizeof(bytes));
		CU_ASSERT_EQUAL(unscannable_decode(bytes, len, &back), 0);
		CU_ASSERT_EQUAL(memcmp(&back.identity, &entries[i].identity, sizeof(back.identity)),
				0);
		CU_ASSERT_EQUAL(back.has_digest, entries[i].has_digest);
		CU_ASSERT_EQUAL(memcmp(back.digest, entries[i].digest, sizeof(back.digest)), 0);
		CU_ASSERT_EQUAL(back.generation, entries[i].generation);
		CU_ASSERT_EQUAL(back.since_ms, entries[i].since_ms);
		CU_ASSERT_EQUAL(back.spared, entries[i].spared);
		CU_ASSERT_EQUAL(back.cause, entries[i].cause);
		CU_ASSERT_EQUAL_FATAL(back.path_len, entries[i].path_len);
		CU_ASSERT_EQUAL(memcmp(back.path, entries[i].path, back.path_len), 0);
	}
}

/* Exact places: an image after this one reads what this one wrote. */
static void the_format_does_not_change(void)
{
	struct unscannable_entry entry = entry_of(0x0102);
	uint8_t bytes[UNSCANNABLE_CODE_BYTES];

	CU_ASSERT_EQUAL(unscannable_encode(&entry, bytes), 2 + 72 + 8 + 5);
	CU_ASSERT_EQUAL(bytes[0], 2);
	CU_ASSERT_EQUAL(bytes[1], 0);
	CU_ASSERT_EQUAL(bytes[2], 1);     /* device */
	CU_ASSERT_EQUAL(bytes[10], 0x02); /* inode */
	CU_ASSERT_EQUAL(bytes[11], 0x01);
	CU_ASSERT_EQUAL(bytes[26], 0xfb); /* mtime, -5 */
	CU_ASSERT_EQUAL(bytes[33], 0xff);
	CU_ASSERT_EQUAL(bytes[42], GENERATION);
	CU_ASSERT_EQUAL(bytes[66], 8); /* who asked */
	CU_ASSERT_EQUAL(bytes[70], 7); /* who owns it */
	CU_ASSERT_EQUAL(bytes[74], DEATH_CRASH);
	CU_ASSERT_EQUAL(bytes[78], 5);
	CU_ASSERT_EQUAL(memcmp(bytes + 82, "/file", 5), 0);
	entry = with_digest(1, 0x77);
	CU_ASSERT_EQUAL(unscannable_encode(&entry, bytes), 2 + 72 + 8 + 32 + 5);
	CU_ASSERT_EQUAL(bytes[1], 1);
	CU_ASSERT_EQUAL(bytes[82], 0x77);
	CU_ASSERT_EQUAL(memcmp(bytes + 114, "/file", 5), 0);
}

static void every_damage_of_length_is_refused(void)
{
	struct unscannable_entry entry = full_entry(), back;
	uint8_t bytes[UNSCANNABLE_CODE_BYTES + 1] = {0};
	size_t len = unscannable_encode(&entry, bytes);

	for (size_t cut = 0; cut < len; cut++)
		CU_ASSERT_NOT_EQUAL(unscannable_decode(bytes, cut, &back), 0);
	CU_ASSERT_NOT_EQUAL(unscannable_decode(bytes, len + 1, &back), 0);
	CU_ASSERT_EQUAL(unscannable_decode(bytes, len, &back), 0);
}

static void every_damage_of_a_bound_is_refused(void)
{
	struct unscannable_entry entry = full_entry(), back;
	uint8_t bytes[UNSCANNABLE_CODE_BYTES];
	size_t len = unscannable_encode(&entry, bytes);

	bytes[0] = 1;
	CU_ASSERT_EQUAL(unscannable_decode(bytes, len, &back), -EPROTO);
	bytes[0] = 2;
	bytes[1] = 2;
	CU_ASSERT_EQUAL(unscannable_decode(bytes, len, &back), -EINVAL);
	bytes[1] = 0; /* then there is a digest too much */
	CU_ASSERT_EQUAL(unscannable_decode(bytes, len, &back), -EINVAL);
	bytes[1] = 1;
	bytes[74] = DEATH_CAUSE_COUNT;
	CU_ASSERT_EQUAL(unscannable_decode(bytes, len, &back), -EINVAL);
	bytes[74] = DEATH_CRASH;
	bytes[81] = 0xff; /* path_len */
	CU_ASSERT_EQUAL(unscannable_decode(bytes, len, &back), -EINVAL);
	bytes[81] = 0;
	CU_ASSERT_EQUAL(unscannable_decode(bytes, len, &back), 0);
}

static const struct unit_test tests[] = {
	{"only the very file is known", only_the_very_file_is_known},
	{"other definitions are another chance", other_definitions_are_another_chance},
	{"a copy is known by its digest and then by itself",
	 a_copy_is_known_by_its_digest_and_then_by_itself},
	{"others are not spoken for", others_are_not_spoken_for},
	{"an alias goes with its entry", an_alias_goes_with_its_entry},
	{"a digest that comes later completes the entry",
	 a_digest_that_comes_later_completes_the_entry},
	{"a full table forgets the oldest and counts it",
	 a_full_table_forgets_the_oldest_and_counts_it},
	{"what was saved comes back in its order", what_was_saved_comes_back_in_its_order},
	{"nonsense is not restored", nonsense_is_not_restored},
	{"an entry survives its bytes", an_entry_survives_its_bytes},
	{"the format does not change", the_format_does_not_change},
	{"every damage of length is refused", every_damage_of_length_is_refused},
	{"every damage of a bound is refused", every_damage_of_a_bound_is_refused},
};

UNIT_MAIN("unscannable", tests)
