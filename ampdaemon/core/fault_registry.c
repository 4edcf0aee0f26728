/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/fault_registry.h"
