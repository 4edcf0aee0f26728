/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/run_dir.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"

#define SHOWN_PATH_BYTES 400

struct search {
	unsigned depth; /* of the mapping or sequence we are in */
	bool is_value;  /* at depth 1: the next scalar belongs to a key */
	bool is_ours;   /* and that key was run_dir */
};

/* True when `event` is the value that is looked for. */
static bool look_at(struct search *search, const yaml_event_t *event)
{
	bool top = search->depth == 1;
	bool found = false;

	if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT) {
		search->depth--;
		return false;
	}
	if (top && event->type == YAML_SCALAR_EVENT) {
		found = search->is_value && search->is_ours;
		search->is_ours = !search->is_value &&
				  strcmp((const char *)event->data.scalar.value, "run_dir") == 0;
	}
	if (top)
		search->is_value = !search->is_value;
	if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT)
		search->depth++;
	return found;
}

/* 1 found, 0 not there, -1 not YAML, -2 too long. */
static int search_key(yaml_parser_t *parser, char *ret_dir, size_t size)
{
	struct search search = {0};
	bool at_end = false;
	int result = 0;

	while (result == 0 && !at_end) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return -1;
		at_end = event.type == YAML_STREAM_END_EVENT;
		if (look_at(&search, &event)) {
			result = event.data.scalar.length < size ? 1 : -2;
			if (result == 1)
				memcpy(ret_dir, event.data.scalar.value,
				       event.data.scalar.length + 1);
		}
		yaml_event_delete(&event);
	}
	return result;
}

int run_dir_read(const char *config_path, char *ret_dir, size_t size, struct failure *ret_failure)
{
	char shown[SHOWN_PATH_BYTES];
	FILE *file = fopen(config_path, "re");
	yaml_parser_t parser;
	int r;

	(void)text_escape(span_of_text(config_path), shown, sizeof(shown));
	if (!file)
		return failure_set(ret_failure, CLI_EXIT_USAGE, "cannot read %s: %s", shown,
				   strerror(errno));
	if (!yaml_parser_initialize(&parser)) {
		(void)fclose(file); /* read only */
		return failure_set(ret_failure, CLI_EXIT_USAGE, "not enough memory");
	}
	yaml_parser_set_input_file(&parser, file);
	r = search_key(&parser, ret_dir, size);
	yaml_parser_delete(&parser);
	(void)fclose(file); /* read only */
	if (r == 1)
		return 0;
	return failure_set(ret_failure, CLI_EXIT_USAGE, "%s %s", shown,
			   r == 0    ? "has no run_dir"
			   : r == -1 ? "is not YAML"
				     : "has a run_dir that is too long");
}
