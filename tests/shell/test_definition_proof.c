/* SPDX-License-Identifier: GPL-2.0-only */
/* The proving child: libclamav, the archive and the detached signature are stood in for, so that they do what is asked of them. */
#include "ampscansvc/definition_proof.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ampscansvc/detached_signature.h"
#include "ampscansvc/seccomp_list.h"
#include "base/text.h"
#include "tests/support/unit_main.h"

/* What the stand-ins do. */
static struct {
	int container, members, load, compile;
	enum detached_signature detached;
	int end_by; /* signal in the load; -1: _exit(7) */
	unsigned pause_us;
	bool is_taken_over; /* speaks for itself in the load, and stays */
	size_t spoken;      /* bytes of it */
} plan;
static struct proof_facts facts;
static char why[LIMIT_DETAIL_BYTES];
static unsigned beats;

static int say(char *text, int result, const char *sentence)
{
	size_t at = 0;

	if (result == -EBADMSG)
		text_append(text, LIMIT_DETAIL_BYTES, &at, "%s", sentence);
	return result;
}

struct engine *engine_new(const struct engine_settings *settings, engine_beat *beat, void *context)
{
	(void)settings;
	(void)beat;
	(void)context;
	return (struct engine *)&plan; /* never looked into */
}

int engine_load(struct engine *engine, const char *path, uint32_t *ret_signatures,
		char text[LIMIT_DETAIL_BYTES])
{
	(void)engine;
	(void)path;
	*ret_signatures = 1;
	(void)usleep(plan.pause_us);
	if (plan.is_taken_over) {
		static const char lie[4096];

		CU_ASSERT_EQUAL(write(3, lie, plan.spoken), (ssize_t)plan.spoken);
		close(3);
		(void)sleep(60);
	}
	if (plan.end_by > 0)
		(void)raise(plan.end_by);
	if (plan.end_by < 0)
		_exit(7);
	return say(text, plan.load, "load");
}

int engine_compile(struct engine *engine, char text[LIMIT_DETAIL_BYTES])
{
	(void)engine;
	return say(text, plan.compile, "compile");
}

int engine_read_container(const char *path, struct engine_container *ret_container,
			  char text[LIMIT_DETAIL_BYTES])
{
	(void)path;
	ret_container->version = 6;
	ret_container->promised = 14;
	return say(text, plan.container, "container");
}

int container_members_check(const char *path, enum definition_kind kind, bool may_weaken,
			    struct container_facts *ret_facts, char text[LIMIT_DETAIL_BYTES])
{
	(void)path;
	if (kind == DEFINITION_KIND_CUD && may_weaken)
		return say(text, -EBADMSG, "weakened");
	if (kind != DEFINITION_KIND_CUD && !may_weaken)
		return say(text, -EBADMSG, "the vendor may");
	strcpy(ret_facts->database, "test");
	ret_facts->passed_over = 4;
	return say(text, plan.members, "members");
}

enum detached_signature detached_signature_check(const char *container, const char *sign,
						 struct span anchors, char text[LIMIT_DETAIL_BYTES])
{
	(void)container;
	(void)sign;
	(void)anchors;
	if (plan.detached == DETACHED_BAD || plan.detached == DETACHED_EXPIRED)
		(void)say(text, -EBADMSG, "detached");
	return plan.detached;
}

int seccomp_list_enter(enum seccomp_list list)
{
	(void)list;
	return -ENOSYS; /* the sanitizers have calls of their own */
}

static void beat(void *context)
{
	(void)context;
	beats++;
}

static int prove(const char *name, bool is_generation, bool is_trial)
{
	const struct proof_order order = {.path = "path",
					  .sign = "sign",
					  .name = name,
					  .kind = definition_kind_of(name),
					  .is_generation = is_generation,
					  .is_trial = is_trial,
					  .beat = beat};
	int result;

	memset(&facts, 0xff, sizeof(facts));
	why[0] = '\0';
	result = definition_proof_run(&order, &facts, why);
	CU_ASSERT(result == 0 || (result == -EBADMSG && why[0]));
	return result;
}

static void reset(void)
{
	memset(&plan, 0, sizeof(plan));
}

static void an_official_one_that_holds_is_not_loaded(void)
{
	reset();
	plan.end_by = SIGSEGV;
	CU_ASSERT_EQUAL(prove("test.cvd", true, true), 0);
	CU_ASSERT_STRING_EQUAL(why, "");
	CU_ASSERT(facts.container.version == 6 && facts.container.promised == 14);
	CU_ASSERT(facts.members.passed_over == 4);
	CU_ASSERT_STRING_EQUAL(facts.members.database, "test");
	CU_ASSERT_EQUAL(facts.signing, DEFINITION_SIGNING_HEADER);
	CU_ASSERT_EQUAL(prove("test.cld", true, true), 0);
	CU_ASSERT_EQUAL(facts.signing, DEFINITION_SIGNING_HEADER);
}

static void each_step_that_fails_refuses_with_its_sentence(void)
{
	reset();
	plan.container = -EBADMSG;
	CU_ASSERT_EQUAL(prove("test.cvd", true, false), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "container");
	reset();
	plan.members = -EBADMSG;
	CU_ASSERT_EQUAL(prove("test.cld", true, false), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "members");
	CU_ASSERT_EQUAL(prove("own.cud", true, false), -EBADMSG);
	plan.load = -EBADMSG;
	CU_ASSERT_EQUAL(prove("own.ndb", true, false), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "load");
	reset();
	plan.compile = -EBADMSG;
	CU_ASSERT_EQUAL(prove("own.cud", true, false), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "compile");
	reset();
	CU_ASSERT_EQUAL(prove("own.cud", true, false), 0);
	CU_ASSERT_EQUAL(facts.signing, DEFINITION_SIGNING_NONE);
}

static void want_of_memory_has_a_sentence_too(void)
{
	reset();
	plan.members = -ENOMEM;
	CU_ASSERT_EQUAL(prove("test.cvd", true, false), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "memory"));
}

static void a_crash_costs_the_file_only(void)
{
	reset();
	plan.end_by = SIGKILL; /* a sanitizer would catch SIGSEGV and exit */
	CU_ASSERT_EQUAL(prove("own.cud", true, false), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "libclamav crashed on it (signal 9)");
	plan.end_by = -1;
	CU_ASSERT_EQUAL(prove("own.ndb", true, false), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "libclamav ended while loading it (status 7)");
}

static void a_slow_one_is_waited_for_with_a_sign_of_life(void)
{
	reset();
	beats = 0;
	plan.pause_us = 1200000;
	CU_ASSERT_EQUAL(prove("own.ndb", true, false), 0);
	CU_ASSERT(beats >= 1);
}

/* Whatever it says and however it stays: it is waited for no longer than it is of use. */
static void one_that_was_taken_over_keeps_nobody(void)
{
	static const size_t spoken[] = {0, 1, 100, 4096};
	time_t begin = time(NULL);

	reset();
	plan.is_taken_over = true;
	for (size_t i = 0; i < sizeof(spoken) / sizeof(spoken[0]); i++) {
		plan.spoken = spoken[i];
		(void)prove("own.ndb", true, false); /* the last one says that all is well */
	}
	CU_ASSERT(time(NULL) - begin < 20);
}

static void a_name_is_the_databases_where_names_are_bound(void)
{
	reset();
	CU_ASSERT_EQUAL(prove("main.cvd", true, false), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "it is the database test under another name");
	CU_ASSERT_EQUAL(prove("test-6.cvd", true, false), -EBADMSG);
	CU_ASSERT_EQUAL(prove("TEST.cvd", true, false), -EBADMSG);
	CU_ASSERT_EQUAL(prove("test.CVD", true, false), -EBADMSG);
	CU_ASSERT_EQUAL(prove("main.cvd", false, false), 0);
	CU_ASSERT_EQUAL(prove("own.cud", true, false), 0);
	/* Told to the stand-in: in a flat directory it may. */
	CU_ASSERT_EQUAL(prove("own.cud", false, false), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "weakened");
}

static const struct {
	enum detached_signature state;
	enum definition_signing signing;
	int in_trial, in_force;
} detached[] = {
	{DETACHED_ABSENT, DEFINITION_SIGNING_HEADER, 0, 0},
	{DETACHED_GOOD, DEFINITION_SIGNING_DETACHED, 0, 0},
	{DETACHED_UNHELD, DEFINITION_SIGNING_UNHELD, 0, 0},
	{DETACHED_EXPIRED, DEFINITION_SIGNING_EXPIRED, -EBADMSG, 0},
	{DETACHED_BAD, DEFINITION_SIGNING_HEADER, -EBADMSG, -EBADMSG},
};

static void what_is_in_force_does_not_end_with_a_certificate(void)
{
	reset();
	for (size_t i = 0; i < sizeof(detached) / sizeof(detached[0]); i++) {
		plan.detached = detached[i].state;
		CU_ASSERT_EQUAL(prove("test.cvd", true, true), detached[i].in_trial);
		CU_ASSERT_EQUAL(facts.signing, detached[i].signing);
		CU_ASSERT_EQUAL(prove("test.cvd", true, false), detached[i].in_force);
		CU_ASSERT_EQUAL(facts.signing, detached[i].signing);
		/* None is made for a .cld. */
		CU_ASSERT_EQUAL(prove("test.cld", true, true), 0);
	}
}

static const struct unit_test tests[] = {
	{"an official one that holds is not loaded", an_official_one_that_holds_is_not_loaded},
	{"each step that fails refuses with its sentence",
	 each_step_that_fails_refuses_with_its_sentence},
	{"want of memory has a sentence too", want_of_memory_has_a_sentence_too},
	{"a crash costs the file only", a_crash_costs_the_file_only},
	{"a slow one is waited for with a sign of life",
	 a_slow_one_is_waited_for_with_a_sign_of_life},
	{"one that was taken over keeps nobody", one_that_was_taken_over_keeps_nobody},
	{"a name is the database's where names are bound",
	 a_name_is_the_databases_where_names_are_bound},
	{"what is in force does not end with a certificate",
	 what_is_in_force_does_not_end_with_a_certificate},
};

UNIT_MAIN("definition_proof", tests)
