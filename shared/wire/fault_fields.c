/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/fault_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "wire/event_fields.h"
#include "wire/fields.h"

#define SHORTEST_DETAIL 256 /* sixteen of them fit into any packet */

/* ---- faults ---- */

static char *fit_detail(const char *detail, char *buffer, size_t limit)
{
	char *text = fields_fit(detail, buffer, limit + 1);

	if (detail && strlen(detail) > limit)
		memcpy(text + limit - 3, "...", 3);
	return text;
}

void fault_state_out(const struct fault_state *state, struct fault_out *out, size_t detail_limit)
{
	Amp__Pb__FaultState *m = &out->state;

	amp__pb__fault_state__init(m);
	m->id = state->id;
	m->active = state->active;
	m->severity = state->severity;
	m->raised_ms = state->raised_ms;
	m->seen_ms = state->seen_ms;
	m->cleared_ms = state->cleared_ms;
	m->count = state->count;
	m->detail = fit_detail(state->detail, out->detail, detail_limit);
	m->remedy = fields_fit(state->remedy, out->remedy, sizeof(out->remedy));
	m->reason = fields_fit(state->reason, out->reason, sizeof(out->reason));
}

bool fault_state_in(const Amp__Pb__FaultState *m, struct fault_state *ret_state,
		    size_t detail_limit)
{
	*ret_state = (struct fault_state){
		.id = m->id,
		.active = m->active,
		.severity = m->severity,
		.raised_ms = m->raised_ms,
		.seen_ms = m->seen_ms,
		.cleared_ms = m->cleared_ms,
		.count = m->count,
		.detail = m->detail,
		.remedy = m->remedy,
		.reason = m->reason,
	};
	return fault_of(m->id) && m->severity < FAULT_SEVERITY_COUNT &&
	       fields_text_ok(m->detail, detail_limit) &&
	       fields_text_ok(m->remedy, LIMIT_REASON_BYTES) &&
	       fields_text_ok(m->reason, LIMIT_REASON_BYTES);
}

/* With details of at most `limit` bytes. */
static ssize_t encode_cut(const struct reply *reply, Amp__Pb__Reply *outer, size_t limit,
			  void *packet, size_t size)
{
	Amp__Pb__FaultsReply m = AMP__PB__FAULTS_REPLY__INIT;
	struct fault_out *faults = calloc(LIMIT_FAULTS, sizeof(*faults));
	Amp__Pb__FaultState *list[LIMIT_FAULTS];
	ssize_t len;

	if (!faults)
		return -ENOMEM;
	for (; m.n_faults < reply->faults.n_faults && m.n_faults < LIMIT_FAULTS; m.n_faults++) {
		fault_state_out(&reply->faults.faults[m.n_faults], &faults[m.n_faults], limit);
		list[m.n_faults] = &faults[m.n_faults].state;
	}
	m.faults = list;
	outer->body_case = AMP__PB__REPLY__BODY_FAULTS;
	outer->faults = &m;
	len = fields_pack(&outer->base, packet, size);
	free(faults);
	return len;
}

ssize_t fault_page_encode(const struct reply *reply, Amp__Pb__Reply *outer, void *packet,
			  size_t size)
{
	size_t limit = LIMIT_FAULT_DETAIL_BYTES;
	ssize_t len;

	do {
		len = encode_cut(reply, outer, limit, packet, size);
		limit -= limit / 8;
	} while (len == -EMSGSIZE && limit >= SHORTEST_DETAIL);
	return len;
}

int fault_page_decode(const Amp__Pb__FaultsReply *m, struct reply *ret_reply, const char **ret_why)
{
	ret_reply->kind = REPLY_FAULTS;
	ret_reply->faults.n_faults = 0;
	if (m->n_faults > LIMIT_FAULTS)
		return fields_refuse(ret_why, "too many faults");
	for (size_t i = 0; i < m->n_faults; i++) {
		if (!fault_state_in(m->faults[i], &ret_reply->faults.faults[i],
				    LIMIT_FAULT_DETAIL_BYTES))
			return fields_refuse(ret_why, "a fault");
	}
	ret_reply->faults.n_faults = (unsigned)m->n_faults;
	return 0;
}

/* ---- unscannable files ---- */

static void file_out(const struct unscannable_report *file, Amp__Pb__Unscannable *m)
{
	amp__pb__unscannable__init(m);
	m->path = event_bytes_out(file->path, LIMIT_SHOWN_PATH_BYTES);
	m->digest = event_bytes_out(file->digest, LIMIT_DIGEST_BYTES);
	m->device = file->device;
	m->inode = file->inode;
	m->bytes = file->bytes;
	m->since_ms = file->since_ms;
	m->generation = file->generation;
	m->cause = file->cause;
	m->spared = file->spared;
}

static bool file_in(const Amp__Pb__Unscannable *m, struct unscannable_report *ret_file)
{
	*ret_file = (struct unscannable_report){
		.path = span_of(m->path.data, m->path.len),
		.digest = span_of(m->digest.data, m->digest.len),
		.device = m->device,
		.inode = m->inode,
		.bytes = m->bytes,
		.since_ms = m->since_ms,
		.generation = m->generation,
		.cause = m->cause,
		.spared = m->spared,
	};
	return m->path.len <= LIMIT_SHOWN_PATH_BYTES &&
	       (!m->digest.len || m->digest.len == LIMIT_DIGEST_BYTES) &&
	       m->cause < DEATH_CAUSE_COUNT;
}

ssize_t unscannable_page_encode(const struct reply *reply, Amp__Pb__Reply *outer, void *packet,
				size_t size)
{
	Amp__Pb__UnscannablePage m = AMP__PB__UNSCANNABLE_PAGE__INIT;
	unsigned n = reply->unscannable.n_files;
	Amp__Pb__Unscannable *files = calloc(n + 1, sizeof(*files));
	Amp__Pb__Unscannable **list = calloc(n + 1, sizeof(*list));
	ssize_t len = -ENOMEM;

	if (files && list) {
		for (unsigned i = 0; i < n; i++) {
			file_out(&reply->unscannable.files[i], &files[i]);
			list[i] = &files[i];
		}
		m.n_files = n;
		m.files = list;
		m.total = reply->unscannable.total;
		m.more = reply->unscannable.more;
		outer->body_case = AMP__PB__REPLY__BODY_UNSCANNABLE;
		outer->unscannable = &m;
		len = fields_pack(&outer->base, packet, size);
	}
	free(files);
	free(list);
	return len;
}

int unscannable_page_decode(struct wire_arena *arena, const Amp__Pb__UnscannablePage *m,
			    struct reply *ret_reply, const char **ret_why)
{
	struct unscannable_report *files;

	ret_reply->kind = REPLY_UNSCANNABLE;
	if (m->n_files > LIMIT_HISTORY_ROWS)
		return fields_refuse(ret_why, "too many unscannable files");
	files = wire_arena_take(arena, m->n_files * sizeof(*files) + 1);
	if (!files)
		return fields_refuse(ret_why, "page of unscannable files unfolds too far");
	for (size_t i = 0; i < m->n_files; i++) {
		if (!file_in(m->files[i], &files[i]))
			return fields_refuse(ret_why, "an unscannable file");
	}
	ret_reply->unscannable.n_files = (unsigned)m->n_files;
	ret_reply->unscannable.files = files;
	ret_reply->unscannable.total = m->total;
	ret_reply->unscannable.more = m->more;
	return 0;
}
