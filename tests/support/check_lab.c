/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/check_lab.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/installation.h"
#include "ampdaemon/scan_account.h"

struct check_lab t;

/* ---- stand-ins ---- */

struct scan_account scan_account_find(const char *name, char *detail, size_t size)
{
	bool is_updater = strcmp(name, "updater") == 0;

	(void)snprintf(detail, size, "%s",
		       is_updater && !t.has_account ? "there is no such user" : "");
	if (is_updater && !t.has_account)
		return (struct scan_account){.unsound = true};
	return is_updater ? (struct scan_account){.uid = t.uid, .gid = t.uid}
			  : (struct scan_account){.uid = LAB_SCANNER_UID, .gid = LAB_SCANNER_UID};
}

int scan_account_create(const char *name, char *detail, size_t size)
{
	CU_ASSERT_STRING_EQUAL(name, "updater");
	t.creations++;
	(void)snprintf(detail, size, "useradd is locked out");
	return -EIO;
}

struct installation *installation_new(const char *root, const char *const parts[INSTALLATION_PARTS])
{
	(void)root;
	CU_ASSERT_STRING_EQUAL(parts[INSTALLATION_PROGRAM], "/programs");
	return (struct installation *)&t; /* only its address counts */
}

struct installation *installation_free(struct installation *installation)
{
	(void)installation;
	return NULL;
}

int installation_open_program(struct installation *installation, const char *base_name, char *error,
			      size_t size)
{
	(void)installation;
	(void)error;
	(void)size;
	CU_ASSERT_STRING_EQUAL(base_name, "ampupdater");
	return open("/dev/null", O_PATH | O_CLOEXEC);
}

struct update_errand *update_errand_new(uv_loop_t *of, const char *root, update_errand_fn *done,
					void *context)
{
	(void)of;
	(void)root;
	t.prepared = done;
	t.prepared_context = context;
	return (struct update_errand *)&t;
}

struct update_errand *update_errand_free(struct update_errand *errand)
{
	(void)errand;
	return NULL;
}

int update_errand_prepare(struct update_errand *errand, const struct incoming_order *order,
			  char why[LIMIT_REASON_BYTES])
{
	(void)errand;
	(void)why;
	t.prepares++;
	t.generation = order->generation;
	CU_ASSERT_EQUAL(order->uid, LAB_UPDATER_UID);
	if (order->generation >= 0)
		close(order->generation);
	return 0;
}

void update_errand_forget(struct update_errand *errand)
{
	(void)errand;
	t.forgets++;
}

void update_errand_sweep(struct update_errand *errand)
{
	(void)errand;
	t.sweeps++;
}

bool update_errand_is_busy(const struct update_errand *errand)
{
	(void)errand;
	return false;
}

int update_incoming_open(int directory, const char *name, uint32_t uid, uint64_t max_bytes,
			 char why[LIMIT_REASON_BYTES])
{
	CU_ASSERT_TRUE(directory >= 0 && uid == LAB_UPDATER_UID && max_bytes == 1000);
	if (t.files_there && t.files_there--)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)snprintf(why, LIMIT_REASON_BYTES, "%s is another's file", name);
	return -EPERM;
}

int update_process_start(uv_loop_t *of, const struct update_birth *birth,
			 const struct update_process_callbacks *callbacks, void *context,
			 struct update_process **ret_process, char why[LIMIT_REASON_BYTES + 1])
{
	(void)of;
	(void)why;
	t.start = birth->start;
	t.process = *callbacks;
	t.process_context = context;
	t.is_running = true;
	update_report_init(&t.report, birth->start);
	*ret_process = (struct update_process *)&t;
	return 0;
}

struct update_process *update_process_free(struct update_process *process)
{
	if (process)
		t.is_running = false;
	return NULL;
}

const struct definition_machine *definition_desk_machine(const struct definition_desk *desk)
{
	(void)desk;
	return &t.machine;
}

int definition_desk_open(const struct definition_desk *desk, uint64_t generation,
			 char why[LIMIT_REASON_BYTES + 1])
{
	(void)desk;
	(void)why;
	CU_ASSERT_EQUAL(generation, 12);
	return open("/", O_PATH | O_CLOEXEC);
}

int definition_desk_begin(struct definition_desk *desk, uint64_t client,
			  enum candidate_origin origin, bool forced,
			  char why[LIMIT_REASON_BYTES + 1])
{
	(void)desk;
	CU_ASSERT_TRUE(client == DEFINITION_CLIENT_UPDATER && origin == ORIGIN_UPDATE && !forced);
	t.begun++;
	(void)snprintf(why, LIMIT_REASON_BYTES + 1, "an import is under way");
	return t.begin_error;
}

int definition_desk_add(struct definition_desk *desk, uint64_t client, const char *name,
			bool is_custom, int fd, char why[LIMIT_REASON_BYTES + 1])
{
	(void)desk;
	(void)name;
	CU_ASSERT_TRUE(client == DEFINITION_CLIENT_UPDATER && !is_custom);
	CU_ASSERT_TRUE_FATAL(t.added < LIMIT_DATABASES);
	t.held[t.added++] = fd; /* whatever it says */
	(void)snprintf(why, LIMIT_REASON_BYTES + 1, "the disk is full");
	return t.add_error;
}

int definition_desk_go(struct definition_desk *desk, uint64_t client,
		       char why[LIMIT_REASON_BYTES + 1])
{
	(void)desk;
	(void)client;
	(void)why;
	t.gone++;
	return t.go_error;
}

/* ---- who wants the check ---- */

static void on_attempt(void *context, unsigned mirror, enum update_outcome outcome,
		       uint64_t wait_ms)
{
	(void)context;
	(void)wait_ms;
	t.attempts++;
	t.attempt_mirror = mirror;
	t.attempt_outcome = outcome;
}

static void on_progress(void *context, const char *text, uint64_t done)
{
	(void)context;
	(void)done;
	CU_ASSERT_NOT_EQUAL(*text, '\0');
}

static void on_done(void *context, const struct check_result *result)
{
	(void)context;
	CU_ASSERT_FALSE(t.is_running);
	CU_ASSERT_FALSE(update_check_is_running(t.check));
	t.dones++;
	t.result = *result;
}

static char url_a[] = "http://a", url_b[] = "http://b", main_name[] = "main",
	    daily_name[] = "daily";
static char update_user[] = "updater", scan_user[] = "scanner", program[] = "/programs/ampupdater";
static char no_record[] = "";
static struct configuration_mirror mirrors[] = {{url_a, false}, {url_b, false}};
static char *databases[] = {main_name, daily_name};
struct configuration lab_configuration = {.update_mirrors = mirrors,
					  .update_mirrors_count = 2,
					  .update_databases = databases,
					  .update_databases_count = 2,
					  .update_user = update_user,
					  .scan_user = scan_user,
					  .updater = program,
					  .update_dns = no_record,
					  .create_account = true,
					  .max_definition_bytes = 1000};

void lab_turn(uint64_t ms)
{
	for (uint64_t end = uv_hrtime() + ms * 1000000; uv_hrtime() < end; (void)usleep(1000))
		(void)uv_run(&t.loop, UV_RUN_NOWAIT);
}

void lab_set_up(void)
{
	static const struct update_check_callbacks callbacks = {
		.on_attempt = on_attempt, .on_progress = on_progress, .on_done = on_done};
	const struct update_check_needs needs = {.loop = &t.loop,
						 .configuration = &lab_configuration};

	memset(&t.check, 0, sizeof(t) - offsetof(__typeof__(t), check));
	t.has_account = true;
	t.files_there = UINT_MAX;
	t.uid = LAB_UPDATER_UID;
	t.generation = -2;
	t.check = update_check_new(&needs, &callbacks, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.check);
}

void lab_tear_down(void)
{
	t.check = update_check_free(t.check);
	lab_turn(1);
	for (unsigned i = 0; i < t.added; i++)
		CU_ASSERT_EQUAL(close(t.held[i]), 0); /* and nobody else closed it */
}

void lab_begin(void)
{
	const struct check_order order = {.n_mirrors = 2, .mirrors = {1, 0}};

	t.dones = 0;
	update_check_begin(t.check, &order);
	CU_ASSERT_EQUAL(t.dones, 0);
}

void lab_begin_download(void)
{
	lab_begin();
	t.prepared(t.prepared_context, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "");
	CU_ASSERT_TRUE(t.is_running);
}

void lab_end(const struct update_end *how)
{
	struct update_end whole = *how;

	whole.report = &t.report;
	t.process.on_end(t.process_context, &whole);
}

void lab_bring(void)
{
	const struct update_end well = {.agrees = true, .outcome = UPDATE_UPDATED};

	lab_begin_download();
	t.report.outcome = UPDATE_UPDATED;
	for (unsigned i = 0; i < 2; i++)
		t.report.results[i] = (struct update_result){.was_asked = true,
							     .outcome = UPDATE_UPDATED,
							     .mirror = i,
							     .version = 60 + i,
							     .bytes = 100,
							     .is_cld = i == 1};
	lab_end(&well);
}
