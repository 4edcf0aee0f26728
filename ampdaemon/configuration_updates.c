/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/configuration_updates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/update_codec.h"

#define OFFICIAL_RECORD "current.cvd.clamav.net"
#define NO_RECORD "none"
#define PROGRAM "/ampupdater" /* beside the scan service */

static bool complain(struct configuration_complaint *complaint, const char *key, const char *what)
{
	complaint->key = key;
	complaint->what = what;
	return false;
}

bool configuration_default(char **text, const char *standard)
{
	if (!*text)
		*text = strdup(standard);
	return *text != NULL;
}

/* ---- mirrors and databases ---- */

static bool check_mirrors(const struct configuration *c, struct configuration_complaint *complaint)
{
	for (unsigned i = 0; i < c->update_mirrors_count; i++) {
		complaint->item = (int)i;
		if (!update_url_is_sound(c->update_mirrors[i].url))
			return complain(complaint, "update_mirrors",
					"must have URLs with http:// or https:// and a host, "
					"without user and password");
		for (unsigned j = 0; j < i; j++) {
			if (!strcmp(c->update_mirrors[i].url, c->update_mirrors[j].url))
				return complain(complaint, "update_mirrors", "has a URL twice");
		}
	}
	return true;
}

static bool check_databases(const struct configuration *c,
			    struct configuration_complaint *complaint)
{
	for (unsigned i = 0; i < c->update_databases_count; i++) {
		complaint->item = (int)i;
		if (!update_database_is_sound(c->update_databases[i]))
			return complain(complaint, "update_databases",
					"must have names of a-z, 0-9, _ and -, without an ending");
		for (unsigned j = 0; j < i; j++) {
			if (!strcmp(c->update_databases[i], c->update_databases[j]))
				return complain(complaint, "update_databases", "has a name twice");
		}
	}
	return true;
}

/* libcyaml frees them as it does its own: each by itself, and then the list. */
static bool name_official_databases(struct configuration *c)
{
	static const char *const names[] = {"main", "daily", "bytecode"};
	enum { N = sizeof(names) / sizeof(names[0]) };

	if (c->update_databases_count)
		return true;
	free(c->update_databases); /* of an empty list */
	c->update_databases = calloc(N, sizeof(c->update_databases[0]));
	for (unsigned i = 0; c->update_databases && i < N; i++) {
		c->update_databases[i] = strdup(names[i]);
		if (!c->update_databases[i])
			return false;
		c->update_databases_count = i + 1;
	}
	return c->update_databases != NULL;
}

/* ---- times ---- */

static bool read_minutes(const char *text, unsigned *ret_minutes)
{
	static const char form[] = "00:00";
	unsigned hours, minutes;

	for (unsigned i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == ':' ? text[i] != ':' : text[i] < '0' || text[i] > '9')
			return false;
	}
	hours = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	minutes = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
	*ret_minutes = hours * 60 + minutes;
	return hours < 24 && minutes < 60;
}

static bool settle_window(struct configuration *c, struct configuration_complaint *complaint)
{
	const char *text = c->update_window;

	if (!text ||
	    (strlen(text) == 11 && text[5] == '-' && read_minutes(text, &c->update_window_from) &&
	     read_minutes(text + 6, &c->update_window_to)))
		return true;
	return complain(complaint, "update_window", "must have the form '22:30-05:00'");
}

static bool check_times(const struct configuration *c, struct configuration_complaint *complaint)
{
	if (c->update_retry_max_ms < c->update_retry_ms)
		return complain(complaint, "update_retry_max_ms",
				"must not be less than update_retry_ms");
	return true;
}

/* ---- proxy ---- */

/* The port leaves the text. */
static bool take_port(struct configuration *c)
{
	char *colon = strrchr(c->update_proxy, ':'), *end;
	unsigned long port;

	if (!colon || colon[1] < '1' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (*end == '/' && !end[1])
		end++;
	if (*end || port > UINT16_MAX)
		return false;
	*colon = '\0';
	c->update_proxy_port = (uint16_t)port;
	return update_url_is_sound(c->update_proxy);
}

static bool is_printable(const char *text)
{
	return !text || text_is_printable(text, strlen(text));
}

static bool settle_proxy(struct configuration *c, struct configuration_complaint *complaint)
{
	if (c->update_proxy && !take_port(c))
		return complain(complaint, "update_proxy", "must have the form http://HOST:PORT");
	if (c->update_proxy_user && !c->update_proxy)
		return complain(complaint, "update_proxy_user", "needs an update_proxy");
	if (c->update_proxy_password && !c->update_proxy_user)
		return complain(complaint, "update_proxy_password", "needs an update_proxy_user");
	if (!is_printable(c->update_proxy_user))
		return complain(complaint, "update_proxy_user", "must be printable ASCII");
	if (!is_printable(c->update_proxy_password))
		return complain(complaint, "update_proxy_password", "must be printable ASCII");
	return true;
}

/* ---- name service, account, program ---- */

static bool has_public_mirror(const struct configuration *c)
{
	for (unsigned i = 0; i < c->update_mirrors_count; i++) {
		if (!c->update_mirrors[i].is_private)
			return true;
	}
	return false;
}

static bool settle_record(struct configuration *c, struct configuration_complaint *complaint)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	if (c->update_dns && !strcmp(c->update_dns, NO_RECORD))
		c->update_dns[0] = '\0';
	if (c->update_dns && strspn(c->update_dns, allowed) != strlen(c->update_dns))
		return complain(complaint, "update_dns", "must be a name of the DNS, or none");
	return configuration_default(&c->update_dns, has_public_mirror(c) ? OFFICIAL_RECORD : "") ||
	       complain(complaint, "update_dns", "cannot be kept: no memory");
}

static bool settle_account(struct configuration *c, struct configuration_complaint *complaint)
{
	if (!configuration_default(&c->update_user, AMP_UPDATE_USER))
		return complain(complaint, "update_user", "cannot be kept: no memory");
	if (c->update_mirrors_count && !strcmp(c->update_user, c->scan_user))
		return complain(complaint, "update_user",
				"must be another account than that of the scan service");
	return true;
}

static bool settle_program(struct configuration *c, struct configuration_complaint *complaint)
{
	const char *slash = strrchr(c->scan_service, '/');

	if (!c->updater && asprintf(&c->updater, "%.*s" PROGRAM, (int)(slash - c->scan_service),
				    c->scan_service) < 0) {
		c->updater = NULL;
		return complain(complaint, "updater", "cannot be kept: no memory");
	}
	return true;
}

bool configuration_updates_settle(struct configuration *c,
				  struct configuration_complaint *complaint)
{
	int whole = complaint->item;

	if (!check_mirrors(c, complaint) || !check_databases(c, complaint))
		return false;
	complaint->item = whole;
	if (!name_official_databases(c))
		return complain(complaint, "update_databases", "cannot be kept: no memory");
	return settle_window(c, complaint) && check_times(c, complaint) &&
	       settle_proxy(c, complaint) && settle_record(c, complaint) &&
	       settle_account(c, complaint) && settle_program(c, complaint);
}
