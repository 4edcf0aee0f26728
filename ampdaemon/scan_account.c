/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/scan_account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/system_tool.h"
#include "base/text.h"
#include "io/clock.h"

#define CREATE_LIMIT_MS 10000
#define GROUPS_MAX 64 /* of a user; more are not named */
#define NAME_MAX_BYTES 32

/* What the account database says, copied: each of its answers overwrites the one before. */
struct entries {
	const char *name;
	bool has_user, has_group;
	uid_t uid;
	gid_t primary, gid;
	char shell[256];
	int error; /* the database cannot be asked: an errno */
};

struct findings {
	char *out;
	size_t size, at;
	unsigned n;
};

static void find(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void find(struct findings *findings, const char *format, ...)
{
	char sentence[600];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	text_append(findings->out, findings->size, &findings->at, "%s%s", findings->n ? "; " : "",
		    sentence);
	findings->n++;
}

/* getpwnam(3): what says that there is no such entry differs from module to module; trouble is this. */
static int lookup_error(void)
{
	static const int trouble[] = {EINTR,  EIO,    EMFILE, ENFILE,
				      ENOMEM, ERANGE, EAGAIN, ETIMEDOUT};

	for (size_t i = 0; i < sizeof(trouble) / sizeof(trouble[0]); i++) {
		if (errno == trouble[i])
			return errno;
	}
	return 0;
}

static void ask(const char *name, struct entries *ret)
{
	const struct passwd *user;
	const struct group *group;

	*ret = (struct entries){.name = name};
	errno = 0;
	user = getpwnam(name);
	if (user) {
		ret->has_user = true;
		ret->uid = user->pw_uid;
		ret->primary = user->pw_gid;
		(void)snprintf(ret->shell, sizeof(ret->shell), "%s", user->pw_shell);
	} else {
		ret->error = lookup_error();
	}
	errno = 0;
	group = getgrnam(name);
	if (group) {
		ret->has_group = true;
		ret->gid = group->gr_gid;
	} else if (!ret->error) {
		ret->error = lookup_error();
	}
}

/* ---- login.defs ---- */

/* Of the last line that has the key, as shadow's own tools read it; without one they take it for "no". */
static const char *usergroups_enab(void)
{
	FILE *file = fopen("/etc/login.defs", "re");
	const char *value = "not set";
	char line[512], key[32], word[16];

	if (!file)
		return NULL;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %31s %15s", key, word) == 2 && !strcmp(key, "USERGROUPS_ENAB"))
			value = strcasecmp(word, "yes") ? "no" : "yes";
	}
	fclose(file);
	return value;
}

/* Why a user may have no group of its own; "" when login.defs cannot be the reason. */
static const char *login_defs_reason(char out[200])
{
	const char *value = usergroups_enab();

	out[0] = '\0';
	if (value && strcmp(value, "yes") != 0)
		(void)snprintf(
			out, 200,
			" (USERGROUPS_ENAB is %s in /etc/login.defs: a useradd without --gid "
			"makes no group of the user's own)",
			value);
	return out;
}

/* ---- what may be wrong with a user that exists ---- */

static void check_uid(const struct entries *entries, struct findings *findings)
{
	const struct passwd *other = getpwuid(entries->uid);
	FILE *file;

	if (entries->uid == 0) {
		find(findings, "user %s has uid 0, expected a uid of its own", entries->name);
		return;
	}
	file = other && strcmp(other->pw_name, entries->name) != 0 ? NULL
								   : fopen("/etc/passwd", "re");
	/* getpwuid names the first of several; the file has the others. */
	while (file && (other = fgetpwent(file)) != NULL) {
		if (other->pw_uid == entries->uid && strcmp(other->pw_name, entries->name) != 0)
			break;
	}
	if (other && strcmp(other->pw_name, entries->name) != 0)
		find(findings, "user %s shares uid %u with user %.32s, expected a uid of its own",
		     entries->name, entries->uid, other->pw_name);
	if (file)
		fclose(file);
}

static void check_primary(const struct entries *entries, struct findings *findings)
{
	const struct group *primary;
	char reason[200];

	if (entries->has_group && entries->primary == entries->gid)
		return;
	primary = getgrgid(entries->primary);
	find(findings, "user %s has the primary group %.32s (gid %u), expected %s%s", entries->name,
	     primary ? primary->gr_name : "without a name", entries->primary, entries->name,
	     login_defs_reason(reason));
}

static void check_shell(const struct entries *entries, struct findings *findings)
{
	static const char *const allowed[] = {"/usr/sbin/nologin", "/sbin/nologin",
					      "/usr/bin/nologin",  "/bin/nologin",
					      "/usr/bin/false",    "/bin/false"};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (!strcmp(entries->shell, allowed[i]))
			return;
	}
	find(findings, "user %s has the login shell %.64s, expected nologin or false",
	     entries->name, *entries->shell ? entries->shell : "/bin/sh (the default)");
}

static void check_groups(const struct entries *entries, struct findings *findings)
{
	char names[300] = "";
	gid_t groups[GROUPS_MAX];
	size_t at = 0;
	int n = GROUPS_MAX;

	if (getgrouplist(entries->name, entries->primary, groups, &n) < 0)
		n = GROUPS_MAX; /* as many as there was room for */
	for (int i = 0; i < n; i++) {
		const struct group *group;

		if (groups[i] == entries->primary ||
		    (entries->has_group && groups[i] == entries->gid))
			continue;
		group = getgrgid(groups[i]);
		text_append(names, sizeof(names), &at, "%s%.32s (gid %u)", at ? ", " : "",
			    group ? group->gr_name : "one without a name", groups[i]);
	}
	if (at)
		find(findings, "user %s is a member of %s, expected no other group than %s",
		     entries->name, names, entries->name);
}

static void check_user(const struct entries *entries, struct findings *findings)
{
	check_uid(entries, findings);
	check_primary(entries, findings);
	check_shell(entries, findings);
	check_groups(entries, findings);
}

static void check(const struct entries *entries, struct findings *findings)
{
	if (entries->error) {
		find(findings, "user and group %s cannot be looked up: %s", entries->name,
		     strerror(entries->error));
		return;
	}
	if (!entries->has_user)
		find(findings, "user %s does not exist, expected a system account", entries->name);
	if (!entries->has_group)
		find(findings, "group %s does not exist, expected a group of the user's own",
		     entries->name);
	else if (entries->gid == 0)
		find(findings, "group %s has gid 0, expected a gid of its own", entries->name);
	if (entries->has_user)
		check_user(entries, findings);
}

struct scan_account scan_account_find(const char *name, char *detail, size_t size)
{
	struct findings findings = {.out = detail, .size = size};
	struct entries entries;

	detail[0] = '\0';
	ask(name, &entries);
	check(&entries, &findings);
	if (findings.n)
		return (struct scan_account){.unsound = true};
	return (struct scan_account){.uid = entries.uid, .gid = entries.gid};
}

/* ---- creation ---- */

static char *nologin(void)
{
	static char shells[][24] = {"/usr/sbin/nologin", "/sbin/nologin", "/usr/bin/nologin",
				    "/usr/bin/false", "/bin/false"};
	size_t last = sizeof(shells) / sizeof(shells[0]) - 1;
	size_t i = 0;

	while (i < last && access(shells[i], X_OK))
		i++;
	return shells[i];
}

static int make_group(char *name, mono_ms limit, char *detail, size_t size)
{
	char tool[] = "groupadd", system[] = "--system", end[] = "--";
	char *const arguments[] = {tool, system, end, name, NULL};

	return system_tool_run(tool, arguments, limit, detail, size);
}

static int make_user(char *name, mono_ms limit, char *detail, size_t size)
{
	char tool[] = "useradd", system[] = "--system", gid[] = "--gid";
	char no_home[] = "--no-create-home", home[] = "--home-dir", nowhere[] = "/nonexistent";
	char shell[] = "--shell", end[] = "--";
	char *const arguments[] = {tool,    system, gid,       name, no_home, home,
				   nowhere, shell,  nologin(), end,  name,    NULL};

	return system_tool_run(tool, arguments, limit, detail, size);
}

/* groupadd does not read USERGROUPS_ENAB; whoever reads of a group that was not made will ask for it. */
static void add_login_defs(char *detail, size_t size)
{
	const char *value = usergroups_enab();
	size_t at = strlen(detail);

	if (value && strcmp(value, "yes") != 0)
		text_append(
			detail, size, &at,
			"; USERGROUPS_ENAB is %s in /etc/login.defs, so useradd alone would not "
			"make the group either",
			value);
}

/* A name that begins with a dash is refused: shadow's tools take "--root" for an option behind "--" too. */
int scan_account_create(const char *name, char *detail, size_t size)
{
	mono_ms limit = clock_mono_ms() + CREATE_LIMIT_MS;
	struct entries entries;
	char own[NAME_MAX_BYTES];
	int r = 0;

	detail[0] = '\0';
	ask(name, &entries);
	if (entries.error) {
		(void)snprintf(detail, size, "account %.40s is not created: %s", name,
			       strerror(entries.error));
		return -entries.error;
	}
	if (strlen(name) >= sizeof(own) || name[0] == '-') {
		(void)snprintf(detail, size,
			       "account %.40s is not created: that is no name of a user", name);
		return -EINVAL;
	}
	(void)snprintf(own, sizeof(own), "%s", name);
	if (!entries.has_group)
		r = make_group(own, limit, detail, size);
	if (r)
		add_login_defs(detail, size);
	if (!r && !entries.has_user)
		r = make_user(own, limit, detail, size);
	return r;
}
