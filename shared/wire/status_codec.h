/* SPDX-License-Identifier: GPL-2.0-only */
/* status_codec: the status reply, which is the largest message of control_codec. Private to shared/wire. */
#ifndef AMP_SHARED_WIRE_STATUS_CODEC_H
#define AMP_SHARED_WIRE_STATUS_CODEC_H

#include "wire/control_codec.h"

#include "control.pb-c.h"

/* Fills `outer` and packs it. The length, -EMSGSIZE or -ENOMEM. */
ssize_t status_encode(const struct status_report *status, Amp__Pb__Reply *outer, void *packet,
		      size_t size);

int status_decode(const Amp__Pb__StatusReply *message, struct status_report *ret_status,
		  const char **ret_why);

#endif
