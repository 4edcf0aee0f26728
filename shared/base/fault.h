/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault: the catalogue of conditions that keep the connector from working as designed. Owns the list: numbers, names,
 * severities, gates and the texts of the guide (docs/faults.md is printed from it by tools/fault_guide). Numbers and names are
 * those of the product that this suite re-implements (spec faults.md).
 *
 * Must not own: which faults are active (ampdaemon/core/fault_registry), or the concrete detail of one.
 */
#ifndef AMP_SHARED_BASE_FAULT_H
#define AMP_SHARED_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/name_table.h"

#define FAULT_SEVERITY_LIST(X)                                                                     \
	X(FAULT_MINOR, "minor")                                                                    \
	X(FAULT_MAJOR, "major")                                                                    \
	X(FAULT_CRITICAL, "critical")

enum fault_severity { FAULT_SEVERITY_LIST(NAME_TABLE_MEMBER) FAULT_SEVERITY_COUNT };

/* member, number, name, severity, policy gate, when it is raised, what goes on meanwhile, when it is cleared, what to do */
/* clang-format off */
#define FAULT_LIST(X)                                                                              \
	X(FAULT_SERVICE_USER, 5, "Scan Service User Unavailable", FAULT_MAJOR, "",                 \
	  "The account of the scan service does not exist or is not as installed, or a directory of the connector has another owner or mode.", \
	  "Scanning goes on. Without a sound account the scan service runs as root behind all its other walls.", \
	  "The scan service runs as its own user with verified credentials and the directories are as installed; looked at when they change, on SIGHUP, on `ampcli recheck`, and every 60 s.", \
	  "Put right what the detail names: create the account, or set owner and mode of the directory. No restart is needed.") \
	X(FAULT_SERVICE_RESTARTING, 6, "Scan Service Restarting Frequently", FAULT_MAJOR, "",      \
	  "Scan workers or the scan service failed 5 times within 10 minutes; critical when no scan succeeded for 60 s meanwhile.", \
	  "Scanning goes on: a failed file is tried once more, then it is unscannable until it or the definitions change.", \
	  "No failure for 10 minutes, or fewer than 5 in the window and none newer than 5 minutes.", \
	  "Look at the files that the detail names (`ampcli unscannable`); remove them or report them with their digests.") \
	X(FAULT_SERVICE_START, 7, "Scan Service Failed to Start", FAULT_CRITICAL, "",              \
	  "The scan service did not become ready in 3 attempts, or one failed and scanning is down for more than 10 s.", \
	  "Definitions of the store that do not start are put aside, and those from before serve; with none left the built-in ones, when they can; else scan requests are answered with an error. It is tried again every 60 s.", \
	  "The scan service is ready with the definitions that it should have.",                   \
	  "Put right what the detail names: the executable, the definitions, or the memory.")      \
	X(FAULT_FILE_MONITOR, 8, "Realtime Filesystem Monitor Failed to Start", FAULT_CRITICAL,    \
	  "monitor_file_copies_and_moves",                                                         \
	  "The file monitor (fanotify) cannot be set up, or some mounts refuse it (then major).",   \
	  "Files are scanned on demand only; of mounts that are not refused, on change too.",      \
	  "All wanted mounts are watched; tried every 60 s and when mounts change.",               \
	  "Use a kernel with the option that the detail names, or take the mount out of the policy.") \
	X(FAULT_NETWORK_MONITOR, 9, "Realtime Network Monitor Failed to Start", FAULT_CRITICAL,    \
	  "device_flow_correlation",                                                               \
	  "The network monitor (eBPF) cannot be set up and none of faults 11, 16 and 19 explains it.", \
	  "Connections are not seen.",                                                             \
	  "The monitor runs; tried every 60 s.",                                                   \
	  "Use a kernel that can attach what the detail names, or switch the policy off.")         \
	X(FAULT_KERNEL_DEVEL, 11, "Required Kernel-Devel Package is Missing", FAULT_CRITICAL,      \
	  "any eBPF monitor on",                                                                   \
	  "The kernel has no type information (/sys/kernel/btf/vmlinux) and its headers are not installed.", \
	  "The eBPF monitors are off.",                                                            \
	  "The package is installed; watched, and looked at every 60 s.",                          \
	  "Install the package that the detail names.")                                            \
	X(FAULT_KERNEL, 16, "Incompatible Kernel", FAULT_CRITICAL,                                 \
	  "monitor_file_copies_and_moves or device_flow_correlation",                              \
	  "The running kernel lacks what the enabled monitors need.",                              \
	  "The monitors that need it are off.",                                                    \
	  "The policy asks for it no more, or another kernel runs.",                               \
	  "Boot a kernel that has the feature which the detail names.")                            \
	X(FAULT_OVERLOADED, 18, "Connector Event Monitoring is Overloaded", FAULT_MAJOR,           \
	  "any monitor on",                                                                        \
	  "Events come faster than they can be looked at; critical at the level `minimal`.",       \
	  "Less is watched, by level; what is lost is counted.",                                   \
	  "The level is `full` again.",                                                            \
	  "Exclude the busiest processes; the detail has the lines to paste.")                     \
	X(FAULT_SELINUX, 19, "SELinux Policy is Missing or Disabled", FAULT_CRITICAL,              \
	  "any eBPF monitor on",                                                                   \
	  "SELinux is enforcing and its policy does not allow the daemon's domain to use bpf.",    \
	  "The eBPF monitors are off.",                                                            \
	  "The permissions are there, or SELinux is not enforcing; looked at every 60 s.",         \
	  "Install or enable the policy module cisco-secure-bpf.")
/* clang-format on */

#define FAULT_MEMBER(member, number, ...) member = (number),
enum fault_id { FAULT_LIST(FAULT_MEMBER) };

#define FAULT_COUNT_ONE(...) +1
enum { FAULT_COUNT = 0 FAULT_LIST(FAULT_COUNT_ONE) };

struct fault_entry {
	enum fault_id id;
	const char *name;
	enum fault_severity severity; /* of a plain raise */
	const char *gate;             /* "": none */
	const char *raised, *meanwhile, *cleared, *remedy;
};

/* By place, 0 to FAULT_COUNT - 1, in the order of the numbers. */
const struct fault_entry *fault_at(unsigned place);

/* NULL when the number is not in the catalogue. */
const struct fault_entry *fault_of(uint32_t id);

/* -1 when the number is not in the catalogue. */
int fault_place(uint32_t id);

const char *fault_severity_name(unsigned severity);

#endif
