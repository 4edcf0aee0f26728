/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/channel.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/own_fds.h"
#include "tests/support/unit_main.h"

#define QUEUE_BYTES 100000
#define BLOCK 10000

/* One channel, its peer's bare socket, and what the callbacks were told. */
static struct {
	uv_loop_t loop;
	struct channel *channel;
	int peer;
	unsigned packets, ends, drains;
	size_t last_len;
	int error, fd;
	enum {
		KEEP,
		FREE_ON_PACKET,
		FREE_ON_END,
		FREE_ON_DRAINED,
		PAUSE_ON_PACKET,
		END_ON_PACKET
	} plan;
} t;

static const uint8_t block[BLOCK];

static void drop(void)
{
	t.channel = channel_free(t.channel);
}

static void on_packet(void *context, const void *packet, size_t len, const struct packet_meta *meta)
{
	(void)packet;
	CU_ASSERT_PTR_EQUAL(context, &t);
	t.packets++;
	t.last_len = len;
	t.fd = meta->fd;
	if (t.plan == FREE_ON_PACKET)
		drop();
	else if (t.plan == PAUSE_ON_PACKET)
		channel_pause(t.channel, true);
	else if (t.plan == END_ON_PACKET)
		channel_end(t.channel, -ETIME);
}

static void on_end(void *context, int error)
{
	CU_ASSERT_PTR_EQUAL(context, &t);
	t.ends++;
	t.error = error;
	if (t.plan == FREE_ON_END)
		drop();
}

static void on_drained(void *context)
{
	CU_ASSERT_PTR_EQUAL(context, &t);
	t.drains++;
	if (t.plan == FREE_ON_DRAINED)
		drop();
}

static const struct channel_callbacks callbacks = {on_packet, on_end, on_drained};

static int fds_before;

static void begin(int plan)
{
	int ends[2];

	memset(&t, 0, sizeof(t));
	t.plan = plan;
	t.fd = -1;
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&t.loop), 0);
	fds_before = own_fds();
	CU_ASSERT_EQUAL_FATAL(packet_pair(ends), 0);
	t.peer = ends[1];
	t.channel = channel_new(&t.loop, ends[0], &callbacks, &t, QUEUE_BYTES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.channel);
}

/* A few turns: enough for what was caused, without waiting for what does not come. */
static void turn(void)
{
	for (int i = 0; i < 5; i++)
		(void)uv_run(&t.loop, UV_RUN_NOWAIT); /* says whether handles are left */
}

static void finish(void)
{
	drop();
	if (t.peer >= 0)
		close(t.peer);
	turn();
	CU_ASSERT_EQUAL(own_fds(), fds_before);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0); /* no handle is left */
}

static void say(const void *bytes, size_t len, int fd)
{
	CU_ASSERT_EQUAL(packet_send(t.peer, bytes, len, fd, MSG_DONTWAIT), 0);
}

static ssize_t hear(void)
{
	static uint8_t buffer[BLOCK];
	struct packet_meta meta;
	ssize_t len = packet_receive(t.peer, buffer, sizeof(buffer), MSG_DONTWAIT, &meta);

	if (meta.fd >= 0)
		close(meta.fd);
	return len;
}

/* Sends until the socket is full and one packet waits; returns how many were taken. */
static unsigned fill(int fd)
{
	unsigned n = 0;

	while (!channel_queued(t.channel) && n < 10000 &&
	       channel_send(t.channel, block, sizeof(block), fd) == 0)
		n++;
	CU_ASSERT(n > 0 && n < 10000);
	CU_ASSERT_EQUAL(channel_queued(t.channel), sizeof(block));
	return n;
}

static void packets_and_descriptors_arrive(void)
{
	begin(KEEP);
	say("hello", 5, t.peer);
	turn();
	CU_ASSERT_EQUAL(t.packets, 1);
	CU_ASSERT_EQUAL(t.last_len, 5);
	CU_ASSERT_FATAL(t.fd >= 0);
	close(t.fd);
	CU_ASSERT_EQUAL(channel_send(t.channel, "back", 4, -1), 0);
	CU_ASSERT_EQUAL(hear(), 4);
	CU_ASSERT_EQUAL(t.drains, 0);
	finish();
}

static void a_flood_gives_others_a_turn(void)
{
	begin(KEEP);
	for (int i = 0; i < CHANNEL_PACKETS_PER_WAKE + 10; i++)
		say("x", 1, -1);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
	CU_ASSERT_EQUAL(t.packets, CHANNEL_PACKETS_PER_WAKE);
	turn();
	CU_ASSERT_EQUAL(t.packets, CHANNEL_PACKETS_PER_WAKE + 10);
	finish();
}

static void what_a_slow_peer_does_not_take_waits_in_order_up_to_the_ceiling(void)
{
	unsigned sent, heard = 0;

	begin(KEEP);
	sent = fill(-1);
	while (channel_send(t.channel, block, sizeof(block), -1) == 0)
		sent++;
	CU_ASSERT_EQUAL(channel_queued(t.channel), QUEUE_BYTES);
	CU_ASSERT_EQUAL(channel_send(t.channel, block, 1, -1), -ENOBUFS);
	CU_ASSERT_EQUAL(channel_queued(t.channel), QUEUE_BYTES);
	for (int i = 0; i < 100; i++) {
		while (hear() > 0)
			heard++;
		turn();
	}
	CU_ASSERT_EQUAL(heard, sent);
	CU_ASSERT_EQUAL(channel_queued(t.channel), 0);
	CU_ASSERT_EQUAL(t.drains, 1);
	CU_ASSERT_EQUAL(t.ends, 0);
	finish();
}

static void a_descriptor_that_waits_is_a_copy_and_closed_with_the_channel(void)
{
	int fd, with_one;

	begin(KEEP);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	with_one = own_fds();
	(void)fill(fd);
	CU_ASSERT_EQUAL(own_fds(), with_one + 1);
	CU_ASSERT_EQUAL(channel_send(t.channel, block, sizeof(block), fd), 0);
	CU_ASSERT_EQUAL(own_fds(), with_one + 2);
	close(fd);
	finish();
}

static void a_channel_may_be_freed_from_each_callback(void)
{
	static const int plans[] = {FREE_ON_PACKET, FREE_ON_END, FREE_ON_DRAINED};

	for (size_t i = 0; i < 3; i++) {
		begin(plans[i]);
		if (plans[i] == FREE_ON_DRAINED)
			(void)fill(-1);
		say("1", 1, -1);
		say("2", 1, -1);
		while (hear() > 0)
			;
		if (plans[i] == FREE_ON_END)
			CU_ASSERT_EQUAL(shutdown(t.peer, SHUT_RDWR), 0);
		turn();
		CU_ASSERT_PTR_NULL(t.channel);
		CU_ASSERT_EQUAL(t.packets, i == 0 ? 1 : i == 1 ? 2 : 0);
		CU_ASSERT_EQUAL(t.ends, plans[i] == FREE_ON_END);
		finish();
	}
}

static void after_free_no_callback_comes(void)
{
	begin(KEEP);
	say("x", 1, -1);
	channel_end(t.channel, -EIO);
	drop();
	turn();
	CU_ASSERT_EQUAL(t.packets + t.ends + t.drains, 0);
	CU_ASSERT_PTR_NULL(channel_free(NULL));
	finish();
}

static void a_paused_channel_reads_nothing_until_it_is_resumed(void)
{
	begin(PAUSE_ON_PACKET);
	say("1", 1, -1);
	say("2", 1, -1);
	turn();
	CU_ASSERT_EQUAL(t.packets, 1);
	t.plan = KEEP;
	channel_pause(t.channel, false);
	turn();
	CU_ASSERT_EQUAL(t.packets, 2);
	finish();
}

static void a_paused_channel_still_sends(void)
{
	begin(KEEP);
	channel_pause(t.channel, true);
	(void)fill(-1);
	while (hear() > 0)
		;
	turn();
	CU_ASSERT_EQUAL(channel_queued(t.channel), 0);
	CU_ASSERT_EQUAL(t.drains, 1);
	finish();
}

static void a_paused_channel_notices_that_the_peer_hangs_up(void)
{
	begin(KEEP);
	channel_pause(t.channel, true);
	say("unread", 6, -1);
	turn();
	CU_ASSERT_EQUAL(t.ends, 0);
	close(t.peer);
	t.peer = -1;
	turn();
	CU_ASSERT_EQUAL(t.packets, 0);
	CU_ASSERT_EQUAL(t.ends, 1);
	CU_ASSERT_EQUAL(t.error, 0);
	finish();
}

static void what_the_peer_said_before_it_left_is_heard(void)
{
	begin(KEEP);
	for (int i = 0; i < CHANNEL_PACKETS_PER_WAKE + 5; i++)
		say("x", 1, -1);
	close(t.peer);
	t.peer = -1;
	turn();
	CU_ASSERT_EQUAL(t.packets, CHANNEL_PACKETS_PER_WAKE + 5);
	CU_ASSERT_EQUAL(t.ends, 1);
	CU_ASSERT_EQUAL(t.error, 0);
	finish();
}

/* It left with something of ours unread, which makes the kernel say ECONNRESET ahead of its words. */
static void words_of_a_peer_that_left_without_listening_are_heard(void)
{
	begin(KEEP);
	CU_ASSERT_EQUAL(channel_send(t.channel, "unheard", 7, -1), 0);
	say("last", 4, -1);
	close(t.peer);
	t.peer = -1;
	turn();
	CU_ASSERT_EQUAL(t.packets, 1);
	CU_ASSERT_EQUAL(t.ends, 1);
	finish();
}

static void sending_to_a_peer_that_left_ends_later_and_once(void)
{
	begin(KEEP);
	say("last", 4, -1);
	close(t.peer);
	t.peer = -1;
	CU_ASSERT_EQUAL(channel_send(t.channel, "x", 1, -1), -EPIPE);
	CU_ASSERT_EQUAL(t.ends, 0); /* never from within channel_send() */
	CU_ASSERT_EQUAL(channel_send(t.channel, "x", 1, -1), -EPIPE);
	turn();
	CU_ASSERT_EQUAL(t.packets, 1);
	CU_ASSERT_EQUAL(t.ends, 1);
	CU_ASSERT_EQUAL(t.error, -EPIPE);
	finish();
}

static void the_first_end_counts_and_nothing_is_read_after_it(void)
{
	begin(END_ON_PACKET);
	say("1", 1, -1);
	say("2", 1, -1);
	turn();
	channel_end(t.channel, -EIO);
	turn();
	CU_ASSERT_EQUAL(t.packets, 1);
	CU_ASSERT_EQUAL(t.ends, 1);
	CU_ASSERT_EQUAL(t.error, -ETIME);
	finish();
}

static void a_packet_that_is_too_long_ends_the_channel(void)
{
	static const uint8_t big[65537];

	begin(KEEP);
	say(big, sizeof(big) - 1, -1);
	turn();
	CU_ASSERT_EQUAL(t.packets, 1);
	CU_ASSERT_EQUAL(t.last_len, 65536);
	say(big, sizeof(big), -1);
	turn();
	CU_ASSERT_EQUAL(t.packets, 1);
	CU_ASSERT_EQUAL(t.ends, 1);
	CU_ASSERT_EQUAL(t.error, -EMSGSIZE);
	finish();
}

static void a_socket_that_cannot_be_watched_is_closed(void)
{
	int fd;

	begin(KEEP);
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC); /* epoll takes no regular file */
	CU_ASSERT_PTR_NULL(channel_new(&t.loop, fd, &callbacks, &t, QUEUE_BYTES));
	CU_ASSERT(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	finish();
}

static void count_packet(void *context, const void *packet, size_t len,
			 const struct packet_meta *meta)
{
	(void)packet;
	(void)meta;
	*(size_t *)context += len;
}

static void say_nothing(void *context, int error)
{
	(void)context;
	(void)error;
}

static const struct channel_callbacks next_callbacks = {count_packet, say_nothing, NULL};

/* Restart in place: what came meanwhile is read by who gets the socket. */
static void a_released_socket_lives_on_with_what_it_holds(void)
{
	struct channel *next;
	size_t heard = 0;
	int socket;

	begin(KEEP);
	(void)fill(-1);
	CU_ASSERT(channel_queued(t.channel) > 0);
	say("abc", 3, -1);
	socket = channel_release(t.channel);
	t.channel = NULL;
	turn();
	CU_ASSERT_EQUAL(t.packets, 0);
	CU_ASSERT_EQUAL(t.ends, 0);
	CU_ASSERT(fcntl(socket, F_GETFD) >= 0);
	next = channel_new(&t.loop, socket, &next_callbacks, &heard, QUEUE_BYTES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	turn();
	CU_ASSERT_EQUAL(heard, 3);
	CU_ASSERT_EQUAL(channel_queued(next), 0);
	channel_free(next);
	finish();
}

static const struct unit_test tests[] = {
	{"packets and descriptors arrive", packets_and_descriptors_arrive},
	{"a flood gives others a turn", a_flood_gives_others_a_turn},
	{"what a slow peer does not take waits in order up to the ceiling",
	 what_a_slow_peer_does_not_take_waits_in_order_up_to_the_ceiling},
	{"a descriptor that waits is a copy and closed with the channel",
	 a_descriptor_that_waits_is_a_copy_and_closed_with_the_channel},
	{"a channel may be freed from each callback", a_channel_may_be_freed_from_each_callback},
	{"after free no callback comes", after_free_no_callback_comes},
	{"a paused channel reads nothing until it is resumed",
	 a_paused_channel_reads_nothing_until_it_is_resumed},
	{"a paused channel still sends", a_paused_channel_still_sends},
	{"a paused channel notices that the peer hangs up",
	 a_paused_channel_notices_that_the_peer_hangs_up},
	{"what the peer said before it left is heard", what_the_peer_said_before_it_left_is_heard},
	{"words of a peer that left without listening are heard",
	 words_of_a_peer_that_left_without_listening_are_heard},
	{"sending to a peer that left ends later and once",
	 sending_to_a_peer_that_left_ends_later_and_once},
	{"the first end counts and nothing is read after it",
	 the_first_end_counts_and_nothing_is_read_after_it},
	{"a packet that is too long ends the channel", a_packet_that_is_too_long_ends_the_channel},
	{"a released socket lives on with what it holds",
	 a_released_socket_lives_on_with_what_it_holds},
	{"a socket that cannot be watched is closed", a_socket_that_cannot_be_watched_is_closed},
};

UNIT_MAIN("channel", tests)
