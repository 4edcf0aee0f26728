/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/packet.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/own_fds.h"
#include "tests/support/raw_message.h"
#include "tests/support/unit_main.h"

static int ends[2];
static char buffer[100];
static struct packet_meta meta;

static void begin(void)
{
	CU_ASSERT_EQUAL_FATAL(packet_pair(ends), 0);
}

static void end(void)
{
	close(ends[0]);
	close(ends[1]);
}

static ssize_t take(void)
{
	memset(&meta, 0x55, sizeof(meta));
	return packet_receive(ends[1], buffer, sizeof(buffer), MSG_DONTWAIT, &meta);
}

static void a_packet_arrives_whole_and_alone(void)
{
	begin();
	CU_ASSERT_EQUAL(packet_send(ends[0], "one", 3, -1, 0), 0);
	CU_ASSERT_EQUAL(packet_send(ends[0], "second", 6, -1, 0), 0);
	CU_ASSERT_EQUAL(take(), 3);
	CU_ASSERT_EQUAL(memcmp(buffer, "one", 3), 0);
	CU_ASSERT_EQUAL(meta.fd, -1);
	CU_ASSERT_EQUAL(meta.pid, 0);
	CU_ASSERT_EQUAL(take(), 6);
	CU_ASSERT_EQUAL(take(), -EAGAIN);
	CU_ASSERT_EQUAL(meta.fd, -1);
	end();
}

static void a_descriptor_goes_along_and_closes_on_exec(void)
{
	struct stat sent, received;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	begin();
	CU_ASSERT_EQUAL(packet_send(ends[0], "x", 1, fd, 0), 0);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_FATAL(meta.fd >= 0);
	CU_ASSERT(meta.fd != fd);
	CU_ASSERT_EQUAL(fstat(fd, &sent), 0);
	CU_ASSERT_EQUAL(fstat(meta.fd, &received), 0);
	CU_ASSERT_EQUAL(sent.st_ino, received.st_ino);
	CU_ASSERT_EQUAL(fcntl(meta.fd, F_GETFD), FD_CLOEXEC);
	close(meta.fd);
	close(fd);
	end();
}

static void the_pair_closes_on_exec(void)
{
	begin();
	CU_ASSERT_EQUAL(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
	end();
}

static void surplus_descriptors_are_closed_and_the_packet_refused(void)
{
	static const unsigned counts[] = {2, 3, 16, 253};
	int before;

	begin();
	before = own_fds();
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(raw_send(ends[0], "x", 1, ends[0], counts[i]), 0);
		CU_ASSERT_EQUAL(take(), -EPROTO);
		CU_ASSERT_EQUAL(meta.fd, -1);
		CU_ASSERT_EQUAL(own_fds(), before);
	}
	CU_ASSERT_EQUAL(packet_send(ends[0], "y", 1, -1, 0), 0);
	CU_ASSERT_EQUAL(take(), 1);
	end();
}

static void a_packet_that_is_too_long_is_refused_and_its_descriptor_closed(void)
{
	static const char big[sizeof(buffer) + 1];
	int before;

	begin();
	before = own_fds();
	CU_ASSERT_EQUAL(packet_send(ends[0], big, sizeof(big), ends[0], 0), 0);
	CU_ASSERT_EQUAL(take(), -EMSGSIZE);
	CU_ASSERT_EQUAL(meta.fd, -1);
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_EQUAL(packet_send(ends[0], big, sizeof(buffer), -1, 0), 0);
	CU_ASSERT_EQUAL(take(), sizeof(buffer));
	end();
}

static void an_empty_packet_counts_as_the_end_and_its_descriptor_is_closed(void)
{
	int before;

	begin();
	before = own_fds();
	CU_ASSERT_EQUAL(packet_send(ends[0], "", 0, ends[0], 0), 0);
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_EQUAL(meta.fd, -1);
	CU_ASSERT_EQUAL(own_fds(), before);
	end();
}

static void a_peer_that_left_is_end_of_file_and_cannot_be_sent_to(void)
{
	begin();
	CU_ASSERT_EQUAL(packet_send(ends[0], "last", 4, -1, 0), 0);
	close(ends[0]);
	CU_ASSERT_EQUAL(take(), 4);
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_EQUAL(packet_send(ends[1], "x", 1, -1, 0), -EPIPE); /* and no SIGPIPE */
	close(ends[1]);
}

static void the_kernel_tells_who_sent(void)
{
	int on = 1;

	begin();
	CU_ASSERT_EQUAL(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	CU_ASSERT_EQUAL(packet_send(ends[0], "x", 1, ends[0], 0), 0);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(meta.pid, getpid());
	CU_ASSERT_EQUAL(meta.uid, getuid());
	CU_ASSERT_EQUAL(meta.gid, getgid());
	CU_ASSERT_FATAL(meta.fd >= 0);
	close(meta.fd);
	end();
}

/* With no descriptor left for the file that comes along, the packet is not taken for one without a file. */
static void a_descriptor_that_finds_no_place_makes_the_packet_refused(void)
{
	struct rlimit old, none;

	begin();
	CU_ASSERT_EQUAL(packet_send(ends[0], "x", 1, ends[0], 0), 0);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	CU_ASSERT_EQUAL(take(), -EPROTO);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
	CU_ASSERT_EQUAL(meta.fd, -1);
	end();
}

static void a_full_socket_says_again_and_nothing_was_sent(void)
{
	unsigned sent = 0, received = 0;

	begin();
	while (packet_send(ends[0], buffer, sizeof(buffer), -1, MSG_DONTWAIT) == 0 && sent < 100000)
		sent++;
	CU_ASSERT(sent > 0 && sent < 100000);
	CU_ASSERT_EQUAL(packet_send(ends[0], buffer, sizeof(buffer), -1, MSG_DONTWAIT), -EAGAIN);
	while (take() > 0)
		received++;
	CU_ASSERT_EQUAL(received, sent);
	end();
}

static const struct unit_test tests[] = {
	{"a packet arrives whole and alone", a_packet_arrives_whole_and_alone},
	{"a descriptor goes along and closes on exec", a_descriptor_goes_along_and_closes_on_exec},
	{"the pair closes on exec", the_pair_closes_on_exec},
	{"surplus descriptors are closed and the packet refused",
	 surplus_descriptors_are_closed_and_the_packet_refused},
	{"a packet that is too long is refused and its descriptor closed",
	 a_packet_that_is_too_long_is_refused_and_its_descriptor_closed},
	{"an empty packet counts as the end and its descriptor is closed",
	 an_empty_packet_counts_as_the_end_and_its_descriptor_is_closed},
	{"a peer that left is end-of-file and cannot be sent to",
	 a_peer_that_left_is_end_of_file_and_cannot_be_sent_to},
	{"the kernel tells who sent", the_kernel_tells_who_sent},
	{"a descriptor that finds no place makes the packet refused",
	 a_descriptor_that_finds_no_place_makes_the_packet_refused},
	{"a full socket says again and nothing was sent",
	 a_full_socket_says_again_and_nothing_was_sent},
};

UNIT_MAIN("packet", tests)
