/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/path_chain.h"

#include <string.h>

/* False when it does not fit or goes upward. */
static bool normalise(const char *path, char out[PATH_MAX])
{
	size_t at = 0;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.')
			return false;
		if (len && !(len == 1 && path[0] == '.')) {
			if (at + len + 2 > PATH_MAX)
				return false;
			out[at++] = '/';
			memcpy(out + at, path, len);
			at += len;
		}
		path += len + (path[len] == '/');
	}
	if (!at)
		out[at++] = '/';
	out[at] = '\0';
	return true;
}

static bool cut_steps(struct path_chain *chain, size_t root_len)
{
	size_t end = root_len;

	chain->n = 0;
	for (;;) {
		if (chain->n == PATH_CHAIN_STEPS)
			return false;
		chain->ends[chain->n++] = end;
		if (!chain->path[end])
			return true;
		end += 1 + strcspn(chain->path + end + 1, "/");
	}
}

static bool is_below(const char *path, const char *root, size_t len)
{
	return len > 1 && !strncmp(path, root, len) && (path[len] == '/' || !path[len]);
}

void path_chain_make(struct path_chain *chain, const char *root, const char *directory)
{
	char top[PATH_MAX];

	chain->below_root = root && normalise(root, top) && normalise(directory, chain->path) &&
			    is_below(chain->path, top, strlen(top)) &&
			    cut_steps(chain, strlen(top));
	if (chain->below_root)
		return;
	strncpy(chain->path, directory, PATH_MAX - 1);
	chain->path[PATH_MAX - 1] = '\0';
	chain->ends[0] = strlen(chain->path);
	chain->n = 1;
}

void path_chain_step(const struct path_chain *chain, unsigned i, char out[PATH_MAX])
{
	memcpy(out, chain->path, chain->ends[i]);
	out[chain->ends[i]] = '\0';
}
