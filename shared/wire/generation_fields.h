/* SPDX-License-Identifier: GPL-2.0-only */
/* generation_fields: the messages about generations of definitions, and what is done for who waits. For control_codec.c only. */
#ifndef AMP_SHARED_WIRE_GENERATION_FIELDS_H
#define AMP_SHARED_WIRE_GENERATION_FIELDS_H

#include "wire/control_codec.h"

#include "control.pb-c.h"

ssize_t generation_request_encode(const struct request *request, Amp__Pb__Request *outer,
				  void *packet, size_t size);
int generation_request_decode(const Amp__Pb__Request *m, struct request *ret_request,
			      const char **ret_why);

/* REPLY_GENERATIONS, REPLY_UPDATE_VERDICT, REPLY_PROGRESS */
ssize_t generation_reply_encode(const struct reply *reply, Amp__Pb__Reply *outer, void *packet,
				size_t size);
int generation_reply_decode(const Amp__Pb__Reply *m, struct reply *ret_reply, const char **ret_why);

#endif
