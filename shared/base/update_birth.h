/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_birth: what a newborn ampupdater is given, and what it leaves behind. Owns the numbers that both sides of the exec must agree
 * on. One birth is one check: it asks, reports, and ends.
 *
 * It is born as root with the daemon's capabilities (those of ampdaemon/privilege.c that a scan service needs as well: it makes a mount
 * namespace and becomes another user), in a pid namespace of its own, with an empty environment, descriptors 0 to 2 on /dev/null
 * and exactly those below. It must build its walls before it reads anything but UpdateStart. At end-of-file on the channel it cleans
 * up and ends itself; who cannot wait kills it.
 *
 * `incoming` belongs to the user and group of UpdateStart, mode 0700. Before the birth the daemon puts the present version of each
 * wanted database there (NAME.cvd or NAME.cld, one of them, proved, readable by that user; none: the whole file is fetched).
 * Afterwards there is for each wanted database at most one of the two, freshclam.dat, and nothing else; after a kill there may be
 * more, which the next birth removes. What was reported as updated is synced to the disk before it is reported. All of it is
 * untrusted: written by a process that reads what strangers send.
 */
#ifndef AMP_SHARED_BASE_UPDATE_BIRTH_H
#define AMP_SHARED_BASE_UPDATE_BIRTH_H

#define UPDATE_PROTOCOL_VERSION 1

enum update_birth_fd {
	UPDATE_FD_CHANNEL = 3,  /* SOCK_SEQPACKET */
	UPDATE_FD_INCOMING = 4, /* directory */
};

#define UPDATE_HELLO_LIMIT_MS 15000   /* from the spawn to UpdateHello */
#define UPDATE_SILENCE_LIMIT_MS 30000 /* between two reports; progress comes each second */
#define UPDATE_END_LIMIT_MS 10000     /* from UpdateStart.deadline_ms, or end-of-file, to its end */

#endif
