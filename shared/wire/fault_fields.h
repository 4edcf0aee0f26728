/* SPDX-License-Identifier: GPL-2.0-only */
/* fault_fields: faults and unscannable files as parts of replies. Private to shared/wire. */
#ifndef AMP_SHARED_WIRE_FAULT_FIELDS_H
#define AMP_SHARED_WIRE_FAULT_FIELDS_H

#include "wire/control_codec.h"

#include "control.pb-c.h"

/* Storage of one outgoing fault; `state` points into it, so it must not move. */
struct fault_out {
	Amp__Pb__FaultState state;
	char detail[LIMIT_FAULT_DETAIL_BYTES + 1];
	char remedy[LIMIT_REASON_BYTES + 1], reason[LIMIT_REASON_BYTES + 1];
};

/* The detail is cut to `detail_limit`, and ends in "..." then. */
void fault_state_out(const struct fault_state *state, struct fault_out *out, size_t detail_limit);
bool fault_state_in(const Amp__Pb__FaultState *message, struct fault_state *ret_state,
		    size_t detail_limit);

ssize_t fault_page_encode(const struct reply *reply, Amp__Pb__Reply *outer, void *packet,
			  size_t size);
int fault_page_decode(const Amp__Pb__FaultsReply *message, struct reply *ret_reply,
		      const char **ret_why);

ssize_t unscannable_page_encode(const struct reply *reply, Amp__Pb__Reply *outer, void *packet,
				size_t size);
int unscannable_page_decode(struct wire_arena *arena, const Amp__Pb__UnscannablePage *message,
			    struct reply *ret_reply, const char **ret_why);

#endif
