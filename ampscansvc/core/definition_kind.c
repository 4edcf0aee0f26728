/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/core/definition_kind.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

static const struct {
	const char *ending;
	enum definition_kind kind;
} kinds[] = {
	{".cvd", DEFINITION_KIND_CVD},      {".cld", DEFINITION_KIND_CLD},
	{".cud", DEFINITION_KIND_CUD},      {".ndb", DEFINITION_KIND_TEXT},
	{".hdb", DEFINITION_KIND_TEXT},     {".hsb", DEFINITION_KIND_TEXT},
	{".ldb", DEFINITION_KIND_TEXT},     {".mdb", DEFINITION_KIND_TEXT},
	{".msb", DEFINITION_KIND_TEXT},     {".imp", DEFINITION_KIND_TEXT},
	{".cdb", DEFINITION_KIND_TEXT},     {".idb", DEFINITION_KIND_TEXT},
	{".sdb", DEFINITION_KIND_TEXT},     {".pdb", DEFINITION_KIND_TEXT},
	{".gdb", DEFINITION_KIND_TEXT},     {".hdu", DEFINITION_KIND_UNWANTED},
	{".hsu", DEFINITION_KIND_UNWANTED}, {".ldu", DEFINITION_KIND_UNWANTED},
	{".mdu", DEFINITION_KIND_UNWANTED}, {".msu", DEFINITION_KIND_UNWANTED},
	{".ndu", DEFINITION_KIND_UNWANTED}, {".ioc", DEFINITION_KIND_CONTAINER},
	{".cfg", DEFINITION_KIND_REFUSED},  {".ign", DEFINITION_KIND_REFUSED},
	{".ign2", DEFINITION_KIND_REFUSED}, {".fp", DEFINITION_KIND_REFUSED},
	{".sfp", DEFINITION_KIND_REFUSED},  {".ftm", DEFINITION_KIND_REFUSED},
	{".cbc", DEFINITION_KIND_REFUSED},  {".crb", DEFINITION_KIND_REFUSED},
	{".cat", DEFINITION_KIND_REFUSED},  {".wdb", DEFINITION_KIND_REFUSED},
	{".yar", DEFINITION_KIND_REFUSED},  {".yara", DEFINITION_KIND_REFUSED},
	{".pwdb", DEFINITION_KIND_REFUSED}, {".info", DEFINITION_KIND_REFUSED},
};

enum definition_kind definition_kind_of(const char *name)
{
	const char *ending = strrchr(name, '.');

	for (size_t i = 0; ending && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (text_is_same_name(ending, kinds[i].ending))
			return kinds[i].kind;
	return DEFINITION_KIND_NONE;
}
