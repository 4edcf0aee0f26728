/* SPDX-License-Identifier: GPL-2.0-only */
/* What one side encodes the other side decodes to the same; what cannot be encoded is refused before a byte is sent. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "tests/support/message_equal.h"
#include "tests/support/sample_messages.h"
#include "tests/support/unit_main.h"

static uint8_t packet[LIMIT_PACKET_BYTES];
static struct wire_arena *arena;
static const char *why;

/* Every shorter buffer is refused, and every shorter packet is no message or another one. */
#define ROUND_TRIP(samples, type, encode, decode, equal)                                           \
	do {                                                                                       \
		static type back;                                                                  \
		unsigned n;                                                                        \
		const type *m = samples(&n);                                                       \
                                                                                                   \
		CU_ASSERT_FATAL(n > 0);                                                            \
		arena = wire_arena_new();                                                          \
		CU_ASSERT_PTR_NOT_NULL_FATAL(arena);                                               \
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
		CU_ASSERT_PTR_NULL(arena);                                                         \
	} while (0)

static void orders_to_the_service(void)
{
	ROUND_TRIP(sample_to_service, struct to_service, to_service_encode, to_service_decode,
		   to_service_equal);
}

static void reports_of_the_service(void)
{
	ROUND_TRIP(sample_from_service, struct from_service, from_service_encode,
		   from_service_decode, from_service_equal);
}

static void reports_of_a_worker(void)
{
	ROUND_TRIP(sample_from_worker, struct from_worker, from_worker_encode, from_worker_decode,
		   from_worker_equal);
}

static void requests(void)
{
	ROUND_TRIP(sample_requests, struct request, request_encode, request_decode, request_equal);
}

static void replies(void)
{
	ROUND_TRIP(sample_replies, struct reply, reply_encode, reply_decode, reply_equal);
}

static void events(void)
{
	ROUND_TRIP(sample_events, struct event, event_encode, event_decode, event_equal);
}

static void jobs(void)
{
	static const uint64_t numbers[] = {1, 127, 128, UINT32_MAX, UINT64_MAX};

	arena = wire_arena_new();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct scan_job job = {.job = numbers[i]}, back = {0};
		ssize_t len = scan_job_encode(&job, packet, sizeof(packet));

		CU_ASSERT_FATAL(len > 0);
		CU_ASSERT_EQUAL(scan_job_decode(arena, packet, (size_t)len, &back, &why), 0);
		CU_ASSERT_EQUAL(back.job, numbers[i]);
	}
	arena = wire_arena_free(arena);
}

static void the_samples_have_every_kind(void)
{
	unsigned n, kinds = 0;
	const struct from_service *from_service = sample_from_service(&n);

	for (unsigned i = 0; i < n; i++)
		kinds |= 1u << from_service[i].kind;
	CU_ASSERT_EQUAL(kinds, 0x7fc);
	kinds = 0;
	for (unsigned i = 0; i < (sample_requests(&n), n); i++)
		kinds |= 1u << sample_requests(&n)[i].kind;
	CU_ASSERT_EQUAL(kinds, 0x1fffe);
	kinds = 0;
	for (unsigned i = 0; i < (sample_replies(&n), n); i++)
		kinds |= 1u << sample_replies(&n)[i].kind;
	CU_ASSERT_EQUAL(kinds, 0xfffe);
	kinds = 0;
	for (unsigned i = 0; i < (sample_events(&n), n); i++)
		kinds |= 1u << sample_events(&n)[i].body;
	CU_ASSERT_EQUAL(kinds, 0x1ff0);
}

/* Encoders mend: what a library says is not under our control, and a refused report would be a lost one. */
static void outgoing_texts_are_cut_and_made_printable(void)
{
	static char text[2000];
	struct from_worker m = {.kind = FROM_WORKER_RESULT,
				.result = {.job = 1,
					   .verdict = VERDICT_INFECTED,
					   .detail = text,
					   .n_threats = LIMIT_THREATS + 5}};
	struct from_worker back;
	ssize_t len;

	memset(text, 'x', sizeof(text) - 1);
	text[3] = '\n';
	for (unsigned i = 0; i < LIMIT_THREATS; i++)
		m.result.threats[i] = text;
	arena = wire_arena_new();
	len = from_worker_encode(&m, packet, sizeof(packet));
	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(from_worker_decode(arena, packet, (size_t)len, &back, &why), 0);
	CU_ASSERT_EQUAL(strlen(back.result.detail), LIMIT_DETAIL_BYTES);
	CU_ASSERT_EQUAL(back.result.detail[3], '?');
	CU_ASSERT_EQUAL(back.result.n_threats, LIMIT_THREATS);
	CU_ASSERT_EQUAL(strlen(back.result.threats[LIMIT_THREATS - 1]), LIMIT_THREAT_BYTES);
	m.result.detail = NULL;
	len = from_worker_encode(&m, packet, sizeof(packet));
	CU_ASSERT_EQUAL_FATAL(from_worker_decode(arena, packet, (size_t)len, &back, &why), 0);
	CU_ASSERT_STRING_EQUAL(back.result.detail, "");
	arena = wire_arena_free(arena);
}

static void the_largest_status_fits_in_a_packet(void)
{
	static struct reply reply;
	static char text[2000];
	struct status_report *status = &reply.status;
	unsigned n;

	memset(text, 'x', sizeof(text) - 1);
	reply = sample_replies(&n)[1];
	CU_ASSERT_EQUAL_FATAL(reply.kind, REPLY_STATUS);
	status->service_reason = status->engine = status->journal_error = text;
	status->n_files = LIMIT_DEFINITION_FILES;
	for (unsigned i = 0; i < LIMIT_DEFINITION_FILES; i++)
		status->files[i] =
			(struct definition_file){.name = text,
						 .reason = text,
						 .version = UINT32_MAX,
						 .signatures = UINT32_MAX,
						 .built = UINT64_MAX,
						 .origin = DEFINITION_ORIGIN_COUNT - 1,
						 .database = text,
						 .promised = UINT32_MAX,
						 .signing = DEFINITION_SIGNING_COUNT - 1};
	status->n_notices = LIMIT_NOTICES;
	for (unsigned i = 0; i < LIMIT_NOTICES; i++)
		status->notices[i] = text;
	for (unsigned i = 0; i < WALL_COUNT; i++)
		status->walls[i].detail = text;
	status->n_faults = LIMIT_FAULTS;
	for (unsigned i = 0; i < LIMIT_FAULTS; i++)
		status->faults[i] = (struct fault_state){.id = FAULT_SELINUX,
							 .raised_ms = UINT64_MAX,
							 .seen_ms = UINT64_MAX,
							 .cleared_ms = UINT64_MAX,
							 .count = UINT64_MAX,
							 .detail = text,
							 .remedy = text,
							 .reason = text};
	CU_ASSERT(reply_encode(&reply, packet, sizeof(packet)) > 0);
}

static void the_catalogue_of_faults_fits_in_a_reply(void)
{
	CU_ASSERT(FAULT_COUNT <= LIMIT_FAULTS);
}

static bool is_cut(const char *detail)
{
	size_t len = strlen(detail);

	return len > 3 && strcmp(detail + len - 3, "...") == 0;
}

static void a_status_has_the_beginning_of_a_long_detail(void)
{
	static struct reply reply, back;
	static char text[LIMIT_FAULT_DETAIL_BYTES + 1];
	unsigned n;
	ssize_t len;

	memset(text, 'x', LIMIT_REASON_BYTES);
	reply = sample_replies(&n)[1];
	arena = wire_arena_new();
	reply.status.faults[0].detail = text;
	len = reply_encode(&reply, packet, sizeof(packet));
	CU_ASSERT_EQUAL_FATAL(reply_decode(arena, packet, (size_t)len, &back, &why), 0);
	CU_ASSERT_STRING_EQUAL(back.status.faults[0].detail, text);
	text[LIMIT_REASON_BYTES] = 'x';
	len = reply_encode(&reply, packet, sizeof(packet));
	CU_ASSERT_EQUAL_FATAL(reply_decode(arena, packet, (size_t)len, &back, &why), 0);
	CU_ASSERT_EQUAL(strlen(back.status.faults[0].detail), LIMIT_REASON_BYTES);
	CU_ASSERT_TRUE(is_cut(back.status.faults[0].detail));
	arena = wire_arena_free(arena);
}

/* `n` faults with details of the ceiling, the first with a short one. */
static void send_long_faults(unsigned n, struct reply *ret_back)
{
	static struct reply reply = {.kind = REPLY_FAULTS};
	static char text[LIMIT_FAULT_DETAIL_BYTES + 1];
	ssize_t len;

	memset(text, 'x', sizeof(text) - 1);
	reply.faults.n_faults = n;
	for (unsigned i = 0; i < n; i++)
		reply.faults.faults[i] = (struct fault_state){.id = FAULT_SELINUX,
							      .count = i,
							      .detail = i ? text : "short",
							      .remedy = "",
							      .reason = ""};
	len = reply_encode(&reply, packet, sizeof(packet));
	CU_ASSERT_FATAL(len > 0 && len <= LIMIT_PACKET_BYTES);
	CU_ASSERT_EQUAL_FATAL(reply_decode(arena, packet, (size_t)len, ret_back, &why), 0);
	CU_ASSERT_EQUAL_FATAL(ret_back->faults.n_faults, n);
	CU_ASSERT_STRING_EQUAL(ret_back->faults.faults[0].detail, "short");
}

static void the_longest_details_are_cut_until_the_faults_fit(void)
{
	static struct reply back;

	arena = wire_arena_new();
	send_long_faults(4, &back);
	for (unsigned i = 1; i < 4; i++)
		CU_ASSERT_EQUAL(strlen(back.faults.faults[i].detail), LIMIT_FAULT_DETAIL_BYTES);
	for (unsigned n = 5; n <= LIMIT_FAULTS; n++) {
		send_long_faults(n, &back);
		for (unsigned i = 1; i < n; i++) {
			CU_ASSERT_TRUE(is_cut(back.faults.faults[i].detail));
			/* most of the packet is used: little more is cut than must be */
			CU_ASSERT(strlen(back.faults.faults[i].detail) * (n - 1) >
				  LIMIT_PACKET_BYTES * 3 / 4);
		}
	}
	arena = wire_arena_free(arena);
}

static void fill_page(struct event *events, struct unscannable_report *files)
{
	for (unsigned i = 0; i < LIMIT_HISTORY_ROWS; i++) {
		struct event *event = &events[i];

		*event = (struct event){.sequence = i + 1,
					.type = EVENT_THREAT_DETECTED,
					.body = EVENT_BODY_THREAT};
		event->threat.path = span_of_text("/a/path/of/a/common/length.so");
		event->threat.n_threats = LIMIT_THREATS;
		for (unsigned t = 0; t < LIMIT_THREATS; t++)
			event->threat.threats[t] = "A.B";
		files[i] = (struct unscannable_report){
			.path = event->threat.path, .digest = span_of(packet, LIMIT_DIGEST_BYTES)};
	}
}

/* Small rows unfold the most. */
static void the_fullest_pages_unfold_within_the_ceiling(void)
{
	static struct event events[LIMIT_HISTORY_ROWS];
	static struct unscannable_report files[LIMIT_HISTORY_ROWS];
	struct reply reply = {.kind = REPLY_HISTORY,
			      .history = {.n_events = LIMIT_HISTORY_ROWS, .events = events}};
	static struct reply back;
	ssize_t len;

	fill_page(events, files);
	arena = wire_arena_new();
	len = reply_encode(&reply, packet, sizeof(packet));
	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(reply_decode(arena, packet, (size_t)len, &back, &why), 0);
	CU_ASSERT_TRUE(reply_equal(&reply, &back));
	reply = (struct reply){.kind = REPLY_UNSCANNABLE,
			       .unscannable = {.n_files = LIMIT_HISTORY_ROWS, .files = files}};
	len = reply_encode(&reply, packet, sizeof(packet));
	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(reply_decode(arena, packet, (size_t)len, &back, &why), 0);
	CU_ASSERT_EQUAL(back.unscannable.n_files, LIMIT_HISTORY_ROWS);
	arena = wire_arena_free(arena);
}

static void the_longest_path_fits_in_a_packet(void)
{
	static uint8_t path[LIMIT_PATH_BYTES + 10];
	struct request m = {.kind = REQUEST_SCAN_FILE,
			    .scan_file = {.file = UINT64_MAX, .path = span_of(path, sizeof(path))}};
	struct request back;
	ssize_t len = request_encode(&m, packet, sizeof(packet));

	memset(path, 'p', sizeof(path));
	arena = wire_arena_new();
	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(request_decode(arena, packet, (size_t)len, &back, &why), 0);
	CU_ASSERT_EQUAL(back.scan_file.path.len, LIMIT_PATH_BYTES);
	arena = wire_arena_free(arena);
}

static void a_page_of_events_keeps_what_was_decoded_before(void)
{
	unsigned n;
	const struct event *m = sample_events(&n);
	struct event page[16];

	arena = wire_arena_new();
	for (unsigned i = 0; i < n; i++) {
		ssize_t len = event_encode(&m[i], packet, sizeof(packet));

		CU_ASSERT_EQUAL((i ? event_decode_more : event_decode)(arena, packet, (size_t)len,
								       &page[i], &why),
				0);
	}
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_TRUE(event_equal(&m[i], &page[i]));
	arena = wire_arena_free(arena);
}

static void a_full_arena_refuses_and_the_next_decode_begins_anew(void)
{
	unsigned n, decoded = 0;
	const struct event *m = sample_events(&n);
	struct event event;
	ssize_t len = event_encode(&m[2], packet, sizeof(packet));

	arena = wire_arena_new();
	while (event_decode_more(arena, packet, (size_t)len, &event, &why) == 0 && decoded < 100000)
		decoded++;
	CU_ASSERT(decoded > 100 && decoded < 100000);
	CU_ASSERT_EQUAL(event_decode(arena, packet, (size_t)len, &event, &why), 0);
	CU_ASSERT_TRUE(event_equal(&m[2], &event));
	arena = wire_arena_free(arena);
}

static const struct unit_test tests[] = {
	{"orders to the service arrive as they were sent", orders_to_the_service},
	{"reports of the service arrive as they were sent", reports_of_the_service},
	{"reports of a worker arrive as they were sent", reports_of_a_worker},
	{"requests arrive as they were sent", requests},
	{"replies arrive as they were sent", replies},
	{"events arrive as they were sent", events},
	{"jobs arrive as they were sent", jobs},
	{"the samples have every kind", the_samples_have_every_kind},
	{"outgoing texts are cut and made printable", outgoing_texts_are_cut_and_made_printable},
	{"the largest status fits in a packet", the_largest_status_fits_in_a_packet},
	{"the catalogue of faults fits in a reply", the_catalogue_of_faults_fits_in_a_reply},
	{"a status has the beginning of a long detail",
	 a_status_has_the_beginning_of_a_long_detail},
	{"the longest details are cut until the faults fit",
	 the_longest_details_are_cut_until_the_faults_fit},
	{"the fullest pages unfold within the ceiling",
	 the_fullest_pages_unfold_within_the_ceiling},
	{"the longest path fits in a packet", the_longest_path_fits_in_a_packet},
	{"a page of events keeps what was decoded before",
	 a_page_of_events_keeps_what_was_decoded_before},
	{"a full arena refuses and the next decode begins anew",
	 a_full_arena_refuses_and_the_next_decode_begins_anew},
};

UNIT_MAIN("wire_round_trip", tests)
