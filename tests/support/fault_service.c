/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_service: stands in for ampscansvc and becomes it, with fault_preload.so before libc. The real program is named
 * by the file `service` beside this one; a birth has no arguments and no environment to say it with.
 * Owns: nothing. Diagnostics: the daemon sees the exit status, 64 and not one of the service's.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

int main(void)
{
	char path[PATH_MAX], program[PATH_MAX];
	char preload[PATH_MAX + 16], control[PATH_MAX + 24], name[] = "ampscansvc";
	char *arguments[] = {name, NULL}, *environment[] = {preload, control, NULL};
	FILE *file;

	if (beside("service", path))
		return 64;
	file = fopen(path, "re");
	if (!file || !fgets(program, sizeof(program), file))
		return 64;
	fclose(file);
	program[strcspn(program, "\n")] = '\0';
	if (beside("fault_preload.so", path))
		return 64;
	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", path); /* fits */
	if (beside("control", path))
		return 64;
	(void)snprintf(control, sizeof(control), "AMP_FAULT_CONTROL=%s", path); /* fits */
	(void)execve(program, arguments, environment);
	return 64;
}
