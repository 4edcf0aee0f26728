/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_order.h"

/* Of data, which is what the library unpacks the largest set to, twice. */
#define MEMORY_BYTES (UINT64_C(1) << 30)

static uint32_t seconds_of(uint32_t ms)
{
	return (ms + 999) / 1000;
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

static void put_mirrors(const struct configuration *c, const struct check_order *order,
			struct update_start *start)
{
	start->n_mirrors = order->n_mirrors;
	for (unsigned i = 0; i < order->n_mirrors; i++) {
		unsigned number = order->mirrors[i];
		struct update_mirror *mirror = &start->mirrors[i];

		mirror->url = c->update_mirrors[number].url;
		mirror->is_private = c->update_mirrors[number].is_private;
		for (unsigned j = 0; j < c->update_databases_count; j++)
			mirror->refused[j] = order->refused[number][j];
	}
}

void update_order_write(const struct configuration *c, const struct scan_account *account,
			const struct check_order *order, struct update_start *ret_start)
{
	*ret_start = (struct update_start){
		.protocol = UPDATE_PROTOCOL_VERSION,
		.uid = account->uid,
		.gid = account->gid,
		.max_file_bytes = c->max_definition_bytes,
		.memory_bytes = MEMORY_BYTES,
		.connect_timeout_s = seconds_of(c->update_connect_timeout_ms),
		.request_timeout_s = seconds_of(c->update_request_timeout_ms),
		.deadline_ms = c->update_limit_ms,
		.scripted = true,
		.dns = c->update_dns,
		.n_databases = c->update_databases_count,
		.proxy = {.url = text_of(c->update_proxy),
			  .port = c->update_proxy_port,
			  .user = text_of(c->update_proxy_user),
			  .password = text_of(c->update_proxy_password)},
	};
	for (unsigned i = 0; i < c->update_databases_count; i++)
		ret_start->databases[i] = c->update_databases[i];
	put_mirrors(c, order, ret_start);
}
