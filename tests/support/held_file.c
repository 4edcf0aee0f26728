/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * held_file: a user's own FUSE file system with one file, "f", that answers everything but one thing: a close (flush) of the
 * file by anybody but the command that it runs. held_file [--allow-other] DIRECTORY COMMAND... mounts it on DIRECTORY, in a
 * mount namespace of its own and hidden from root unless told otherwise, runs COMMAND as user 65534 and serves until it is
 * killed. Exit 77: no FUSE here.
 * Diagnostics: "held PID" on standard output for each close that it leaves unanswered; PID 0 is a thread it cannot name.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER 65534
#define FILE_NODE 2
#define FILE_BYTES 68
#define VALID_SECONDS 100
#define NO_FUSE 77

struct server {
	int device;
	pid_t command;
};

static void answer(const struct server *server, const struct fuse_in_header *in, int error,
		   const void *body, size_t len)
{
	unsigned char packet[512];
	struct fuse_out_header out = {.error = error, .unique = in->unique};

	out.len = (uint32_t)(sizeof(out) + len);
	memcpy(packet, &out, sizeof(out));
	if (len)
		memcpy(packet + sizeof(out), body, len);
	(void)!write(server->device, packet, out.len); /* whoever asked has gone: nothing to tell */
}

static struct fuse_attr attributes_of(uint64_t node)
{
	bool is_file = node == FILE_NODE;

	return (struct fuse_attr){.ino = node,
				  .nlink = 1,
				  .uid = USER,
				  .gid = USER,
				  .mode = is_file ? S_IFREG | 0444 : S_IFDIR | 0755,
				  .size = is_file ? FILE_BYTES : 0};
}

static void look_up(const struct server *server, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry = {
		.nodeid = FILE_NODE, .entry_valid = VALID_SECONDS, .attr_valid = VALID_SECONDS};

	entry.attr = attributes_of(FILE_NODE);
	if (strcmp(name, "f") == 0)
		answer(server, in, 0, &entry, sizeof(entry));
	else
		answer(server, in, -ENOENT, NULL, 0);
}

static void flush(const struct server *server, const struct fuse_in_header *in)
{
	if (in->pid == (uint32_t)server->command) {
		answer(server, in, 0, NULL, 0);
		return;
	}
	printf("held %u\n", in->pid);
	fflush(stdout);
}

static void serve(const struct server *server, const struct fuse_in_header *in, const void *body)
{
	struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 65536};
	struct fuse_attr_out attributes = {.attr_valid = VALID_SECONDS,
					   .attr = attributes_of(in->nodeid)};
	struct fuse_open_out opened = {.fh = 1};
	char content[FILE_BYTES] = {0};

	switch (in->opcode) {
	case FUSE_INIT:
		answer(server, in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		look_up(server, in, body);
		break;
	case FUSE_GETATTR:
		answer(server, in, 0, &attributes, sizeof(attributes));
		break;
	case FUSE_OPEN:
		answer(server, in, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		answer(server, in, 0, content, sizeof(content));
		break;
	case FUSE_FLUSH:
		flush(server, in);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(server, in, in->opcode == FUSE_RELEASE ? 0 : -ENOSYS, NULL, 0);
	}
}

static int mount_at(const char *directory, bool allow_other)
{
	char options[128];
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (device < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=%d,group_id=%d%s",
		       device, USER, USER, allow_other ? ",allow_other" : ""); /* fits */
	return mount("held", directory, "fuse.held", MS_NOSUID | MS_NODEV, options) < 0 ? -errno
											: device;
}

static _Noreturn void run(char **command)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setgid(USER) == 0 && setuid(USER) == 0)
		execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	static union {
		struct fuse_in_header head;
		char bytes[1 << 17];
	} packet;
	bool allow_other = argc > 1 && strcmp(argv[1], "--allow-other") == 0;
	struct server server;
	ssize_t len;

	argc -= allow_other;
	argv += allow_other;
	server.device = argc < 3 ? -EINVAL : mount_at(argv[1], allow_other);
	if (server.device < 0)
		return NO_FUSE;
	server.command = fork();
	if (server.command == 0)
		run(argv + 2);
	for (;;) {
		len = read(server.device, &packet, sizeof(packet));
		if (len >= (ssize_t)sizeof(packet.head))
			serve(&server, &packet.head, &packet.head + 1);
		else if (len < 0 && errno != EINTR && errno != ENOENT)
			return 1;
	}
}
