/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash_service: stands in for ampscansvc: refuses to start or hangs when the file `control` beside it says so, else becomes the
 * program that the file `service` names, with crash_preload.so before libc.
 * Owns the refusals of births. Diagnostics: the exit status; 64 when its own set-up is wrong.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/crash_control.h"

static int beside(const char *name, char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 64);
	char *slash;

	if (len < 0)
		return -1;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return -1;
	(void)snprintf(slash + 1, 60, "%s", name); /* fits */
	return 0;
}

static struct crash_control *map_control(char path[PATH_MAX])
{
	int fd = beside("control", path) ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *at;

	if (fd < 0)
		return NULL;
	at = mmap(NULL, sizeof(struct crash_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static void limit_memory(uint32_t kib)
{
	struct rlimit limit = {.rlim_cur = (rlim_t)kib << 10, .rlim_max = (rlim_t)kib << 10};

	if (kib && setrlimit(RLIMIT_AS, &limit))
		_exit(64);
}

static void obey(struct crash_control *control)
{
	__atomic_add_fetch(&control->births, 1, __ATOMIC_SEQ_CST);
	if (crash_take(&control->refuse))
		_exit((int)control->refuse_code);
	if (crash_take(&control->hang_birth))
		(void)sleep(3600); /* the daemon kills it */
	limit_memory(control->birth_memory_kib);
}

static int program_of(char program[PATH_MAX])
{
	char path[PATH_MAX];
	FILE *file = beside("service", path) ? NULL : fopen(path, "re");
	int r = file && fgets(program, PATH_MAX, file) ? 0 : -1;

	if (file)
		fclose(file);
	if (!r)
		program[strcspn(program, "\n")] = '\0';
	return r;
}

int main(void)
{
	char path[PATH_MAX], program[PATH_MAX];
	char preload[PATH_MAX + 16], control_path[PATH_MAX + 24], name[] = "ampscansvc";
	char *arguments[] = {name, NULL}, *environment[] = {preload, control_path, NULL};
	struct crash_control *control = map_control(path);

	if (!control || program_of(program))
		return 64;
	(void)snprintf(control_path, sizeof(control_path), "AMP_CRASH_CONTROL=%s", path); /* fits */
	obey(control);
	if (beside("crash_preload.so", path))
		return 64;
	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", path); /* fits */
	(void)execve(program, arguments, environment);
	return 64;
}
