/*
 * Making patches by hand.
 */
#pragma once

#include "release/patch.h"

#include "../base/check.h"

#define SECTION_ROOM 4096

struct sections {
	uint8_t bytes[PATCH_SECTION_MAX][SECTION_ROOM];
	size_t size[PATCH_SECTION_MAX];
};

UNUSED static void sections_byte(struct sections *sections, enum patch_section section,
				 uint8_t byte)
{
	assert_true(sections->size[section] < SECTION_ROOM);
	sections->bytes[section][sections->size[section]++] = byte;
}

UNUSED static void sections_number(struct sections *sections, enum patch_section section,
				   uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		sections_byte(sections, section, (uint8_t)(number | 0x80));
	sections_byte(sections, section, (uint8_t)number);
}

UNUSED static void sections_step(struct sections *sections, uint64_t copy, uint64_t extra,
				 int64_t seek)
{
	sections_number(sections, PATCH_CONTROL, copy);
	sections_number(sections, PATCH_CONTROL, extra);
	sections_number(sections, PATCH_CONTROL, patch_fold(seek));
}

UNUSED static void sections_text(struct sections *sections, const char *text)
{
	while (*text)
		sections_byte(sections, PATCH_EXTRA, (uint8_t)*text++);
}

UNUSED static void sections_lend(const struct sections *sections,
				 struct patch_bytes ret_bytes[static PATCH_SECTION_MAX])
{
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		ret_bytes[i] = (struct patch_bytes){ sections->bytes[i], sections->size[i] };
}
