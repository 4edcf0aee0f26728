/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/definition_lab.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/clock.h"
#include "tests/support/test_directory.h"

#define SPARE_MS 20000 /* for a machine that has other work */

static void take_told(void *context, const char *text)
{
	struct lab *lab = context;
	size_t at = strlen(lab->told);

	CU_ASSERT(text[0] != '\0');
	(void)snprintf(lab->told + at, sizeof(lab->told) - at, "%s\n", text);
}

static void open_parts(struct lab *lab)
{
	lab->told[0] = lab->why[0] = '\0';
	lab->answers = 0;
	CU_ASSERT_EQUAL_FATAL(
		definition_store_open(lab->root, take_told, lab, &lab->store, lab->why), 0);
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&lab->loop), 0);
	lab->stage = definition_stage_new(&lab->loop, lab->store, &lab->bounds);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab->stage);
}

static void close_parts(struct lab *lab)
{
	lab->stage = definition_stage_free(lab->stage);
	CU_ASSERT_EQUAL(uv_run(&lab->loop, UV_RUN_DEFAULT), 0);
	CU_ASSERT_EQUAL(uv_loop_close(&lab->loop), 0);
	lab->store = definition_store_close(lab->store);
}

void lab_open(struct lab *lab, const char *name)
{
	memset(lab, 0, sizeof(*lab));
	lab->root = strdup(test_path(name));
	lab->bounds = (struct definition_stage_bounds){LAB_FILE_BYTES, LAB_SET_BYTES, LAB_LIMIT_MS};
	open_parts(lab);
}

void lab_close(struct lab *lab)
{
	close_parts(lab);
	free((void *)lab->root);
}

void lab_reopen(struct lab *lab)
{
	close_parts(lab);
	open_parts(lab);
}

int lab_source(const void *bytes, size_t len)
{
	char path[64];
	int fd, writer = memfd_create("source", MFD_CLOEXEC);

	CU_ASSERT_FATAL(writer >= 0);
	CU_ASSERT_EQUAL_FATAL(write(writer, bytes, len), (ssize_t)len);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", writer);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_FATAL(fd >= 0);
	close(writer);
	return fd;
}

void lab_answer(void *context, uint64_t number, const struct stage_result *result)
{
	struct lab *lab = context;

	lab->answers++;
	lab->number = number;
	lab->result = *result;
	CU_ASSERT_EQUAL(result->error != 0,
			result->why[0] != '\0'); /* a sentence with each error */
}

static int add(struct lab *lab, const struct lab_file *file)
{
	if (file->text == LAB_KEPT)
		return definition_stage_keep(lab->stage, file->name, file->is_custom,
					     file->generation, lab->why);
	return definition_stage_add(lab->stage, file->name, file->is_custom,
				    lab_source(file->text, strlen(file->text)), lab->why);
}

int lab_start(struct lab *lab, uint64_t number, const struct lab_file *files, unsigned n)
{
	int r = definition_stage_begin(lab->stage, number, lab->why);

	if (r)
		return r;
	for (unsigned i = 0; !r && i < n; i++)
		r = add(lab, &files[i]);
	if (!r)
		return definition_stage_start(lab->stage, lab_answer, lab, lab->why);
	definition_stage_cancel(lab->stage);
	return r;
}

static void on_out_of_time(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

bool lab_wait(struct lab *lab, unsigned answers)
{
	bool is_late = false;
	uv_timer_t timer = {.data = &is_late};

	(void)uv_timer_init(&lab->loop, &timer); /* cannot fail */
	timer.data = &is_late;
	(void)uv_timer_start(&timer, on_out_of_time, SPARE_MS, 0); /* cannot fail */
	while (lab->answers < answers && !is_late)
		(void)uv_run(&lab->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&lab->loop, UV_RUN_NOWAIT); /* the timer is on this stack */
	return lab->answers == answers;
}

int lab_stage(struct lab *lab, uint64_t number, const struct lab_file *files, unsigned n)
{
	unsigned answers = lab->answers;
	int r = lab_start(lab, number, files, n);

	if (r)
		return r;
	CU_ASSERT_TRUE_FATAL(lab_wait(lab, answers + 1));
	CU_ASSERT_EQUAL(lab->number, number);
	return lab->result.error;
}

void lab_make(struct lab *lab, uint64_t number, const struct lab_file *files, unsigned n)
{
	int r = lab_stage(lab, number, files, n);

	if (r)
		printf("# set %llu: %s%s\n", (unsigned long long)number, lab->result.why, lab->why);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_EQUAL_FATAL(definition_store_publish(lab->store, number, lab->why), 0);
}

bool lab_rest(struct lab *lab)
{
	mono_ms late = clock_mono_ms() + SPARE_MS;
	unsigned stuck;

	while (definition_stage_under_way(lab->stage, &stuck)) {
		if (clock_mono_ms() > late)
			return false;
		(void)usleep(1000);
	}
	return stuck == 0;
}

const char *lab_path(const struct lab *lab, const char *format, ...)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];
	va_list arguments;
	int at = snprintf(path, PATH_MAX, "%s/", lab->root);

	CU_ASSERT_FATAL(at > 0 && at < PATH_MAX);
	va_start(arguments, format);
	(void)vsnprintf(path + at, (size_t)(PATH_MAX - at), format, arguments); /* ours are short */
	va_end(arguments);
	return path;
}

void lab_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fwrite(text, 1, strlen(text), file), strlen(text));
	CU_ASSERT_EQUAL(fclose(file), 0);
}

bool lab_has(const char *path, const char *text)
{
	char found[4096];
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file)
		return false;
	len = fread(found, 1, sizeof(found), file);
	(void)fclose(file); /* was read only */
	return len == strlen(text) && !memcmp(found, text, len);
}

int lab_count(const char *path)
{
	DIR *directory = opendir(path);
	int n = -2; /* "." and ".." */

	if (!directory)
		return -1;
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}
