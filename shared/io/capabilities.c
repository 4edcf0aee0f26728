/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/capabilities.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>

int capabilities_keep(const int *list, unsigned n, int *ret_missing)
{
	uint64_t held = 0;

	if (capng_get_caps_process())
		return -EPERM;
	*ret_missing = -1;
	for (unsigned i = n; i-- > 0;) {
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned)list[i]))
			held |= UINT64_C(1) << list[i];
		else
			*ret_missing = list[i];
	}
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned i = 0; i < n; i++) {
		if (held & UINT64_C(1) << list[i] &&
		    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				 (unsigned)list[i]))
			return -EPERM;
	}
	return capng_apply(CAPNG_SELECT_ALL) ? -EPERM : 0;
}

int capabilities_drop_all(void)
{
	if (capng_get_caps_process())
		return -EPERM;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_ALL))
		return -EPERM;
	return capabilities_are_none() ? 0 : -EPERM;
}

static bool bounding_is_empty(void)
{
	for (int capability = 0; capability < 64; capability++) {
		int r = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);

		if (r < 0)
			break; /* EINVAL: past the last one that this kernel knows */
		if (r)
			return false;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) > 0)
			return false;
	}
	return true;
}

bool capabilities_are_none(void)
{
	if (capng_get_caps_process())
		return false;
	return capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE && bounding_is_empty();
}
