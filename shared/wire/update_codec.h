/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_codec: packets of proto/update.proto <-> plain structs. What a decoder accepts is whole and within every ceiling of
 * base/limits.h; what an attempt claims fits to its outcome. The contract of decoders and encoders is that of scan_codec.h, with one
 * difference: an UpdateStart is not mended on its way out (a cut URL is another URL): -EINVAL when it is not sound.
 */
#ifndef AMP_SHARED_WIRE_UPDATE_CODEC_H
#define AMP_SHARED_WIRE_UPDATE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"
#include "base/update_birth.h"
#include "base/update_outcome.h"
#include "wire/arena.h"
#include "wire/scan_codec.h"

enum to_updater_kind { TO_UPDATER_START = 1 };

struct update_mirror {
	const char *url;
	bool is_private;
	/* Per database: what it has up to this version was rejected, and is not asked for again; 0: nothing was. */
	uint32_t refused[LIMIT_DATABASES];
};

struct update_proxy {
	const char *url; /* "": there is none, and the rest is empty */
	uint16_t port;
	const char *user, *password;
};

struct update_start {
	uint32_t protocol;
	uint32_t uid, gid;
	uint64_t max_file_bytes, memory_bytes;
	uint32_t connect_timeout_s, request_timeout_s, deadline_ms;
	bool scripted;
	const char *dns;
	unsigned n_databases;
	const char *databases[LIMIT_DATABASES];
	unsigned n_mirrors;
	struct update_mirror mirrors[LIMIT_MIRRORS];
	struct update_proxy proxy;
};

enum from_updater_kind {
	FROM_UPDATER_HELLO = 1,
	FROM_UPDATER_PROGRESS = 2,
	FROM_UPDATER_ATTEMPT = 3,
	FROM_UPDATER_FINISHED = 4,
	FROM_UPDATER_FAILED = 5,
};

struct update_hello {
	uint32_t protocol;
	const char *library;
	uint32_t uid, gid;
	unsigned n_walls; /* at most WALL_COUNT, each id at most once */
	struct wall_report walls[WALL_COUNT];
};

struct update_attempt {
	uint32_t database,
		mirror; /* below LIMIT_DATABASES, LIMIT_MIRRORS; not compared with the order */
	enum update_outcome outcome;
	uint32_t wait_s;
	const char *file; /* a plain name that ends in .cvd or .cld, or "" */
	uint32_t version;
	uint64_t bytes;
	const char *detail;
};

struct from_updater {
	enum from_updater_kind kind;
	union {
		struct update_hello hello;
		struct {
			uint32_t database, mirror;
			uint64_t bytes;
		} progress;
		struct update_attempt attempt;
		struct {
			enum update_outcome outcome;
			uint32_t updated;
		} finished;
		struct {
			uint32_t code;
			const char *reason;
		} failed;
	};
};

/* A name of a database as mirrors know it: what may stand in a file name and a URL. */
bool update_database_is_sound(const char *name);

/* http:// or https://, a host, no user, no blanks, at most LIMIT_URL_BYTES. */
bool update_url_is_sound(const char *url);

ssize_t update_start_encode(const struct update_start *start, void *packet, size_t size);
int update_start_decode(struct wire_arena *arena, const void *packet, size_t len,
			struct update_start *ret_start, const char **ret_why);

ssize_t from_updater_encode(const struct from_updater *message, void *packet, size_t size);
int from_updater_decode(struct wire_arena *arena, const void *packet, size_t len,
			struct from_updater *ret_message, const char **ret_why);

#endif
