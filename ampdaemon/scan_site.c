/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/scan_site.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/peer.h"

#define CREATE_EVERY_MS 60000
#define DETAIL_BYTES 2048

struct scan_site {
	const struct configuration *configuration;
	struct fault_desk *faults;
	struct installation *installation;
	struct scan_account account;
	bool is_as_installed;       /* the directories */
	mono_ms created_at;         /* or tried to; MONO_NEVER: not yet */
	char wrong[DETAIL_BYTES];   /* with the account */
	char created[DETAIL_BYTES]; /* why it could not be made; "" */
	char changed[DETAIL_BYTES]; /* directories */
};

/* "/opt/amp/bin/ampscansvc" -> "/opt/amp/bin" */
static void directory_of(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		(void)snprintf(out, size, ".");
	else
		(void)snprintf(out, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

struct scan_site *scan_site_new(const struct configuration *configuration,
				struct fault_desk *faults)
{
	struct scan_site *site = calloc(1, sizeof(*site));
	char program[PATH_MAX];
	const char *parts[INSTALLATION_PARTS] = {
		[INSTALLATION_PROGRAM] = program,
		[INSTALLATION_BUILTIN] = configuration->builtin_dir,
		[INSTALLATION_DEFINITIONS] = configuration->definitions_dir};

	if (!site)
		return NULL;
	directory_of(configuration->scan_service, program, sizeof(program));
	site->installation = installation_new(configuration->install_root, parts);
	if (!site->installation) {
		free(site);
		return NULL;
	}
	site->configuration = configuration;
	site->faults = faults;
	site->account.unsound = true; /* nobody has looked yet */
	site->created_at = MONO_NEVER;
	return site;
}

struct scan_site *scan_site_free(struct scan_site *site)
{
	if (site)
		installation_free(site->installation);
	free(site);
	return NULL;
}

static bool may_create(const struct scan_site *site, mono_ms now)
{
	return site->configuration->create_account &&
	       (site->created_at == MONO_NEVER || now >= site->created_at + CREATE_EVERY_MS);
}

static void find_account(struct scan_site *site)
{
	site->account =
		scan_account_find(site->configuration->scan_user, site->wrong, sizeof(site->wrong));
}

static void look_at_account(struct scan_site *site)
{
	mono_ms now = clock_mono_ms();

	find_account(site);
	if (site->account.unsound && may_create(site, now)) {
		site->created_at = now;
		if (!scan_account_create(site->configuration->scan_user, site->created,
					 sizeof(site->created)))
			site->created[0] = '\0';
		find_account(site);
	}
	if (!site->account.unsound)
		site->created[0] = '\0';
}

static void complain(struct scan_site *site)
{
	char detail[3 * DETAIL_BYTES + 200];
	size_t at = 0;

	detail[0] = '\0';
	if (site->account.unsound)
		text_append(detail, sizeof(detail), &at, "%s", site->wrong);
	if (site->created[0])
		text_append(detail, sizeof(detail), &at, "; %s", site->created);
	if (!site->is_as_installed)
		text_append(detail, sizeof(detail), &at, "%s%s", at ? "; " : "", site->changed);
	if (site->account.unsound)
		text_append(
			detail, sizeof(detail), &at,
			"; meanwhile a scan service that starts runs as root behind its other walls");
	if (!fault_desk_is_active(site->faults, FAULT_SERVICE_USER))
		log_error("the scan service's account or directories are not as installed: %s",
			  detail);
	fault_desk_raise(site->faults, FAULT_SERVICE_USER, FAULT_MAJOR, detail, NULL);
}

void scan_site_look(struct scan_site *site)
{
	look_at_account(site);
	site->is_as_installed =
		installation_look(site->installation, site->changed, sizeof(site->changed));
	if (site->account.unsound || !site->is_as_installed)
		complain(site);
}

struct scan_account scan_site_account(const struct scan_site *site)
{
	return site->account;
}

struct installation *scan_site_installation(struct scan_site *site)
{
	return site->installation;
}

bool scan_site_judge(struct scan_site *site, int64_t pid)
{
	if (site->account.unsound)
		return true; /* another one would not run better */
	if (peer_uid_of_process(pid) != site->account.uid ||
	    peer_gid_of_process(pid) != site->account.gid)
		return false;
	if (site->is_as_installed)
		fault_desk_clear(
			site->faults, FAULT_SERVICE_USER,
			"the scan service runs as its own user, the directories are as installed");
	return true;
}
