/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/generation_fields.h"

#include <errno.h>
#include <stdlib.h>

#include "base/definition_age.h"
#include "base/update_outcome.h"
#include "wire/fields.h"

/* ---- requests ---- */

ssize_t generation_request_encode(const struct request *request, Amp__Pb__Request *outer,
				  void *packet, size_t size)
{
	Amp__Pb__GenerationsRequest generations = AMP__PB__GENERATIONS_REQUEST__INIT;
	Amp__Pb__RollbackRequest rollback = AMP__PB__ROLLBACK_REQUEST__INIT;
	Amp__Pb__UpdateRequest update = AMP__PB__UPDATE_REQUEST__INIT;

	if (request->kind == REQUEST_GENERATIONS) {
		outer->body_case = AMP__PB__REQUEST__BODY_GENERATIONS;
		outer->generations = &generations;
	} else if (request->kind == REQUEST_ROLLBACK) {
		rollback.generation = request->rollback.generation;
		outer->body_case = AMP__PB__REQUEST__BODY_ROLLBACK;
		outer->rollback = &rollback;
	} else {
		outer->body_case = AMP__PB__REQUEST__BODY_UPDATE;
		outer->update = &update;
	}
	return fields_pack(&outer->base, packet, size);
}

int generation_request_decode(const Amp__Pb__Request *m, struct request *ret_request,
			      const char **ret_why)
{
	(void)ret_why; /* any number is one: whether there is such a generation is answered in words */
	if (m->body_case == AMP__PB__REQUEST__BODY_GENERATIONS) {
		ret_request->kind = REQUEST_GENERATIONS;
	} else if (m->body_case == AMP__PB__REQUEST__BODY_ROLLBACK) {
		ret_request->kind = REQUEST_ROLLBACK;
		ret_request->rollback.generation = m->rollback->generation;
	} else {
		ret_request->kind = REQUEST_UPDATE;
	}
	return 0;
}

/* ---- generations, outgoing ---- */

struct generation_out {
	Amp__Pb__Generation generation;
	Amp__Pb__GenerationDatabase databases[LIMIT_DEFINITION_FILES];
	Amp__Pb__GenerationDatabase *list[LIMIT_DEFINITION_FILES];
	char names[LIMIT_DEFINITION_FILES][LIMIT_NAME_BYTES + 1];
};

struct rejected_out {
	Amp__Pb__RejectedSet set;
	char reason[LIMIT_REASON_BYTES + 1];
};

struct generations_out {
	Amp__Pb__GenerationsReply reply;
	struct generation_out generations[LIMIT_GENERATIONS];
	Amp__Pb__Generation *generation_list[LIMIT_GENERATIONS];
	struct rejected_out rejected[LIMIT_REJECTED_SHOWN];
	Amp__Pb__RejectedSet *rejected_list[LIMIT_REJECTED_SHOWN];
	char candidate[LIMIT_DETAIL_BYTES + 1];
	char last_reason[LIMIT_REASON_BYTES + 1];
};

static ProtobufCBinaryData bytes_out(struct span bytes)
{
	return (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)bytes.data};
}

static void fill_generation(const struct generation_report *report, struct generation_out *out)
{
	Amp__Pb__Generation *m = &out->generation;

	amp__pb__generation__init(m);
	m->number = report->number;
	m->active = report->is_active;
	m->last_good = report->is_good;
	m->bad = report->is_bad;
	m->digest = bytes_out(report->digest);
	m->signatures = report->signatures;
	m->bytes = report->bytes;
	m->built = report->built;
	for (size_t i = 0; i < report->n_databases && i < LIMIT_DEFINITION_FILES; i++) {
		amp__pb__generation_database__init(&out->databases[i]);
		out->databases[i].name =
			fields_fit(report->databases[i].name, out->names[i], sizeof(out->names[i]));
		out->databases[i].version = report->databases[i].version;
		out->list[i] = &out->databases[i];
		m->n_databases++;
	}
	m->databases = out->list;
}

static void fill_rejected(const struct rejected_report *report, struct rejected_out *out)
{
	amp__pb__rejected_set__init(&out->set);
	out->set.digest = bytes_out(report->digest);
	out->set.utc_ms = report->utc_ms;
	out->set.reason = fields_fit(report->reason, out->reason, sizeof(out->reason));
}

static void fill_lists(const struct generations_report *report, struct generations_out *out)
{
	Amp__Pb__GenerationsReply *m = &out->reply;

	for (; m->n_generations < report->n_generations && m->n_generations < LIMIT_GENERATIONS;
	     m->n_generations++) {
		fill_generation(&report->generations[m->n_generations],
				&out->generations[m->n_generations]);
		out->generation_list[m->n_generations] =
			&out->generations[m->n_generations].generation;
	}
	m->generations = out->generation_list;
	for (; m->n_rejected < report->n_rejected && m->n_rejected < LIMIT_REJECTED_SHOWN;
	     m->n_rejected++) {
		fill_rejected(&report->rejected[m->n_rejected], &out->rejected[m->n_rejected]);
		out->rejected_list[m->n_rejected] = &out->rejected[m->n_rejected].set;
	}
	m->rejected = out->rejected_list;
}

static void fill(const struct generations_report *report, struct generations_out *out)
{
	Amp__Pb__GenerationsReply *m = &out->reply;

	amp__pb__generations_reply__init(m);
	m->root = bytes_out(report->root);
	m->in_charge = report->in_charge;
	m->active = report->active;
	m->last_good = report->last_good;
	m->probation_left_ms = report->probation_left_ms;
	m->candidate = fields_fit(report->candidate, out->candidate, sizeof(out->candidate));
	m->store_bytes = report->store_bytes;
	m->age_state = report->age_state;
	m->age_limit_s = report->age_limit_s;
	m->updates_on = report->updates_on;
	m->last_check_ms = report->last_check_ms;
	m->next_check_ms = report->next_check_ms;
	m->last_outcome = report->last_outcome;
	m->last_reason =
		fields_fit(report->last_reason, out->last_reason, sizeof(out->last_reason));
	fill_lists(report, out);
}

static ssize_t encode_generations(const struct generations_report *report, Amp__Pb__Reply *outer,
				  void *packet, size_t size)
{
	struct generations_out *out = malloc(sizeof(*out)); /* 60 KB */
	ssize_t len;

	if (!out)
		return -ENOMEM;
	fill(report, out);
	outer->body_case = AMP__PB__REPLY__BODY_GENERATIONS;
	outer->generations = &out->reply;
	len = fields_pack(&outer->base, packet, size);
	free(out);
	return len;
}

ssize_t generation_reply_encode(const struct reply *reply, Amp__Pb__Reply *outer, void *packet,
				size_t size)
{
	Amp__Pb__UpdateVerdict verdict = AMP__PB__UPDATE_VERDICT__INIT;
	Amp__Pb__Progress progress = AMP__PB__PROGRESS__INIT;
	char text[LIMIT_REASON_BYTES + 1];

	if (reply->kind == REPLY_GENERATIONS)
		return encode_generations(&reply->generations, outer, packet, size);
	if (reply->kind == REPLY_UPDATE_VERDICT) {
		verdict.outcome = reply->update_verdict.outcome;
		verdict.rejected = reply->update_verdict.is_rejected;
		verdict.reason = fields_fit(reply->update_verdict.reason, text, sizeof(text));
		verdict.generation = reply->update_verdict.generation;
		verdict.bytes = reply->update_verdict.bytes;
		outer->body_case = AMP__PB__REPLY__BODY_UPDATE_VERDICT;
		outer->update_verdict = &verdict;
	} else {
		progress.text = fields_fit(reply->progress.text, text, LIMIT_DETAIL_BYTES + 1);
		progress.done = reply->progress.done;
		progress.total = reply->progress.total;
		outer->body_case = AMP__PB__REPLY__BODY_PROGRESS;
		outer->progress = &progress;
	}
	return fields_pack(&outer->base, packet, size);
}

/* ---- incoming ---- */

static bool take_databases(const Amp__Pb__Generation *m, struct generation_report *ret_report)
{
	if (m->n_databases > LIMIT_DEFINITION_FILES)
		return false;
	for (size_t i = 0; i < m->n_databases; i++) {
		if (!m->databases[i]->name[0] ||
		    !fields_text_ok(m->databases[i]->name, LIMIT_NAME_BYTES))
			return false;
		ret_report->databases[i] = (struct generation_database){
			.name = m->databases[i]->name, .version = m->databases[i]->version};
	}
	ret_report->n_databases = (unsigned)m->n_databases;
	return true;
}

static bool take_generation(const Amp__Pb__Generation *m, struct generation_report *ret_report)
{
	*ret_report = (struct generation_report){.number = m->number,
						 .is_active = m->active,
						 .is_good = m->last_good,
						 .is_bad = m->bad,
						 .digest = span_of(m->digest.data, m->digest.len),
						 .signatures = m->signatures,
						 .built = m->built,
						 .bytes = m->bytes};
	return m->number && m->digest.len == LIMIT_DIGEST_BYTES && take_databases(m, ret_report);
}

static bool take_rejected(const Amp__Pb__RejectedSet *m, struct rejected_report *ret_report)
{
	*ret_report = (struct rejected_report){.digest = span_of(m->digest.data, m->digest.len),
					       .utc_ms = m->utc_ms,
					       .reason = m->reason};
	return m->digest.len == LIMIT_DIGEST_BYTES && fields_text_ok(m->reason, LIMIT_REASON_BYTES);
}

static bool take_lists(const Amp__Pb__GenerationsReply *m, struct generations_report *ret_report)
{
	if (m->n_generations > LIMIT_GENERATIONS || m->n_rejected > LIMIT_REJECTED_SHOWN)
		return false;
	for (size_t i = 0; i < m->n_generations; i++) {
		if (!take_generation(m->generations[i], &ret_report->generations[i]))
			return false;
	}
	for (size_t i = 0; i < m->n_rejected; i++) {
		if (!take_rejected(m->rejected[i], &ret_report->rejected[i]))
			return false;
	}
	ret_report->n_generations = (unsigned)m->n_generations;
	ret_report->n_rejected = (unsigned)m->n_rejected;
	return true;
}

static int decode_generations(const Amp__Pb__GenerationsReply *m,
			      struct generations_report *ret_report, const char **ret_why)
{
	*ret_report = (struct generations_report){.root = span_of(m->root.data, m->root.len),
						  .in_charge = m->in_charge,
						  .active = m->active,
						  .last_good = m->last_good,
						  .probation_left_ms = m->probation_left_ms,
						  .candidate = m->candidate,
						  .store_bytes = m->store_bytes,
						  .age_state = m->age_state,
						  .age_limit_s = m->age_limit_s,
						  .updates_on = m->updates_on,
						  .last_check_ms = m->last_check_ms,
						  .next_check_ms = m->next_check_ms,
						  .last_outcome = m->last_outcome,
						  .last_reason = m->last_reason};
	if (m->root.len > LIMIT_ROOT_BYTES || !fields_text_ok(m->candidate, LIMIT_DETAIL_BYTES) ||
	    !fields_text_ok(m->last_reason, LIMIT_REASON_BYTES))
		return fields_refuse(ret_why, "text about generations");
	if (m->age_state >= DEFINITION_AGE_COUNT || m->last_outcome >= UPDATE_OUTCOME_COUNT)
		return fields_refuse(ret_why, "age or outcome");
	return take_lists(m, ret_report) ? 0 : fields_refuse(ret_why, "generation");
}

static int decode_verdict(const Amp__Pb__UpdateVerdict *m, struct update_verdict *ret_verdict,
			  const char **ret_why)
{
	*ret_verdict = (struct update_verdict){.outcome = m->outcome,
					       .is_rejected = m->rejected,
					       .reason = m->reason,
					       .generation = m->generation,
					       .bytes = m->bytes};
	return m->outcome < UPDATE_OUTCOME_COUNT && fields_text_ok(m->reason, LIMIT_REASON_BYTES)
		       ? 0
		       : fields_refuse(ret_why, "verdict on an update");
}

int generation_reply_decode(const Amp__Pb__Reply *m, struct reply *ret_reply, const char **ret_why)
{
	if (m->body_case == AMP__PB__REPLY__BODY_GENERATIONS) {
		ret_reply->kind = REPLY_GENERATIONS;
		return decode_generations(m->generations, &ret_reply->generations, ret_why);
	}
	if (m->body_case == AMP__PB__REPLY__BODY_UPDATE_VERDICT) {
		ret_reply->kind = REPLY_UPDATE_VERDICT;
		return decode_verdict(m->update_verdict, &ret_reply->update_verdict, ret_why);
	}
	ret_reply->kind = REPLY_PROGRESS;
	ret_reply->progress.text = m->progress->text;
	ret_reply->progress.done = m->progress->done;
	ret_reply->progress.total = m->progress->total;
	return fields_text_ok(m->progress->text, LIMIT_DETAIL_BYTES)
		       ? 0
		       : fields_refuse(ret_why, "text of a progress");
}
