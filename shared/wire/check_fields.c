/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/check_fields.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/fields.h"

ssize_t check_request_encode(const struct request *request, Amp__Pb__Request *outer, void *packet,
			     size_t size)
{
	Amp__Pb__CheckBegin begin = AMP__PB__CHECK_BEGIN__INIT;
	Amp__Pb__CheckFile file = AMP__PB__CHECK_FILE__INIT;
	Amp__Pb__CheckEnd end = AMP__PB__CHECK_END__INIT;
	char name[LIMIT_NAME_BYTES + 1];

	if (request->kind == REQUEST_CHECK_BEGIN) {
		begin.import = request->check_begin.is_import;
		begin.force = request->check_begin.is_forced;
		outer->body_case = AMP__PB__REQUEST__BODY_CHECK_BEGIN;
		outer->check_begin = &begin;
	} else if (request->kind == REQUEST_CHECK_FILE) {
		file.name = fields_fit(request->check_file.name, name, sizeof(name));
		file.custom = request->check_file.custom;
		outer->body_case = AMP__PB__REQUEST__BODY_CHECK_FILE;
		outer->check_file = &file;
	} else {
		outer->body_case = AMP__PB__REQUEST__BODY_CHECK_END;
		outer->check_end = &end;
	}
	return fields_pack(&outer->base, packet, size);
}

int check_request_decode(const Amp__Pb__Request *m, struct request *ret_request,
			 const char **ret_why)
{
	if (m->body_case == AMP__PB__REQUEST__BODY_CHECK_BEGIN) {
		ret_request->kind = REQUEST_CHECK_BEGIN;
		ret_request->check_begin.is_import = m->check_begin->import;
		ret_request->check_begin.is_forced = m->check_begin->force;
		return m->check_begin->force && !m->check_begin->import
			       ? fields_refuse(ret_why, "a check cannot be forced")
			       : 0;
	}
	if (m->body_case == AMP__PB__REQUEST__BODY_CHECK_END) {
		ret_request->kind = REQUEST_CHECK_END;
		return 0;
	}
	ret_request->kind = REQUEST_CHECK_FILE;
	ret_request->check_file.name = m->check_file->name;
	ret_request->check_file.custom = m->check_file->custom;
	return m->check_file->name[0] && fields_text_ok(m->check_file->name, LIMIT_NAME_BYTES)
		       ? 0
		       : fields_refuse(ret_why, "name of a file of definitions");
}

struct verdict_out {
	Amp__Pb__CheckVerdict verdict;
	struct definition_out files[LIMIT_DEFINITION_FILES];
	Amp__Pb__DefinitionFile *list[LIMIT_DEFINITION_FILES];
	char reason[LIMIT_REASON_BYTES + 1];
};

static void fill(const struct check_verdict *verdict, struct verdict_out *out)
{
	Amp__Pb__CheckVerdict *m = &out->verdict;

	amp__pb__check_verdict__init(m);
	m->passed = verdict->passed;
	m->reason = fields_fit(verdict->reason, out->reason, sizeof(out->reason));
	m->signatures = verdict->signatures;
	m->engine_bytes = verdict->engine_bytes;
	m->load_ms = verdict->load_ms;
	m->generation = verdict->generation;
	for (; m->n_files < verdict->n_files && m->n_files < LIMIT_DEFINITION_FILES; m->n_files++) {
		fields_definition_out(&out->files[m->n_files], &verdict->files[m->n_files]);
		out->list[m->n_files] = &out->files[m->n_files].file;
	}
	m->files = out->list;
}

ssize_t check_verdict_encode(const struct check_verdict *verdict, Amp__Pb__Reply *outer,
			     void *packet, size_t size)
{
	struct verdict_out *out = malloc(sizeof(*out));
	ssize_t len;

	if (!out)
		return -ENOMEM;
	fill(verdict, out);
	outer->body_case = AMP__PB__REPLY__BODY_CHECK_VERDICT;
	outer->check_verdict = &out->verdict;
	len = fields_pack(&outer->base, packet, size);
	free(out);
	return len;
}

int check_verdict_decode(const Amp__Pb__CheckVerdict *m, struct check_verdict *ret_verdict,
			 const char **ret_why)
{
	*ret_verdict = (struct check_verdict){.passed = m->passed,
					      .reason = m->reason,
					      .signatures = m->signatures,
					      .engine_bytes = m->engine_bytes,
					      .load_ms = m->load_ms,
					      .generation = m->generation};
	if (m->n_files > LIMIT_DEFINITION_FILES)
		return fields_refuse(ret_why, "too many files of definitions");
	if (!fields_text_ok(m->reason, LIMIT_REASON_BYTES) || m->passed != !m->reason[0])
		return fields_refuse(ret_why, "reason of a verdict on definitions");
	for (size_t i = 0; i < m->n_files; i++) {
		if (!fields_definition_in(m->files[i], &ret_verdict->files[i]))
			return fields_refuse(ret_why, "file of definitions");
	}
	ret_verdict->n_files = (unsigned)m->n_files;
	return 0;
}
