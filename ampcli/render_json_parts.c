/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/render_json_parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define JSON_LINE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(9))

/* Bytes as a string: valid UTF-8 as it is, anything else escaped. NULL when there is no memory. */
json_t *json_bytes(struct span bytes)
{
	size_t size = 4 * bytes.len + 8; /* \xHH for each byte, and the NUL */
	json_t *value;
	char *text;

	/* jansson knows no NUL inside a string; no path has one, but a lying peer could send it. */
	if (text_is_utf8(bytes) &&
	    !memchr(bytes.data ? bytes.data : (const uint8_t *)"", 0, bytes.len))
		return json_stringn((const char *)bytes.data, bytes.len);
	text = malloc(size);
	if (!text)
		return NULL;
	value = json_string(text_escape(bytes, text, size));
	free(text);
	return value;
}

static json_t *base64_to_json(struct span bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = (bytes.len + 2) / 3 * 4;
	char *text = malloc(len + 1), *at = text;
	json_t *value;

	if (!text)
		return NULL;
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)bytes.data[i] << 16;

		group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
		group |= left > 2 ? (uint32_t)bytes.data[i + 2] : 0;
		*at++ = digits[group >> 18];
		*at++ = digits[group >> 12 & 63];
		*at++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*at++ = left > 2 ? digits[group & 63] : '=';
	}
	value = json_stringn(text, len);
	free(text);
	return value;
}

void json_set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name,
				  value ? value : json_null()); /* without memory write() says so */
}

void json_set_text(json_t *object, const char *name, const char *text)
{
	json_set(object, name, json_string(text ? text : ""));
}

void json_set_number(json_t *object, const char *name, uint64_t number)
{
	json_set(object, name, json_integer((json_int_t)number));
}

/* `name` and, when it is not UTF-8, `name`_bytes beside it. */
void json_set_path(json_t *object, const char *name, struct span path)
{
	char beside[64];

	json_set(object, name, json_bytes(path));
	if (text_is_utf8(path))
		return;
	(void)snprintf(beside, sizeof(beside), "%s_bytes", name);
	json_set(object, beside, base64_to_json(path));
}

json_t *json_age(uint64_t built_s, uint64_t now_utc_ms)
{
	return built_s && built_s <= now_utc_ms / 1000
		       ? json_integer((json_int_t)(now_utc_ms / 1000 - built_s))
		       : json_null();
}

json_t *json_time(uint64_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	char day[40], text[48];
	struct tm tm;

	if (utc_ms == 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return json_null();
	(void)snprintf(text, sizeof(text), "%s.%03uZ", day, (unsigned)(utc_ms % 1000));
	return json_string(text);
}

static const json_t *find_member(const json_t *object, const char *path)
{
	while (object && path) {
		const char *dot = strchr(path, '.');
		size_t len = dot ? (size_t)(dot - path) : strlen(path);
		char name[64];

		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		object = json_object_get(object, name);
		path = dot ? dot + 1 : NULL;
	}
	return object;
}

static void write_plain(FILE *stream, const json_t *value)
{
	size_t len = json_string_length(value);
	char *text;

	if (!stream)
		return;
	if (!json_is_string(value)) {
		(void)json_dumpf(value, stream, JSON_LINE_FLAGS | JSON_ENCODE_ANY);
		(void)fputc('\n', stream);
		return;
	}
	text = malloc(4 * len + 8);
	if (text)
		(void)fprintf(stream, "%s\n",
			      text_escape(span_of(json_string_value(value), len), text,
					  4 * len + 8));
	free(text);
}

static bool write_field(const struct json_target *target, const json_t *object)
{
	const json_t *value = find_member(object, target->field);
	size_t i;
	json_t *element;

	if (!value)
		return false;
	if (!json_is_array(value)) {
		write_plain(target->stream, value);
		return true;
	}
	json_array_foreach((json_t *)value, i, element) write_plain(target->stream, element);
	return true;
}

/* Takes `object`. Errors of the stream stay with it: main asks ferror() at the end. */
bool json_write(const struct json_target *target, json_t *object)
{
	bool found = true;

	if (target->field)
		found = write_field(target, object);
	else if (target->stream && json_dumpf(object, target->stream, JSON_LINE_FLAGS) == 0)
		(void)fputc('\n', target->stream);
	json_decref(object);
	return found;
}
