/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/scan_account.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "ampdaemon/privilege.h"
#include "ampdaemon/system_tool.h"
#include "io/capabilities.h"
#include "io/clock.h"
#include "tests/support/own_fds.h"
#include "tests/support/private_etc.h"
#include "tests/support/unit_main.h"

#define ROOT_USER "root:x:0:0:root:/root:/bin/bash\n"
#define ROOT_GROUP "root:x:0:\n"
#define USER ROOT_USER "scan:x:990:991::/nonexistent:/usr/sbin/nologin\n"
#define GROUP ROOT_GROUP "scan:x:991:\n"

static char detail[2000];

static void set_up(const char *users, const char *groups, const char *enab)
{
	private_etc_write("nsswitch.conf", "passwd: files\ngroup: files\n", 0644);
	private_etc_write("login.defs", enab, 0644);
	private_etc_write("passwd", users, 0644);
	private_etc_write("group", groups, 0644);
	private_etc_write("shadow", "root:*:19000:0:99999:7:::\n", 0640);
	private_etc_write("gshadow", "root:*::\n", 0640);
}

static struct scan_account find_in(const char *users, const char *groups)
{
	set_up(users, groups, "USERGROUPS_ENAB yes\n");
	memset(detail, 'x', sizeof(detail));
	return scan_account_find("scan", detail, sizeof(detail));
}

static void a_sound_account_is_found_without_a_word(void)
{
	struct scan_account account = find_in(USER, GROUP);

	CU_ASSERT_FALSE(account.unsound);
	CU_ASSERT_EQUAL(account.uid, 990);
	CU_ASSERT_EQUAL(account.gid, 991);
	CU_ASSERT_STRING_EQUAL(detail, "");
	account = find_in(ROOT_USER "scan:x:990:991::/:/bin/false\n", GROUP "b:x:7:bob\n");
	CU_ASSERT_FALSE(account.unsound);
	CU_ASSERT_STRING_EQUAL(detail, "");
	account = find_in(USER, ROOT_GROUP "scan:x:991:scan\n"); /* named in its own group */
	CU_ASSERT_FALSE(account.unsound);
}

static const struct {
	const char *users, *groups, *detail;
} unsound[] = {
	{ROOT_USER, GROUP, "user scan does not exist, expected a system account"},
	{ROOT_USER, ROOT_GROUP,
	 "user scan does not exist, expected a system account; group scan does not exist, expected a "
	 "group of the user's own"},
	{USER, ROOT_GROUP "users:x:991:\n",
	 "group scan does not exist, expected a group of the user's own; user scan has the primary "
	 "group users (gid 991), expected scan"},
	{ROOT_USER "scan:x:0:991::/:/bin/false\n", GROUP,
	 "user scan has uid 0, expected a uid of its own"},
	{ROOT_USER "scan:x:990:0::/:/bin/false\n", "root:x:1:\nscan:x:0:\n",
	 "group scan has gid 0, expected a gid of its own"},
	{USER, ROOT_GROUP "users:x:991:\nscan:x:995:\n",
	 "user scan has the primary group users (gid 991), expected scan"},
	{USER, ROOT_GROUP "scan:x:995:\n",
	 "user scan has the primary group without a name (gid 991), expected scan"},
	{ROOT_USER "scan:x:990:991::/:/bin/bash\n", GROUP,
	 "user scan has the login shell /bin/bash, expected nologin or false"},
	{ROOT_USER "scan:x:990:991::/:\n", GROUP,
	 "user scan has the login shell /bin/sh (the default), expected nologin or false"},
	{ROOT_USER "scan:x:990:991::/:/tmp/nologin\n", GROUP,
	 "user scan has the login shell /tmp/nologin, expected nologin or false"},
	{USER, GROUP "docker:x:50:bob,scan\nsudo:x:27:scan\n",
	 "user scan is a member of docker (gid 50), sudo (gid 27), expected no other group than scan"},
	{USER "bob:x:990:1000::/:/bin/bash\n", GROUP,
	 "user scan shares uid 990 with user bob, expected a uid of its own"},
	{"bob:x:990:1000::/:/bin/bash\n" USER, GROUP,
	 "user scan shares uid 990 with user bob, expected a uid of its own"},
	{ROOT_USER "scan:x:990:991::/:/bin/zsh\n", GROUP "sudo:x:27:scan\n",
	 "user scan has the login shell /bin/zsh, expected nologin or false; user scan is a member of "
	 "sudo (gid 27), expected no other group than scan"},
};

static void what_is_not_sound_is_told_with_what_was_expected(void)
{
	for (size_t i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++) {
		struct scan_account account = find_in(unsound[i].users, unsound[i].groups);

		CU_ASSERT_TRUE(account.unsound);
		CU_ASSERT_EQUAL(account.uid, 0);
		CU_ASSERT_EQUAL(account.gid, 0);
		if (strcmp(detail, unsound[i].detail) != 0)
			printf("# row %zu: %s\n", i, detail);
		CU_ASSERT_STRING_EQUAL(detail, unsound[i].detail);
	}
}

static void login_defs_is_named_where_it_is_the_reason(void)
{
	static const char *const values[] = {"# USERGROUPS_ENAB yes\n", "USERGROUPS_ENAB\tno\n",
					     "USERGROUPS_ENAB yes\nUSERGROUPS_ENAB NO\n"};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		set_up(USER, ROOT_GROUP "users:x:991:\n", values[i]);
		CU_ASSERT_TRUE(scan_account_find("scan", detail, sizeof(detail)).unsound);
		CU_ASSERT_PTR_NOT_NULL(
			strstr(detail, i ? "USERGROUPS_ENAB is no in /etc/login.defs"
					 : "USERGROUPS_ENAB is not set in /etc/login.defs"));
	}
	set_up(USER, GROUP, "USERGROUPS_ENAB no\n");
	CU_ASSERT_FALSE(scan_account_find("scan", detail, sizeof(detail)).unsound);
	CU_ASSERT_STRING_EQUAL(detail, "");
}

static void a_detail_is_cut_to_the_room_for_it(void)
{
	char small[24];

	set_up(ROOT_USER, ROOT_GROUP, "");
	memset(small, 'x', sizeof(small));
	CU_ASSERT_TRUE(scan_account_find("scan", small, 20).unsound);
	CU_ASSERT_EQUAL(strlen(small), 19);
	CU_ASSERT_EQUAL(small[20], 'x');
}

/* In a child with the capabilities of the daemon and, as in its unit, no way to others: 0 when scan_account_create() returned 0. */
static int create_as_daemon(void)
{
	int r, status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (!r)
			r = privilege_cut();
		if (!r)
			r = scan_account_create("scan", detail, sizeof(detail));
		if (r)
			printf("# %d: %s\n", r, detail);
		fflush(stdout);
		_exit(r ? 1 : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void an_account_is_made_with_the_daemon_s_capabilities(void)
{
	static const char *const values[] = {"USERGROUPS_ENAB yes\n", "USERGROUPS_ENAB no\n", ""};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct scan_account account;

		set_up(ROOT_USER, ROOT_GROUP, values[i]);
		CU_ASSERT_EQUAL(create_as_daemon(), 0);
		account = scan_account_find("scan", detail, sizeof(detail));
		CU_ASSERT_FALSE(account.unsound);
		CU_ASSERT(account.uid > 0 && account.uid < 1000);
		CU_ASSERT_STRING_EQUAL(detail, "");
		CU_ASSERT_PTR_NOT_NULL(strstr(private_etc_read("passwd"), ":/nonexistent:"));
		CU_ASSERT_PTR_NOT_NULL(strstr(private_etc_read("shadow"), "scan:!"));
	}
}

/* Red Hat's shadow files have mode 0, Debian's belong to another group. */
static void shadow_files_may_be_closed_or_another_group_s(void)
{
	set_up(ROOT_USER, ROOT_GROUP "shadow:x:42:\n", "");
	private_etc_write("shadow", "root:*:19000:0:99999:7:::\n", 0);
	private_etc_write("gshadow", "root:*::\nshadow:*::\n", 0);
	CU_ASSERT_EQUAL(create_as_daemon(), 0);
	CU_ASSERT_FALSE(scan_account_find("scan", detail, sizeof(detail)).unsound);

	set_up(ROOT_USER, ROOT_GROUP "shadow:x:42:\n", "");
	CU_ASSERT_EQUAL(chown("/etc/shadow", 0, 42), 0);
	CU_ASSERT_EQUAL(chown("/etc/gshadow", 0, 42), 0);
	CU_ASSERT_EQUAL(create_as_daemon(), 0);
	CU_ASSERT_FALSE(scan_account_find("scan", detail, sizeof(detail)).unsound);
}

/* What the tools need is not left to the scan service, which is born with the daemon's set and drops it. */
static void none_of_it_is_left_behind_the_walls(void)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(!privilege_cut() && !capabilities_are_none() && !capabilities_drop_all() &&
				      capabilities_are_none()
			      ? 0
			      : 1);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}

static void only_what_is_missing_is_made(void)
{
	set_up(ROOT_USER, GROUP, "");
	CU_ASSERT_EQUAL(create_as_daemon(), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(private_etc_read("group"), "scan:x:991:\n"));
	CU_ASSERT_FALSE(scan_account_find("scan", detail, sizeof(detail)).unsound);

	set_up(USER, ROOT_GROUP, ""); /* the user's primary group is none: it stays so */
	CU_ASSERT_EQUAL(create_as_daemon(), 0);
	CU_ASSERT_STRING_EQUAL(private_etc_read("passwd"), USER);
	CU_ASSERT_PTR_NOT_NULL(strstr(private_etc_read("group"), "scan:x:"));
	CU_ASSERT_TRUE(scan_account_find("scan", detail, sizeof(detail)).unsound);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "primary group"));

	set_up(USER, GROUP, "");
	CU_ASSERT_EQUAL(create_as_daemon(), 0);
	CU_ASSERT_STRING_EQUAL(private_etc_read("passwd"), USER);
	CU_ASSERT_STRING_EQUAL(private_etc_read("group"), GROUP);
}

static void what_a_tool_says_is_in_the_sentence(void)
{
	int before = own_fds();

	set_up(ROOT_USER, ROOT_GROUP "last:x:100:\n",
	       "USERGROUPS_ENAB no\nSYS_GID_MIN 100\nSYS_GID_MAX 100\n");
	CU_ASSERT_EQUAL(scan_account_create("scan", detail, sizeof(detail)), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "/groupadd ended with status 4: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "no more available GIDs"));
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "USERGROUPS_ENAB is no in /etc/login.defs"));
	CU_ASSERT_EQUAL(own_fds(), before);

	set_up(ROOT_USER "last:x:100:100::/:/bin/false\n", GROUP,
	       "SYS_UID_MIN 100\nSYS_UID_MAX 100\n");
	CU_ASSERT_EQUAL(scan_account_create("scan", detail, sizeof(detail)), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "/useradd ended with status 4: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "no more available UIDs"));
	CU_ASSERT_EQUAL(own_fds(), before);

	CU_ASSERT_EQUAL(scan_account_create("abcdefghijklmnopqrstuvwxyz0123456789", detail,
					    sizeof(detail)),
			-EINVAL);
}

static void a_name_is_never_taken_for_an_option(void)
{
	set_up(ROOT_USER, ROOT_GROUP, "");
	CU_ASSERT_EQUAL(scan_account_create("--root=/", detail, sizeof(detail)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "that is no name of a user"));
	CU_ASSERT_EQUAL(scan_account_create("a b", detail, sizeof(detail)), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "is not a valid group name"));
	CU_ASSERT_STRING_EQUAL(private_etc_read("group"), ROOT_GROUP);
}

static int run_sleep(char *seconds, mono_ms limit)
{
	char name[] = "sleep";
	char *const arguments[] = {name, seconds, NULL};

	return system_tool_run("sleep", arguments, clock_mono_ms() + limit, detail, sizeof(detail));
}

static void a_tool_that_hangs_is_ended(void)
{
	char hour[] = "3600", none[] = "0", bad[] = "often";
	int before = own_fds();
	mono_ms begin = clock_mono_ms();

	CU_ASSERT_EQUAL(run_sleep(hour, 200), -ETIMEDOUT);
	CU_ASSERT(clock_mono_ms() - begin < 5000);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "/sleep did not end in time and was killed"));
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	CU_ASSERT_EQUAL(run_sleep(none, 5000), 0);
	CU_ASSERT_EQUAL(run_sleep(bad, 5000), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "ended with status 1: "));
	CU_ASSERT_EQUAL(own_fds(), before);
}

static void a_tool_that_says_more_than_fits_still_ends(void)
{
	char name[] = "seq", last[] = "200000";
	char *const arguments[] = {name, last, NULL};

	CU_ASSERT_EQUAL(system_tool_run("seq", arguments, clock_mono_ms() + 10000, detail,
					sizeof(detail)),
			0);
}

static void a_tool_has_no_descriptor_of_ours(void)
{
	char name[] = "ls", list[] = "/proc/self/fd/", extra[] = "/nonexistent";
	char *const arguments[] = {name, list, extra, NULL};
	int fd = open("/proc/self/status", O_RDONLY); /* not close-on-exec: of somebody careless */

	CU_ASSERT_EQUAL(system_tool_run("ls", arguments, clock_mono_ms() + 5000, detail,
					sizeof(detail)),
			-EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "0\\n1\\n2\\n3")); /* 3 is the listing's own */
	CU_ASSERT_PTR_NULL(strstr(detail, "3\\n4"));
	close(fd);
}

static const struct unit_test tests[] = {
	{"a sound account is found without a word", a_sound_account_is_found_without_a_word},
	{"what is not sound is told with what was expected",
	 what_is_not_sound_is_told_with_what_was_expected},
	{"login.defs is named where it is the reason", login_defs_is_named_where_it_is_the_reason},
	{"a detail is cut to the room for it", a_detail_is_cut_to_the_room_for_it},
	{"an account is made with the daemon's capabilities",
	 an_account_is_made_with_the_daemon_s_capabilities},
	{"shadow files may be closed, or another group's",
	 shadow_files_may_be_closed_or_another_group_s},
	{"none of it is left behind the walls", none_of_it_is_left_behind_the_walls},
	{"only what is missing is made", only_what_is_missing_is_made},
	{"what a tool says is in the sentence", what_a_tool_says_is_in_the_sentence},
	{"a name is never taken for an option", a_name_is_never_taken_for_an_option},
	{"a tool that hangs is ended", a_tool_that_hangs_is_ended},
	{"a tool that says more than fits still ends", a_tool_that_says_more_than_fits_still_ends},
	{"a tool has no descriptor of ours", a_tool_has_no_descriptor_of_ours},
};

int main(void)
{
	if (low_fds_reserve() || !private_etc_enter())
		return 0;
	return unit_main("scan_account", tests, sizeof(tests) / sizeof(tests[0]));
}
