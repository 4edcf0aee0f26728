/* SPDX-License-Identifier: GPL-2.0-only */
#include "hostile_peer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct hostile_self self;
struct raw outer, inner;

/* ---- the plan ---- */

void hostile_plan(char plan[64])
{
	int fd = openat(self.directory, "hostile.plan", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, plan, 63);

	if (fd >= 0)
		close(fd);
	plan[len > 0 ? len : 0] = '\0';
	plan[strcspn(plan, "\n")] = '\0';
}

bool hostile_act(const struct entry *table)
{
	char plan[64];

	hostile_plan(plan);
	for (; table->word; table++) {
		if (strcmp(table->word, plan) == 0) {
			table->act();
			return true;
		}
	}
	return false;
}

void hostile_rest(void)
{
	for (;;)
		pause();
}

void hostile_sleep_ms(long ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&time, NULL);
}

/* ---- saying ---- */

void hostile_send(unsigned n_fds)
{
	if (raw_send(self.channel, outer.bytes, outer.len, STDIN_FILENO, n_fds))
		_exit(0); /* put out */
}

/* ---- what can be done to any packet, on both kinds of channel; `outer` holds an honest one ---- */

static void send_cut(void)
{
	outer.len = outer.len > 3 ? outer.len - 3 : 1;
	hostile_send(0);
}

static void send_unknown(void)
{
	raw_text(&outer, 15, "what is this?");
	hostile_send(0);
}

static void send_empty(void)
{
	outer.len = 0;
	hostile_send(0);
}

static void send_garbage(void)
{
	for (unsigned i = 0; i < 4096; i++)
		outer.bytes[i] = (uint8_t)(i * 167 + (i >> 3));
	outer.len = 4096;
	hostile_send(0);
}

static void send_big(size_t len)
{
	memset(outer.bytes, 'A', len);
	outer.len = len;
	hostile_send(0);
}

static void big_64k(void)
{
	send_big(65536);
}

static void big_64k1(void)
{
	send_big(65537);
}

static void big_200k(void)
{
	send_big(200000);
}

static void with_1(void)
{
	hostile_send(1);
}

static void with_2(void)
{
	hostile_send(2);
}

static void with_253(void)
{
	hostile_send(253);
}

static void leave_quietly(void)
{
	_exit(0);
}

static void close_and_stay(void)
{
	close(self.channel);
	hostile_rest();
}

static void shut_and_stay(void)
{
	(void)shutdown(self.channel, SHUT_WR);
	hostile_rest();
}

static const struct entry any_packet[] = {
	{"cut", send_cut},         {"unknown", send_unknown}, {"empty", send_empty},
	{"garbage", send_garbage}, {"big-64k", big_64k},      {"big-64k1", big_64k1},
	{"big-200k", big_200k},    {"fd-1", with_1},          {"fd-2", with_2},
	{"fd-253", with_253},      {"exit", leave_quietly},   {"close", close_and_stay},
	{"shut", shut_and_stay},   {"mute", hostile_rest},    {NULL, NULL},
};

/* "birth-cut" and the like: the suffix names what is done to `outer`. */
bool hostile_act_on_packet(const char *prefix)
{
	char plan[64];

	hostile_plan(plan);
	if (strncmp(plan, prefix, strlen(prefix)) != 0)
		return false;
	for (const struct entry *entry = any_packet; entry->word; entry++) {
		if (strcmp(entry->word, plan + strlen(prefix)) == 0) {
			entry->act();
			return true;
		}
	}
	return false;
}
