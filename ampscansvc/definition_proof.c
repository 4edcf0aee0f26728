/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/definition_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampscansvc/detached_signature.h"
#include "ampscansvc/seccomp_list.h"
#include "base/exit_code.h"
#include "base/text.h"
#include "io/clock.h"

/* A quarter of BIRTH_LOAD_LIMIT_MS: the largest set known compiles in 20 s. */
#define PROOF_LIMIT_MS 150000
#define PROOF_BEAT_MS 500
#define PROOF_FD 3

/* What a proving child tells. */
struct proof {
	int result;
	struct proof_facts facts;
	char why[LIMIT_DETAIL_BYTES];
};

static int refuse(char why[LIMIT_DETAIL_BYTES], const char *sentence)
{
	size_t at = 0;

	text_append(why, LIMIT_DETAIL_BYTES, &at, "%s", sentence);
	return -EBADMSG;
}

/* ---- in the child ---- */

static int hold_name(const struct proof_order *order, struct proof *proof)
{
	const char *database = proof->facts.members.database;
	size_t len = strlen(database), at = 0;

	if (!order->is_generation ||
	    (strncmp(order->name, database, len) == 0 &&
	     strcmp(order->name + len, order->kind == DEFINITION_KIND_CVD ? ".cvd" : ".cld") == 0))
		return 0;
	text_append(proof->why, sizeof(proof->why), &at, "it is the database %s under another name",
		    database);
	return -EBADMSG;
}

static int hold_detached(const struct proof_order *order, struct proof *proof)
{
	enum detached_signature state = detached_signature_check(order->path, order->sign,
								 order->trust_anchors, proof->why);

	switch (state) {
	case DETACHED_ABSENT:
		proof->facts.signing = DEFINITION_SIGNING_HEADER;
		return 0;
	case DETACHED_GOOD:
		proof->facts.signing = DEFINITION_SIGNING_DETACHED;
		return 0;
	case DETACHED_UNHELD:
		proof->facts.signing = DEFINITION_SIGNING_UNHELD;
		return 0;
	case DETACHED_EXPIRED:
		proof->facts.signing = DEFINITION_SIGNING_EXPIRED;
		return order->is_trial ? -EBADMSG : 0;
	case DETACHED_BAD:
		break;
	}
	return -EBADMSG;
}

static int try_container(const struct proof_order *order, struct proof *proof)
{
	bool is_official = definition_kind_is_official(order->kind);
	int result = engine_read_container(order->path, &proof->facts.container, proof->why);

	if (result == 0)
		result = container_members_check(order->path, order->kind,
						 is_official || !order->is_generation,
						 &proof->facts.members, proof->why);
	if (result < 0 || !is_official)
		return result;
	proof->facts.signing = DEFINITION_SIGNING_HEADER;
	result = hold_name(order, proof);
	if (result == 0 && order->kind == DEFINITION_KIND_CVD)
		result = hold_detached(order, proof);
	return result;
}

static int try_to_load(const struct proof_order *order, struct proof *proof)
{
	struct engine *engine = engine_new(order->settings, NULL, NULL);
	uint32_t signatures; /* counted when it is loaded for good */
	int result = engine ? 0 : -ENOMEM;

	if (result == 0)
		result = engine_load(engine, order->path, &signatures, proof->why);
	return result == 0 ? engine_compile(engine, proof->why) : result;
}

/* What is the vendor's to the last byte need not be loaded twice. */
static int try_out(const struct proof_order *order, struct proof *proof)
{
	int result = 0;

	if (order->kind != DEFINITION_KIND_TEXT)
		result = try_container(order, proof);
	if (result < 0 || definition_kind_is_official(order->kind))
		return result;
	return try_to_load(order, proof);
}

_Noreturn static void prove_in_child(const struct proof_order *order, int pipe_end)
{
	struct proof proof = {0};
	int result;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || dup2(pipe_end, PROOF_FD) < 0 ||
	    close_range(PROOF_FD + 1, ~0u, 0) < 0)
		_exit(EXIT_CODE_INTERNAL);
	result = seccomp_list_enter(SECCOMP_LIST_WORKER);
	if (result < 0 && result != -EINVAL && result != -ENOSYS)
		_exit(EXIT_CODE_WALLS);
	proof.result = try_out(order, &proof);
	/* A short write is seen by the reader as no proof. */
	(void)!write(PROOF_FD, &proof, sizeof(proof));
	_exit(0);
}

/* ---- in the parent ---- */

/* Waits for the child's word, telling the daemon that we live. */
static ssize_t await(const struct proof_order *order, int pipe_end, struct proof *ret_proof)
{
	mono_ms deadline = mono_add(clock_mono_ms(), PROOF_LIMIT_MS);
	struct pollfd word = {.fd = pipe_end, .events = POLLIN};

	while (clock_mono_ms() < deadline) {
		if (poll(&word, 1, PROOF_BEAT_MS) > 0)
			return read(pipe_end, ret_proof, sizeof(*ret_proof));
		order->beat(order->context);
	}
	return -ETIMEDOUT;
}

/* The child may have been taken over: its texts end where we say, and are what a text may be. */
static int believe(const struct proof *proof, struct proof_facts *ret_facts,
		   char why[LIMIT_DETAIL_BYTES])
{
	*ret_facts = proof->facts;
	ret_facts->members.database[LIMIT_DATABASE_BYTES] = '\0';
	memcpy(why, proof->why, LIMIT_DETAIL_BYTES);
	why[LIMIT_DETAIL_BYTES - 1] = '\0';
	if ((unsigned)ret_facts->signing >= DEFINITION_SIGNING_COUNT)
		return refuse(why, "its proof makes no sense");
	if (proof->result == 0)
		return 0;
	return why[0] ? -EBADMSG : refuse(why, "there was not enough memory to try it");
}

static int judge(ssize_t len, const struct proof *proof, int status, struct proof_facts *ret_facts,
		 char why[LIMIT_DETAIL_BYTES])
{
	size_t at = 0;

	if (len == (ssize_t)sizeof(*proof))
		return believe(proof, ret_facts, why);
	if (len == -ETIMEDOUT)
		return refuse(why, "libclamav did not finish loading it in time");
	if (WIFSIGNALED(status))
		text_append(why, LIMIT_DETAIL_BYTES, &at, "libclamav crashed on it (signal %d)",
			    WTERMSIG(status));
	else
		text_append(why, LIMIT_DETAIL_BYTES, &at,
			    "libclamav ended while loading it (status %d)", WEXITSTATUS(status));
	return -EBADMSG;
}

int definition_proof_run(const struct proof_order *order, struct proof_facts *ret_facts,
			 char why[LIMIT_DETAIL_BYTES])
{
	struct proof proof = {0};
	int ends[2], status = 0;
	ssize_t len;
	pid_t child;

	memset(ret_facts, 0, sizeof(*ret_facts));
	if (pipe2(ends, O_CLOEXEC) < 0)
		return refuse(why, "there was no descriptor left to try it");
	child = fork();
	if (child == 0)
		prove_in_child(order, ends[1]);
	close(ends[1]);
	len = child < 0 ? -EAGAIN : await(order, ends[0], &proof);
	close(ends[0]);
	if (child < 0)
		return refuse(why, "there was no process left to try it");
	/* It has spoken, or is ending, or was taken over and does neither: waiting for that one would have no end. */
	(void)kill(child, SIGKILL); /* it is our child until waited for */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return judge(len, &proof, status, ret_facts, why);
}
