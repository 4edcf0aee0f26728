/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_check.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/installation.h"
#include "ampdaemon/scan_account.h"
#include "ampdaemon/update_errand.h"
#include "ampdaemon/update_order.h"
#include "ampdaemon/update_process.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/log.h"

#define PREPARE_LIMIT_MS 600000 /* half a gigabyte on a slow disk */
#define OFFER_EVERY_MS 1000     /* while another candidate is under way */
#define OFFER_LIMIT_MS 1800000  /* the longest way of one: copy, trial, load */

enum step {
	STEP_NONE,
	STEP_GIVING_UP,   /* the timer tells */
	STEP_PREPARING,   /* of incoming/ */
	STEP_DOWNLOADING, /* the process */
	STEP_OFFERING,    /* files are open, another candidate is under way */
	STEP_TRYING,      /* the definition desk has them */
};

struct update_check {
	uv_timer_t timer;
	struct update_check_needs needs;
	struct update_check_callbacks callbacks;
	void *context;
	struct installation *installation; /* of the updater's program */
	struct update_errand *errand;
	struct update_process *process;
	enum step step;
	mono_ms give_up;
	struct check_order order;
	struct update_start start;
	struct scan_account account;
	bool has_tried_account;           /* to make it */
	char created[LIMIT_REASON_BYTES]; /* why that failed; "" */
	int incoming;                     /* -1: none */
	char details[LIMIT_DATABASES]
		    [LIMIT_REASON_BYTES + 1]; /* the last attempt for each, in words */
	struct {
		int fd;
		char name[UPDATE_REPORT_FILE_BYTES];
	} files[LIMIT_DATABASES]; /* downloaded; fd -1: none */
	struct check_result result;
};

/* ---- ends ---- */

static void say(struct update_check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct update_check *check, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(check->result.reason, sizeof(check->result.reason), format,
			arguments); /* cut is fine */
	va_end(arguments);
}

static void close_files(struct update_check *check)
{
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		if (check->files[i].fd >= 0)
			close(check->files[i].fd);
		check->files[i].fd = -1;
	}
	if (check->incoming >= 0)
		close(check->incoming);
	check->incoming = -1;
}

static void clear(struct update_check *check)
{
	(void)uv_timer_stop(&check->timer); /* cannot fail */
	check->process = update_process_free(check->process);
	if (check->step == STEP_PREPARING && check->errand)
		update_errand_forget(check->errand);
	close_files(check);
	check->step = STEP_NONE;
}

static void finish(struct update_check *check)
{
	bool was_there = check->incoming >= 0;
	struct check_result result = check->result;

	clear(check);
	if (was_there)
		update_errand_sweep(check->errand);
	check->callbacks.on_done(check->context, &result);
}

static void on_timer(uv_timer_t *timer);

static void wake(struct update_check *check, uint64_t ms)
{
	(void)uv_timer_start(&check->timer, on_timer, ms, 0); /* cannot fail with a callback */
}

/* Told by the timer: whoever asked is on the stack yet. */
static void give_up(struct update_check *check, enum update_outcome outcome)
{
	check->result.outcome = outcome;
	check->step = STEP_GIVING_UP;
	wake(check, 0);
}

/* ---- the candidate ---- */

static bool has_files(const struct update_check *check)
{
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		if (check->files[i].fd >= 0)
			return true;
	}
	return false;
}

static int add_all(struct update_check *check, char why[LIMIT_REASON_BYTES + 1])
{
	int r = 0;

	for (unsigned i = 0; i < LIMIT_DATABASES && !r; i++) {
		int fd = check->files[i].fd;

		if (fd < 0)
			continue;
		check->files[i].fd = -1;
		r = definition_desk_add(check->needs.definitions, DEFINITION_CLIENT_UPDATER,
					check->files[i].name, false, fd, why);
	}
	return r;
}

/* Called by the timer only: the definition desk may be in the midst of telling another client. */
static void offer(struct update_check *check)
{
	char why[LIMIT_REASON_BYTES + 1] = "";
	int r = definition_desk_begin(check->needs.definitions, DEFINITION_CLIENT_UPDATER,
				      ORIGIN_UPDATE, false, why);

	if (r == -EBUSY && clock_mono_ms() < check->give_up) {
		check->callbacks.on_progress(check->context, why, 0);
		wake(check, OFFER_EVERY_MS);
		return;
	}
	if (!r) {
		check->step = STEP_TRYING; /* before the first phase of it is told */
		r = add_all(check, why);
	}
	if (!r)
		r = definition_desk_go(check->needs.definitions, DEFINITION_CLIENT_UPDATER, why);
	if (!r)
		return;
	say(check, "what was downloaded cannot be tried: %s", why);
	check->result.outcome = r == -ENOSPC ? UPDATE_NO_SPACE : UPDATE_FAILED;
	finish(check);
}

static bool is_refused(const struct service_report *report, const char *name)
{
	for (unsigned i = 0; report && i < report->n_files; i++) {
		if (!report->files[i].accepted &&
		    report->files[i].origin == DEFINITION_ORIGIN_OFFICIAL &&
		    strcmp(report->files[i].name, name) == 0)
			return true;
	}
	return false;
}

/* One bad file must not keep the good ones that came with it away. */
static void blame(struct update_check *check, const struct service_report *report)
{
	bool is_named = false;

	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		struct check_file *file = &check->result.files[i];

		file->is_blamed = file->was_brought && is_refused(report, check->files[i].name);
		is_named = is_named || file->is_blamed;
	}
	for (unsigned i = 0; !is_named && i < LIMIT_DATABASES; i++)
		check->result.files[i].is_blamed = check->result.files[i].was_brought;
}

void update_check_answered(struct update_check *check, const struct definition_answer *answer)
{
	struct check_result *result = &check->result;

	if (check->step != STEP_TRYING)
		return;
	result->was_tried = true;
	result->rejection = answer->rejection;
	result->generation = answer->generation;
	if (answer->rejection == REJECTION_NOTHING_NEW)
		result->rejection = REJECTION_NONE;
	if (result->rejection != REJECTION_NONE)
		blame(check, answer->report);
	if (result->rejection != REJECTION_NONE)
		say(check, "what was downloaded is rejected: %s%s%s",
		    rejection_name(answer->rejection), *answer->detail ? ": " : "", answer->detail);
	result->went_well =
		result->rejection == REJECTION_NONE && update_outcome_is_success(result->outcome);
	check->step = STEP_GIVING_UP; /* the desk that calls is not done with the candidate */
	wake(check, 0);
}

void update_check_phase(struct update_check *check, enum candidate_phase phase)
{
	static const char *const words[CANDIDATE_PHASE_COUNT] = {
		[CANDIDATE_STAGING] = "copying the files",
		[CANDIDATE_TRIAL] = "trying the set behind the walls",
		[CANDIDATE_PUBLISHING] = "keeping it as a generation",
		[CANDIDATE_ACTIVATING] = "loading it into a new scan service"};

	if (check->step == STEP_TRYING && words[phase])
		check->callbacks.on_progress(check->context, words[phase], 0);
}

/* ---- the process ---- */

static const char *url_of(const struct update_check *check, unsigned place)
{
	return check->start.mirrors[place].url;
}

static void on_progress(void *context, unsigned database, unsigned mirror, uint64_t bytes)
{
	struct update_check *check = context;
	char text[LIMIT_DETAIL_BYTES + 1];

	(void)snprintf(text, sizeof(text), "asking %.120s for %s", url_of(check, mirror),
		       check->start.databases[database]);
	check->callbacks.on_progress(check->context, text, bytes);
}

static void on_attempt(void *context, const struct update_attempt *attempt)
{
	struct update_check *check = context;
	char *text = check->details[attempt->database];

	(void)snprintf(text, sizeof(check->details[0]), "%s from %.150s: %s%s%.150s",
		       check->start.databases[attempt->database], url_of(check, attempt->mirror),
		       update_outcome_words(attempt->outcome), *attempt->detail ? ": " : "",
		       attempt->detail);
	log_line(update_outcome_is_success(attempt->outcome) ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
		 "updates: %s", text);
	check->callbacks.on_attempt(check->context, check->order.mirrors[attempt->mirror],
				    attempt->outcome, (uint64_t)attempt->wait_s * 1000);
}

/* One that is not there is a lie as any other. */
static bool open_files(struct update_check *check, const struct update_report *report)
{
	char why[LIMIT_REASON_BYTES];

	for (unsigned i = 0; i < check->start.n_databases; i++) {
		const struct update_result *result = &report->results[i];

		if (!update_report_file(report, i, check->files[i].name))
			continue;
		check->files[i].fd =
			update_incoming_open(check->incoming, check->files[i].name,
					     check->start.uid, check->start.max_file_bytes, why);
		if (check->files[i].fd < 0) {
			say(check, "what the updater says of its files is not true: %s", why);
			return false;
		}
		check->result.bytes += result->bytes;
		check->result.files[i] =
			(struct check_file){.was_brought = true,
					    .mirror = check->order.mirrors[result->mirror],
					    .version = result->version};
	}
	return true;
}

static void explain(struct update_check *check, const struct update_report *report)
{
	if (report->outcome == UPDATE_NOTHING_NEW)
		say(check, "the definitions are as new as the mirrors have them");
	else if (report->outcome == UPDATE_UPDATED)
		say(check, "newer definitions were downloaded");
	for (unsigned i = 0; i < check->start.n_databases; i++) {
		if (update_outcome_is_success(report->results[i].outcome))
			continue;
		say(check, "%s", check->details[i]);
		return;
	}
}

static void on_end(void *context, const struct update_end *end)
{
	struct update_check *check = context;

	check->result.outcome = end->outcome;
	if (end->agrees)
		explain(check, end->report);
	else
		say(check, "%s", end->reason);
	if (!end->agrees && end->has_place)
		check->callbacks.on_attempt(check->context, check->order.mirrors[end->mirror],
					    UPDATE_DIED, 0);
	if (end->agrees && !open_files(check, end->report)) {
		check->result.outcome = UPDATE_DIED;
		memset(check->result.files, 0, sizeof(check->result.files));
		check->result.bytes = 0;
	} else if (end->agrees && has_files(check)) {
		check->process = update_process_free(check->process);
		check->give_up = mono_add(clock_mono_ms(), OFFER_LIMIT_MS);
		check->step = STEP_OFFERING;
		wake(check, 0);
		return;
	}
	check->result.went_well = update_outcome_is_success(check->result.outcome);
	finish(check);
}

static int open_program(struct update_check *check, char why[LIMIT_REASON_BYTES + 1])
{
	const char *path = check->needs.configuration->updater;

	return installation_open_program(check->installation, strrchr(path, '/') + 1, why,
					 LIMIT_REASON_BYTES + 1);
}

static void download(struct update_check *check)
{
	static const struct update_process_callbacks callbacks = {
		.on_progress = on_progress, .on_attempt = on_attempt, .on_end = on_end};
	struct update_birth birth = {.path = check->needs.configuration->updater,
				     .incoming = check->incoming,
				     .start = &check->start};
	char why[LIMIT_REASON_BYTES + 1] = "";
	int r;

	birth.program = open_program(check, why);
	if (birth.program < 0) {
		check->result.is_blocked = true;
		say(check, "the updater cannot be started: %s", why);
		give_up(check, UPDATE_FAILED);
		return;
	}
	r = update_process_start(check->needs.loop, &birth, &callbacks, check, &check->process,
				 why);
	close(birth.program);
	check->step = STEP_DOWNLOADING;
	if (!r)
		return;
	say(check, "the updater cannot be started: %s", why);
	give_up(check, UPDATE_FAILED);
}

/* ---- before it ---- */

static void on_prepared(void *context, int directory, const char *why)
{
	struct update_check *check = context;

	if (check->step != STEP_PREPARING) {
		if (directory >= 0)
			close(directory);
		return;
	}
	(void)uv_timer_stop(&check->timer); /* cannot fail */
	if (directory < 0) {
		say(check, "%s", why);
		give_up(check, UPDATE_NO_SPACE);
		return;
	}
	check->incoming = directory;
	download(check);
}

/* A name that reads as another's account is not enough: files of that one would be the updater's. */
static bool is_shared(const struct update_check *check)
{
	char detail[LIMIT_REASON_BYTES];
	struct scan_account other =
		scan_account_find(check->needs.configuration->scan_user, detail, sizeof(detail));

	return !other.unsound &&
	       (other.uid == check->account.uid || other.gid == check->account.gid);
}

/* Once in a life: the loop stands still meanwhile, ten seconds when somebody holds the lock of the account files, and scans with it. */
static void make_account(struct update_check *check, char wrong[LIMIT_REASON_BYTES])
{
	const struct configuration *c = check->needs.configuration;

	if (check->has_tried_account || !c->create_account)
		return;
	check->has_tried_account = true;
	if (!scan_account_create(c->update_user, check->created, sizeof(check->created)))
		check->created[0] = '\0';
	check->account = scan_account_find(c->update_user, wrong, LIMIT_REASON_BYTES);
}

/* As the scan service's account is made; but without it nothing is done: there is no updater that runs as root. */
static bool find_account(struct update_check *check)
{
	const struct configuration *c = check->needs.configuration;
	char wrong[LIMIT_REASON_BYTES];

	check->account = scan_account_find(c->update_user, wrong, sizeof(wrong));
	if (check->account.unsound)
		make_account(check, wrong);
	else
		check->created[0] = '\0'; /* somebody else has seen to it */
	if (check->account.unsound)
		say(check,
		    "no mirror is asked, because the updater has no sound account: %.200s%s%.120s",
		    wrong, *check->created ? "; " : "", check->created);
	else if (is_shared(check))
		say(check, "no mirror is asked: user %s is the scan service's", c->update_user);
	else
		return true;
	return false;
}

static int open_active(const struct update_check *check)
{
	const struct definition_machine *machine =
		definition_desk_machine(check->needs.definitions);
	char why[LIMIT_REASON_BYTES + 1];

	if (machine->active == DEFINITIONS_BUILTIN)
		return -1;
	return definition_desk_open(check->needs.definitions, machine->active, why);
}

static void prepare(struct update_check *check)
{
	const struct configuration *c = check->needs.configuration;
	const struct incoming_order order = {
		.generation = open_active(check), /* without it whole files are fetched */
		.uid = check->account.uid,
		.gid = check->account.gid,
		.max_file_bytes = c->max_definition_bytes,
		.n_databases = c->update_databases_count,
		.databases = (const char *const *)c->update_databases,
	};
	char why[LIMIT_REASON_BYTES];

	check->step = STEP_PREPARING;
	wake(check, PREPARE_LIMIT_MS);
	if (!update_errand_prepare(check->errand, &order, why))
		return;
	say(check, "%s", why);
	give_up(check, UPDATE_FAILED);
}

void update_check_begin(struct update_check *check, const struct check_order *order)
{
	clear(check);
	check->order = *order;
	memset(check->details, 0, sizeof(check->details));
	check->result = (struct check_result){.outcome = UPDATE_FAILED};
	if (!find_account(check)) {
		check->result.is_blocked = true;
		give_up(check, UPDATE_FAILED);
		return;
	}
	update_order_write(check->needs.configuration, &check->account, order, &check->start);
	prepare(check);
}

static void on_timer(uv_timer_t *timer)
{
	struct update_check *check = timer->data;

	if (check->step == STEP_OFFERING) {
		offer(check);
		return;
	}
	if (check->step == STEP_PREPARING) {
		say(check, "the storage of the definitions does not answer");
		check->result.outcome = UPDATE_NO_SPACE;
	}
	finish(check);
}

/* ---- life ---- */

static struct installation *install(const struct configuration *c)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(c->updater, '/');
	const char *parts[INSTALLATION_PARTS] = {[INSTALLATION_PROGRAM] = directory};

	(void)snprintf(directory, sizeof(directory), "%.*s",
		       slash == c->updater ? 1 : (int)(slash - c->updater), c->updater);
	return installation_new(c->install_root, parts);
}

struct update_check *update_check_new(const struct update_check_needs *needs,
				      const struct update_check_callbacks *callbacks, void *context)
{
	const char *root = needs->configuration->definitions_root;
	struct update_check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	check->needs = *needs;
	check->callbacks = *callbacks;
	check->context = context;
	check->incoming = -1;
	for (unsigned i = 0; i < LIMIT_DATABASES; i++)
		check->files[i].fd = -1;
	(void)uv_timer_init(needs->loop, &check->timer); /* only fills the handle */
	check->timer.data = check;
	check->installation = install(needs->configuration);
	check->errand = update_errand_new(needs->loop, root ? root : "", on_prepared, check);
	return check->installation && check->errand ? check : update_check_free(check);
}

static void free_check(uv_handle_t *handle)
{
	free(handle->data);
}

struct update_check *update_check_free(struct update_check *check)
{
	if (!check)
		return NULL;
	clear(check);
	check->errand = update_errand_free(check->errand);
	check->installation = installation_free(check->installation);
	uv_close((uv_handle_t *)&check->timer, free_check);
	return NULL;
}

bool update_check_is_running(const struct update_check *check)
{
	return check->step != STEP_NONE;
}

void update_check_drop(struct update_check *check)
{
	clear(check);
}

void update_check_sweep(struct update_check *check)
{
	update_errand_sweep(check->errand);
}

bool update_check_is_busy(const struct update_check *check)
{
	return update_errand_is_busy(check->errand);
}
