/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event_type: numbers and names of what the journal records. Owns the list. The first byte is the class that collectors
 * of the product already know (spec connector.md, "Events"): 0x21 information, 0x41 warning, 0x81 serious. The numbers
 * below the class are ours, 0x00A001 up, away from those of the product.
 */
#ifndef AMP_SHARED_BASE_EVENT_TYPE_H
#define AMP_SHARED_BASE_EVENT_TYPE_H

#include <stdint.h>

/* member, number, name, body of proto/event.proto */
#define EVENT_TYPE_LIST(X)                                                                         \
	X(EVENT_CONNECTOR_STARTED, 0x2100A001u, "Connector Started")                               \
	X(EVENT_CONNECTOR_STOPPED, 0x2100A002u, "Connector Stopped")                               \
	X(EVENT_SCAN_STARTED, 0x2100A010u, "Scan Started")                                         \
	X(EVENT_SCAN_COMPLETED_CLEAN, 0x2100A011u, "Scan Completed, No Detections")                \
	X(EVENT_SCAN_COMPLETED_DETECTIONS, 0x4100A012u, "Scan Completed With Detections")          \
	X(EVENT_SCAN_FAILED, 0x4100A013u, "Scan Failed")                                           \
	X(EVENT_SCAN_INCOMPLETE, 0x4100A014u, "Scan Incomplete")                                   \
	X(EVENT_THREAT_DETECTED, 0x8100A020u, "Threat Detected")                                   \
	X(EVENT_WORKER_FAILED, 0x4100A030u, "Scan Worker Failed")                                  \
	X(EVENT_SERVICE_STARTED, 0x2100A031u, "Scan Service Started")                              \
	X(EVENT_SERVICE_ENDED, 0x4100A032u, "Scan Service Ended")                                  \
	X(EVENT_EVENTS_LOST, 0x4100A040u, "Events Lost")                                           \
	X(EVENT_CONNECTOR_RESTARTED, 0x2100A003u, "Connector Restarted")                           \
	X(EVENT_FILE_UNSCANNABLE, 0x4100A015u, "File Unscannable")                                 \
	X(EVENT_SERVICE_REPLACED, 0x2100A033u, "Scan Service Replaced")                            \
	X(EVENT_SERVICE_CURE, 0x4100A034u, "Scan Service Cure Tried")                              \
	X(EVENT_DEFINITIONS_STAGED, 0x2100A050u, "Definitions Staged")                             \
	X(EVENT_DEFINITIONS_ACCEPTED, 0x2100A051u, "Definitions Accepted")                         \
	X(EVENT_DEFINITIONS_REJECTED, 0x4100A052u, "Definitions Rejected")                         \
	X(EVENT_DEFINITIONS_ACTIVATED, 0x2100A053u, "Definitions Activated")                       \
	X(EVENT_DEFINITIONS_ROLLED_BACK, 0x4100A054u, "Definitions Rolled Back")                   \
	X(EVENT_DEFINITIONS_PROVED, 0x2100A055u, "Definitions Proved")                             \
	X(EVENT_DEFINITIONS_UPDATE_FAILED, 0x4100A056u, "Definition Update Failed")                \
	X(EVENT_DEFINITIONS_OLD, 0x4100A057u, "Definitions Out Of Date")                           \
	X(EVENT_DEFINITIONS_FRESH, 0x2100A058u, "Definitions Up To Date")                          \
	X(EVENT_FAULT_RAISED_MINOR, 553648195u, "Minor Fault Raised")                              \
	X(EVENT_FAULT_RAISED_MAJOR, 1090519107u, "Major Fault Raised")                             \
	X(EVENT_FAULT_RAISED_CRITICAL, 2164260931u, "Critical Fault Raised")                       \
	X(EVENT_FAULT_CLEARED, 553648196u, "Fault Cleared")                                        \
	X(EVENT_FAULTS_ALL_CLEARED, 553648197u, "All Faults Cleared")

#define EVENT_TYPE_MEMBER(member, number, name) member = (number),

enum event_type { EVENT_TYPE_LIST(EVENT_TYPE_MEMBER) };

enum event_severity { EVENT_INFORMATION, EVENT_WARNING, EVENT_SERIOUS };

/* "Unknown Event" for a number that is not in the list. */
const char *event_type_name(uint32_t type);

/* 1 when the number is in the list, else 0. */
int event_type_is_known(uint32_t type);

enum event_severity event_type_severity(uint32_t type);
const char *event_severity_name(enum event_severity severity);

#endif
