/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/configuration_inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/text.h"

/* Line and column as people count. */
static bool tell_at(struct configuration_report *report, const yaml_mark_t *mark,
		    const char *subject, const char *what)
{
	(void)snprintf(report->out, report->size,
		       "%s:%zu:%zu: %.100s%s%s; the configuration is not accepted", report->path,
		       mark->line + 1, mark->column + 1, subject, *subject ? " " : "", what);
	return false;
}

/* ---- one value ---- */

static const char *text_of(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

/* libcyaml takes the digits at the beginning of a number, and any word for true. */
static bool is_well_formed(const cyaml_schema_value_t *value, const yaml_node_t *node)
{
	const char *text = text_of(node);

	if (value->type == CYAML_BOOL)
		return !strcmp(text, "true") || !strcmp(text, "false");
	if (value->type == CYAML_UINT)
		return *text && strspn(text, "0123456789") == strlen(text);
	if (value->type == CYAML_SEQUENCE)
		return node->type == YAML_SEQUENCE_NODE;
	if (value->type == CYAML_MAPPING)
		return node->type == YAML_MAPPING_NODE;
	return *text != '\0';
}

static const char *wanted(const cyaml_schema_value_t *value)
{
	if (value->type == CYAML_BOOL)
		return "must be true or false";
	if (value->type == CYAML_SEQUENCE)
		return "must be a list";
	return value->type == CYAML_UINT ? "must be a number" : "must be a text";
}

/* ---- what is in it ---- */

/* One document. What it names goes at most two levels deep, as the schema does: nothing here calls itself for longer. */
struct inspection {
	struct configuration_report *report;
	yaml_document_t *document;
};

static bool inspect_mapping(const struct inspection *inspection, const yaml_node_t *node,
			    const cyaml_schema_field_t *fields, uint64_t *ret_seen);

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields, const char *key)
{
	for (const cyaml_schema_field_t *field = fields; field->key; field++) {
		if (!strcmp(field->key, key))
			return field;
	}
	return NULL;
}

static bool inspect_item(const struct inspection *inspection, const cyaml_schema_field_t *field,
			 const yaml_node_t *item)
{
	const cyaml_schema_value_t *entry = field->value.sequence.entry;
	uint64_t seen;

	if (!is_well_formed(entry, item))
		return tell_at(inspection->report, &item->start_mark, field->key,
			       entry->type == CYAML_MAPPING ? "must be a list of 'key: value'"
							    : "must be a list of texts");
	return entry->type != CYAML_MAPPING ||
	       inspect_mapping(inspection, item, entry->mapping.fields, &seen);
}

static bool inspect_list(const struct inspection *inspection, const cyaml_schema_field_t *field,
			 const yaml_node_t *node)
{
	unsigned n = 0;

	for (const yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		const yaml_node_t *entry = yaml_document_get_node(inspection->document, *item);

		if (n++ == field->value.sequence.max)
			return tell_at(inspection->report, &entry->start_mark, field->key,
				       "has too many entries");
		if (!inspect_item(inspection, field, entry))
			return false;
	}
	return true;
}

static bool inspect_pair(const struct inspection *inspection, const yaml_node_pair_t *pair,
			 const cyaml_schema_field_t *fields, uint64_t *seen)
{
	const yaml_node_t *key = yaml_document_get_node(inspection->document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(inspection->document, pair->value);
	const cyaml_schema_field_t *field = find_field(fields, text_of(key));
	struct configuration_report *report = inspection->report;
	char shown[100];

	text_escape(span_of_text(text_of(key)), shown, sizeof(shown));
	if (!field)
		return tell_at(report, &key->start_mark, shown, "is not a key of this file");
	if (*seen & UINT64_C(1) << (field - fields))
		return tell_at(report, &key->start_mark, shown, "is there a second time");
	*seen |= UINT64_C(1) << (field - fields);
	if (!is_well_formed(&field->value, value))
		return tell_at(report, &value->start_mark, shown, wanted(&field->value));
	return field->value.type != CYAML_SEQUENCE || inspect_list(inspection, field, value);
}

static bool inspect_mapping(const struct inspection *inspection, const yaml_node_t *node,
			    const cyaml_schema_field_t *fields, uint64_t *ret_seen)
{
	*ret_seen = 0;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		if (!inspect_pair(inspection, pair, fields, ret_seen))
			return false;
	}
	for (const cyaml_schema_field_t *field = fields; field->key; field++) {
		if (!(field->value.flags & CYAML_FLAG_OPTIONAL) &&
		    !(*ret_seen & UINT64_C(1) << (field - fields)))
			return tell_at(inspection->report, &node->start_mark, field->key,
				       "is missing");
	}
	return true;
}

static bool inspect_document(struct configuration_report *report, yaml_document_t *document)
{
	static const yaml_mark_t top;
	const struct inspection inspection = {.report = report, .document = document};
	yaml_node_t *root = yaml_document_get_root_node(document);

	if (!root || root->type != YAML_MAPPING_NODE)
		return tell_at(report, root ? &root->start_mark : &top, "",
			       "there must be lines of the form 'key: value'");
	root->start_mark = top; /* what is missing is missing from the file */
	return inspect_mapping(&inspection, root, report->fields, &report->seen);
}

/* ---- the file ---- */

static bool load(struct configuration_report *report, yaml_parser_t *parser,
		 yaml_document_t *document)
{
	if (yaml_parser_load(parser, document))
		return true;
	return tell_at(report, &parser->problem_mark, "",
		       parser->problem ? parser->problem : "this is no YAML");
}

/* The documents of the file: one that is good, and then the empty one that stands for the end. */
static bool inspect_documents(struct configuration_report *report, yaml_parser_t *parser)
{
	yaml_document_t document;
	yaml_node_t *root;
	bool good;

	if (!load(report, parser, &document))
		return false;
	good = inspect_document(report, &document);
	yaml_document_delete(&document);
	if (!good || !load(report, parser, &document))
		return false;
	root = yaml_document_get_root_node(&document);
	if (root)
		(void)tell_at(report, &root->start_mark, "", "there is a second document");
	yaml_document_delete(&document);
	return !root;
}

bool configuration_inspect(struct configuration_report *report)
{
	yaml_parser_t parser;
	FILE *file = fopen(report->path, "re");
	bool good = false;

	if (file && yaml_parser_initialize(&parser)) {
		yaml_parser_set_input_file(&parser, file);
		good = inspect_documents(report, &parser);
		yaml_parser_delete(&parser);
	} else {
		(void)snprintf(report->out, report->size, "%s: cannot be read: %s", report->path,
			       strerror(errno));
	}
	if (file)
		fclose(file);
	return good;
}

bool configuration_has(const struct configuration_report *report, const char *key)
{
	const cyaml_schema_field_t *field = find_field(report->fields, key);

	return field && report->seen & UINT64_C(1) << (field - report->fields);
}

/* ---- where a value stands ---- */

static yaml_mark_t mark_of(yaml_document_t *document, const yaml_node_t *value, int item)
{
	const yaml_node_item_t *items = value->data.sequence.items.start;

	if (item < 0 || value->type != YAML_SEQUENCE_NODE ||
	    item >= value->data.sequence.items.top - items)
		return value->start_mark;
	return yaml_document_get_node(document, items[item])->start_mark;
}

static yaml_mark_t find_mark(yaml_document_t *document, const char *key, int item)
{
	const yaml_node_t *root = yaml_document_get_root_node(document);
	yaml_mark_t mark = {0};

	if (!root || root->type != YAML_MAPPING_NODE)
		return mark;
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		if (!strcmp(text_of(yaml_document_get_node(document, pair->key)), key))
			mark = mark_of(document, yaml_document_get_node(document, pair->value),
				       item);
	}
	return mark;
}

/* 1:1 when it cannot be found again. */
static yaml_mark_t locate(const char *path, const char *key, int item)
{
	yaml_parser_t parser;
	yaml_document_t document;
	yaml_mark_t mark = {0};
	FILE *file = fopen(path, "re");

	if (file && yaml_parser_initialize(&parser)) {
		yaml_parser_set_input_file(&parser, file);
		if (yaml_parser_load(&parser, &document)) {
			mark = find_mark(&document, key, item);
			yaml_document_delete(&document);
		}
		yaml_parser_delete(&parser);
	}
	if (file)
		fclose(file);
	return mark;
}

bool configuration_tell(struct configuration_report *report, const char *key, int item,
			const char *what)
{
	const yaml_mark_t mark = locate(report->path, key, item);

	return tell_at(report, &mark, key, what);
}
