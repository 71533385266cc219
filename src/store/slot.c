#include "store/slot.h"

#include <stdbool.h>
#include <string.h>

static bool is_slot(enum slot slot)
{
	return slot == SLOT_A || slot == SLOT_B;
}

const char *slot_name(enum slot slot)
{
	static const char *const names[SLOT_MAX] = { "a", "b" };

	return is_slot(slot) ? names[slot] : "none";
}

const char *slot_dir_name(enum slot slot)
{
	static const char *const names[SLOT_MAX] = { "slots/a", "slots/b" };

	return is_slot(slot) ? names[slot] : "none";
}

const char *slot_seal_name(enum slot slot)
{
	static const char *const names[SLOT_MAX] = { "slots/a.seal", "slots/b.seal" };

	return is_slot(slot) ? names[slot] : "none";
}

enum slot slot_from_name(const char *name)
{
	if (strcmp(name, "a") == 0)
		return SLOT_A;
	return strcmp(name, "b") == 0 ? SLOT_B : SLOT_NONE;
}

enum slot slot_other(enum slot slot)
{
	if (!is_slot(slot))
		return SLOT_NONE;
	return slot == SLOT_A ? SLOT_B : SLOT_A;
}
