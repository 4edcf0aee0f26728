/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/fuzz/packets.h"

#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz_check.h"

static struct wire_arena *arenas[2];

/* The book's own words for `message` in `phase`; NULL when it has none. */
static const struct session_rule *find_rule(const struct session *session, unsigned message)
{
	for (unsigned i = 0; i < session->book->n_rules; i++) {
		const struct session_rule *rule = &session->book->rules[i];

		if (rule->phase == session->phase && rule->message == message)
			return rule;
	}
	return NULL;
}

/* False when the session is over, as for a daemon that drops its peer. */
static bool admit(struct session *session, unsigned message, bool has_fd)
{
	const struct session_rule *rule = find_rule(session, message);
	struct session before = *session;
	const char *why = NULL;
	int r = session_admit(session, message, has_fd, &why);

	if (r) {
		FUZZ_CHECK(r == -EPROTO && why && *why);
		FUZZ_CHECK(session->phase == before.phase && session->seen == before.seen);
		return false;
	}
	FUZZ_CHECK(rule && has_fd == !!(rule->flags & RULE_FD));
	FUZZ_CHECK(!(rule->flags & RULE_ONCE) || !(before.seen & 1u << message));
	FUZZ_CHECK(session->phase == rule->next_phase);
	return true;
}

/* From memory of its exact size, so that a sanitizer sees each byte that is read past the end. */
static int decode_copy(packets_decode_fn *decode, const uint8_t *data, size_t len,
		       unsigned *ret_message)
{
	uint8_t *packet = malloc(len ? len : 1);
	int r;

	FUZZ_CHECK(packet);
	memcpy(packet, data, len);
	r = decode(arenas, packet, len, ret_message);
	free(packet);
	FUZZ_CHECK(r == 0 || r == -EBADMSG);
	return r;
}

void packets_run(const uint8_t *data, size_t size, const struct rule_book *book,
		 packets_decode_fn *decode)
{
	struct session session;
	bool open = book != NULL;

	for (int i = 0; i < 2 && !arenas[i]; i++)
		arenas[i] = wire_arena_new();
	FUZZ_CHECK(arenas[0] && arenas[1]);
	if (open)
		session_init(&session, book);
	while (size >= 2) {
		unsigned head = data[0] | (unsigned)data[1] << 8;
		size_t len = head & PACKETS_REST;
		unsigned message;

		data += 2;
		size -= 2;
		if (len == PACKETS_REST || len > size)
			len = size;
		if (decode_copy(decode, data, len, &message) == 0 && open)
			open = admit(&session, message, head & PACKETS_FD);
		data += len;
		size -= len;
	}
}
