/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_guide: prints docs/faults.md, the guide to the faults for operators, from the lists that the daemon works with
 * (base/fault.h, base/event_type.h). A fact about one fault belongs there, not here.
 *
 *	fault_guide >docs/faults.md
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/event_type.h"
#include "base/fault.h"

static const char intro[] =
	"<!-- SPDX-License-Identifier: GPL-2.0-only -->\n"
	"<!-- Printed by tools/fault_guide from shared/base/fault.h: change it there. -->\n"
	"# Faults\n"
	"\n"
	"A fault is a condition that keeps the connector from working as designed. It has a number, a severity, times, a count, a detail (what\n"
	"exactly is wrong: which account, which file, which package) and a remedy. The connector raises it, goes on as well as it can, looks\n"
	"for the cure by itself, and clears it when the condition is over. Nobody has to acknowledge a fault or restart the connector.\n"
	"\n"
	"## Where to look\n"
	"\n"
	"- `ampcli status`: `Mode: Normal` with no active fault, else `Degraded` with a line for each.\n"
	"- `ampcli faults`: the active ones with detail and remedy; `ampcli faults ID`: one of them, active or not.\n"
	"- `ampcli unscannable`: the files that fault 6 speaks of.\n"
	"- `ampcli recheck`: looks again at what can be looked at, now instead of within a minute.\n"
	"- `ampcli history` and every export: the events below.\n"
	"\n"
	"## Life of a fault\n"
	"\n"
	"- Raised: an event. It stays active until its own rule (below, *Cleared when*) holds.\n"
	"- Seen again: the count, the time and the detail change; there is no new event.\n"
	"- Another severity: a new event of that severity; the time of the raise stays.\n"
	"- Cleared: an event with the reason; when it was the last active one, another one says so.\n"
	"- A fault outlives the connector: after a restart, a crash or a power cut it is still active and is not announced again. Its state and its\n"
	"  event are committed to the journal together.\n"
	"- A policy gate: with that policy off the fault is not raised, and switching the policy off clears it.\n"
	"\n"
	"## Severities\n"
	"\n"
	"| severity | what it means |\n"
	"|---|---|\n"
	"| minor | worth knowing; protection is whole |\n"
	"| major | protection works, but not as designed: put it right soon |\n"
	"| critical | a part of the protection is off: put it right now |\n";

static const uint32_t events[] = {EVENT_FAULT_RAISED_MINOR, EVENT_FAULT_RAISED_MAJOR,
				  EVENT_FAULT_RAISED_CRITICAL, EVENT_FAULT_CLEARED,
				  EVENT_FAULTS_ALL_CLEARED};

static const char *gate_of(const struct fault_entry *fault)
{
	return fault->gate[0] ? fault->gate : "none";
}

static void print_events(void)
{
	printf("\n## Events\n\n| event | type |\n|---|---|\n");
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		printf("| %s | %u |\n", event_type_name(events[i]), events[i]);
}

/* The severity is that of a plain raise; what makes it another one is in the text. */
static void print_table(void)
{
	printf("\n## All faults\n\n| id | name | severity | policy gate |\n|---|---|---|---|\n");
	for (unsigned place = 0; place < FAULT_COUNT; place++) {
		const struct fault_entry *fault = fault_at(place);

		printf("| [%u](#fault-%u) | %s | %s | %s |\n", (unsigned)fault->id,
		       (unsigned)fault->id, fault->name, fault_severity_name(fault->severity),
		       gate_of(fault));
	}
}

static void print_section(const struct fault_entry *fault)
{
	printf("\n<a id=\"fault-%u\"></a>\n", (unsigned)fault->id);
	printf("## %u %s\n\n", (unsigned)fault->id, fault->name);
	printf("Severity: %s. Policy gate: %s.\n\n", fault_severity_name(fault->severity),
	       gate_of(fault));
	printf("- **Raised when:** %s\n", fault->raised);
	printf("- **Meanwhile:** %s\n", fault->meanwhile);
	printf("- **Cleared when:** %s\n", fault->cleared);
	printf("- **What to do:** %s\n", fault->remedy);
}

int main(void)
{
	fputs(intro, stdout);
	print_events();
	print_table();
	for (unsigned place = 0; place < FAULT_COUNT; place++)
		print_section(fault_at(place));
	return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
