/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz_definition_manifest: the text that says which files a set has. What is accepted is the only text of its set. */
#include <errno.h>
#include <string.h>

#include "base/definition_manifest.h"
#include "tests/fuzz/fuzz_check.h"

static struct definition_manifest manifest;
static char again[MANIFEST_BYTES];

static void check_entry(const struct manifest_entry *entry)
{
	char path[MANIFEST_PATH_BYTES + 1];
	bool is_custom;
	const char *name = manifest_path_name(entry->path, &is_custom);

	FUZZ_CHECK(manifest_path_make(path, name, is_custom) == 0);
	FUZZ_CHECK(strcmp(path, entry->path) == 0);
	FUZZ_CHECK(!strchr(name, '/') && name[0] != '.');
	FUZZ_CHECK(definition_manifest_find(&manifest, path) == entry);
	FUZZ_CHECK(definition_manifest_bytes(&manifest) >= entry->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1); /* of its exact size, so that a step beyond is seen */

	FUZZ_CHECK(text);
	if (size)
		memcpy(text, data, size);
	if (definition_manifest_read(&manifest, text, size) == 0) {
		FUZZ_CHECK(manifest.n >= 1 && manifest.n <= LIMIT_DEFINITION_FILES);
		FUZZ_CHECK(definition_manifest_write(&manifest, again) == size);
		FUZZ_CHECK(memcmp(again, text, size) == 0);
		for (unsigned i = 0; i < manifest.n; i++)
			check_entry(&manifest.entries[i]);
		FUZZ_CHECK(definition_manifest_add(&manifest, &manifest.entries[0]) == -EEXIST);
	}
	free(text);
	return 0;
}
