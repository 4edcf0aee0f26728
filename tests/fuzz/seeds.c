/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seeds: writes the first inputs of the corpora: each sample message alone, and all of a channel as one session in an order that
 * its rule book admits as far as possible.   seeds DIRECTORY   (DIRECTORY/TARGET/seed-NN)
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/last_words.h"
#include "base/lives.h"
#include "tests/fuzz/packets.h"
#include "tests/support/sample_messages.h"
#include "tests/support/update_messages.h"
#include "wire/handover_codec.h"

static const char *top;

struct corpus {
	const char *target;
	unsigned n_files;
	size_t session_len;
	uint8_t session[4 * LIMIT_PACKET_BYTES];
};

static void write_file(struct corpus *corpus, const void *data, size_t len)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", top, corpus->target);
	if (mkdir(path, 0755) && errno != EEXIST) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	(void)snprintf(path, sizeof(path), "%s/%s/seed-%02u", top, corpus->target,
		       corpus->n_files++);
	file = fopen(path, "we");
	if (!file || fwrite(data, 1, len, file) != len || fclose(file)) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void add_packet(struct corpus *corpus, const uint8_t *packet, ssize_t len, bool has_fd)
{
	uint8_t *at = corpus->session + corpus->session_len;
	unsigned head = (unsigned)len | (has_fd ? PACKETS_FD : 0);

	if (len < 0 || corpus->session_len + (size_t)len + 2 > sizeof(corpus->session)) {
		fprintf(stderr, "seeds: a sample of %s cannot be encoded\n", corpus->target);
		exit(EXIT_FAILURE);
	}
	at[0] = (uint8_t)head;
	at[1] = (uint8_t)(head >> 8);
	memcpy(at + 2, packet, (size_t)len);
	write_file(corpus, at, (size_t)len + 2);
	corpus->session_len += (size_t)len + 2;
}

static uint8_t packet[LIMIT_PACKET_BYTES];

#define SEEDS(target_name, samples, encode, with_fd)                                               \
	static void seed_##target_name(void)                                                       \
	{                                                                                          \
		static struct corpus corpus = {.target = #target_name};                            \
		unsigned n;                                                                        \
		const __typeof__(*samples(&n)) *m = samples(&n);                                   \
                                                                                                   \
		for (unsigned i = 0; i < n; i++)                                                   \
			add_packet(&corpus, packet, encode(&m[i], packet, sizeof(packet)),         \
				   with_fd);                                                       \
		write_file(&corpus, corpus.session, corpus.session_len);                           \
	}

SEEDS(to_service, sample_to_service, to_service_encode, m[i].kind == TO_SERVICE_SPAWN)
SEEDS(from_service, sample_from_service, from_service_encode, false)
SEEDS(from_worker, sample_from_worker, from_worker_encode, false)
SEEDS(request, sample_requests, request_encode, m[i].kind == REQUEST_SCAN_FILE)
SEEDS(reply, sample_replies, reply_encode, false)
SEEDS(to_updater, sample_update_starts, update_start_encode, false)
SEEDS(from_updater, sample_from_updater, from_updater_encode, false)
SEEDS(event, sample_events, event_encode, false)

static void seed_scan_job(void)
{
	static struct corpus corpus = {.target = "scan_job"};

	for (uint64_t job = 1; job; job *= UINT64_C(1) << 21) {
		struct scan_job m = {.job = job};

		add_packet(&corpus, packet, scan_job_encode(&m, packet, sizeof(packet)), true);
	}
	write_file(&corpus, corpus.session, corpus.session_len);
}

static size_t add_record(uint8_t *state, size_t len, const struct handover_record *record)
{
	ssize_t n = handover_record_encode(record, state + len + HANDOVER_FRAME_BYTES,
					   LIMIT_PACKET_BYTES);

	if (n < 0) {
		fprintf(stderr, "seeds: a record of a handover cannot be encoded\n");
		exit(EXIT_FAILURE);
	}
	handover_frame_put(state + len, (size_t)n);
	return len + HANDOVER_FRAME_BYTES + (size_t)n;
}

static void seed_handover(void)
{
	static struct corpus corpus = {.target = "handover"};
	static uint8_t state[6 * LIMIT_PACKET_BYTES];
	static struct handover_record records[] = {
		{.kind = HANDOVER_HEAD,
		 .head = {.program = "1", .reason = "fault 6", .listening = 64, .pid_lock = 65}},
		{.kind = HANDOVER_SERVICE,
		 .service = {.incarnation = 1,
			     .pid = 2,
			     .pidfd = 66,
			     .channel = 67,
			     .last_words = 68,
			     .engine = "engine",
			     .n_walls = 1,
			     .n_files = 1,
			     .walls = {{.detail = "stands"}},
			     .files = {{"daily.cvd", true, "", 1, 2, 3}}}},
		{.kind = HANDOVER_WORKER,
		 .worker = {.worker = 3,
			    .incarnation = 1,
			    .pid = 4,
			    .pidfd = 69,
			    .channel = 70,
			    .owed = 1}},
		{.kind = HANDOVER_SCAN,
		 .scan = {.counts = {.scan = 5, .uid = 6, .files = 7}, .began = 8}},
		{.kind = HANDOVER_END, .end = {.workers = 1, .scans = 1}},
	};
	size_t len = 0;

	records[0].head.run_dir = span_of_text("/run/amp");
	records[3].scan.counts.label = span_of_text("/data");
	for (unsigned i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		size_t before = len;

		len = add_record(state, len, &records[i]);
		write_file(&corpus, state + before, len - before);
	}
	write_file(&corpus, state, len);
}

static void seed_texts(struct corpus *corpus, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		write_file(corpus, texts[i], strlen(texts[i]));
}

static void seed_text(void)
{
	static struct corpus corpus = {.target = "text"};
	static const char *const texts[] = {
		"\x40\x40/data/user/plain.txt",
		"\x08\x01/data/user/cut",
		"\x40\x40 tab\t newline\n backslash\\ escape\x1b[31m\x7f",
		"\x40\x40\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\x85 \xe2\x80\xae \xef\xbb\xbf",
		"\x40\x40\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82",
	};

	seed_texts(&corpus, texts, sizeof(texts) / sizeof(texts[0]));
}

#define LIST_HEAD "ClamAV-VDB:22 Jun 2021 21-34 -0400:6:14:81:X:X:builder:1624412045\n"
#define LIST_HEX "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LIST_MEMBERS "\nCOPYING:1\nx.info:2\nx.hdb:4\nx.ndb:7\n"

/* How the input is built is said in fuzz_container_info.c. */
static void seed_container_info(void)
{
	static struct corpus corpus = {.target = "container_info"};
	static const char *const texts[] = {
		"1" LIST_HEAD "x.hdb:4:" LIST_HEX "\nx.ndb:7:" LIST_HEX "\nDSIG:abc\n" LIST_MEMBERS,
		"0" LIST_HEAD "x.hdb:4:" LIST_HEX "\nx.ndb:7:" LIST_HEX "\n" LIST_MEMBERS,
		"1" LIST_HEAD "x.hdb:4:" LIST_HEX "\nDSIG:abc\n" LIST_MEMBERS,
		"1" LIST_HEAD "x.hdb:4:" LIST_HEX "\nx.ndb:7:" LIST_HEX "\nx.ldb:1:" LIST_HEX
		"\nDSIG:abc\n" LIST_MEMBERS,
		"1" LIST_HEAD "1.cbc:3:" LIST_HEX "\nlast.hdb:4:" LIST_HEX
		"\nDSIG:a\n\nbytecode.info:2\n1.cbc:3\nlast.hdb:4\n",
		"1" LIST_HEAD "DSIG:abc\n\nx.info:2\nin.cvd:3\n../x.hdb:1\nx.hdb:1\nX.hdb:1\n",
		"0" LIST_HEAD "\n\nx.info:2\nx.cfg:3\n",
	};

	seed_texts(&corpus, texts, sizeof(texts) / sizeof(texts[0]));
}

#define CONFIGURATION_PATHS                                                                        \
	"run_dir: /run/amp\nstate_dir: /var/lib/amp\nlog_dir: '/var/log/amp'\n"                    \
	"builtin_dir: \"/opt/amp/builtin\"\nscan_service: /opt/amp/bin/ampscansvc\n"

static void seed_configuration(void)
{
	static struct corpus corpus = {.target = "configuration"};
	static const char *const texts[] = {
		CONFIGURATION_PATHS,
		CONFIGURATION_PATHS "definitions_dir: /d\nscan_user: scanner\nscan_workers: 2\n"
				    "scan_timeout_ms: 120000\nmax_scan_file_size: 1048576\n"
				    "max_archive_scan_size: 2097152\ntemp_bytes: 65536\n"
				    "temp_inodes: 16\nworker_memory_bytes: 67108864\n"
				    "canary_every: 1\nrecycle_jobs: 1\nlog_level: debug\n"
				    "log_to_stderr: true\njournal_max_bytes: 1048576\n"
				    "journal_max_days: 1\n",
		CONFIGURATION_PATHS "scan_workers: many\n",
		CONFIGURATION_PATHS "update_mirrors:\n- url: http://a\n  private: true\n"
				    "update_databases: [daily, x]\nupdate_window: 22:00-05:00\n"
				    "update_proxy: http://p:3128\nupdate_proxy_user: u\n",
		CONFIGURATION_PATHS "\tscan_workers: 1\n",
		"&a [*a, {? b : c}]\n---\n!!x |\n  y\n",
	};

	seed_texts(&corpus, texts, sizeof(texts) / sizeof(texts[0]));
}

/* The room for the sentence, then the page. */
static void seed_last_words(void)
{
	static struct corpus corpus = {.target = "last_words"};
	static const uint32_t signals[] = {0,       SIGSEGV, SIGBUS,    SIGFPE,
					   SIGABRT, SIGKILL, 0xffffffff};
	struct last_words page = {.worker = 17,
				  .job = 4711,
				  .code = 1,
				  .depth = 2,
				  .address = 0x7ffc00000ff8,
				  .stack = 0x7ffc00001000,
				  .offset = 0x9d2f1,
				  .module = "libclamav.so.12",
				  .type = "CL_TYPE_ZIP"};
	uint8_t input[2 + sizeof(page)] = {0x2c, 0x01};

	for (uint32_t phase = 0; phase <= SCAN_PHASE_COUNT; phase++) {
		page.phase = phase;
		page.signal = signals[phase % (sizeof(signals) / sizeof(signals[0]))];
		memcpy(input + 2, &page, sizeof(page));
		write_file(&corpus, input, sizeof(input));
	}
	memset(page.module, 'm', sizeof(page.module));
	memset(page.type, '\x1b', sizeof(page.type));
	page.phase = SCAN_PHASE_SCAN;
	page.signal = SIGSEGV;
	page.code = (uint32_t)-6;
	memcpy(input + 2, &page, sizeof(page));
	write_file(&corpus, input, sizeof(input));
	write_file(&corpus, input, 40);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIRECTORY\n");
		return EXIT_FAILURE;
	}
	top = argv[1];
	seed_to_service();
	seed_from_service();
	seed_scan_job();
	seed_from_worker();
	seed_request();
	seed_reply();
	seed_event();
	seed_to_updater();
	seed_from_updater();
	seed_last_words();
	seed_handover();
	seed_text();
	seed_container_info();
	seed_configuration();
	return EXIT_SUCCESS;
}
