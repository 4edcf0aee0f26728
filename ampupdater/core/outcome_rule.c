/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/core/outcome_rule.h"

#include <stddef.h>
#include <string.h>

#include "base/span.h"
#include "base/text.h"

#define CURL_MARK "Download failed ("
#define HEADER_MARK "remote_cvdhead: " /* what it receives there it keeps in memory */

/* Numbers of CURLcode: part of libcurl's ABI. */
static const struct {
	unsigned code;
	enum update_outcome outcome;
} curl_codes[] = {
	{18, UPDATE_CUT}, /* partial file */
	{23,
	 UPDATE_NO_SPACE},    /* write error; too big a file dies of SIGXFSZ before it comes here */
	{27, UPDATE_TOO_BIG}, /* out of memory */
	{28, UPDATE_STALLED}, /* timed out */
	{52, UPDATE_CUT},     /* nothing received */
	{55, UPDATE_CUT},     /* send error */
	{56, UPDATE_CUT},     /* receive error */
	{63, UPDATE_TOO_BIG}, /* maximum file size */
	{92, UPDATE_CUT},     /* HTTP/2 stream error */
};

/* The last one in the log decides: what came before was overcome, or led to it. */
static const struct {
	const char *words;
	enum update_outcome outcome;
} marks[] = {
	{"file not found: ", UPDATE_NOT_FOUND},
	{"Unexpected response (", UPDATE_REFUSED},
	{"Origin Connection Time-out", UPDATE_REFUSED},
	{"Malformed CVD header", UPDATE_DAMAGED},
	{"Verification: ", UPDATE_DAMAGED},
	{"Can't read CVD header", UPDATE_DAMAGED},
	{"Can't apply patch", UPDATE_DAMAGED},
	{"Failed to allocate memory", UPDATE_TOO_BIG},
	{"Can't allocate memory", UPDATE_TOO_BIG},
	{"disk space", UPDATE_NO_SPACE},
	{"Can't create", UPDATE_NO_SPACE},
	{"Can't unpack", UPDATE_NO_SPACE},
	{"Can't write", UPDATE_NO_SPACE},
	{"Can't rename", UPDATE_NO_SPACE},
};

static const char current[] = "is up-to-date";

/* It is content with less than the mirror has. */
static const char *const missed_patch[] = {"doesn't have the latest patch",
					   "which is fewer than the"};

/* Where `words` stand in `line`; NULL: nowhere. */
static const char *find(struct span line, const char *words)
{
	size_t len = strlen(words);

	for (size_t i = 0; i + len <= line.len; i++) {
		if (memcmp(line.data + i, words, len) == 0)
			return (const char *)line.data + i;
	}
	return NULL;
}

static enum update_outcome outcome_of_curl(const char *digits, const char *end)
{
	unsigned code = 0;

	for (; digits < end && *digits >= '0' && *digits <= '9' && code < 1000; digits++)
		code = code * 10 + (unsigned)(*digits - '0');
	for (size_t i = 0; i < sizeof(curl_codes) / sizeof(curl_codes[0]); i++) {
		if (curl_codes[i].code == code)
			return curl_codes[i].outcome;
	}
	return UPDATE_UNREACHABLE; /* names, routes, ports, TLS, proxies */
}

/* True when the line says something that we know. */
static bool read_line(struct span line, enum update_outcome *ret_outcome)
{
	const char *at = find(line, CURL_MARK);

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (find(line, marks[i].words)) {
			*ret_outcome = marks[i].outcome;
			return true;
		}
	}
	if (!at)
		return false;
	*ret_outcome =
		outcome_of_curl(at + sizeof(CURL_MARK) - 1, (const char *)line.data + line.len);
	if (*ret_outcome == UPDATE_NO_SPACE && find(line, HEADER_MARK))
		*ret_outcome = UPDATE_TOO_BIG;
	return true;
}

/* Without the marks of severity, which stand in the middle too. */
static void keep_detail(struct span line, char detail[LIMIT_DETAIL_BYTES + 1])
{
	static const char *const severities[] = {"ERROR: ", "WARNING: "};
	size_t len = 0;

	for (size_t i = 0; i < line.len && len < LIMIT_DETAIL_BYTES;) {
		struct span rest = {line.data + i, line.len - i};
		size_t skip = 0;

		for (size_t s = 0; s < 2; s++) {
			if (find(rest, severities[s]) == (const char *)rest.data)
				skip = strlen(severities[s]);
		}
		if (!skip)
			detail[len++] = text_is_printable(rest.data, 1) ? (char)rest.data[0] : '?';
		i += skip ? skip : 1;
	}
	while (len > 0 && detail[len - 1] == ' ')
		len--;
	detail[len] = '\0';
}

struct reading {
	bool is_known; /* some line says what it was */
	bool is_current;
	bool has_nothing_taken; /* though there is something newer */
	bool misses_patch;
	enum update_outcome outcome;
};

static struct reading read_log(const char *log, char detail[LIMIT_DETAIL_BYTES + 1])
{
	struct reading reading = {.is_known = false};

	while (*log) {
		struct span line = span_of(log, strcspn(log, "\n"));

		reading.is_current |= find(line, current) != NULL;
		reading.has_nothing_taken |= find(line, missed_patch[0]) != NULL;
		reading.misses_patch |= find(line, missed_patch[0]) || find(line, missed_patch[1]);
		if (read_line(line, &reading.outcome)) {
			reading.is_known = true;
			keep_detail(line, detail);
		}
		log += line.len;
		log += *log == '\n';
	}
	return reading;
}

static enum update_outcome outcome_of_code(enum transfer_code code)
{
	switch (code) {
	case TRANSFER_CONNECTION:
		return UPDATE_UNREACHABLE;
	case TRANSFER_DAMAGED:
		return UPDATE_DAMAGED;
	case TRANSFER_REFUSED:
		return UPDATE_REFUSED;
	case TRANSFER_DISK:
		return UPDATE_NO_SPACE;
	case TRANSFER_OK:
	case TRANSFER_OTHER:
		break;
	}
	return UPDATE_FAILED;
}

void outcome_rule_apply(const struct transfer *transfer, struct transfer_verdict *ret_verdict)
{
	struct reading reading;

	*ret_verdict = (struct transfer_verdict){.outcome = UPDATE_FAILED};
	reading = read_log(transfer->log, ret_verdict->detail);
	ret_verdict->wants_whole =
		reading.misses_patch && reading.is_known && reading.outcome == UPDATE_NOT_FOUND;
	/* A private mirror may forbid the .cld that it does not have and give the .cvd: what was had counts. */
	if (transfer->code == TRANSFER_OK && transfer->is_updated) {
		ret_verdict->outcome = UPDATE_UPDATED;
	} else if (transfer->wait_s && !reading.is_current) {
		ret_verdict->outcome = UPDATE_WAIT;
		ret_verdict->wants_whole = false;
		ret_verdict->detail[0] = '\0'; /* what it says then is about the missing body */
	} else if (transfer->code == TRANSFER_OK && !reading.has_nothing_taken) {
		ret_verdict->outcome = UPDATE_NOTHING_NEW;
		ret_verdict->detail[0] = '\0';
	} else {
		ret_verdict->outcome =
			reading.is_known ? reading.outcome : outcome_of_code(transfer->code);
	}
}
