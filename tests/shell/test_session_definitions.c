/* SPDX-License-Identifier: GPL-2.0-only */
/* What clients ask of definitions reaches the desks as it was asked, and what the desks know reaches clients whole. The desks are stand-ins. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ampdaemon/session_definitions.h"
#include "base/definition_age.h"
#include "io/clock.h"
#include "tests/support/unit_main.h"

#define CLIENT 4711

/* ---- stand-ins ---- */

static struct {
	char said[200]; /* what was asked of them, in order */
	int answer;
	struct definition_machine machine;
	unsigned n_rejected;
	const char *root;
	bool in_charge;
} desk;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	size_t at = strlen(desk.said);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(desk.said + at, sizeof(desk.said) - at, format, arguments);
	va_end(arguments);
}

static int answer(char *why)
{
	if (desk.answer)
		(void)snprintf(why, LIMIT_REASON_BYTES + 1, "the desk says no");
	return desk.answer;
}

int definition_desk_begin(struct definition_desk *d, uint64_t client, enum candidate_origin origin,
			  bool forced, char why[LIMIT_REASON_BYTES + 1])
{
	(void)d;
	say("begin %u %d%s;", (unsigned)client, origin, forced ? " forced" : "");
	return answer(why);
}

int definition_desk_add(struct definition_desk *d, uint64_t client, const char *name,
			bool is_custom, int fd, char why[LIMIT_REASON_BYTES + 1])
{
	(void)d;
	say("add %u %s%s %s;", (unsigned)client, name, is_custom ? " custom" : "",
	    fcntl(fd, F_GETFD) >= 0 ? "open" : "closed");
	(void)close(fd);
	return answer(why);
}

int definition_desk_go(struct definition_desk *d, uint64_t client, char why[LIMIT_REASON_BYTES + 1])
{
	(void)d;
	say("go %u;", (unsigned)client);
	return answer(why);
}

void definition_desk_cancel(struct definition_desk *d, uint64_t client)
{
	(void)d;
	say("cancel %u;", (unsigned)client);
}

int definition_desk_roll_back(struct definition_desk *d, uint64_t client, uint64_t number,
			      char why[LIMIT_REASON_BYTES + 1])
{
	(void)d;
	say("back %u %u;", (unsigned)client, (unsigned)number);
	return answer(why);
}

const struct definition_machine *definition_desk_machine(const struct definition_desk *d)
{
	(void)d;
	return &desk.machine;
}

const char *definition_desk_root(const struct definition_desk *d)
{
	(void)d;
	return desk.root;
}

uint64_t definition_desk_bytes(const struct definition_desk *d)
{
	(void)d;
	return 12345;
}

bool definition_desk_is_in_charge(const struct definition_desk *d)
{
	(void)d;
	return desk.in_charge;
}

bool definition_desk_rejected(const struct definition_desk *d, unsigned n,
			      struct definition_rejected *ret_rejected)
{
	(void)d;
	*ret_rejected = (struct definition_rejected){
		.digest = {(uint8_t)n}, .utc_ms = 1000 + n, .rejection = REJECTION_TRIAL};
	(void)snprintf(ret_rejected->detail, sizeof(ret_rejected->detail), "%s",
		       n ? "" : "daily.cvd: cut");
	return n < desk.n_rejected;
}

static int update(void *context, uint64_t client, char *why)
{
	(void)context;
	say("update %u;", (unsigned)client);
	return answer(why);
}

static void cancel_update(void *context, uint64_t client)
{
	(void)context;
	say("cancel update %u;", (unsigned)client);
}

static void fill_updates(void *context, struct generations_report *ret_report)
{
	static const struct update_view view = {.is_on = true,
						.last_check_ms = 5,
						.last_outcome = UPDATE_CUT,
						.last_reason = "it was cut",
						.next_check_ms = 6,
						.age = DEFINITION_AGE_OLD,
						.age_limit_s = 7};

	(void)context;
	session_definitions_updates(&view, ret_report);
}

static const struct control_services services = {
	.update = update, .cancel_update = cancel_update, .fill_updates = fill_updates};

static void begin(void)
{
	memset(&desk, 0, sizeof(desk));
	desk.root = "/store";
	desk.in_charge = true;
	definition_machine_init(&desk.machine, 900000);
}

static int hear(const struct request *request, int fd)
{
	char why[LIMIT_REASON_BYTES + 1] = "";
	int r = session_definitions_hear(&services, CLIENT, request, fd, why);

	CU_ASSERT_EQUAL(r != 0, why[0] != '\0');
	return r;
}

/* ---- requests ---- */

static void each_request_reaches_its_desk(void)
{
	static const struct {
		struct request request;
		const char *said;
		bool waits;
	} rows[] = {
		{{.kind = REQUEST_CHECK_BEGIN}, "begin 4711 2;", false},
		{{.kind = REQUEST_CHECK_BEGIN, .check_begin = {.is_import = true}},
		 "begin 4711 1;",
		 false},
		{{.kind = REQUEST_CHECK_BEGIN,
		  .check_begin = {.is_import = true, .is_forced = true}},
		 "begin 4711 1 forced;",
		 false},
		{{.kind = REQUEST_CHECK_END}, "go 4711;", true},
		{{.kind = REQUEST_ROLLBACK}, "back 4711 0;", true},
		{{.kind = REQUEST_ROLLBACK, .rollback = {.generation = 12}}, "back 4711 12;", true},
		{{.kind = REQUEST_UPDATE}, "update 4711;", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		CU_ASSERT_EQUAL(hear(&rows[i].request, -1), 0);
		CU_ASSERT_STRING_EQUAL(desk.said, rows[i].said);
		CU_ASSERT_EQUAL(session_definitions_waits(rows[i].request.kind), rows[i].waits);
		begin();
		desk.answer = -EBUSY;
		CU_ASSERT_EQUAL(hear(&rows[i].request, -1), -EBUSY);
	}
	CU_ASSERT_FALSE(session_definitions_waits(REQUEST_CHECK_FILE));
	CU_ASSERT_FALSE(session_definitions_waits(REQUEST_GENERATIONS));
}

static void a_file_goes_on_open_and_nothing_else_does(void)
{
	const struct request request = {.kind = REQUEST_CHECK_FILE,
					.check_file = {.name = "own.ndb", .custom = true}};
	int pair[2], fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	begin();
	CU_ASSERT_EQUAL(hear(&request, fd), 0);
	CU_ASSERT_STRING_EQUAL(desk.said, "add 4711 own.ndb custom open;");
	begin();
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CU_ASSERT_EQUAL(hear(&request, pair[0]), -EINVAL);
	CU_ASSERT_STRING_EQUAL(desk.said, "cancel 4711;");
	CU_ASSERT_EQUAL(fcntl(pair[0], F_GETFD), -1);
	(void)close(pair[1]);
}

static void who_hangs_up_is_forgotten_everywhere(void)
{
	begin();
	session_definitions_cancel(&services, CLIENT);
	CU_ASSERT_STRING_EQUAL(desk.said, "cancel 4711;cancel update 4711;");
}

/* ---- verdicts ---- */

static void a_verdict_says_why_not(void)
{
	static const struct {
		enum rejection rejection;
		const char *detail;
		bool passed;
		const char *reason;
	} rows[] = {
		{REJECTION_NONE, "", true, ""},
		{REJECTION_NOTHING_NEW, "", true, ""},
		{REJECTION_OLDER, "", false, "a database is older than the one before"},
		{REJECTION_TRIAL, "daily.cvd: cut", false, "the trial refused it: daily.cvd: cut"},
	};
	struct reply *reply = calloc(1, sizeof(*reply));

	CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct definition_answer verdict = {
			.rejection = rows[i].rejection, .detail = rows[i].detail, .generation = i};

		session_definitions_verdict(&verdict, reply);
		CU_ASSERT_EQUAL(reply->kind, REPLY_CHECK_VERDICT);
		CU_ASSERT_EQUAL(reply->check_verdict.passed, rows[i].passed);
		CU_ASSERT_STRING_EQUAL(reply->check_verdict.reason, rows[i].reason);
		CU_ASSERT_EQUAL(reply->check_verdict.generation, i);
		CU_ASSERT_EQUAL(reply->check_verdict.n_files, 0);
	}
	free(reply);
}

static void a_verdict_on_an_update_and_its_progress_are_replies(void)
{
	static const struct {
		enum rejection rejection;
		bool is_rejected;
	} rows[] = {{REJECTION_NONE, false},
		    {REJECTION_NOTHING_NEW, false},
		    {REJECTION_KNOWN, true},
		    {REJECTION_TRIAL, true}};
	struct reply *reply = calloc(1, sizeof(*reply));

	CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct update_answer verdict = {.outcome = UPDATE_UPDATED,
						      .rejection = rows[i].rejection,
						      .reason = "daily 27001",
						      .generation = 12,
						      .bytes = 99};

		session_definitions_update_verdict(&verdict, reply);
		CU_ASSERT_EQUAL(reply->kind, REPLY_UPDATE_VERDICT);
		CU_ASSERT_EQUAL(reply->update_verdict.is_rejected, rows[i].is_rejected);
		CU_ASSERT_STRING_EQUAL(reply->update_verdict.reason, "daily 27001");
		CU_ASSERT_EQUAL(reply->update_verdict.generation, 12);
		CU_ASSERT_EQUAL(reply->update_verdict.bytes, 99);
	}
	session_definitions_update_progress("daily", 1, 2, reply);
	CU_ASSERT(reply->kind == REPLY_PROGRESS && reply->progress.done == 1 &&
		  reply->progress.total == 2);
	CU_ASSERT_STRING_EQUAL(reply->progress.text, "daily");
	for (int i = 0; i < CANDIDATE_PHASE_COUNT; i++) {
		session_definitions_phase((enum candidate_phase)i, reply);
		CU_ASSERT(reply->kind == REPLY_PROGRESS && reply->progress.text);
		CU_ASSERT_EQUAL(reply->progress.text[0] == '\0', i == CANDIDATE_NONE);
	}
	free(reply);
}

/* ---- what there is ---- */

static struct reply *listed(void)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	static struct wire_arena *arena;
	static struct reply reply;
	const char *why = "";
	ssize_t len = session_definitions_list(&services, packet, sizeof(packet));

	if (!arena)
		arena = wire_arena_new();
	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(reply_decode(arena, packet, (size_t)len, &reply, &why), 0);
	CU_ASSERT_EQUAL_FATAL(reply.kind, REPLY_GENERATIONS);
	return &reply;
}

static void restore(uint64_t number)
{
	struct definition_facts facts = {.digest = {(uint8_t)number},
					 .signatures = number * 100,
					 .bytes = number * 1000,
					 .built = number,
					 .n_databases = 1,
					 .databases = {{"daily", (uint32_t)number}}};

	CU_ASSERT_EQUAL(definition_machine_restore(&desk.machine, number, &facts), 0);
}

static void what_is_kept_is_listed_the_newest_first(void)
{
	static const uint64_t numbers[] = {11, 14, 12};
	const struct generations_report *report;
	uint64_t staged;

	begin();
	desk.n_rejected = 2;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		restore(numbers[i]);
	definition_machine_start(&desk.machine, 12, 11, 0);
	definition_machine_up(&desk.machine, clock_mono_ms(), 12);
	CU_ASSERT_EQUAL(definition_machine_stage(&desk.machine, ORIGIN_IMPORT, false, &staged), 0);
	report = &listed()->generations;
	CU_ASSERT(report->active == 12 && report->last_good == 11 && report->in_charge);
	CU_ASSERT_EQUAL(report->store_bytes, 12345);
	CU_ASSERT(report->root.len == 6 && memcmp(report->root.data, "/store", 6) == 0);
	CU_ASSERT_EQUAL_FATAL(report->n_generations, 3);
	CU_ASSERT(report->generations[0].number == 14 && report->generations[1].number == 12 &&
		  report->generations[2].number == 11);
	CU_ASSERT(report->generations[1].is_active && !report->generations[1].is_good);
	CU_ASSERT(report->generations[2].is_good && !report->generations[2].is_active);
	CU_ASSERT(report->generations[1].signatures == 1200 &&
		  report->generations[1].bytes == 12000 && report->generations[1].built == 12 &&
		  report->generations[1].digest.data[0] == 12);
	CU_ASSERT_STRING_EQUAL(report->generations[1].databases[0].name, "daily");
	CU_ASSERT_EQUAL(report->generations[1].databases[0].version, 12);
	CU_ASSERT_STRING_EQUAL(report->candidate, "an import: staging");
	CU_ASSERT_EQUAL_FATAL(report->n_rejected, 2);
	CU_ASSERT_STRING_EQUAL(report->rejected[0].reason, "the trial refused it: daily.cvd: cut");
	CU_ASSERT_STRING_EQUAL(report->rejected[1].reason, "the trial refused it");
	CU_ASSERT(report->rejected[1].utc_ms == 1001 && report->rejected[1].digest.data[0] == 1);
}

static void as_much_as_there_can_be_fits(void)
{
	const struct generations_report *report;

	begin();
	desk.n_rejected = DEFINITIONS_REJECTED_MAX;
	for (unsigned i = 0; i < DEFINITIONS_MAX; i++)
		restore(DEFINITIONS_FIRST + i);
	report = &listed()->generations;
	CU_ASSERT_EQUAL(report->n_generations, DEFINITIONS_MAX);
	CU_ASSERT_EQUAL(report->n_rejected, LIMIT_REJECTED_SHOWN);
	begin();
	report = &listed()->generations;
	CU_ASSERT(report->n_generations == 0 && report->n_rejected == 0 && !report->candidate[0]);
	CU_ASSERT_EQUAL(report->probation_left_ms, 0);
}

static void a_probation_has_its_rest_and_updates_their_view(void)
{
	const struct generations_report *report;

	begin();
	restore(12);
	definition_machine_start(&desk.machine, 12, 0, 0);
	definition_machine_up(&desk.machine, clock_mono_ms(), 12);
	report = &listed()->generations;
	CU_ASSERT(report->probation_left_ms > 890000 && report->probation_left_ms <= 900000);
	CU_ASSERT(report->updates_on && report->last_check_ms == 5 && report->next_check_ms == 6);
	CU_ASSERT(report->last_outcome == UPDATE_CUT && report->age_state == DEFINITION_AGE_OLD &&
		  report->age_limit_s == 7);
	CU_ASSERT_STRING_EQUAL(report->last_reason, "it was cut");
}

static const struct unit_test tests[] = {
	{"each request reaches its desk", each_request_reaches_its_desk},
	{"a file goes on open, and nothing else does", a_file_goes_on_open_and_nothing_else_does},
	{"who hangs up is forgotten everywhere", who_hangs_up_is_forgotten_everywhere},
	{"a verdict says why not", a_verdict_says_why_not},
	{"a verdict on an update and its progress are replies",
	 a_verdict_on_an_update_and_its_progress_are_replies},
	{"what is kept is listed, the newest first", what_is_kept_is_listed_the_newest_first},
	{"as much as there can be fits", as_much_as_there_can_be_fits},
	{"a probation has its rest, and updates their view",
	 a_probation_has_its_rest_and_updates_their_view},
};
UNIT_MAIN("session_definitions", tests)
