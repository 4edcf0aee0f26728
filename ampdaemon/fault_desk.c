/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/fault_desk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "io/log.h"

#define KEY_PREFIX "fault/"
#define OWED_KEY                                                                                   \
	"faults-cleared" /* All Faults Cleared is to be told: the row before it may be the last of a transaction */
#define SAVED_VERSION 1

/* What is kept of a fault; the three texts follow, each with its NUL. Native byte order: a database does not move. */
struct saved_fault {
	uint32_t version;
	uint32_t id;
	uint32_t active;
	uint32_t severity;
	uint64_t raised_ms, seen_ms, cleared_ms, count;
};

struct fault_desk {
	struct journal *journal;
	struct fault_registry registry;
};

/* ---- kept state ---- */

static size_t put_text(uint8_t *to, size_t at, const char *text)
{
	size_t len = strlen(text) + 1;

	memcpy(to + at, text, len);
	return at + len;
}

/* The buffer holds the largest: the loop thread's own. */
static size_t save(uint32_t id, const struct fault_record *record, const uint8_t **ret_data)
{
	static uint8_t buffer[sizeof(struct saved_fault) + sizeof(record->detail) +
			      sizeof(record->remedy) + sizeof(record->reason)];
	struct saved_fault saved = {.version = SAVED_VERSION,
				    .id = id,
				    .active = record->active,
				    .severity = record->severity,
				    .raised_ms = record->raised_ms,
				    .seen_ms = record->seen_ms,
				    .cleared_ms = record->cleared_ms,
				    .count = record->count};
	size_t at = sizeof(saved);

	memcpy(buffer, &saved, sizeof(saved));
	at = put_text(buffer, at, record->detail);
	at = put_text(buffer, at, record->remedy);
	at = put_text(buffer, at, record->reason);
	*ret_data = buffer;
	return at;
}

struct reader {
	const uint8_t *data;
	size_t len;
	bool bad;
};

static void take_text(struct reader *reader, char *to, size_t size)
{
	const uint8_t *end = reader->len ? memchr(reader->data, '\0', reader->len) : NULL;
	size_t len = end ? (size_t)(end - reader->data) + 1 : 0;

	if (!end || len > size) {
		reader->bad = true;
		return;
	}
	memcpy(to, reader->data, len);
	reader->data += len;
	reader->len -= len;
}

static void restore(void *context, const char *key, const void *data, size_t len)
{
	static struct fault_record record; /* large; of the start */
	struct fault_desk *desk = context;
	struct reader reader = {.data = data, .len = len};
	struct saved_fault saved;

	if (len < sizeof(saved)) {
		log_warning("%s cannot be read back: it is not used", key);
		return;
	}
	memcpy(&saved, data, sizeof(saved));
	reader.data += sizeof(saved);
	reader.len -= sizeof(saved);
	record = (struct fault_record){.active = saved.active != 0,
				       .severity = saved.severity,
				       .raised_ms = saved.raised_ms,
				       .seen_ms = saved.seen_ms,
				       .cleared_ms = saved.cleared_ms,
				       .count = saved.count};
	take_text(&reader, record.detail, sizeof(record.detail));
	take_text(&reader, record.remedy, sizeof(record.remedy));
	take_text(&reader, record.reason, sizeof(record.reason));
	if (reader.bad || saved.version != SAVED_VERSION ||
	    fault_registry_restore(&desk->registry, saved.id, &record))
		log_warning("%s cannot be read back: it is not used", key);
	else if (record.active)
		log_notice("fault %u (%s) is active since before this start: %.300s", saved.id,
			   fault_of(saved.id)->name, record.detail);
}

/* ---- announcements ---- */

static uint32_t type_of_raise(enum fault_severity severity)
{
	static const uint32_t types[FAULT_SEVERITY_COUNT] = {
		[FAULT_MINOR] = EVENT_FAULT_RAISED_MINOR,
		[FAULT_MAJOR] = EVENT_FAULT_RAISED_MAJOR,
		[FAULT_CRITICAL] = EVENT_FAULT_RAISED_CRITICAL,
	};

	return types[severity];
}

static struct event describe(uint32_t type, uint32_t id, const struct fault_record *record)
{
	struct event event = {.type = type, .body = EVENT_BODY_FAULT};

	event.fault.id = id;
	event.fault.severity = record->severity;
	event.fault.detail = record->detail;
	event.fault.remedy = record->remedy;
	event.fault.reason = record->reason;
	event.fault.count = record->count;
	return event;
}

static void announce_all_cleared(struct fault_desk *desk)
{
	static const struct fault_record none = {.severity = FAULT_MINOR};
	static const struct journal_value told = {.key = OWED_KEY};
	struct event event = describe(EVENT_FAULTS_ALL_CLEARED, 0, &none);

	log_notice("no fault is active any more");
	journal_record_with(desk->journal, &event, &told, 1);
}

/* The event, if any, and the state that it tells of: one row, one transaction. */
static void file(struct fault_desk *desk, uint32_t id, const struct event *event, bool owes_last)
{
	const struct fault_record *record = fault_registry_get(&desk->registry, id);
	char key[32];
	struct journal_value values[2] = {{.key = key}, {.key = OWED_KEY, .data = "1", .len = 1}};
	const uint8_t *data;

	(void)snprintf(key, sizeof(key), KEY_PREFIX "%" PRIu32, id);
	values[0].len = save(id, record, &data);
	values[0].data = data;
	journal_record_with(desk->journal, event, values, owes_last ? 2 : 1);
}

static void note_owed(void *context, const char *key, const void *data, size_t len)
{
	bool *owed = context;

	(void)data;
	*owed = !strcmp(key, OWED_KEY) && len;
}

/* The run before this one was ended between the two events. */
static void pay_owed(struct fault_desk *desk)
{
	bool owed = false;

	if (!journal_recall(desk->journal, OWED_KEY, note_owed, &owed) && owed)
		announce_all_cleared(desk);
}

/* ---- outside ---- */

struct fault_desk *fault_desk_new(struct journal *journal)
{
	struct fault_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return NULL;
	desk->journal = journal;
	fault_registry_init(&desk->registry);
	if (journal_recall(journal, KEY_PREFIX, restore, desk))
		log_warning(
			"the faults of the run before this one cannot be read: they are found anew");
	pay_owed(desk);
	return desk;
}

struct fault_desk *fault_desk_free(struct fault_desk *desk)
{
	free(desk);
	return NULL;
}

void fault_desk_raise(struct fault_desk *desk, enum fault_id id, enum fault_severity severity,
		      const char *detail, const char *remedy)
{
	unsigned news =
		fault_registry_raise(&desk->registry, id, severity, detail, remedy, clock_utc_ms());
	const struct fault_record *record = fault_registry_get(&desk->registry, id);
	struct event event = describe(type_of_raise(severity), id, record);

	if (news & FAULT_ANNOUNCE_RAISED)
		log_error("fault %u (%s, %s): %.1200s; %s", (unsigned)id, fault_of(id)->name,
			  fault_severity_name(severity), record->detail, record->remedy);
	file(desk, id, news & FAULT_ANNOUNCE_RAISED ? &event : NULL, false);
}

void fault_desk_clear(struct fault_desk *desk, enum fault_id id, const char *reason)
{
	unsigned news = fault_registry_clear(&desk->registry, id, reason, clock_utc_ms());
	struct event event =
		describe(EVENT_FAULT_CLEARED, id, fault_registry_get(&desk->registry, id));

	if (!news)
		return;
	log_notice("fault %u (%s) is cleared: %s", (unsigned)id, fault_of(id)->name, reason);
	file(desk, id, &event, news & FAULT_ANNOUNCE_ALL_CLEARED);
	if (news & FAULT_ANNOUNCE_ALL_CLEARED)
		announce_all_cleared(desk);
}

bool fault_desk_is_active(const struct fault_desk *desk, enum fault_id id)
{
	return fault_registry_is_active(&desk->registry, id);
}

int fault_desk_state(const struct fault_desk *desk, uint32_t id, struct fault_state *ret_state)
{
	const struct fault_record *record = fault_registry_get(&desk->registry, id);

	if (!record)
		return -ENOENT;
	*ret_state = (struct fault_state){.id = id,
					  .active = record->active,
					  .severity = record->severity,
					  .raised_ms = record->raised_ms,
					  .seen_ms = record->seen_ms,
					  .cleared_ms = record->cleared_ms,
					  .count = record->count,
					  .detail = record->detail,
					  .remedy = record->remedy,
					  .reason = record->reason};
	/* Never raised: what the catalogue says is all there is. */
	if (!record->raised_ms) {
		ret_state->severity = fault_of(id)->severity;
		ret_state->remedy = fault_of(id)->remedy;
	}
	return 0;
}

unsigned fault_desk_active(const struct fault_desk *desk, struct fault_state *states, unsigned max)
{
	unsigned n = 0;

	for (unsigned place = 0; place < FAULT_COUNT && n < max; place++) {
		uint32_t id = fault_at(place)->id;

		if (fault_registry_is_active(&desk->registry, id) &&
		    !fault_desk_state(desk, id, &states[n]))
			n++;
	}
	return n;
}
