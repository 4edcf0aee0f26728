/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/walls.h"

NAME_TABLE_DEFINE(wall, WALL_LIST)
NAME_TABLE_DEFINE(wall_state, WALL_STATE_LIST)
