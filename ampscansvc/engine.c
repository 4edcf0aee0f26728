/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/engine.h"

#include <clamav.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define DEFAULT_FILE_BYTES (100u << 20) /* libclamav's own; 0 would turn its check off */
#define MD5_DIGITS 32
#define CONTENT_DEPTH 32 /* deeper ones are not told of */

struct engine {
	struct cl_engine *cl;
	engine_beat *beat;
	void *context;
	uint64_t max_file_bytes;
};

/* libclamav has one message callback per process. */
static struct engine_answer *listener;

static void hear(enum cl_msg severity, const char *full, const char *message, void *context)
{
	(void)full;    /* with a prefix; the plain one is enough */
	(void)context; /* of the scan; there is one at a time */
	if (!listener || severity < CL_MSG_ERROR || listener->complained)
		return;
	listener->complained = true;
	(void)snprintf(listener->message, sizeof(listener->message), "%s",
		       message); /* cut is fine */
	listener->message[strcspn(listener->message, "\n")] = '\0';
}

int engine_start_library(void)
{
	cl_set_clcb_msg(hear);
	return cl_init(CL_INIT_DEFAULT) == CL_SUCCESS ? 0 : -EIO;
}

const char *engine_text(char *out, size_t size)
{
	(void)snprintf(out, size, "ClamAV %s (flevel %u)", cl_retver(),
		       cl_retflevel()); /* cut is fine */
	return out;
}

static cl_error_t beat(size_t total, size_t done, void *context)
{
	const struct engine *engine = context;

	if (engine->beat)
		engine->beat(engine->context, done, total);
	return CL_SUCCESS;
}

static bool apply(struct cl_engine *cl, const struct engine_settings *settings,
		  uint64_t max_file_bytes)
{
	const struct {
		enum cl_engine_field field;
		uint64_t value;
	} numbers[] = {
		{CL_ENGINE_MAX_FILESIZE, max_file_bytes},
		{CL_ENGINE_MAX_SCANSIZE, settings->max_scan_bytes},
		{CL_ENGINE_MAX_FILES, settings->max_files},
		{CL_ENGINE_MAX_RECURSION, settings->max_recursion},
		{CL_ENGINE_MAX_SCANTIME, settings->max_scan_ms},
		/* Keyed on MD5 in 1.4: a collision would be clean. */
		{CL_ENGINE_DISABLE_CACHE, 1},
		{CL_ENGINE_BYTECODE_SECURITY, CL_BYTECODE_TRUST_SIGNED},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if ((numbers[i].value || numbers[i].field == CL_ENGINE_BYTECODE_SECURITY) &&
		    cl_engine_set_num(cl, numbers[i].field, (long long)numbers[i].value) !=
			    CL_SUCCESS)
			return false;
	return true;
}

struct engine *engine_new(const struct engine_settings *settings, engine_beat *beat_of_caller,
			  void *context)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->beat = beat_of_caller;
	engine->context = context;
	engine->max_file_bytes =
		settings->max_file_bytes ? settings->max_file_bytes : DEFAULT_FILE_BYTES;
	if (engine->max_file_bytes > INT_MAX - 2)
		engine->max_file_bytes = INT_MAX - 2; /* libclamav clamps without a word */
	engine->cl = cl_engine_new();
	if (!engine->cl || !apply(engine->cl, settings, engine->max_file_bytes))
		return engine_free(engine);
	cl_engine_set_clcb_sigload_progress(engine->cl, beat, engine);
	cl_engine_set_clcb_engine_compile_progress(engine->cl, beat, engine);
	return engine;
}

struct engine *engine_free(struct engine *engine)
{
	if (engine) {
		if (engine->cl)
			(void)cl_engine_free(engine->cl); /* nothing to do about a failure */
		free(engine);
	}
	return NULL;
}

static int refuse(char why[LIMIT_DETAIL_BYTES], const char *subject, cl_error_t code,
		  const struct engine_answer *heard)
{
	size_t at = 0;

	text_append(why, LIMIT_DETAIL_BYTES, &at, "%s: %s", subject, cl_strerror(code));
	if (heard->complained)
		text_append(why, LIMIT_DETAIL_BYTES, &at, "; it said: %s", heard->message);
	return -EBADMSG;
}

int engine_load(struct engine *engine, const char *path, uint32_t *ret_signatures,
		char why[LIMIT_DETAIL_BYTES])
{
	struct engine_answer heard = {0};
	unsigned signatures = 0;
	cl_error_t code;

	listener = &heard;
	/* clamscan's options: no PUA. Unsigned bytecode stays refused. */
	code = cl_load(path, engine->cl, &signatures, CL_DB_STDOPT);
	listener = NULL;
	*ret_signatures = signatures;
	return code == CL_SUCCESS ? 0 : refuse(why, "libclamav cannot load it", code, &heard);
}

int engine_compile(struct engine *engine, char why[LIMIT_DETAIL_BYTES])
{
	struct engine_answer heard = {0};
	cl_error_t code;

	listener = &heard;
	code = cl_engine_compile(engine->cl);
	listener = NULL;
	return code == CL_SUCCESS ? 0 : refuse(why, "libclamav cannot compile it", code, &heard);
}

/* libclamav looks at the first 32 of however many. */
static bool has_whole_md5(const struct cl_cvd *head)
{
	return strspn(head->md5, "0123456789abcdefABCDEF") == MD5_DIGITS &&
	       head->md5[MD5_DIGITS] == '\0';
}

static bool is_cvd(const char *path)
{
	const char *ending = strrchr(path, '.');

	return ending && text_is_same_name(ending, ".cvd");
}

int engine_read_container(const char *path, struct engine_container *ret_container,
			  char why[LIMIT_DETAIL_BYTES])
{
	struct engine_answer heard = {0};
	struct cl_cvd *head;
	cl_error_t code;

	listener = &heard;
	head = cl_cvdhead(path);
	/* It judges by the name's ending: only a .cvd is held against its signature. */
	code = head && (!is_cvd(path) || has_whole_md5(head)) ? cl_cvdverify(path) : CL_ECVD;
	listener = NULL;
	if (head) {
		ret_container->promised = head->sigs;
		ret_container->version = head->version;
		ret_container->built = head->stime;
		cl_cvdfree(head);
	}
	if (code == CL_EVERIFY)
		return refuse(
			why,
			"its digital signature does not verify, so it is damaged or not from the vendor",
			code, &(struct engine_answer){0});
	return code == CL_SUCCESS
		       ? 0
		       : refuse(why, "it is not a whole definition container", code, &heard);
}

int engine_use_temp(struct engine *engine, const char *path, unsigned seed)
{
	/* Its temporary names come from rand(): workers that share a seed would share names. */
	srand(seed);
	return cl_engine_set_str(engine->cl, CL_ENGINE_TMPDIR, path) == CL_SUCCESS ? 0 : -EIO;
}

/* ---- which content it looks into ---- */

/* libclamav gives these callbacks the context of the scan only; there is one scan at a time. */
static engine_content *watcher;
static const char *open_types[CONTENT_DEPTH];
static unsigned n_open;

/* `type` is one of the library's own constants. */
static cl_error_t enter_content(int fd, const char *type, void *context)
{
	(void)fd;      /* of no interest, -1 for memory */
	(void)context; /* there is none */
	if (n_open < CONTENT_DEPTH) {
		open_types[n_open] = type;
		watcher(type, n_open);
	}
	n_open++;
	return CL_CLEAN; /* go on */
}

/* Comes once for each enter_content(), whatever became of the content. */
static cl_error_t leave_content(int fd, int result, const char *name, void *context)
{
	(void)fd;
	(void)result; /* of this content alone; the scan says it in the end */
	(void)name;
	(void)context;
	if (n_open)
		n_open--;
	if (n_open && n_open <= CONTENT_DEPTH)
		watcher(open_types[n_open - 1], n_open - 1);
	return CL_CLEAN;
}

void engine_watch(struct engine *engine, engine_content *content)
{
	watcher = content;
	cl_engine_set_clcb_pre_cache(engine->cl, content ? enter_content : NULL);
	cl_engine_set_clcb_post_scan(engine->cl, content ? leave_content : NULL);
}

uint64_t engine_max_file_bytes(const struct engine *engine)
{
	return engine->max_file_bytes;
}

static const struct {
	cl_error_t code;
	enum scan_answer answer;
	enum scan_reason limit;
} translations[] = {
	{CL_CLEAN, SCAN_ANSWER_NOTHING, SCAN_REASON_NONE},
	{CL_VIRUS, SCAN_ANSWER_FOUND, SCAN_REASON_NONE},
	{CL_EMAXREC, SCAN_ANSWER_LIMIT, SCAN_REASON_LIMIT_RECURSION},
	{CL_EMAXSIZE, SCAN_ANSWER_LIMIT, SCAN_REASON_LIMIT_SCAN_SIZE},
	{CL_EMAXFILES, SCAN_ANSWER_LIMIT, SCAN_REASON_LIMIT_FILES},
	{CL_ETIMEOUT, SCAN_ANSWER_LIMIT, SCAN_REASON_LIMIT_TIME},
	{CL_EMEM, SCAN_ANSWER_MEMORY, SCAN_REASON_NONE},
	{CL_ETMPFILE, SCAN_ANSWER_TEMP, SCAN_REASON_NONE},
	{CL_ETMPDIR, SCAN_ANSWER_TEMP, SCAN_REASON_NONE},
	{CL_EWRITE, SCAN_ANSWER_TEMP, SCAN_REASON_NONE},
	{CL_EUNLINK, SCAN_ANSWER_TEMP, SCAN_REASON_NONE},
	{CL_ECREAT, SCAN_ANSWER_TEMP, SCAN_REASON_NONE},
	{CL_EREAD, SCAN_ANSWER_READ, SCAN_REASON_NONE},
	{CL_ESTAT, SCAN_ANSWER_READ, SCAN_REASON_NONE},
	{CL_ESEEK, SCAN_ANSWER_READ, SCAN_REASON_NONE},
};

/* A trusted publisher's signature (CL_VERIFIED) is not our idea of clean: it falls under "failed" like any unknown code. */
static void translate(cl_error_t code, const char *name, struct engine_answer *answer)
{
	answer->answer = SCAN_ANSWER_FAILED;
	for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++)
		if (translations[i].code == code) {
			answer->answer = translations[i].answer;
			answer->limit = translations[i].limit;
		}
	if (code == CL_VIRUS)
		(void)snprintf(answer->name, sizeof(answer->name), "%s",
			       name ? name : "unnamed"); /* cut is fine */
	else if (code != CL_CLEAN && !answer->complained)
		(void)snprintf(answer->message, sizeof(answer->message), "%s",
			       cl_strerror(code)); /* cut is fine */
}

static struct cl_scan_options options(void)
{
	return (struct cl_scan_options){
		.general = CL_SCAN_GENERAL_HEURISTICS,
		.parse = ~0u,
		/* These give way to a real signature (libclamav keeps them as weak evidence). */
		.heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE |
			     CL_SCAN_HEURISTIC_ENCRYPTED_DOC,
	};
}

void engine_scan_file(struct engine *engine, int fd, struct engine_answer *ret_answer)
{
	struct cl_scan_options how = options();
	const char *name = NULL;
	unsigned long scanned = 0;
	cl_error_t code;

	memset(ret_answer, 0, sizeof(*ret_answer));
	n_open = 0;
	listener = ret_answer;
	code = cl_scandesc_callback(fd, NULL, &name, &scanned, engine->cl, &how, NULL);
	listener = NULL;
	translate(code, name, ret_answer);
}

void engine_scan_memory(struct engine *engine, const void *bytes, size_t len,
			struct engine_answer *ret_answer)
{
	struct cl_scan_options how = options();
	cl_fmap_t *map = cl_fmap_open_memory(bytes, len);
	const char *name = NULL;
	unsigned long scanned = 0;
	cl_error_t code = CL_EMEM;

	memset(ret_answer, 0, sizeof(*ret_answer));
	n_open = 0;
	listener = ret_answer;
	if (map) {
		code = cl_scanmap_callback(map, NULL, &name, &scanned, engine->cl, &how, NULL);
		cl_fmap_close(map);
	}
	listener = NULL;
	translate(code, name, ret_answer);
}
