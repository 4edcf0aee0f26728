/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/outbox.h"

bool outbox_init(struct outbox *box, uint32_t subjects)
{
	box->subjects = subjects;
	box->effects = calloc(subjects, sizeof(*box->effects));
	box->links = index_list_new(subjects + 1);
	return box->effects && box->links;
}

void outbox_done(struct outbox *box)
{
	free(box->effects);
	free(box->links);
	*box = (struct outbox){0};
}

void outbox_put(struct outbox *box, uint32_t subject, const struct effect *effect)
{
	outbox_withdraw(box, subject);
	box->effects[subject] = *effect;
	index_list_insert_before(box->links, box->subjects, subject);
}

void outbox_withdraw(struct outbox *box, uint32_t subject)
{
	index_list_remove(box->links, subject);
}

bool outbox_has(const struct outbox *box, uint32_t subject)
{
	return !index_list_is_alone(box->links, subject);
}

bool outbox_take(struct outbox *box, struct effect *ret_effect)
{
	uint32_t subject = box->links[box->subjects].next;

	if (subject == box->subjects)
		return false;
	*ret_effect = box->effects[subject];
	index_list_remove(box->links, subject);
	return true;
}
