/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_definitions: what serves and what is kept; sets that are tried, imported, exported, gone back to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ampcli/cli.h"
#include "ampcli/definition_bundle.h"
#include "ampcli/definition_send.h"

#define WORDS_MAX LIMIT_DEFINITION_FILES
#define KEY_FORCE 0x200
#define KEY_DIGEST 0x201

struct words {
	struct cli *cli;
	const struct deed *deed;
	int n;
	char *all[WORDS_MAX];
	bool is_forced;
	const char *digest;
	uint64_t generation; /* 0: none was named */
};

/* What can be done with definitions, with how many words. */
static const struct deed {
	const char *name;
	int least, most;
	const char *without; /* said when there are too few */
	int (*run)(const struct words *words, struct control_client *client);
	bool (*knows_field)(const char *field);
	int with_number; /* with so many words the first is a generation */
	bool may_force;
} deeds[];

/* ---- looking ---- */

static uint64_t now_utc_ms(void)
{
	return (uint64_t)time(NULL) * 1000;
}

static int ask_status(struct control_client *client, struct reply *ret_reply,
		      struct failure *ret_failure)
{
	const struct request request = {.kind = REQUEST_STATUS};

	return control_client_ask(client, &request, REPLY_STATUS, ret_reply, ret_failure);
}

static int ask_generations(struct control_client *client, struct reply *ret_reply,
			   struct failure *ret_failure)
{
	const struct request request = {.kind = REQUEST_GENERATIONS};

	return control_client_ask(client, &request, REPLY_GENERATIONS, ret_reply, ret_failure);
}

static void list_json(const struct cli *cli, const struct status_report *status)
{
	const struct json_target json = cli_json(cli);
	uint64_t now = now_utc_ms();

	for (unsigned i = 0; i < status->n_files; i++)
		(void)render_json_definition(&json, status, i, now); /* the field is known */
}

static int list(const struct words *words, struct control_client *client)
{
	const struct text_target text = cli_text(words->cli);
	struct failure failure;
	struct reply reply;

	if (ask_status(client, &reply, &failure) < 0)
		return cli_fail(&failure);
	if (words->cli->json || words->cli->field) {
		list_json(words->cli, &reply.status);
		return CLI_EXIT_OK;
	}
	render_text_definitions(&text, &reply.status, now_utc_ms());
	if (ask_generations(client, &reply, &failure) < 0)
		return cli_fail(&failure);
	render_text_generations(&text, &reply.generations, now_utc_ms());
	return CLI_EXIT_OK;
}

static int store(const struct words *words, struct control_client *client)
{
	const struct json_target json = cli_json(words->cli);
	const struct text_target text = cli_text(words->cli);
	struct failure failure;
	struct reply reply;

	if (ask_generations(client, &reply, &failure) < 0)
		return cli_fail(&failure);
	if (words->cli->json || words->cli->field)
		(void)render_json_generations(&json, &reply.generations,
					      now_utc_ms()); /* the field is known */
	else
		render_text_generations(&text, &reply.generations, now_utc_ms());
	return CLI_EXIT_OK;
}

/* ---- verdicts ---- */

static int show_verdict(const struct words *words, const struct check_verdict *verdict)
{
	const struct json_target json = cli_json(words->cli);
	const struct text_target text = cli_text(words->cli);

	if (words->cli->json || words->cli->field)
		(void)render_json_check(&json, verdict); /* the field is known */
	else
		render_text_check(&text, verdict);
	return verdict->passed ? CLI_EXIT_OK : CLI_EXIT_REJECTED;
}

static int send_all(const struct words *words, struct control_client *client,
		    const struct definition_files *files, bool is_import)
{
	const struct request begin = {.kind = REQUEST_CHECK_BEGIN,
				      .check_begin = {.is_import = is_import,
						      .is_forced = words->is_forced}};
	struct wait_line line = wait_line_on(STDERR_FILENO);
	struct failure failure;
	struct reply reply;

	if (definition_send(client, &begin, files, &line, &reply, &failure))
		return cli_fail(&failure);
	return show_verdict(words, &reply.check_verdict);
}

/* One way for files, directories and bundles. */
static int gather(const struct words *words, bool is_import, struct definition_files *files,
		  struct failure *ret_failure)
{
	for (int i = 0; i < words->n; i++) {
		const char *path = words->all[i];
		struct stat st;
		int r;

		if (is_import && definition_bundle_is_name(path))
			r = definition_bundle_read(path, words->digest, files, ret_failure);
		else if (is_import && !stat(path, &st) && S_ISDIR(st.st_mode))
			r = definition_files_add_directory(files, path, ret_failure);
		else
			r = definition_files_add(files, path, ret_failure);
		if (r)
			return -1;
	}
	if (!files->n)
		return failure_set(ret_failure, CLI_EXIT_USAGE,
				   "there are no files of definitions in what was named");
	return 0;
}

static int bring(const struct words *words, struct control_client *client, bool is_import)
{
	struct definition_files *files = calloc(1, sizeof(*files));
	struct failure failure;
	int code;

	if (!files) {
		(void)failure_set(&failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
		return cli_fail(&failure);
	}
	code = gather(words, is_import, files, &failure)
		       ? cli_fail(&failure)
		       : send_all(words, client, files, is_import);
	definition_files_free(files);
	free(files);
	return code;
}

static int check(const struct words *words, struct control_client *client)
{
	return bring(words, client, false);
}

static int import(const struct words *words, struct control_client *client)
{
	return bring(words, client, true);
}

/* ---- generations ---- */

static int roll_back(const struct words *words, struct control_client *client)
{
	const struct request request = {.kind = REQUEST_ROLLBACK,
					.rollback = {.generation = words->generation}};
	struct wait_line line = wait_line_on(STDERR_FILENO);
	struct failure failure;
	struct reply reply;

	if (definition_ask(client, &request, REPLY_CHECK_VERDICT, &line, &reply, &failure))
		return cli_fail(&failure);
	return show_verdict(words, &reply.check_verdict);
}

static int write_bundle(const struct words *words, const struct generations_report *report,
			struct failure *ret_failure)
{
	const struct json_target json = cli_json(words->cli);
	char root[LIMIT_ROOT_BYTES + 1];
	struct bundle_source source = {.root = root,
				       .generation = words->generation ? words->generation
								       : report->active,
				       .path = words->all[words->n - 1]};
	struct bundle_view view;

	if (!report->root.len)
		return failure_set(ret_failure, CLI_EXIT_REFUSED,
				   "there is no store (definitions_root of the configuration)");
	if (!source.generation)
		return failure_set(ret_failure, CLI_EXIT_REFUSED,
				   "the built-in set serves: there is nothing to export");
	(void)snprintf(root, sizeof(root), "%.*s", (int)report->root.len,
		       (const char *)report->root.data);
	if (definition_bundle_write(&source, &view, ret_failure))
		return -1;
	if (view.left_out)
		(void)fprintf(
			stderr,
			"ampcli: %u file%s of custom/ %s not in it: they belong to this machine\n",
			view.left_out, view.left_out == 1 ? "" : "s",
			view.left_out == 1 ? "is" : "are");
	if (words->cli->json || words->cli->field)
		(void)render_json_bundle(&json, &view); /* the field is known */
	else
		(void)printf("generation %llu, sha256 %s\n", (unsigned long long)view.generation,
			     view.digest);
	return 0;
}

static int export(const struct words *words, struct control_client *client)
{
	struct failure failure;
	struct reply reply;

	if (ask_generations(client, &reply, &failure) < 0 ||
	    write_bundle(words, &reply.generations, &failure) < 0)
		return cli_fail(&failure);
	return CLI_EXIT_OK;
}

static const struct deed deeds[] = {
	{"list", 0, 0, "", list, render_json_knows_definition_field, 0, false},
	{"store", 0, 0, "", store, render_json_knows_generations_field, 0, false},
	{"check", 1, WORDS_MAX, "which files are to be checked?", check,
	 render_json_knows_check_field, 0, false},
	{"import", 1, WORDS_MAX, "which files are to be imported?", import,
	 render_json_knows_check_field, 0, true},
	{"rollback", 0, 1, "", roll_back, render_json_knows_check_field, 1, false},
	{"export", 1, 2, "to which file?", export, render_json_knows_bundle_field, 2, false},
	{0}};

/* ---- words ---- */

static const struct argp_option options[] = {
	{"force", KEY_FORCE, NULL, 0,
	 "import: take what was rejected before, older versions, and smaller sets, too; nothing that the trial refuses",
	 0},
	{"digest", KEY_DIGEST, "SHA256", 0,
	 "import: a bundle is taken only when this is its digest, as export has printed it", 0},
	{0}};

static void take_word(struct words *words, char *arg, const struct argp_state *state)
{
	if (state->arg_num > 0) {
		if (words->n == words->deed->most && words->n == 0)
			argp_error(state, "definitions %s takes no arguments", words->deed->name);
		if (words->n == words->deed->most)
			argp_error(state, "definitions %s takes at most %d argument%s",
				   words->deed->name, words->deed->most,
				   words->deed->most == 1 ? "" : "s");
		words->all[words->n++] = arg;
		return;
	}
	for (words->deed = deeds; words->deed->name; words->deed++) {
		if (strcmp(words->deed->name, arg) == 0)
			return;
	}
	argp_error(
		state,
		"definitions knows 'list', 'store', 'check', 'import', 'rollback' and 'export', not '%s'",
		arg);
}

static void judge_options(const struct words *words, const struct argp_state *state)
{
	if ((words->is_forced || words->digest) && !words->deed->may_force)
		argp_error(state, "--force and --digest are for import");
	if (words->digest && (words->n != 1 || !definition_bundle_is_name(words->all[0])))
		argp_error(state, "--digest is for one bundle (NAME" BUNDLE_ENDING
				  "), and nothing beside it");
	if (words->digest &&
	    (strlen(words->digest) != BUNDLE_DIGEST_TEXT - 1 ||
	     strspn(words->digest, "0123456789abcdefABCDEF") != BUNDLE_DIGEST_TEXT - 1))
		argp_error(state,
			   "--digest takes the %d hexadecimal digits that export has printed",
			   BUNDLE_DIGEST_TEXT - 1);
}

static int read_number(const char *text, uint64_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return errno || *end || text[0] < '1' || text[0] > '9' ? -EINVAL : 0;
}

static void judge(struct words *words, const struct argp_state *state)
{
	if (state->arg_num == 0)
		argp_error(state, "definitions what? 'definitions list' shows them");
	if (words->n < words->deed->least)
		argp_error(state, "%s", words->deed->without);
	judge_options(words, state);
	if (words->n && words->n == words->deed->with_number &&
	    read_number(words->all[0], &words->generation))
		argp_error(state, "'%.40s' is no number of a generation", words->all[0]);
	if (words->deed->run == export && !definition_bundle_is_name(words->all[words->n - 1]))
		argp_error(state, "the name of a bundle ends in " BUNDLE_ENDING);
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
	struct words *words = state->input;

	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = words->cli;
	else if (key == ARGP_KEY_ARG)
		take_word(words, arg, state);
	else if (key == ARGP_KEY_END)
		judge(words, state);
	else if (key == KEY_FORCE)
		words->is_forced = true;
	else if (key == KEY_DIGEST)
		words->digest = arg;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

int cmd_definitions(struct cli *cli, int argc, char **argv)
{
	const struct argp_child children[] = {{cli_common_argp(), 0, "Common options:", 0}, {0}};
	const struct argp argp = {
		.options = options,
		.parser = take_option,
		.args_doc =
			"list\nstore\ncheck FILE...\nimport FILE|DIR|BUNDLE...\nrollback [GENERATION]\nexport [GENERATION] BUNDLE",
		.doc = "list: what serves, and what is kept. store: what is kept. check: have files tried as a set, by the scan service "
		       "behind its walls, without using them. import: the same, and use them when they pass. rollback: go back to the generation before, or "
		       "to the one that is named. export: write one generation as a bundle (NAME.amp-definitions.tar) for other machines. All but list, store and export are "
		       "root's.",
		.children = children};
	struct words words = {.cli = cli};
	struct control_client *client;
	struct failure failure;
	int code;

	cli_parse(&argp, argc, argv, &words);
	if (cli->field && !words.deed->knows_field(cli->field))
		return cli_usage_error("definitions %s has no field '%s'", words.deed->name,
				       cli->field);
	client = cli_connect(cli, &failure);
	if (!client)
		return cli_fail(&failure);
	code = words.deed->run(&words, client);
	(void)control_client_free(client);
	return code;
}
