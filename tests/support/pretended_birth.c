/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/pretended_birth.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/installation.h"
#include "ampdaemon/memory_room.h"
#include "ampdaemon/spawn.h"
#include "base/exit_code.h"
#include "wire/scan_codec.h"

#define END_LIMIT_MS 8000

struct pretended pretended;

/* ---- the place ---- */

struct scan_account scan_account_find(const char *name, char *detail, size_t size)
{
	(void)snprintf(detail, size, pretended.account.unsound ? "user %s does not exist" : "%.0s",
		       name);
	return pretended.account;
}

int scan_account_create(const char *name, char *detail, size_t size)
{
	(void)name;
	(void)snprintf(detail, size, "useradd ended with exit status 1");
	return -EIO;
}

struct installation *installation_new(const char *root, const char *const parts[INSTALLATION_PARTS])
{
	(void)root;
	CU_ASSERT_STRING_EQUAL(parts[INSTALLATION_PROGRAM], "/nowhere/bin");
	return (struct installation *)&pretended;
}

struct installation *installation_free(struct installation *installation)
{
	(void)installation;
	return NULL;
}

bool installation_look(struct installation *installation, char *detail, size_t size)
{
	(void)installation;
	(void)snprintf(detail, size, "%s",
		       pretended.changed ? "/nowhere has mode 0777, expected 0755" : "");
	return !pretended.changed;
}

int installation_open(struct installation *installation, enum installation_part part, char *error,
		      size_t size)
{
	(void)installation;
	(void)part;
	(void)error;
	(void)size;
	return open("/", O_PATH | O_CLOEXEC);
}

int installation_open_program(struct installation *installation, const char *base_name, char *error,
			      size_t size)
{
	CU_ASSERT_STRING_EQUAL(base_name, "ampscansvc");
	if (!pretended.program_missing)
		return installation_open(installation, INSTALLATION_PROGRAM, error, size);
	(void)snprintf(error, size, "/nowhere/bin/ampscansvc cannot be opened: no such file");
	return -ENOENT;
}

uint64_t memory_room_available(void)
{
	return pretended.available;
}

/* ---- the service ---- */

static void tell(int channel, struct from_service *message, uint64_t incarnation)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	ssize_t len;

	message->incarnation = incarnation;
	len = from_service_encode(message, packet, sizeof(packet));
	if (len < 0 || send(channel, packet, (size_t)len, MSG_NOSIGNAL) != len)
		_exit(EXIT_CODE_CHANNEL);
}

static void be_born(int channel, const struct service_start *start)
{
	struct from_service hello = {.kind = FROM_SERVICE_HELLO};
	struct from_service ready = {.kind = FROM_SERVICE_READY};
	struct from_service failed = {.kind = FROM_SERVICE_FAILED};
	struct from_service file = {.kind = FROM_SERVICE_FILE};

	if (pretended.manner == SILENT_END)
		_exit(EXIT_CODE_WALLS);
	if (setresgid(start->gid, start->gid, start->gid) ||
	    setresuid(start->uid, start->uid, start->uid))
		_exit(EXIT_CODE_INTERNAL);
	hello.hello.protocol = AMP_PROTOCOL_VERSION;
	hello.hello.engine = "test";
	hello.hello.uid = start->uid + (pretended.manner == FALSE_NAME);
	hello.hello.gid = start->gid;
	tell(channel, &hello, start->incarnation);
	while (pretended.manner == FALSE_NAME)
		(void)pause(); /* and does not go by itself */
	if (pretended.manner == NEVER_GOOD ||
	    (pretended.manner == NO_CONFIGURED && start->has_definitions)) {
		file.file.name = "broken.ndb";
		file.file.reason = "line 3 is malformed";
		tell(channel, &file, start->incarnation);
		failed.failed.code = EXIT_CODE_DEFINITIONS;
		failed.failed.reason = "no file was accepted";
		tell(channel, &failed, start->incarnation);
		_exit(EXIT_CODE_DEFINITIONS);
	}
	ready.ready.signatures = 7;
	ready.ready.memory_bytes = pretended.engine ?: PRETENDED_ENGINE_BYTES;
	tell(channel, &ready, start->incarnation);
}

_Noreturn static void serve(int channel)
{
	struct wire_arena *arena = wire_arena_new();
	static uint8_t packet[LIMIT_PACKET_BYTES];
	uint64_t incarnation = 0;

	for (;;) {
		struct to_service message;
		const char *why;
		ssize_t len = recv(channel, packet, sizeof(packet), 0);

		if (len <= 0 || to_service_decode(arena, packet, (size_t)len, &message, &why))
			_exit(EXIT_CODE_OK);
		if (message.kind == TO_SERVICE_START) {
			incarnation = message.start.incarnation;
			be_born(channel, &message.start);
		} else if (message.kind == TO_SERVICE_PING) {
			struct from_service pong = {.kind = FROM_SERVICE_PONG,
						    .pong = message.ping};

			tell(channel, &pong, incarnation);
		}
	}
}

int spawn_service(const struct spawn_order *order, struct spawned *ret_spawned, char *ret_error,
		  size_t size)
{
	(void)ret_error;
	(void)size;
	pretended.births++;
	ret_spawned->pid = fork();
	if (ret_spawned->pid == 0) {
		int channel = dup2(order->channel, 3);

		(void)close_range(4, ~0u, 0); /* only the channel counts */
		serve(channel);
	}
	ret_spawned->pidfd = (int)syscall(SYS_pidfd_open, ret_spawned->pid, 0);
	CU_ASSERT_FATAL(ret_spawned->pidfd >= 0);
	(void)fcntl(order->channel, F_SETFL, 0); /* a child that blocks is simpler */
	return 0;
}

bool spawn_end(int pidfd)
{
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); /* it may have ended */
	CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, END_LIMIT_MS), 1);
	CU_ASSERT_EQUAL(waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED), 0);
	close(pidfd);
	return true;
}
