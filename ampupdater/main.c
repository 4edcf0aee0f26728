/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main: takes what a newborn updater is given (base/update_birth.h), makes sure that it has nothing else, hears what it is to do, builds its
 * walls, and runs the check. Started by ampdaemon only, for one check.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampupdater/check.h"
#include "ampupdater/fetch.h"
#include "ampupdater/walls.h"
#include "base/exit_code.h"
#include "io/fd_kind.h"
#include "io/packet.h"
#include "wire/session_rules.h"

#if AMP_SANITIZED
/* Behind the walls there is no /proc to look at and nobody to trace for. */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_abort=0:abort_on_error=0:intercept_tls_get_addr=0";
}
#endif

static void reset_signals(void)
{
	sigset_t none;

	/* The daemon ignores some; a kill by SIGXFSZ must be one here. */
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL); /* SIGKILL, SIGSTOP and libc's own refuse */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail with these arguments */
}

static bool has_birthright(void)
{
	struct stat incoming;

	return fd_is_packet_socket(UPDATE_FD_CHANNEL) == 0 &&
	       fstat(UPDATE_FD_INCOMING, &incoming) == 0 && S_ISDIR(incoming.st_mode);
}

static int take_birthright(void)
{
	if (!has_birthright())
		return -EBADF;
	if (close_range(UPDATE_FD_INCOMING + 1, ~0u, 0) < 0) {
		for (int fd = UPDATE_FD_INCOMING + 1; fd < 65536; fd++)
			close(fd);
	}
	if (fcntl(UPDATE_FD_CHANNEL, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	reset_signals();
	(void)setsid(); /* fails for who leads a group already: then nothing is to be left */
	return clearenv() == 0 ? 0 : -ENOMEM;
}

/* What it is to do; `start` points into `arena`. An exit status. */
static int hear(struct wire_arena *arena, struct update_start *ret_start)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	struct packet_meta meta;
	struct session session;
	const char *why;
	ssize_t len = packet_receive(UPDATE_FD_CHANNEL, packet, sizeof(packet), 0, &meta);

	if (len <= 0)
		return len == 0 ? EXIT_CODE_OK : EXIT_CODE_CHANNEL;
	if (update_start_decode(arena, packet, (size_t)len, ret_start, &why) < 0)
		return check_say_failed(EXIT_CODE_PROTOCOL, why);
	session_init(&session, &rules_to_updater);
	if (session_admit(&session, TO_UPDATER_START, meta.fd >= 0, &why) < 0)
		return check_say_failed(EXIT_CODE_PROTOCOL, why);
	if (ret_start->protocol != UPDATE_PROTOCOL_VERSION)
		return check_say_failed(EXIT_CODE_PROTOCOL, "another version of the protocol");
	return -1;
}

static int greet(const struct wall_book *book)
{
	static struct update_hello hello;

	hello.protocol = UPDATE_PROTOCOL_VERSION;
	hello.library = fresh_library();
	hello.uid = getuid();
	hello.gid = getgid();
	hello.n_walls = walls_report(book, hello.walls);
	return check_say_hello(&hello);
}

static int run(bool was_environment_empty)
{
	static struct wall_book book;
	struct wire_arena *arena = wire_arena_new();
	struct walls_order order = {.was_environment_empty = was_environment_empty};
	struct update_start start;
	struct fetch fetch;
	char why[LIMIT_REASON_BYTES] = "";
	int status;

	if (!arena || fetch_init(&fetch) < 0)
		return check_say_failed(EXIT_CODE_INTERNAL, "no memory");
	status = hear(arena, &start);
	if (status >= 0)
		return status;
	order.start = &start;
	if (walls_build(&order, &book, why) < 0)
		return check_say_failed(EXIT_CODE_WALLS, why);
	if (!fresh_prepare())
		return check_say_failed(EXIT_CODE_INTERNAL, "libclamav does not start");
	if (greet(&book) < 0)
		return EXIT_CODE_CHANNEL;
	return check_run(&start, &fetch);
}

int main(void)
{
	bool was_environment_empty = !environ || !environ[0];

	if (take_birthright() < 0)
		return EXIT_CODE_USAGE;
	/* The libraries' exit handlers have nothing to save. */
	_exit(run(was_environment_empty));
}
