/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_detached_signature: a .sign file, held against a fixed content and two fixed certificates, of which one has expired long ago. Their keys
 * are gone; what they signed is in the corpus (seed-*).
 */
#include <stdbool.h>
#include <string.h>

#include "ampscansvc/detached_signature.h"
#include "base/text.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/memory_file.h"

static const char content[] = "what is signed\n";

static const char anchors[] = "-----BEGIN CERTIFICATE-----\n"
			      "MIIBSzCB8qADAgECAgIBZTAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlmdXp6IGdv\n"
			      "b2QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM\n"
			      "CWZ1enogZ29vZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABK8Xtw0AyH+F25/w\n"
			      "twFoOOSwa8VDRbKJPMe/Vv5suALr1N0uGSbZtzA6Yl39ZrT2QhR3pwhozhfuHOfU\n"
			      "PbDDadajMjAwMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFNIlh6DDdhWz5CKN\n"
			      "/OcXIIVkHxcOMAoGCCqGSM49BAMCA0gAMEUCIGjmGjbgoR1jGu8RBVrMnnCC56Nf\n"
			      "meruToTIRUfB5ia/AiEA8Qe+ANWQCm/mJNmQJLOSfPmojg8kScfRhOYwDMu7Ep0=\n"
			      "-----END CERTIFICATE-----\n"
			      "-----BEGIN CERTIFICATE-----\n"
			      "MIIBSTCB8KADAgECAgIHVjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlmdXp6IGxh\n"
			      "dGUwHhcNMDAwMTAxMDAwMDAwWhcNMDEwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAlm\n"
			      "dXp6IGxhdGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARAp4QTy4MsU1iVdaKA\n"
			      "206nt18nEsGuQOaoXCodKopFcGtMzkehGgeJMcSCNUc7+HLxVg0gLvd6IyWFAa2p\n"
			      "84FJozIwMDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBRV2M7cv0oLO8QKhcut\n"
			      "czeOpzr4YjAKBggqhkjOPQQDAgNIADBFAiEAn5GFq5N2bI6BixG8wuBqXLfJ3jGB\n"
			      "RyYZhesGiGoM8K4CICHvach6QNX+C75vj5FMiNWz5GQkyYuQwOfTnIJF0nIV\n"
			      "-----END CERTIFICATE-----\n";

static enum detached_signature judge(const void *text, size_t len)
{
	static struct memory_file container, sign;
	char why[LIMIT_DETAIL_BYTES] = "";
	enum detached_signature state;

	memory_file_write(&container, content, sizeof(content) - 1);
	memory_file_write(&sign, text, len);
	state = detached_signature_check(container.path, sign.path,
					 span_of(anchors, sizeof(anchors) - 1), why);
	FUZZ_CHECK(state == DETACHED_GOOD || state == DETACHED_EXPIRED || state == DETACHED_BAD);
	FUZZ_CHECK((state == DETACHED_GOOD) == !why[0]);
	FUZZ_CHECK(text_is_printable(why, strnlen(why, sizeof(why))));
	return state;
}

/* What is refused stays refused beside more that is bad; what is not loses nothing by it, but where lines become too many. */
static void judge_with_more(const uint8_t *data, size_t size, enum detached_signature alone)
{
	static const char more[] = "\n230::pkcs7-pem:AAAA\n";
	char *text = malloc(size + sizeof(more));
	enum detached_signature state;

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	memcpy(text + size, more, sizeof(more) - 1);
	state = judge(text, size + sizeof(more) - 1);
	FUZZ_CHECK(state == alone || state == DETACHED_BAD);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_prepared;

	if (!is_prepared)
		detached_signature_prepare();
	is_prepared = true;
	if (size)
		judge_with_more(data, size, judge(data, size));
	return 0;
}
