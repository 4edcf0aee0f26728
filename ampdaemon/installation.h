/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * installation: are the connector's directories as installed, and may the daemon execute and load from them? Walks from install_root down
 * to a directory by descriptors, without following links, and looks at owner and mode of each step.
 *
 * Two findings, spec faults.md 5: *changed* (another mode than 0755 or another owner than root:root: fault 5, with found and expected
 * value) and *not trusted* (a directory that is executed or loaded from itself is foreign-owned or writable by others: fault 7, nothing is
 * executed from it). A changed ancestor is bridged by pins: descriptors of the directories that were opened when all was as installed.
 *
 * A directory below the root is expected to be 0755 root:root; one outside it (a private tree) only to be a directory that root alone may
 * write, and links above it are followed. Access control lists are not read: what they grant to others shows in the group bits of the
 * mode, which must not have write. Owns the pins. Must not own the service, or accounts.
 */
#ifndef AMP_AMPDAEMON_INSTALLATION_H
#define AMP_AMPDAEMON_INSTALLATION_H

#include <stdbool.h>
#include <stddef.h>

struct installation;

enum installation_part {
	INSTALLATION_PROGRAM,
	INSTALLATION_BUILTIN,
	INSTALLATION_DEFINITIONS,
	INSTALLATION_PARTS
};

/* Directories: that of the scan service's executable, of the built-in and of the configured definitions (NULL: none). Without a root, or for
 * a part outside it, only the part's own directory is looked at. */
struct installation *installation_new(const char *root,
				      const char *const parts[INSTALLATION_PARTS]);
struct installation *installation_free(struct installation *installation);

/* Looks at all again. True when all is as installed; else the first deviations in `detail` ("/opt/cisco has mode 0777, expected 0755"). */
bool installation_look(struct installation *installation, char *detail, size_t size);

/* An O_PATH descriptor of the part's directory, the caller's; or -errno with a sentence: -EPERM when it is not trusted. */
int installation_open(struct installation *installation, enum installation_part part, char *error,
		      size_t size);

/* An O_PATH descriptor of the executable `base_name` in the directory INSTALLATION_PROGRAM, the caller's; or -errno with a sentence:
 * -EPERM when the directory or the file is not trusted. */
int installation_open_program(struct installation *installation, const char *base_name, char *error,
			      size_t size);

#endif
