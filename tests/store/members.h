/*
 * Is every member of a struct stored? Each byte of it that is not padding is changed in turn, and what is
 * loaded must not be what it was before, unless it is refused as no value of its kind.
 */
#pragma once

#include "../base/check.h"

#if defined(__has_builtin) && __has_builtin(__builtin_clear_padding)
#define MEMBERS_CLEAR_PADDING(object) __builtin_clear_padding(object)
#else
/* A compiler that cannot tell where the padding is: as if there were nothing else. */
#define MEMBERS_CLEAR_PADDING(object) memset((object), 0, sizeof(*(object)))
#endif

/* Clears what lies between two members of an object, which must be padding. */
#define MEMBERS_CLEAR_GAP(object, from, to)                          \
	do {                                                         \
		assert_true((to) - (from) < 8);                      \
		memset((char *)(object) + (from), 0, (to) - (from)); \
	} while (0)

/*
 * base: zeroes but for texts, which are full; changed, back: room for two more; holes: 0xff, with the
 * padding cleared.
 */
UNUSED static void members_check(int dirfd, const void *base, void *changed, void *back,
				 const void *holes, size_t size,
				 int (*store)(int dirfd, const void *object),
				 int (*load)(int dirfd, void *ret_object))
{
	memcpy(changed, base, size);
	for (size_t i = 0; i < size; i++) {
		if (((const uint8_t *)holes)[i] == 0)
			continue;
		/* the byte behind the end of a full text must stay zero: 'x' before it */
		if (i > 0 && ((const char *)base)[i - 1] == 'x' && ((const char *)base)[i] == 0)
			continue;
		((uint8_t *)changed)[i] = 1;
		memset(back, 0x55, size);
		if (store(dirfd, changed) == 0 && load(dirfd, back) == 0 &&
		    memcmp(back, base, size) == 0)
			fail_msg("the member at byte %zu is not stored", i);
		((uint8_t *)changed)[i] = ((const uint8_t *)base)[i];
	}
}
