/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/handover_codec.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "tests/support/raw_message.h"
#include "tests/support/unit_main.h"

static struct wire_arena *arena;
static uint8_t packet[LIMIT_PACKET_BYTES];
static struct handover_record in, out;
static struct raw inner, outer;
static const char *why;

static void cross(void)
{
	ssize_t len = handover_record_encode(&in, packet, sizeof(packet));

	if (!arena)
		arena = wire_arena_new();
	CU_ASSERT_FATAL(arena && len >= 0);
	memset(&out, 0xa5, sizeof(out));
	CU_ASSERT_EQUAL_FATAL(handover_record_decode(arena, packet, (size_t)len, &out, &why), 0);
	CU_ASSERT_EQUAL_FATAL(out.kind, in.kind);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void a_head_crosses(void)
{
	in = (struct handover_record){.kind = HANDOVER_HEAD};
	in.head = (struct handover_head){.program = "1.2.3",
					 .reason = "fault 6",
					 .run_dir = span_of_text("/run/amp"),
					 .listening = 64,
					 .pid_lock = -1,
					 .incarnation = 3,
					 .first_worker = UINT64_MAX,
					 .last_scan = 9,
					 .first_serial = 12,
					 .started = 77,
					 .violations = 5,
					 .last_scan_utc_ms = 6};
	in.head.counters.submitted = 100;
	in.head.counters.late_answers = 4;
	in.head.counters.verdicts[VERDICT_COUNT - 1] = 8;
	in.head.counters.deaths[DEATH_CAUSE_COUNT - 1] = 9;
	cross();
	CU_ASSERT_EQUAL(out.head.version, HANDOVER_VERSION);
	CU_ASSERT(same_text(out.head.program, "1.2.3") && same_text(out.head.reason, "fault 6"));
	CU_ASSERT(out.head.run_dir.len == 8 && !memcmp(out.head.run_dir.data, "/run/amp", 8));
	CU_ASSERT(out.head.listening == 64 && out.head.pid_lock == -1);
	CU_ASSERT(out.head.incarnation == 3 && out.head.first_worker == UINT64_MAX);
	CU_ASSERT(out.head.last_scan == 9 && out.head.first_serial == 12);
	CU_ASSERT(out.head.started == 77 && out.head.violations == 5);
	CU_ASSERT_EQUAL(out.head.last_scan_utc_ms, 6);
	CU_ASSERT_EQUAL(memcmp(&out.head.counters, &in.head.counters, sizeof(in.head.counters)), 0);
}

static void fill_service(struct handover_service *service)
{
	*service = (struct handover_service){
		.incarnation = 3,
		.pings = 4,
		.pid = 500,
		.pidfd = 70,
		.channel = 71,
		.last_words = 72,
		.uid = 999,
		.gid = 998,
		.as_root = true,
		.source = 1,
		.generation = 8,
		.starts = 2,
		.up_since = 1234,
		.phase = 2,
		.seen = 0x80000001u,
		.engine = "engine",
		.n_walls = 1,
		.n_files = LIMIT_DEFINITION_FILES,
		.ready = {.signatures = 8000000, .load_ms = 9, .slots = 24}};
	service->walls[0] = (struct wall_report){.id = 1, .state = 1, .detail = "it stands"};
	for (unsigned i = 0; i < LIMIT_DEFINITION_FILES; i++)
		service->files[i] = (struct definition_file){
			.name = "daily.cvd", .reason = "", .version = i, .accepted = true};
}

static void a_service_crosses(void)
{
	const struct handover_service *s = &out.service;

	in = (struct handover_record){.kind = HANDOVER_SERVICE};
	fill_service(&in.service);
	cross();
	CU_ASSERT(s->incarnation == 3 && s->pings == 4 && s->pid == 500);
	CU_ASSERT(s->pidfd == 70 && s->channel == 71 && s->last_words == 72);
	CU_ASSERT(s->uid == 999 && s->gid == 998 && s->as_root && s->source == 1);
	CU_ASSERT(s->generation == 8 && s->starts == 2 && s->up_since == 1234);
	CU_ASSERT(s->phase == 2 && s->seen == 0x80000001u && same_text(s->engine, "engine"));
	CU_ASSERT(s->n_walls == 1 && same_text(s->walls[0].detail, "it stands"));
	CU_ASSERT_EQUAL(s->n_files, LIMIT_DEFINITION_FILES);
	CU_ASSERT(s->files[63].version == 63 && s->files[63].accepted);
	CU_ASSERT(s->ready.signatures == 8000000 && s->ready.load_ms == 9 && s->ready.slots == 24);
	in.service.last_words = -1;
	cross();
	CU_ASSERT_EQUAL(s->last_words, -1);
}

static void fill_worker(struct worker_handover *worker)
{
	*worker = (struct worker_handover){.worker = 69,
					   .incarnation = 3,
					   .answered = 1000,
					   .pid = 501,
					   .pidfd = 80,
					   .channel = 81,
					   .canary_us = 900,
					   .owed = 7,
					   .phase = 1,
					   .seen = 6};
}

static void a_worker_a_scan_and_the_end_cross(void)
{
	in = (struct handover_record){.kind = HANDOVER_WORKER};
	fill_worker(&in.worker);
	cross();
	CU_ASSERT(out.worker.worker == 69 && out.worker.incarnation == 3);
	CU_ASSERT(out.worker.answered == 1000 && out.worker.pid == 501 && out.worker.owed == 7);
	CU_ASSERT(out.worker.pidfd == 80 && out.worker.channel == 81);
	CU_ASSERT(out.worker.canary_us == 900 && out.worker.phase == 1 && out.worker.seen == 6);
	in = (struct handover_record){.kind = HANDOVER_SCAN};
	in.scan.counts.scan = 44;
	in.scan.counts.files = 45;
	in.scan.counts.label = span_of("\xff\n", 2);
	in.scan.began = 46;
	cross();
	CU_ASSERT(out.scan.counts.scan == 44 && out.scan.counts.files == 45);
	CU_ASSERT(out.scan.counts.label.len == 2 && out.scan.began == 46);
	in = (struct handover_record){.kind = HANDOVER_END, .end = {.workers = 1, .scans = 2}};
	cross();
	CU_ASSERT(out.end.workers == 1 && out.end.scans == 2);
}

/* ---- made by hand: another build's ---- */

static int decode(unsigned kind)
{
	int r;

	if (!arena)
		arena = wire_arena_new();
	outer.len = 0;
	raw_message(&outer, kind, &inner);
	why = NULL;
	r = handover_record_decode(arena, outer.bytes, outer.len, &out, &why);
	CU_ASSERT(r == 0 || (why && *why));
	return r;
}

static void begin_head(uint64_t version)
{
	inner.len = 0;
	raw_number(&inner, 1, version);
	raw_text(&inner, 3, "/run/amp");
}

static void a_newer_state_is_refused(void)
{
	begin_head(HANDOVER_VERSION + 1);
	CU_ASSERT_EQUAL(decode(HANDOVER_HEAD), -EPROTONOSUPPORT);
	begin_head(0);
	CU_ASSERT_EQUAL(decode(HANDOVER_HEAD), -EBADMSG);
}

static void what_an_older_state_lacks_has_its_default(void)
{
	begin_head(1);
	CU_ASSERT_EQUAL(decode(HANDOVER_HEAD), 0);
	CU_ASSERT(out.head.listening == -1 && out.head.pid_lock == -1);
	CU_ASSERT(out.head.counters.finished == 0 && *out.head.reason == '\0');
}

static void unknown_fields_and_records_are_skipped(void)
{
	begin_head(1);
	raw_text(&inner, 900, "of a later build");
	CU_ASSERT_EQUAL(decode(HANDOVER_HEAD), 0);
	CU_ASSERT_EQUAL(out.kind, HANDOVER_HEAD);
	CU_ASSERT_EQUAL(decode(77), 0);
	CU_ASSERT_EQUAL(out.kind, HANDOVER_OTHER);
}

/* A worker's record: field, a value that is refused. */
static void numbers_out_of_range_are_refused(void)
{
	static const struct {
		unsigned field;
		uint64_t value;
	} bad[] = {
		{4, 0},        {4, 0x80000000u},
		{5, 63},       {5, HANDOVER_LAST_FD + 1},
		{6, 0},        {6, 80 /* the pidfd's */},
		{8, 1u << 20}, {9, 16},
		{1, 0},        {2, 0},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		static const uint64_t good[] = {69, 3, 0, 501, 80, 81, 0, 0, 1, 0};

		inner.len = 0;
		for (unsigned f = 1; f <= 10; f++)
			raw_number(&inner, f, f == bad[i].field ? bad[i].value : good[f - 1]);
		CU_ASSERT_EQUAL(decode(HANDOVER_WORKER), -EBADMSG);
		inner.len = 0;
		for (unsigned f = 1; f <= 10; f++)
			raw_number(&inner, f, good[f - 1]);
		CU_ASSERT_EQUAL(decode(HANDOVER_WORKER), 0);
	}
}

static void texts_and_lists_have_their_ceilings(void)
{
	static const char *const bad[] = {"a\nb", "\x1b[2J"};
	char longest[HANDOVER_RUN_DIR_BYTES + 2];

	for (unsigned i = 0; i < 2; i++) {
		begin_head(1);
		raw_text(&inner, 13, bad[i]);
		CU_ASSERT_EQUAL(decode(HANDOVER_HEAD), -EBADMSG);
	}
	memset(longest, 'x', sizeof(longest));
	inner.len = 0;
	raw_number(&inner, 1, 1);
	raw_bytes(&inner, 3, longest, HANDOVER_RUN_DIR_BYTES + 1);
	CU_ASSERT_EQUAL(decode(HANDOVER_HEAD), -EBADMSG);
	inner.len = 0;
	raw_number(&inner, 2, 1); /* a scan without counts */
	CU_ASSERT_EQUAL(decode(HANDOVER_SCAN), -EBADMSG);
}

/* ---- frames ---- */

static void frames_follow_one_another_and_a_cut_is_noticed(void)
{
	uint8_t state[2 * HANDOVER_FRAME_BYTES + 3];
	struct span record;
	size_t offset = 0;

	handover_frame_put(state, 3);
	memcpy(state + 4, "abc", 3);
	handover_frame_put(state + 7, 0);
	CU_ASSERT_EQUAL(handover_frame_next(span_of(state, 11), &offset, &record), 0);
	CU_ASSERT(record.len == 3 && !memcmp(record.data, "abc", 3));
	CU_ASSERT_EQUAL(handover_frame_next(span_of(state, 11), &offset, &record), 0);
	CU_ASSERT_EQUAL(record.len, 0);
	CU_ASSERT_EQUAL(handover_frame_next(span_of(state, 11), &offset, &record), -ENODATA);
	for (size_t len = 1; len < 7; len++) {
		offset = 0;
		CU_ASSERT_EQUAL(handover_frame_next(span_of(state, len), &offset, &record),
				-EBADMSG);
	}
	handover_frame_put(state, LIMIT_PACKET_BYTES + 1);
	offset = 0;
	CU_ASSERT_EQUAL(handover_frame_next(span_of(state, 11), &offset, &record), -EBADMSG);
}

static const struct unit_test tests[] = {
	{"a head crosses", a_head_crosses},
	{"a service crosses", a_service_crosses},
	{"a worker, a scan and the end cross", a_worker_a_scan_and_the_end_cross},
	{"a newer state is refused", a_newer_state_is_refused},
	{"what an older state lacks has its default", what_an_older_state_lacks_has_its_default},
	{"unknown fields and records are skipped", unknown_fields_and_records_are_skipped},
	{"numbers out of range are refused", numbers_out_of_range_are_refused},
	{"texts and lists have their ceilings", texts_and_lists_have_their_ceilings},
	{"frames follow one another and a cut is noticed",
	 frames_follow_one_another_and_a_cut_is_noticed},
};

UNIT_MAIN("handover_codec", tests)
