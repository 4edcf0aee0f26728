/* SPDX-License-Identifier: GPL-2.0-only */
/* about_view: what `ampcli about` shows. Texts may be "" where the daemon could not be asked. */
#ifndef AMP_AMPCLI_ABOUT_VIEW_H
#define AMP_AMPCLI_ABOUT_VIEW_H

#include <stdint.h>

struct about_view {
	const char *client_version, *daemon_version, *engine;
	uint64_t generation, signatures;
	const char *socket;
	const char *trouble; /* why the daemon could not be asked */
};

#endif
