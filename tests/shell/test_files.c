/* SPDX-License-Identifier: GPL-2.0-only */
/* io/fd_kind.h and io/atomic_file.h */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/atomic_file.h"
#include "io/fd_kind.h"
#include "io/packet.h"
#include "tests/support/own_fds.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

static void kind_is(int fd, int expected, uint64_t bytes)
{
	uint64_t found = 4711;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fd_is_readable_file(fd, &found), expected);
	CU_ASSERT_EQUAL(found, expected ? 4711 : bytes);
	close(fd);
}

static void only_a_regular_file_open_for_reading_is_one(void)
{
	const char *path = test_file("regular", "12345");
	int pipes[2];

	kind_is(open(path, O_RDONLY | O_CLOEXEC), 0, 5);
	kind_is(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME), 0, 5);
	kind_is(open(path, O_RDWR | O_CLOEXEC), -EBADF, 0);
	kind_is(open(path, O_WRONLY | O_CLOEXEC), -EBADF, 0);
	kind_is(open(path, O_PATH | O_CLOEXEC), -EBADF, 0);
	kind_is(open(test_directory(), O_RDONLY | O_CLOEXEC), -EINVAL, 0);
	kind_is(open("/dev/null", O_RDONLY | O_CLOEXEC), -EINVAL, 0);
	kind_is(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), -EBADF, 0);
	kind_is(memfd_create("m", MFD_CLOEXEC), -EBADF, 0); /* writable */
	CU_ASSERT_EQUAL_FATAL(pipe2(pipes, O_CLOEXEC), 0);
	kind_is(pipes[0], -EINVAL, 0);
	kind_is(pipes[1], -EBADF, 0);
}

static void a_sparse_file_has_its_apparent_size(void)
{
	const char *path = test_file("sparse", "");

	CU_ASSERT_EQUAL(truncate(path, 10LL << 30), 0);
	kind_is(open(path, O_RDONLY | O_CLOEXEC), 0, UINT64_C(10) << 30);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void a_closed_number_is_no_file(void)
{
	uint64_t bytes;

	CU_ASSERT_EQUAL(fd_is_readable_file(-1, &bytes), -EBADF);
	CU_ASSERT_EQUAL(fd_is_readable_file(100000, &bytes), -EBADF);
}

static void socket_is(int fd, int expected)
{
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fd_is_packet_socket(fd), expected);
	close(fd);
}

static void only_a_local_packet_socket_is_a_channel(void)
{
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(packet_pair(ends), 0);
	socket_is(ends[0], 0);
	close(ends[1]);
	socket_is(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), -EINVAL);
	socket_is(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), -EINVAL);
	socket_is(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), -EINVAL);
	socket_is(open("/dev/null", O_RDONLY | O_CLOEXEC), -ENOTSOCK);
}

static void a_listening_socket_is_no_channel(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const struct sockaddr any = {.sa_family = AF_UNIX};

	CU_ASSERT_EQUAL(bind(fd, &any, sizeof(sa_family_t)), 0);
	CU_ASSERT_EQUAL(listen(fd, 1), 0);
	socket_is(fd, -EINVAL);
}

static void content_is(const char *path, const char *text)
{
	char buffer[100] = "";

	CU_ASSERT_EQUAL(atomic_file_read(path, buffer, sizeof(buffer)), (ssize_t)strlen(text));
	CU_ASSERT_STRING_EQUAL(buffer, text);
}

static void a_file_is_replaced_with_its_mode(void)
{
	const char *path = test_path("atomic");
	struct stat st;

	CU_ASSERT_EQUAL(atomic_file_write(path, "one", 3, 0600), 0);
	content_is(path, "one");
	CU_ASSERT_EQUAL(atomic_file_write(path, "second", 6, 0640), 0);
	content_is(path, "second");
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0640);
	CU_ASSERT_EQUAL(atomic_file_write(path, "", 0, 0600), 0);
	content_is(path, "");
	CU_ASSERT(access(test_path("atomic.new"), F_OK) && errno == ENOENT);
}

static void what_a_cut_off_run_left_is_no_obstacle(void)
{
	const char *path = test_file("left", "old");

	test_file("left.new", "half");
	CU_ASSERT_EQUAL(atomic_file_write(path, "new", 3, 0600), 0);
	content_is(path, "new");
	CU_ASSERT(access(test_path("left.new"), F_OK) && errno == ENOENT);
}

static void a_link_in_place_of_the_new_file_is_not_followed(void)
{
	const char *path = test_file("linked", "old");

	test_file("victim", "untouched");
	CU_ASSERT_EQUAL(symlink(test_path("victim"), test_path("linked.new")), 0);
	CU_ASSERT_EQUAL(atomic_file_write(path, "new", 3, 0600), 0);
	content_is(test_path("victim"), "untouched");
	content_is(path, "new");
}

/* The file may grow to 0, 1, 2... bytes: each time the old one or the new one, never a part, and nothing left. */
static void a_disk_that_ends_at_any_byte_leaves_the_old_file(void)
{
	const char *path = test_file("full", "old");
	struct rlimit old, small;
	int before = own_fds();

	CU_ASSERT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (rlim_t n = 0; n < 8; n++) {
		small = old;
		small.rlim_cur = n;
		CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
		CU_ASSERT_EQUAL(atomic_file_write(path, "new one", 7, 0600), n < 7 ? -EFBIG : 0);
		CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &old), 0);
		content_is(path, n < 7 ? "old" : "new one");
		CU_ASSERT(access(test_path("full.new"), F_OK) && errno == ENOENT);
	}
	CU_ASSERT_EQUAL(own_fds(), before);
}

static void a_directory_that_is_not_there_is_told(void)
{
	static char longest[PATH_MAX + 1];

	CU_ASSERT_EQUAL(atomic_file_write(test_path("no/such"), "x", 1, 0600), -ENOENT);
	CU_ASSERT_EQUAL(atomic_file_write("/proc/self/status", "x", 1, 0600), -ENOENT);
	memset(longest, 'x', sizeof(longest) - 1);
	CU_ASSERT_EQUAL(atomic_file_write(longest, "x", 1, 0600), -ENAMETOOLONG);
}

static void a_directory_in_the_way_is_told_and_nothing_is_left(void)
{
	const char *path = test_path("directory");

	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	CU_ASSERT_EQUAL(atomic_file_write(path, "x", 1, 0600), -EISDIR);
	CU_ASSERT(access(test_path("directory.new"), F_OK) && errno == ENOENT);
}

static void a_file_that_does_not_fit_is_not_read_in_part(void)
{
	const char *path = test_file("read", "12345");
	char six[6], five[5], one[1];

	CU_ASSERT_EQUAL(atomic_file_read(path, six, sizeof(six)), 5);
	CU_ASSERT_STRING_EQUAL(six, "12345");
	CU_ASSERT_EQUAL(atomic_file_read(path, five, sizeof(five)), -EFBIG);
	CU_ASSERT_EQUAL(atomic_file_read(path, one, sizeof(one)), -EFBIG);
	CU_ASSERT_EQUAL(atomic_file_read(test_file("empty", ""), one, sizeof(one)), 0);
	CU_ASSERT_EQUAL(one[0], 0);
}

static void reading_does_not_follow_links_nor_wait_for_a_pipe(void)
{
	char buffer[10];
	int before = own_fds();

	test_file("target", "x");
	CU_ASSERT_EQUAL(symlink(test_path("target"), test_path("link")), 0);
	CU_ASSERT_EQUAL(atomic_file_read(test_path("link"), buffer, sizeof(buffer)), -ELOOP);
	CU_ASSERT_EQUAL(mkfifo(test_path("pipe"), 0600), 0);
	CU_ASSERT_EQUAL(atomic_file_read(test_path("pipe"), buffer, sizeof(buffer)), 0);
	CU_ASSERT_EQUAL(atomic_file_read(test_path("none"), buffer, sizeof(buffer)), -ENOENT);
	CU_ASSERT_EQUAL(atomic_file_read(test_directory(), buffer, sizeof(buffer)), -EISDIR);
	CU_ASSERT_EQUAL(own_fds(), before);
}

static const struct unit_test tests[] = {
	{"only a regular file open for reading is one",
	 only_a_regular_file_open_for_reading_is_one},
	{"a sparse file has its apparent size", a_sparse_file_has_its_apparent_size},
	{"a closed number is no file", a_closed_number_is_no_file},
	{"only a local packet socket is a channel", only_a_local_packet_socket_is_a_channel},
	{"a listening socket is no channel", a_listening_socket_is_no_channel},
	{"a file is replaced with its mode", a_file_is_replaced_with_its_mode},
	{"what a cut-off run left is no obstacle", what_a_cut_off_run_left_is_no_obstacle},
	{"a link in place of the new file is not followed",
	 a_link_in_place_of_the_new_file_is_not_followed},
	{"a disk that ends at any byte leaves the old file",
	 a_disk_that_ends_at_any_byte_leaves_the_old_file},
	{"a directory that is not there is told", a_directory_that_is_not_there_is_told},
	{"a directory in the way is told and nothing is left",
	 a_directory_in_the_way_is_told_and_nothing_is_left},
	{"a file that does not fit is not read in part",
	 a_file_that_does_not_fit_is_not_read_in_part},
	{"reading does not follow links nor wait for a pipe",
	 reading_does_not_follow_links_nor_wait_for_a_pipe},
};

UNIT_MAIN("files", tests)
