/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages between daemon and updater: what is sent arrives, and what must not be let through is refused, made by hand. */
#include "wire/update_codec.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "tests/support/raw_message.h"
#include "tests/support/unit_main.h"
#include "tests/support/update_messages.h"

static uint8_t packet[LIMIT_PACKET_BYTES];
static struct wire_arena *arena;
static const char *why;
static struct raw inner, outer, part;

/* Every shorter buffer is refused, and every shorter packet is no message or another one. */
#define ROUND_TRIP(samples, type, encode, decode, equal)                                           \
	do {                                                                                       \
		static type back;                                                                  \
		unsigned n;                                                                        \
		const type *m = samples(&n);                                                       \
                                                                                                   \
		CU_ASSERT_FATAL(n > 0);                                                            \
		arena = wire_arena_new();                                                          \
		for (unsigned i = 0; i < n; i++) {                                                 \
			ssize_t len = encode(&m[i], packet, sizeof(packet));                       \
                                                                                                   \
			CU_ASSERT_FATAL(len > 0);                                                  \
			CU_ASSERT_EQUAL(decode(arena, packet, (size_t)len, &back, &why), 0);       \
			CU_ASSERT_TRUE(equal(&m[i], &back));                                       \
			CU_ASSERT_EQUAL(encode(&m[i], packet, (size_t)len - 1), -EMSGSIZE);        \
			CU_ASSERT_EQUAL(encode(&m[i], packet, (size_t)len), len);                  \
			for (ssize_t cut = 0; cut < len; cut++) {                                  \
				int r = decode(arena, packet, (size_t)cut, &back, &why);           \
                                                                                                   \
				CU_ASSERT(r == -EBADMSG || (r == 0 && !equal(&m[i], &back)));      \
			}                                                                          \
		}                                                                                  \
		arena = wire_arena_free(arena);                                                    \
	} while (0)

static void orders_arrive_as_they_were_sent(void)
{
	ROUND_TRIP(sample_update_starts, struct update_start, update_start_encode,
		   update_start_decode, update_start_equal);
}

static void reports_arrive_as_they_were_sent(void)
{
	ROUND_TRIP(sample_from_updater, struct from_updater, from_updater_encode,
		   from_updater_decode, from_updater_equal);
}

static void the_samples_have_every_kind(void)
{
	unsigned n, kinds = 0;
	const struct from_updater *m = sample_from_updater(&n);

	for (unsigned i = 0; i < n; i++)
		kinds |= 1u << m[i].kind;
	CU_ASSERT_EQUAL(kinds, 0x3e);
}

static const struct {
	const char *name;
	bool is_sound;
} databases[] = {
	{"main", true},
	{"daily", true},
	{"a", true},
	{"safe-browsing", true},
	{"", false},
	{"-x", false},
	{"Main", false},
	{"main.cvd", false},
	{"../main", false},
	{"a b", false},
	{"a/b", false},
	{"abcdefghijklmnopqrstuvwxyz012345", true},
	{"abcdefghijklmnopqrstuvwxyz0123456", false},
};

static const struct {
	const char *url;
	bool is_sound;
} urls[] = {
	{"http://m", true},
	{"https://m.example:8443/a/b?c=d&e=%20", true},
	{"http://[::1]:80", true},
	{"", false},
	{"m", false},
	{"http://", false},
	{"http:///etc", false},
	{"https://", false},
	{"HTTP://m", false},
	{"ftp://m", false},
	{"file:///etc/passwd", false},
	{" http://m", false},
	{"http://m m", false},
	{"http://user:word@m", false},
	{"http://m\n", false},
	{"http://m\x7f", false},
	{"http://m\"", false},
	{"http://m{a,b}", false},
	{"http://\xc3\xa4", false},
};

static void names_and_urls_are_sound_or_refused(void)
{
	static char longest[LIMIT_URL_BYTES + 2] = "http://";

	for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++)
		CU_ASSERT_EQUAL(update_database_is_sound(databases[i].name), databases[i].is_sound);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		CU_ASSERT_EQUAL(update_url_is_sound(urls[i].url), urls[i].is_sound);
	memset(longest + 7, 'm', LIMIT_URL_BYTES - 7);
	CU_ASSERT_TRUE(update_url_is_sound(longest));
	longest[LIMIT_URL_BYTES] = 'm';
	CU_ASSERT_FALSE(update_url_is_sound(longest));
}

/* An order that is spoilt in one place. */
struct spoilt {
	const char *what;
	void (*spoil)(struct update_start *);
};

#define SPOIL(name, ...)                                                                           \
	static void name(struct update_start *s)                                                   \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}

SPOIL(as_root, s->uid = 0)
SPOIL(as_group_root, s->gid = 0)
SPOIL(no_bytes, s->max_file_bytes = 0)
SPOIL(no_connect_time, s->connect_timeout_s = 0)
SPOIL(long_connect_time, s->connect_timeout_s = 3601)
SPOIL(no_request_time, s->request_timeout_s = 0)
SPOIL(long_request_time, s->request_timeout_s = 3601)
SPOIL(no_deadline, s->deadline_ms = 0)
SPOIL(long_deadline, s->deadline_ms = 86400001)
SPOIL(bad_dns, s->dns = "a b")
SPOIL(no_databases, s->n_databases = 0;
      memset(s->mirrors[0].refused, 0, sizeof(s->mirrors[0].refused)))
SPOIL(bad_database, s->databases[1] = "../x")
SPOIL(same_database, s->databases[2] = s->databases[0])
SPOIL(no_mirrors, s->n_mirrors = 0)
SPOIL(bad_mirror, s->mirrors[1].url = "file:///etc")
SPOIL(wrapped_refusal, s->mirrors[1].refused[2] = UINT32_C(1) << 31)
SPOIL(refusal_of_nothing, s->mirrors[0].refused[3] = 1)
SPOIL(bad_proxy, s->proxy.url = "socks5://p")
SPOIL(no_port, s->proxy.port = 0)
SPOIL(port_alone, s->proxy.url = "")
SPOIL(word_alone, s->proxy.user = "")
SPOIL(bad_user, s->proxy.user = "a\nb")

static const struct spoilt spoilt[] = {
	{"the user must not be root", as_root},
	{"the user must not be root", as_group_root},
	{"no bytes permitted", no_bytes},
	{"time limit of a request", no_connect_time},
	{"time limit of a request", long_connect_time},
	{"time limit of a request", no_request_time},
	{"time limit of a request", long_request_time},
	{"time limit of the check", no_deadline},
	{"time limit of the check", long_deadline},
	{"name in the DNS", bad_dns},
	{"number of databases", no_databases},
	{"name of a database", bad_database},
	{"a database twice", same_database},
	{"number of mirrors", no_mirrors},
	{"URL of a mirror", bad_mirror},
	{"version that is refused", wrapped_refusal},
	{"list of a wrong length", refusal_of_nothing},
	{"proxy", bad_proxy},
	{"proxy", no_port},
	{"proxy without a URL", port_alone},
	{"user of the proxy", word_alone},
	{"user of the proxy", bad_user},
};

static void raw_clear(struct raw *raw)
{
	raw->len = 0;
}

/* UpdateStart by hand: our encoder refuses what is not sound. */
static void put_raw_start(const struct update_start *s)
{
	raw_clear(&inner);
	raw_number(&inner, 1, s->protocol);
	raw_number(&inner, 2, s->uid);
	raw_number(&inner, 3, s->gid);
	raw_number(&inner, 4, s->max_file_bytes);
	raw_number(&inner, 6, s->connect_timeout_s);
	raw_number(&inner, 7, s->request_timeout_s);
	raw_number(&inner, 8, s->deadline_ms);
	raw_text(&inner, 10, s->dns);
	for (unsigned i = 0; i < s->n_databases; i++)
		raw_text(&inner, 11, s->databases[i]);
	for (unsigned i = 0; i < s->n_mirrors; i++) {
		raw_clear(&part);
		raw_text(&part, 1, s->mirrors[i].url);
		for (unsigned j = 0; j < LIMIT_DATABASES; j++) {
			if (j < s->n_databases || s->mirrors[i].refused[j])
				raw_number(&part, 3, s->mirrors[i].refused[j]);
		}
		raw_message(&inner, 12, &part);
	}
	if (s->proxy.url[0] || s->proxy.port) {
		raw_clear(&part);
		raw_text(&part, 1, s->proxy.url);
		raw_number(&part, 2, s->proxy.port);
		raw_text(&part, 3, s->proxy.user);
		raw_text(&part, 4, s->proxy.password);
		raw_message(&inner, 13, &part);
	}
	raw_clear(&outer);
	raw_message(&outer, 1, &inner);
}

static int decode_start(void)
{
	static struct update_start back;

	why = NULL;
	return update_start_decode(arena, outer.bytes, outer.len, &back, &why);
}

static void an_order_that_is_not_sound_is_neither_sent_nor_taken(void)
{
	unsigned n;
	const struct update_start *sound = sample_update_starts(&n);

	arena = wire_arena_new();
	put_raw_start(&sound[0]);
	CU_ASSERT_EQUAL(decode_start(), 0); /* what is made by hand is good before it is spoilt */
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		struct update_start bad = sound[0];

		spoilt[i].spoil(&bad);
		CU_ASSERT_EQUAL(update_start_encode(&bad, packet, sizeof(packet)), -EINVAL);
		put_raw_start(&bad);
		CU_ASSERT_EQUAL(decode_start(), -EBADMSG);
		/* An empty proxy is told by its own words. */
		if (spoilt[i].spoil != port_alone)
			CU_ASSERT_STRING_EQUAL(why, spoilt[i].what);
	}
	arena = wire_arena_free(arena);
}

static void lists_that_are_too_long_are_refused(void)
{
	struct update_start many;
	char names[LIMIT_DATABASES + 1][4];
	unsigned n;

	arena = wire_arena_new();
	many = sample_update_starts(&n)[1];
	put_raw_start(&many);
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		names[i][0] = 'x';
		names[i][1] = (char)('a' + i);
		names[i][2] = '\0';
		raw_text(&inner, 11, names[i]);
	}
	raw_clear(&outer);
	raw_message(&outer, 1, &inner);
	CU_ASSERT_EQUAL(decode_start(), -EBADMSG);
	put_raw_start(&many);
	raw_clear(&part);
	raw_text(&part, 1, "http://m");
	for (unsigned i = 0; i < LIMIT_MIRRORS; i++)
		raw_message(&inner, 12, &part);
	raw_clear(&outer);
	raw_message(&outer, 1, &inner);
	CU_ASSERT_EQUAL(decode_start(), -EBADMSG);
	many.n_databases = LIMIT_DATABASES + 1;
	CU_ASSERT_EQUAL(update_start_encode(&many, packet, sizeof(packet)), -EINVAL);
	many.n_databases = 1;
	many.n_mirrors = LIMIT_MIRRORS + 1;
	CU_ASSERT_EQUAL(update_start_encode(&many, packet, sizeof(packet)), -EINVAL);
	arena = wire_arena_free(arena);
}

static void a_packet_without_a_message_is_refused(void)
{
	struct from_updater back;

	arena = wire_arena_new();
	raw_clear(&outer);
	CU_ASSERT_EQUAL(decode_start(), -EBADMSG);
	CU_ASSERT_EQUAL(from_updater_decode(arena, outer.bytes, 0, &back, &why), -EBADMSG);
	raw_number(&outer, 9, 1);
	CU_ASSERT_EQUAL(decode_start(), -EBADMSG);
	CU_ASSERT_EQUAL(from_updater_decode(arena, outer.bytes, outer.len, &back, &why), -EBADMSG);
	arena = wire_arena_free(arena);
}

struct raw_attempt {
	uint64_t database, mirror, outcome, wait_s, version, bytes;
	const char *file, *detail;
};

static int decode_attempt(const struct raw_attempt *a)
{
	static struct from_updater back;

	raw_clear(&inner);
	raw_number(&inner, 1, a->database);
	raw_number(&inner, 2, a->mirror);
	raw_number(&inner, 3, a->outcome);
	raw_number(&inner, 4, a->wait_s);
	raw_text(&inner, 5, a->file ? a->file : "");
	raw_number(&inner, 6, a->version);
	raw_number(&inner, 7, a->bytes);
	raw_text(&inner, 8, a->detail ? a->detail : "");
	raw_clear(&outer);
	raw_message(&outer, 3, &inner);
	return from_updater_decode(arena, outer.bytes, outer.len, &back, &why);
}

#define NEW .outcome = UPDATE_UPDATED, .version = 6, .bytes = 1

static void an_attempt_that_contradicts_itself_is_refused(void)
{
	static char longest[LIMIT_DETAIL_BYTES + 2];
	const struct raw_attempt bad[] = {
		{.database = LIMIT_DATABASES, .outcome = UPDATE_CUT},
		{.mirror = LIMIT_MIRRORS, .outcome = UPDATE_CUT},
		{.outcome = UPDATE_OUTCOME_COUNT},
		{.outcome = UINT32_MAX},
		{.outcome = UPDATE_WAIT},
		{.outcome = UPDATE_WAIT, .wait_s = LIMIT_WAIT_S + 1},
		{.outcome = UPDATE_CUT, .wait_s = 1},
		{.outcome = UPDATE_CUT, .file = "test.cvd"},
		{.outcome = UPDATE_CUT, .version = 1},
		{.outcome = UPDATE_CUT, .bytes = 1},
		{NEW},
		{NEW, .file = "test"},
		{NEW, .file = ".cvd"},
		{NEW, .file = "../x.cvd"},
		{NEW, .file = "a/b.cvd"},
		{NEW, .file = "test.cud"},
		{NEW, .file = "test.cvd.cvd"},
		{NEW, .file = "abcdefghijklmnopqrstuvwxyz0123456.cvd"},
		{.outcome = UPDATE_UPDATED, .file = "test.cvd"},
		{.outcome = UPDATE_CUT, .detail = "a\nb"},
		{.outcome = UPDATE_CUT, .detail = longest},
	};
	const struct raw_attempt good = {NEW, .file = "test.cvd"};

	memset(longest, 'x', sizeof(longest) - 1);
	arena = wire_arena_new();
	CU_ASSERT_EQUAL(decode_attempt(&good), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		CU_ASSERT_EQUAL(decode_attempt(&bad[i]), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(why);
	}
	arena = wire_arena_free(arena);
}

static int decode_pair(unsigned kind, uint64_t first, uint64_t second)
{
	static struct from_updater back;

	raw_clear(&inner);
	raw_number(&inner, 1, first);
	raw_number(&inner, 2, second);
	raw_clear(&outer);
	raw_message(&outer, kind, &inner);
	return from_updater_decode(arena, outer.bytes, outer.len, &back, &why);
}

static void numbers_outside_their_range_are_refused(void)
{
	arena = wire_arena_new();
	CU_ASSERT_EQUAL(decode_pair(FROM_UPDATER_PROGRESS, 15, 7), 0);
	CU_ASSERT_EQUAL(decode_pair(FROM_UPDATER_PROGRESS, 16, 7), -EBADMSG);
	CU_ASSERT_EQUAL(decode_pair(FROM_UPDATER_PROGRESS, 15, 8), -EBADMSG);
	CU_ASSERT_EQUAL(decode_pair(FROM_UPDATER_FINISHED, UPDATE_FAILED, 16), 0);
	CU_ASSERT_EQUAL(decode_pair(FROM_UPDATER_FINISHED, UPDATE_OUTCOME_COUNT, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_pair(FROM_UPDATER_FINISHED, UPDATE_FAILED, 17), -EBADMSG);
	arena = wire_arena_free(arena);
}

static void outgoing_texts_are_cut_and_made_printable(void)
{
	static char text[2000];
	struct from_updater m = {
		.kind = FROM_UPDATER_ATTEMPT,
		.attempt = {.outcome = UPDATE_REFUSED, .file = "", .detail = text}};
	struct from_updater back;
	ssize_t len;

	memset(text, 'x', sizeof(text) - 1);
	text[3] = '\n';
	arena = wire_arena_new();
	len = from_updater_encode(&m, packet, sizeof(packet));
	CU_ASSERT_EQUAL_FATAL(from_updater_decode(arena, packet, (size_t)len, &back, &why), 0);
	CU_ASSERT_EQUAL(strlen(back.attempt.detail), LIMIT_DETAIL_BYTES);
	CU_ASSERT_EQUAL(back.attempt.detail[3], '?');
	arena = wire_arena_free(arena);
}

static const struct unit_test tests[] = {
	{"orders arrive as they were sent", orders_arrive_as_they_were_sent},
	{"reports arrive as they were sent", reports_arrive_as_they_were_sent},
	{"the samples have every kind", the_samples_have_every_kind},
	{"names and URLs are sound or refused", names_and_urls_are_sound_or_refused},
	{"an order that is not sound is neither sent nor taken",
	 an_order_that_is_not_sound_is_neither_sent_nor_taken},
	{"lists that are too long are refused", lists_that_are_too_long_are_refused},
	{"a packet without a message is refused", a_packet_without_a_message_is_refused},
	{"an attempt that contradicts itself is refused",
	 an_attempt_that_contradicts_itself_is_refused},
	{"numbers outside their range are refused", numbers_outside_their_range_are_refused},
	{"outgoing texts are cut and made printable", outgoing_texts_are_cut_and_made_printable},
};

UNIT_MAIN("update_codec", tests)
