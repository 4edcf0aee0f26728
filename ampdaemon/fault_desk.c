/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/fault_desk.h"
