/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/update_codec.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "wire/fields.h"

#include "update.pb-c.h"

#define MAX_TIMEOUT_S 3600
#define MAX_DEADLINE_MS (24 * 3600 * 1000)

/* ---- single fields ---- */

static bool is_of(const char *text, const char *characters, size_t limit)
{
	size_t len = strnlen(text, limit + 1);

	return len <= limit && strspn(text, characters) == len;
}

bool update_database_is_sound(const char *name)
{
	return name[0] && name[0] != '-' &&
	       is_of(name, "abcdefghijklmnopqrstuvwxyz0123456789_-", LIMIT_DATABASE_BYTES);
}

/* Users and passwords would stand in details and logs. */
bool update_url_is_sound(const char *url)
{
	size_t scheme = strncmp(url, "http://", 7) == 0 ? 7 : 8;

	if (scheme == 8 && strncmp(url, "https://", 8) != 0)
		return false;
	if (!fields_text_ok(url, LIMIT_URL_BYTES) || url[strcspn(url, " \"'\\<>@`{|}")])
		return false;
	return url[scheme] && url[scheme] != '/';
}

/* NAME.cvd or NAME.cld: no path, no other ending. */
static bool is_file_name(const char *file)
{
	char name[LIMIT_DATABASE_BYTES + 1];
	size_t len = strnlen(file, LIMIT_DATABASE_BYTES + 5);

	if (len < 5 || len > LIMIT_DATABASE_BYTES + 4)
		return false;
	if (strcmp(file + len - 4, ".cvd") != 0 && strcmp(file + len - 4, ".cld") != 0)
		return false;
	memcpy(name, file, len - 4);
	name[len - 4] = '\0';
	return update_database_is_sound(name);
}

/* ---- UpdateStart ---- */

static const char *fault_of_databases(const struct update_start *start)
{
	if (start->n_databases == 0 || start->n_databases > LIMIT_DATABASES)
		return "number of databases";
	for (unsigned i = 0; i < start->n_databases; i++) {
		if (!update_database_is_sound(start->databases[i]))
			return "name of a database";
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(start->databases[i], start->databases[j]) == 0)
				return "a database twice";
		}
	}
	return NULL;
}

static const char *fault_of_mirrors(const struct update_start *start)
{
	if (start->n_mirrors == 0 || start->n_mirrors > LIMIT_MIRRORS)
		return "number of mirrors";
	for (unsigned i = 0; i < start->n_mirrors; i++) {
		if (!update_url_is_sound(start->mirrors[i].url))
			return "URL of a mirror";
		for (unsigned j = 0; j < LIMIT_DATABASES; j++) {
			uint32_t refused = start->mirrors[i].refused[j];

			if (refused > (j < start->n_databases ? INT32_MAX : 0))
				return "version that is refused";
		}
	}
	return NULL;
}

static const char *fault_of_proxy(const struct update_proxy *proxy)
{
	if (!proxy->url[0])
		return proxy->port || proxy->user[0] || proxy->password[0] ? "proxy without a URL"
									   : NULL;
	if (!update_url_is_sound(proxy->url) || !proxy->port)
		return "proxy";
	if (!fields_text_ok(proxy->user, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(proxy->password, LIMIT_NAME_BYTES) ||
	    (proxy->password[0] && !proxy->user[0]))
		return "user of the proxy";
	return NULL;
}

static const char *fault_of_limits(const struct update_start *start)
{
	if (!start->uid || !start->gid)
		return "the user must not be root";
	if (!start->max_file_bytes)
		return "no bytes permitted";
	if (!start->connect_timeout_s || start->connect_timeout_s > MAX_TIMEOUT_S ||
	    !start->request_timeout_s || start->request_timeout_s > MAX_TIMEOUT_S)
		return "time limit of a request";
	if (!start->deadline_ms || start->deadline_ms > MAX_DEADLINE_MS)
		return "time limit of the check";
	if (!is_of(start->dns, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
		   LIMIT_URL_BYTES))
		return "name in the DNS";
	return NULL;
}

/* What is wrong with it; NULL when nothing is. */
static const char *fault_of(const struct update_start *start)
{
	const char *why = fault_of_limits(start);

	if (!why)
		why = fault_of_databases(start);
	if (!why)
		why = fault_of_mirrors(start);
	return why ? why : fault_of_proxy(&start->proxy);
}

/* Storage for the generated structs of one UpdateStart. protobuf-c does not write to the texts. */
struct start_out {
	Amp__Pb__UpdateStart start;
	Amp__Pb__UpdateProxy proxy;
	Amp__Pb__UpdateMirror mirrors[LIMIT_MIRRORS];
	Amp__Pb__UpdateMirror *mirror_list[LIMIT_MIRRORS];
	uint32_t refused[LIMIT_MIRRORS][LIMIT_DATABASES];
	char *database_list[LIMIT_DATABASES];
};

static void put_mirrors(struct start_out *out, const struct update_start *start)
{
	for (unsigned i = 0; i < start->n_mirrors; i++) {
		amp__pb__update_mirror__init(&out->mirrors[i]);
		out->mirrors[i].url = (char *)start->mirrors[i].url;
		out->mirrors[i].is_private = start->mirrors[i].is_private;
		memcpy(out->refused[i], start->mirrors[i].refused, sizeof(out->refused[i]));
		out->mirrors[i].refused = out->refused[i];
		out->mirrors[i].n_refused = start->n_databases;
		out->mirror_list[i] = &out->mirrors[i];
	}
	out->start.n_mirrors = start->n_mirrors;
	out->start.mirrors = out->mirror_list;
}

static void put_proxy(struct start_out *out, const struct update_proxy *proxy)
{
	if (!proxy->url[0])
		return;
	amp__pb__update_proxy__init(&out->proxy);
	out->proxy.url = (char *)proxy->url;
	out->proxy.port = proxy->port;
	out->proxy.user = (char *)proxy->user;
	out->proxy.password = (char *)proxy->password;
	out->start.proxy = &out->proxy;
}

static void put_start(struct start_out *out, const struct update_start *start)
{
	Amp__Pb__UpdateStart *m = &out->start;

	amp__pb__update_start__init(m);
	m->protocol = start->protocol;
	m->uid = start->uid;
	m->gid = start->gid;
	m->max_file_bytes = start->max_file_bytes;
	m->memory_bytes = start->memory_bytes;
	m->connect_timeout_s = start->connect_timeout_s;
	m->request_timeout_s = start->request_timeout_s;
	m->deadline_ms = start->deadline_ms;
	m->scripted = start->scripted;
	m->dns = (char *)start->dns;
	for (unsigned i = 0; i < start->n_databases; i++)
		out->database_list[i] = (char *)start->databases[i];
	m->n_databases = start->n_databases;
	m->databases = out->database_list;
	put_mirrors(out, start);
	put_proxy(out, &start->proxy);
}

ssize_t update_start_encode(const struct update_start *start, void *packet, size_t size)
{
	Amp__Pb__ToUpdater outer = AMP__PB__TO_UPDATER__INIT;
	struct start_out out;

	if (fault_of(start))
		return -EINVAL;
	put_start(&out, start);
	outer.body_case = AMP__PB__TO_UPDATER__BODY_START;
	outer.start = &out.start;
	return fields_pack(&outer.base, packet, size);
}

static bool take_mirror(const Amp__Pb__UpdateMirror *m, size_t n_databases,
			struct update_mirror *ret_mirror)
{
	if (m->n_refused != 0 && m->n_refused != n_databases)
		return false;
	*ret_mirror = (struct update_mirror){.url = m->url, .is_private = m->is_private};
	for (size_t i = 0; i < m->n_refused; i++)
		ret_mirror->refused[i] = m->refused[i];
	return true;
}

static bool take_lists(const Amp__Pb__UpdateStart *m, struct update_start *ret_start)
{
	if (m->n_databases > LIMIT_DATABASES || m->n_mirrors > LIMIT_MIRRORS)
		return false;
	ret_start->n_databases = (unsigned)m->n_databases;
	for (size_t i = 0; i < m->n_databases; i++)
		ret_start->databases[i] = m->databases[i];
	ret_start->n_mirrors = (unsigned)m->n_mirrors;
	for (size_t i = 0; i < m->n_mirrors; i++) {
		if (!take_mirror(m->mirrors[i], m->n_databases, &ret_start->mirrors[i]))
			return false;
	}
	return true;
}

static bool take_proxy(const Amp__Pb__UpdateProxy *m, struct update_proxy *ret_proxy)
{
	*ret_proxy = (struct update_proxy){.url = "", .user = "", .password = ""};
	if (!m)
		return true;
	if (!m->url[0] || m->port > UINT16_MAX)
		return false;
	*ret_proxy = (struct update_proxy){
		.url = m->url, .port = (uint16_t)m->port, .user = m->user, .password = m->password};
	return true;
}

int update_start_decode(struct wire_arena *arena, const void *packet, size_t len,
			struct update_start *ret_start, const char **ret_why)
{
	const Amp__Pb__ToUpdater *outer =
		fields_unpack(&amp__pb__to_updater__descriptor, arena, packet, len, ret_why);
	const Amp__Pb__UpdateStart *m;
	const char *why;

	if (!outer)
		return -EBADMSG;
	if (outer->body_case != AMP__PB__TO_UPDATER__BODY_START)
		return fields_refuse(ret_why, "no message in it");
	m = outer->start;
	*ret_start = (struct update_start){
		.protocol = m->protocol,
		.uid = m->uid,
		.gid = m->gid,
		.max_file_bytes = m->max_file_bytes,
		.memory_bytes = m->memory_bytes,
		.connect_timeout_s = m->connect_timeout_s,
		.request_timeout_s = m->request_timeout_s,
		.deadline_ms = m->deadline_ms,
		.scripted = m->scripted,
		.dns = m->dns,
	};
	if (!take_lists(m, ret_start))
		return fields_refuse(ret_why, "list of a wrong length");
	if (!take_proxy(m->proxy, &ret_start->proxy))
		return fields_refuse(ret_why, "proxy");
	why = fault_of(ret_start);
	return why ? fields_refuse(ret_why, why) : 0;
}

/* ---- updater -> daemon ---- */

static ssize_t encode_hello(const struct update_hello *hello, Amp__Pb__FromUpdater *outer,
			    void *packet, size_t size)
{
	Amp__Pb__UpdateHello m = AMP__PB__UPDATE_HELLO__INIT;
	struct walls_out walls;
	char library[LIMIT_NAME_BYTES + 1];

	m.protocol = hello->protocol;
	m.library = fields_fit(hello->library, library, sizeof(library));
	m.uid = hello->uid;
	m.gid = hello->gid;
	m.n_walls = fields_walls_out(&walls, hello->walls, hello->n_walls);
	m.walls = walls.list;
	outer->body_case = AMP__PB__FROM_UPDATER__BODY_HELLO;
	outer->hello = &m;
	return fields_pack(&outer->base, packet, size);
}

static ssize_t encode_attempt(const struct update_attempt *attempt, Amp__Pb__FromUpdater *outer,
			      void *packet, size_t size)
{
	Amp__Pb__UpdateAttempt m = AMP__PB__UPDATE_ATTEMPT__INIT;
	char file[LIMIT_DATABASE_BYTES + 5];
	char detail[LIMIT_DETAIL_BYTES + 1];

	m.database = attempt->database;
	m.mirror = attempt->mirror;
	m.outcome = attempt->outcome;
	m.wait_s = attempt->wait_s;
	m.file = fields_fit(attempt->file, file, sizeof(file));
	m.version = attempt->version;
	m.bytes = attempt->bytes;
	m.detail = fields_fit(attempt->detail, detail, sizeof(detail));
	outer->body_case = AMP__PB__FROM_UPDATER__BODY_ATTEMPT;
	outer->attempt = &m;
	return fields_pack(&outer->base, packet, size);
}

static ssize_t encode_failed(const struct from_updater *message, Amp__Pb__FromUpdater *outer,
			     void *packet, size_t size)
{
	Amp__Pb__UpdateFailed m = AMP__PB__UPDATE_FAILED__INIT;
	char reason[LIMIT_REASON_BYTES + 1];

	m.code = message->failed.code;
	m.reason = fields_fit(message->failed.reason, reason, sizeof(reason));
	outer->body_case = AMP__PB__FROM_UPDATER__BODY_FAILED;
	outer->failed = &m;
	return fields_pack(&outer->base, packet, size);
}

ssize_t from_updater_encode(const struct from_updater *message, void *packet, size_t size)
{
	Amp__Pb__FromUpdater outer = AMP__PB__FROM_UPDATER__INIT;
	Amp__Pb__UpdateProgress progress = AMP__PB__UPDATE_PROGRESS__INIT;
	Amp__Pb__UpdateFinished finished = AMP__PB__UPDATE_FINISHED__INIT;

	switch (message->kind) {
	case FROM_UPDATER_HELLO:
		return encode_hello(&message->hello, &outer, packet, size);
	case FROM_UPDATER_ATTEMPT:
		return encode_attempt(&message->attempt, &outer, packet, size);
	case FROM_UPDATER_FAILED:
		return encode_failed(message, &outer, packet, size);
	case FROM_UPDATER_PROGRESS:
		progress.database = message->progress.database;
		progress.mirror = message->progress.mirror;
		progress.bytes = message->progress.bytes;
		outer.body_case = AMP__PB__FROM_UPDATER__BODY_PROGRESS;
		outer.progress = &progress;
		break;
	case FROM_UPDATER_FINISHED:
		finished.outcome = message->finished.outcome;
		finished.updated = message->finished.updated;
		outer.body_case = AMP__PB__FROM_UPDATER__BODY_FINISHED;
		outer.finished = &finished;
		break;
	}
	return fields_pack(&outer.base, packet, size);
}

static int decode_hello(const Amp__Pb__UpdateHello *m, struct update_hello *ret_hello,
			const char **ret_why)
{
	ret_hello->protocol = m->protocol;
	ret_hello->library = m->library;
	ret_hello->uid = m->uid;
	ret_hello->gid = m->gid;
	if (!fields_text_ok(m->library, LIMIT_NAME_BYTES))
		return fields_refuse(ret_why, "name of the library");
	if (!fields_walls_in(m->walls, m->n_walls, ret_hello->walls, &ret_hello->n_walls))
		return fields_refuse(ret_why, "list of walls");
	return 0;
}

static const char *fault_of_attempt(const struct update_attempt *attempt)
{
	bool is_updated = attempt->outcome == UPDATE_UPDATED;

	if (attempt->database >= LIMIT_DATABASES || attempt->mirror >= LIMIT_MIRRORS)
		return "index of an attempt";
	if (attempt->outcome >= UPDATE_OUTCOME_COUNT)
		return "outcome";
	if ((attempt->wait_s != 0) != (attempt->outcome == UPDATE_WAIT) ||
	    attempt->wait_s > LIMIT_WAIT_S)
		return "time to wait";
	if (is_updated ? !is_file_name(attempt->file) || !attempt->bytes
		       : attempt->file[0] || attempt->bytes || attempt->version)
		return "file of an attempt";
	if (!fields_text_ok(attempt->detail, LIMIT_DETAIL_BYTES))
		return "detail of an attempt";
	return NULL;
}

static int decode_attempt(const Amp__Pb__UpdateAttempt *m, struct update_attempt *ret_attempt,
			  const char **ret_why)
{
	const char *why;

	*ret_attempt = (struct update_attempt){
		.database = m->database,
		.mirror = m->mirror,
		.outcome = m->outcome,
		.wait_s = m->wait_s,
		.file = m->file,
		.version = m->version,
		.bytes = m->bytes,
		.detail = m->detail,
	};
	why = fault_of_attempt(ret_attempt);
	return why ? fields_refuse(ret_why, why) : 0;
}

static int decode_progress(const Amp__Pb__UpdateProgress *m, struct from_updater *ret_message,
			   const char **ret_why)
{
	ret_message->progress.database = m->database;
	ret_message->progress.mirror = m->mirror;
	ret_message->progress.bytes = m->bytes;
	if (m->database >= LIMIT_DATABASES || m->mirror >= LIMIT_MIRRORS)
		return fields_refuse(ret_why, "index of a progress");
	return 0;
}

static int decode_end(const Amp__Pb__FromUpdater *m, struct from_updater *ret_message,
		      const char **ret_why)
{
	if (m->body_case == AMP__PB__FROM_UPDATER__BODY_FINISHED) {
		ret_message->finished.outcome = m->finished->outcome;
		ret_message->finished.updated = m->finished->updated;
		if (m->finished->outcome >= UPDATE_OUTCOME_COUNT ||
		    m->finished->updated > LIMIT_DATABASES)
			return fields_refuse(ret_why, "end of a check");
		return 0;
	}
	ret_message->failed.code = m->failed->code;
	ret_message->failed.reason = m->failed->reason;
	if (!fields_text_ok(m->failed->reason, LIMIT_REASON_BYTES))
		return fields_refuse(ret_why, "reason of the failure");
	return 0;
}

int from_updater_decode(struct wire_arena *arena, const void *packet, size_t len,
			struct from_updater *ret_message, const char **ret_why)
{
	const Amp__Pb__FromUpdater *m =
		fields_unpack(&amp__pb__from_updater__descriptor, arena, packet, len, ret_why);

	if (!m)
		return -EBADMSG;
	ret_message->kind = (enum from_updater_kind)m->body_case;
	switch (m->body_case) {
	case AMP__PB__FROM_UPDATER__BODY_HELLO:
		return decode_hello(m->hello, &ret_message->hello, ret_why);
	case AMP__PB__FROM_UPDATER__BODY_PROGRESS:
		return decode_progress(m->progress, ret_message, ret_why);
	case AMP__PB__FROM_UPDATER__BODY_ATTEMPT:
		return decode_attempt(m->attempt, &ret_message->attempt, ret_why);
	case AMP__PB__FROM_UPDATER__BODY_FINISHED:
	case AMP__PB__FROM_UPDATER__BODY_FAILED:
		return decode_end(m, ret_message, ret_why);
	case AMP__PB__FROM_UPDATER__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no message in it");
	}
}
