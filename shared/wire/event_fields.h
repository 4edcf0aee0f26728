/* SPDX-License-Identifier: GPL-2.0-only */
/* event_fields: the parts of event_codec that control_codec needs for its pages. Private to shared/wire. */
#ifndef AMP_SHARED_WIRE_EVENT_FIELDS_H
#define AMP_SHARED_WIRE_EVENT_FIELDS_H

#include "wire/event_codec.h"
#include "wire/fields.h"

#include "event.pb-c.h"

/* Storage of one outgoing event; `outer` points into it, so it must not move. */
struct event_out {
	Amp__Pb__Event outer;
	union {
		Amp__Pb__ConnectorEvent connector;
		Amp__Pb__ScanEvent scan;
		Amp__Pb__ThreatEvent threat;
		Amp__Pb__WorkerEvent worker;
		Amp__Pb__ServiceEvent service;
		Amp__Pb__LostEvent lost;
		Amp__Pb__FaultEvent fault;
		Amp__Pb__UnscannableEvent unscannable;
		Amp__Pb__DefinitionEvent definitions;
	};
	struct threats_out threats;
	char text[2][LIMIT_REASON_BYTES + 1];
	char detail[LIMIT_FAULT_DETAIL_BYTES + 1];
};

void event_out_fill(const struct event *event, struct event_out *out);
int event_in(const Amp__Pb__Event *message, struct event *ret_event, const char **ret_why);

void event_scan_out(const struct scan_counts *counts, Amp__Pb__ScanEvent *ret_message);
int event_scan_in(const Amp__Pb__ScanEvent *message, struct scan_counts *ret_counts,
		  const char **ret_why);

ProtobufCBinaryData event_bytes_out(struct span bytes, size_t limit);

#endif
