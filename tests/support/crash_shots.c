/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/crash_shots.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILES 128
#define MAX_SHOTS 1000000
#define MAX_OWN 20000
#define MAX_UNDER_WAY 64
#define SHOWN 6

enum shot_kind { SHOT_CLEAN, SHOT_INFECTED, SHOT_OWN, SHOT_KINDS };

struct shot {
	uint8_t kind; /* enum shot_kind */
	bool answered;
	uint32_t which; /* file of its kind */
};

struct flight {
	uint64_t file, number; /* file 0: free */
};

static struct {
	int files[2][MAX_FILES];
	unsigned n_files[2];
	char *own[MAX_OWN];
	unsigned n_own;
	struct shot shots[MAX_SHOTS + 1];
	uint64_t n_shots, next, again[MAX_UNDER_WAY];
	unsigned n_again;
	struct flight flights[MAX_UNDER_WAY];
	unsigned n_flights;
	uint64_t last_file, answered, twice, unknown, resent;
	uint64_t verdicts[SHOT_KINDS][VERDICT_COUNT];
	char odd[SHOWN][160]; /* the first answers that are not what the file deserves */
	unsigned n_odd;
} book;

bool shots_open(const char *path, bool infected)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	unsigned *n = &book.n_files[infected];

	while (directory && (entry = readdir(directory)) && *n < MAX_FILES) {
		int fd = entry->d_type != DT_REG ? -1
						 : openat(dirfd(directory), entry->d_name,
							  O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			book.files[infected][(*n)++] = fd;
	}
	if (directory)
		closedir(directory);
	return *n > 0;
}

static struct shot *new_shot(void)
{
	if (book.n_shots == MAX_SHOTS) {
		printf("{\"failed\":\"too many files\"}\n");
		exit(1);
	}
	return &book.shots[++book.n_shots];
}

/* Two of five are infected. */
void shots_add(uint64_t n)
{
	while (n--) {
		bool infected = rand() % 5 < 2;
		struct shot *shot = new_shot();

		shot->kind = infected ? SHOT_INFECTED : SHOT_CLEAN;
		shot->which = (uint32_t)rand() % book.n_files[infected];
	}
}

void shots_add_file(const char *path)
{
	struct shot *shot;

	if (book.n_own == MAX_OWN)
		return; /* the count of files will not agree */
	shot = new_shot();
	shot->kind = SHOT_OWN;
	shot->which = book.n_own;
	book.own[book.n_own++] = strdup(path);
}

/* What was sent before goes first. */
bool shots_next(struct shot_request *ret_request)
{
	uint64_t number = book.n_again ? book.again[book.n_again - 1] : book.next + 1;
	const struct shot *shot = &book.shots[number];

	if (number > book.n_shots || book.n_flights == MAX_UNDER_WAY)
		return false;
	*ret_request = (struct shot_request){.number = number, .file = book.last_file + 1};
	if (shot->kind == SHOT_OWN) {
		ret_request->path = book.own[shot->which];
		ret_request->fd = open(ret_request->path, O_RDONLY | O_CLOEXEC);
	} else {
		ret_request->fd = book.files[shot->kind == SHOT_INFECTED][shot->which];
	}
	return ret_request->fd >= 0;
}

void shots_sent(const struct shot_request *request)
{
	unsigned place = 0;

	if (book.n_again) {
		book.n_again--;
		book.resent++;
	} else {
		book.next++;
	}
	if (request->path)
		close(request->fd);
	while (book.flights[place].file)
		place++;
	book.flights[place] = (struct flight){.file = request->file, .number = request->number};
	book.n_flights++;
	book.last_file = request->file;
}

/* Any answer but these is counted by verdict, and the first ones are shown. */
static bool is_deserved(unsigned kind, const struct file_result *result)
{
	if (kind == SHOT_CLEAN)
		return result->verdict == VERDICT_CLEAN;
	if (kind == SHOT_INFECTED)
		return result->verdict == VERDICT_INFECTED;
	return result->verdict == VERDICT_FAILED;
}

static void note_odd(uint64_t number, unsigned kind, const struct file_result *result)
{
	if (book.n_odd < SHOWN)
		(void)snprintf(book.odd[book.n_odd++], sizeof(book.odd[0]),
			       "%llu kind %u %s %s: %.80s", (unsigned long long)number, kind,
			       verdict_name(result->verdict), scan_reason_name(result->reason),
			       result->detail); /* cut */
}

void shots_answer(const struct file_result *result)
{
	struct shot *shot;

	for (unsigned i = 0; i < MAX_UNDER_WAY; i++) {
		struct flight *flight = &book.flights[i];

		if (!result->file || flight->file != result->file)
			continue;
		flight->file = 0;
		book.n_flights--;
		shot = &book.shots[flight->number];
		book.twice += shot->answered;
		book.answered += !shot->answered;
		shot->answered = true;
		book.verdicts[shot->kind][result->verdict]++;
		if (!is_deserved(shot->kind, result))
			note_odd(flight->number, shot->kind, result);
		return;
	}
	if (result->file && result->file <= book.last_file)
		book.twice++;
	else
		book.unknown++;
}

void shots_take_back(void)
{
	for (unsigned i = 0; i < MAX_UNDER_WAY; i++) {
		if (book.flights[i].file)
			book.again[book.n_again++] = book.flights[i].number;
		book.flights[i].file = 0;
	}
	book.n_flights = 0;
}

unsigned shots_under_way(void)
{
	return book.n_flights;
}

bool shots_waiting(void)
{
	return book.n_flights > 0 || book.n_again > 0 || book.next < book.n_shots;
}

static void print_verdicts(const char *name, const uint64_t counts[VERDICT_COUNT])
{
	printf("\"%s\":{", name);
	for (unsigned i = VERDICT_CLEAN; i < VERDICT_COUNT; i++)
		printf("%s\"%s\":%llu", i == VERDICT_CLEAN ? "" : ",", verdict_name(i),
		       (unsigned long long)counts[i]);
	printf("},");
}

void shots_print(void)
{
	printf("\"wanted\":%llu,\"answered\":%llu,\"twice\":%llu,\"unknown\":%llu,\"resent\":%llu,",
	       (unsigned long long)book.n_shots, (unsigned long long)book.answered,
	       (unsigned long long)book.twice, (unsigned long long)book.unknown,
	       (unsigned long long)book.resent);
	print_verdicts("clean", book.verdicts[SHOT_CLEAN]);
	print_verdicts("infected", book.verdicts[SHOT_INFECTED]);
	print_verdicts("poison", book.verdicts[SHOT_OWN]);
	printf("\"odd\":[");
	for (unsigned i = 0; i < book.n_odd; i++)
		printf("%s\"%s\"", i ? "," : "", book.odd[i]);
	printf("]");
	book.n_odd = 0; /* the next report shows new ones */
}
