/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/private_etc.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_entered;

bool private_etc_enter(void)
{
	const char *failed = geteuid() ? "root is needed" : NULL;

	if (!failed && unshare(CLONE_NEWNS))
		failed = "unshare";
	if (!failed && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		failed = "mounts cannot be made private";
	if (!failed && mount("amp-test", "/etc", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"))
		failed = "mount /etc";
	if (!failed && mount("amp-test", "/var/log", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"))
		failed = "mount /var/log";
	if (failed)
		printf("1..0 # SKIP no private /etc here: %s: %s\n", failed, strerror(errno));
	is_entered = !failed;
	return is_entered;
}

void private_etc_write(const char *name, const char *text, unsigned mode)
{
	char path[256];
	FILE *file;

	if (!is_entered)
		abort(); /* never into the machine's own /etc */
	(void)snprintf(path, sizeof(path), "/etc/%s", name);
	(void)remove(path); /* it need not be there */
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file) || chmod(path, mode)) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

const char *private_etc_read(const char *name)
{
	static char text[8192];
	char path[256];
	size_t n = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/etc/%s", name);
	file = fopen(path, "re");
	if (file) {
		n = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return text;
}
