/* SPDX-License-Identifier: GPL-2.0-only */
#include "file_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *read_text(int fd, size_t size)
{
	char *text = malloc(size + 1);
	size_t have = 0;

	while (text && have < size) {
		ssize_t n = read(fd, text + have, size - have);

		if (n <= 0) {
			free(text);
			return NULL;
		}
		have += (size_t)n;
	}
	if (text)
		text[size] = '\0';
	return text;
}

static uint32_t count_lines(const char *text)
{
	uint32_t count = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		count++;
	return count;
}

static int split(struct file_list *list)
{
	char *rest = NULL;
	uint32_t lines = count_lines(list->text);

	list->paths = calloc(lines + 1, sizeof(*list->paths));
	if (!list->paths)
		return -ENOMEM;
	for (char *line = strtok_r(list->text, "\n", &rest); line && list->count < lines;
	     line = strtok_r(NULL, "\n", &rest))
		list->paths[list->count++] = line;
	return list->count > 0 ? 0 : -ENODATA;
}

int file_list_load(struct file_list *list, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	memset(list, 0, sizeof(*list));
	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0) {
		list->text = read_text(fd, (size_t)st.st_size);
		r = list->text ? split(list) : -EIO;
	}
	(void)close(fd); /* was only read from */
	if (r < 0)
		file_list_free(list);
	return r;
}

void file_list_free(struct file_list *list)
{
	free(list->paths);
	free(list->text);
	memset(list, 0, sizeof(*list));
}

static size_t tally_size(uint32_t count)
{
	return sizeof(struct run_tally) + count;
}

struct run_tally *run_tally_new(uint32_t count)
{
	struct run_tally *tally = mmap(NULL, tally_size(count), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return tally == MAP_FAILED ? NULL : tally;
}

void run_tally_free(struct run_tally *tally, uint32_t count)
{
	if (tally)
		(void)munmap(tally, tally_size(count)); /* cannot fail for a mapping of ours */
}

int run_tally_next(struct run_tally *tally, const struct file_list *list, uint32_t *ret_index)
{
	for (;;) {
		uint32_t index = __atomic_fetch_add(&tally->next, 1, __ATOMIC_RELAXED);
		struct stat st;
		int fd;

		if (index >= list->count)
			return -1;
		fd = open(list->paths[index], O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &st) == 0) {
			__atomic_fetch_add(&tally->bytes, (uint64_t)st.st_size, __ATOMIC_RELAXED);
			*ret_index = index;
			return fd;
		}
		if (fd >= 0)
			(void)close(fd); /* already counted as bad below */
		__atomic_fetch_add(&tally->bad, 1, __ATOMIC_RELAXED);
	}
}

void run_tally_set(struct run_tally *tally, uint32_t index, enum verdict verdict)
{
	tally->verdicts[index] = (uint8_t)verdict;
}

void run_tally_print(const struct run_tally *tally, uint32_t count, double seconds,
		     double cpu_seconds)
{
	uint32_t verdicts[VERDICT_COUNT] = {0};

	for (uint32_t i = 0; i < count; i++)
		verdicts[tally->verdicts[i] < VERDICT_COUNT ? tally->verdicts[i] : 0]++;
	printf("{\"files\": %u, \"bytes\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"bad\": %u",
	       count, (unsigned long long)tally->bytes, seconds, cpu_seconds, tally->bad);
	for (unsigned v = 0; v < VERDICT_COUNT; v++)
		printf(", \"%s\": %u", verdict_name(v), verdicts[v]);
	puts("}");
	fflush(stdout);
}

int run_tally_write(const struct run_tally *tally, const struct file_list *list, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return -errno;
	for (uint32_t i = 0; i < list->count; i++)
		fprintf(out, "%s\t%s\n", verdict_name(tally->verdicts[i]), list->paths[i]);
	return fclose(out) == 0 ? 0 : -errno;
}
