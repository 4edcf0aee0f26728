/* SPDX-License-Identifier: GPL-2.0-only */
/* check_fields: the messages about definitions that are tried. For control_codec.c only. */
#ifndef AMP_SHARED_WIRE_CHECK_FIELDS_H
#define AMP_SHARED_WIRE_CHECK_FIELDS_H

#include "wire/control_codec.h"

#include "control.pb-c.h"

ssize_t check_request_encode(const struct request *request, Amp__Pb__Request *outer, void *packet,
			     size_t size);
int check_request_decode(const Amp__Pb__Request *m, struct request *ret_request,
			 const char **ret_why);

ssize_t check_verdict_encode(const struct check_verdict *verdict, Amp__Pb__Reply *outer,
			     void *packet, size_t size);
int check_verdict_decode(const Amp__Pb__CheckVerdict *m, struct check_verdict *ret_verdict,
			 const char **ret_why);

#endif
