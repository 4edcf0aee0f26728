#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# docs/faults.md is what tools/fault_guide prints, and has something to say about each fault of the catalogue.
. "${AMP_SRC:-.}/tests/lib.sh"

guide=$AMP_SRC/docs/faults.md
tool=$AMP_BUILD/tools/fault_guide

is_printed() { # FILE
	diff -u "$1" <("$tool")
}

t_ok "the guide is what the list prints" is_printed "$guide"
sed 's/^## 6 .*/## 6 Something Else/' "$guide" >"$AMP_TMP/old.md"
t_exit_is "an old guide is refused" 1 is_printed "$AMP_TMP/old.md"

# The numbers and names of the contract (spec faults.md), written down a second time so that the list cannot drift.
catalogue='5 Scan Service User Unavailable
6 Scan Service Restarting Frequently
7 Scan Service Failed to Start
8 Realtime Filesystem Monitor Failed to Start
9 Realtime Network Monitor Failed to Start
11 Required Kernel-Devel Package is Missing
16 Incompatible Kernel
18 Connector Event Monitoring is Overloaded
19 SELinux Policy is Missing or Disabled'
t_is "each fault of the contract has its section, and no other" \
	"$(sed -n 's/^## \([0-9]\)/\1/p' "$guide")" "$catalogue"
t_is "the events have the numbers that collectors know" \
	"$(sed -n 's/^| .* | \([0-9]*\) |$/\1/p' "$guide" | tr '\n' ' ')" \
	"553648195 1090519107 2164260931 553648196 553648197 "
