/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/site_watch.h"
