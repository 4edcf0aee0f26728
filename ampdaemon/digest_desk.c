/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/digest_desk.h"
