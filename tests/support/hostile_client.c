/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile_client: breaks the protocol of the control socket in one way, and prints what became of it:
 *   ended             the daemon ended the session
 *   refused: TEXT     it said why not
 *   VERDICT           the file was answered, the session lives
 *   mute              the session lives and says nothing
 *
 * Usage: hostile_client SOCKET WORD [FILE]         one lie; the words are in the tables below
 *        hostile_client SOCKET many N FILES FILE   N clients at once, each scans FILE that often
 *        hostile_client SOCKET hold N SECONDS      N sessions that do nothing
 *        hostile_client SOCKET flood FILES FILE    a greedy honest client
 *        hostile_client SOCKET unread FILES FILE   sends, never reads
 *        hostile_client SOCKET moved TIMES FILE    moves the shared file offset meanwhile
 *        hostile_client SOCKET say FILE|- WORD...  requests about definitions one after the other, WORD+ with the file
 *        hostile_client SOCKET flood-generations N asks N times what there is, never reads
 *        hostile_client SOCKET leave WHEN FILE     leaves a set that is "begun", an "import" or an "update" under way
 *        hostile_client SOCKET send-unread FILE    imports, and reads nothing until a line comes on standard input
 * FILE is what a lie is about; a text file by default.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile_session.h"
#include "io/packet.h"
#include "raw_message.h"

#define PATIENCE_MS 5000
#define HELLO_LIMIT_MS 15000 /* the daemon's, and some */

static int session;
static const char *file_path = "/etc/passwd";
static int patience = PATIENCE_MS;
static struct raw packet, body;

typedef void lie(void);

/* ---- before a scan ---- */

static void send_packet(int fd, unsigned n_fds)
{
	(void)raw_send(session, packet.bytes, packet.len, fd,
		       n_fds); /* being put out shows later */
}

static void silent(void)
{
	patience = HELLO_LIMIT_MS;
}

static void garbage(void)
{
	memset(packet.bytes, 0xff, packet.len = 500);
	send_packet(-1, 0);
}

static void empty(void)
{
	send_packet(-1, 0);
}

static void fill_hello(uint64_t version)
{
	body.len = packet.len = 0;
	raw_number(&body, 1, version);
	raw_message(&packet, 1, &body);
}

static void version(void)
{
	fill_hello(CONTROL_PROTOCOL_VERSION + 1);
	send_packet(-1, 0);
}

static void cut(void)
{
	fill_hello(CONTROL_PROTOCOL_VERSION);
	packet.len--;
	send_packet(-1, 0);
}

static void unknown_field(void)
{
	fill_hello(CONTROL_PROTOCOL_VERSION);
	raw_text(&packet, 14, "?");
	send_packet(-1, 0);
}

static void two_bodies(void)
{
	fill_hello(CONTROL_PROTOCOL_VERSION);
	body.len = 0;
	raw_message(&packet, 2, &body);
	send_packet(-1, 0);
}

static void hello_with_file(void)
{
	fill_hello(CONTROL_PROTOCOL_VERSION);
	send_packet(STDIN_FILENO, 1);
}

static void big_64k1(void)
{
	memset(packet.bytes, 'A', packet.len = 65537);
	send_packet(-1, 0);
}

static void big_200k(void)
{
	memset(packet.bytes, 'A', packet.len = 200000);
	send_packet(-1, 0);
}

static void begin_first(void)
{
	(void)session_begin(session);
}

static void status_first(void)
{
	struct request request = {.kind = REQUEST_STATUS};

	(void)session_say(session, &request, -1);
}

/* ---- after hello ---- */

static void hello_twice(void)
{
	(void)session_hello(session);
}

static void file_before_begin(void)
{
	(void)session_file(session, 1, "/x", STDIN_FILENO);
}

static void end_before_begin(void)
{
	(void)session_end(session);
}

static void history(uint32_t limit, unsigned times)
{
	while (times--) {
		body.len = packet.len = 0;
		raw_number(&body, 2, limit);
		raw_message(&packet, 6, &body);
		send_packet(-1, 0);
	}
}

static void history_0(void)
{
	history(0, 1);
}

static void history_501(void)
{
	history(LIMIT_HISTORY_ROWS + 1, 1);
}

static void history_flood(void)
{
	history(LIMIT_HISTORY_ROWS, 100);
}

static void label_long(void)
{
	static char label[LIMIT_LABEL_BYTES + 1];

	body.len = packet.len = 0;
	memset(label, 'l', sizeof(label));
	raw_bytes(&body, 1, label, sizeof(label));
	raw_message(&packet, 3, &body);
	send_packet(-1, 0);
}

/* ---- within a scan ---- */

static void begin_twice(void)
{
	(void)session_begin(session);
}

static void send_file(uint64_t number, const char *path, size_t len, int fd)
{
	body.len = packet.len = 0;
	raw_number(&body, 1, number);
	raw_bytes(&body, 2, path, len);
	raw_message(&packet, 4, &body);
	send_packet(fd, fd >= 0);
}

static void send_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "hostile_client: %s: %s\n", path, strerror(errno));
	send_file(1, path, strlen(path), fd);
}

static void plain_file(void)
{
	send_open(file_path, O_RDONLY);
}

static void no_fd(void)
{
	send_file(1, "/x", 2, -1);
}

static void many_fds(unsigned n)
{
	body.len = packet.len = 0;
	raw_number(&body, 1, 1);
	raw_text(&body, 2, "/x");
	raw_message(&packet, 4, &body);
	send_packet(open(file_path, O_RDONLY | O_CLOEXEC), n);
}

static void fd_2(void)
{
	many_fds(2);
}

static void fd_253(void)
{
	many_fds(253);
}

static void a_pipe(void)
{
	int ends[2];

	if (pipe(ends) == 0)
		send_file(1, "/x", 2, ends[0]);
}

static void a_socket(void)
{
	int ends[2];

	if (packet_pair(ends) == 0)
		send_file(1, "/x", 2, ends[0]);
}

static void own_session(void)
{
	send_file(1, "/x", 2, session);
}

static void a_directory(void)
{
	send_open("/", O_RDONLY);
}

static void a_device(void)
{
	send_open("/dev/zero", O_RDONLY);
}

static void read_write(void)
{
	send_open(file_path, O_RDWR);
}

static void write_only(void)
{
	send_open(file_path, O_WRONLY);
}

static void path_only(void)
{
	send_open(file_path, O_PATH);
}

static void a_memfd(void)
{
	send_file(1, "/x", 2, memfd_create("x", MFD_CLOEXEC));
}

static void number_0(void)
{
	send_file(0, "/x", 2, open(file_path, O_RDONLY | O_CLOEXEC));
}

static void number_back(void)
{
	send_file(7, "/x", 2, open(file_path, O_RDONLY | O_CLOEXEC));
	send_file(6, "/x", 2, open(file_path, O_RDONLY | O_CLOEXEC));
}

static void number_same(void)
{
	send_file(7, "/x", 2, open(file_path, O_RDONLY | O_CLOEXEC));
	send_file(7, "/x", 2, open(file_path, O_RDONLY | O_CLOEXEC));
}

static void past_window(void)
{
	int fd = open(file_path, O_RDONLY | O_CLOEXEC);

	for (unsigned i = 1; i <= 2000; i++)
		send_file(i, "/x", 2, fd);
}

static void send_path(const char *path, size_t len)
{
	send_file(1, path, len, open(file_path, O_RDONLY | O_CLOEXEC));
}

static void path_empty(void)
{
	send_path("", 0);
}

static void path_long(void)
{
	static char path[LIMIT_PATH_BYTES];

	memset(path, 'p', sizeof(path));
	send_path(path, sizeof(path));
}

static void path_too_long(void)
{
	static char path[LIMIT_PATH_BYTES + 1];

	memset(path, 'p', sizeof(path));
	send_path(path, sizeof(path));
}

static void path_newline(void)
{
	send_path("/a\nsecurity forged line\033[2J", 26);
}

static void path_bytes(void)
{
	send_path("/\xff\xfe\xc3\x28\x00/z", 8);
}

static void half_closed(void)
{
	plain_file();
	(void)shutdown(session, SHUT_WR);
}

static void deaf(void)
{
	(void)shutdown(session, SHUT_RD);
	plain_file();
}

static void end_twice(void)
{
	(void)session_end(session);
	(void)session_end(session);
}

static void killed(void)
{
	int fd = open(file_path, O_RDONLY | O_CLOEXEC);

	for (unsigned i = 1; i <= 60; i++)
		send_file(i, "/x", 2, fd);
	(void)raise(SIGKILL);
}

struct entry {
	const char *word;
	lie *tell;
};

static const struct entry at_once[] = {
	{"silent", silent},
	{"garbage", garbage},
	{"empty", empty},
	{"version", version},
	{"cut", cut},
	{"unknown-field", unknown_field},
	{"two-bodies", two_bodies},
	{"hello-with-file", hello_with_file},
	{"big-64k1", big_64k1},
	{"big-200k", big_200k},
	{"begin-first", begin_first},
	{"status-first", status_first},
	{"file-first", file_before_begin},
	{NULL, NULL},
};

static const struct entry after_hello[] = {
	{"hello-twice", hello_twice},
	{"file-before-begin", file_before_begin},
	{"end-before-begin", end_before_begin},
	{"history-0", history_0},
	{"history-501", history_501},
	{"history-flood", history_flood},
	{"label-long", label_long},
	{NULL, NULL},
};

static const struct entry in_scan[] = {
	{"begin-twice", begin_twice},
	{"plain", plain_file},
	{"no-fd", no_fd},
	{"fd-2", fd_2},
	{"fd-253", fd_253},
	{"pipe", a_pipe},
	{"socket", a_socket},
	{"own-session", own_session},
	{"directory", a_directory},
	{"device", a_device},
	{"read-write", read_write},
	{"write-only", write_only},
	{"path-only", path_only},
	{"memfd", a_memfd},
	{"number-0", number_0},
	{"number-back", number_back},
	{"number-same", number_same},
	{"past-window", past_window},
	{"path-empty", path_empty},
	{"path-long", path_long},
	{"path-too-long", path_too_long},
	{"path-newline", path_newline},
	{"path-bytes", path_bytes},
	{"half-closed", half_closed},
	{"deaf", deaf},
	{"end-twice", end_twice},
	{"killed", killed},
	{NULL, NULL},
};

/* ---- what became of it ---- */

static void await(enum reply_kind kind)
{
	struct reply reply;

	while (session_hear(session, PATIENCE_MS, &reply) == 1 && reply.kind != kind)
		;
}

static int print_end(void)
{
	const char *verdict = NULL;
	struct reply reply;
	int r;

	while ((r = session_hear(session, verdict ? 300 : patience, &reply)) == 1) {
		if (reply.kind == REPLY_REFUSAL) {
			printf("refused: %s\n", reply.refusal.reason);
			return 0;
		}
		if (reply.kind == REPLY_FILE_RESULT)
			verdict = verdict_name(reply.file_result.verdict);
	}
	if (r == 0) {
		puts("ended");
		return 0;
	}
	if (verdict)
		puts(verdict);
	else
		puts("mute");
	return 0;
}

static bool tell(const struct entry *table, const char *word)
{
	for (; table->word; table++) {
		if (strcmp(table->word, word) == 0) {
			table->tell();
			return true;
		}
	}
	return false;
}

static bool tell_any(const char *word)
{
	if (tell(at_once, word))
		return true;
	(void)session_hello(session);
	await(REPLY_HELLO);
	if (tell(after_hello, word))
		return true;
	(void)session_begin(session);
	await(REPLY_SCAN_BEGUN);
	return tell(in_scan, word);
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	int r = definitions_lie(argc, argv);

	if (r >= 0)
		return r;
	if (argc == 6 && strcmp(argv[2], "many") == 0)
		return scan_many(argv[1], number(argv[3]), number(argv[4]), argv[5]);
	if (argc == 5 && strcmp(argv[2], "hold") == 0)
		return scan_hold(argv[1], number(argv[3]), number(argv[4]));
	if (argc == 5 && strcmp(argv[2], "unread") == 0)
		return scan_unread(argv[1], number(argv[3]), argv[4]);
	if (argc == 5 && strcmp(argv[2], "flood") == 0)
		return scan_flood(argv[1], number(argv[3]), argv[4]);
	if (argc == 5 && strcmp(argv[2], "moved") == 0)
		return scan_moved(argv[1], number(argv[3]), argv[4]);
	if (argc < 3 || argc > 4) {
		fputs("usage: hostile_client SOCKET WORD [FILE]; the source says more\n", stderr);
		return 2;
	}
	if (argc == 4)
		file_path = argv[3];
	session = session_connect(argv[1]);
	if (tell_any(argv[2]))
		return print_end();
	fprintf(stderr, "hostile_client: no such lie: %s\n", argv[2]);
	return 2;
}
