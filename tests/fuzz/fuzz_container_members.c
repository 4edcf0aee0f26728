/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_container_members: the archive of a container, packed or not. The first byte of the input is the kind of the container, the rest the file.
 */
#include <errno.h>
#include <string.h>

#include "ampscansvc/container_members.h"
#include "base/text.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum definition_kind kinds[] = {DEFINITION_KIND_CVD, DEFINITION_KIND_CLD,
						     DEFINITION_KIND_CUD};
	static struct memory_file file;
	struct container_facts facts = {0};
	char why[LIMIT_DETAIL_BYTES] = "";
	enum definition_kind kind;
	int result;

	if (!size)
		return 0;
	kind = kinds[data[0] % (sizeof(kinds) / sizeof(kinds[0]))];
	memory_file_write(&file, data + 1, size - 1);
	result = container_members_check(file.path, kind, kind != DEFINITION_KIND_CUD, &facts, why);
	FUZZ_CHECK(result == 0 || result == -EBADMSG);
	FUZZ_CHECK((result == 0) == !why[0]);
	FUZZ_CHECK(text_is_printable(why, strnlen(why, sizeof(why))));
	/* What has no body has no members, and what is accepted has its own list. */
	FUZZ_CHECK(result || (size > 1 + 512 && facts.database[0]));
	return 0;
}
