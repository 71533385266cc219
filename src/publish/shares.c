#include "publish/shares.h"

#include <stdlib.h>

#include "release/bundle-long.h"

static int compare(uint64_t a, uint64_t b, const void *x, const void *y)
{
	if (a != b)
		return a < b ? -1 : 1;
	return (x > y) - (x < y);
}

static int by_size(const void *a, const void *b)
{
	const struct shares_part *x = *(struct shares_part *const *)a;
	const struct shares_part *y = *(struct shares_part *const *)b;

	return compare(x->size, y->size, x, y);
}

static int by_packed(const void *a, const void *b)
{
	const struct shares_part *x = *(struct shares_part *const *)a;
	const struct shares_part *y = *(struct shares_part *const *)b;

	return compare(x->packed, y->packed, x, y);
}

static bool may_be_solid(const struct shares_part *part, enum shares_policy policy)
{
	switch (policy) {
	case SHARES_SOLID:
	case SHARES_WIDE:
		return true;
	case SHARES_MIXED:
		return !part->is_patch;
	case SHARES_LONG:
		return true;
	default:
		return false;
	}
}

static uint64_t room_of(uint64_t size, enum shares_policy policy)
{
	return policy == SHARES_LONG ? bundle_long_align(size) : size;
}

/* The smallest ones first, as long as there is room for them. */
static void choose_solid(struct shares_part **order, size_t n, enum shares_policy policy)
{
	uint64_t max = policy == SHARES_LONG ? BUNDLE_LONG_MAX : BUNDLE_SOLID_MAX;
	uint64_t packed = policy == SHARES_LONG ? SHARES_LONG_PACKED_MAX : UINT64_MAX;
	uint64_t bytes = 0;
	uint64_t bases = 0;

	for (size_t i = 0; i < n; i++) {
		struct shares_part *part = order[i];

		if (!may_be_solid(part, policy) || room_of(part->size, policy) > max - bytes ||
		    room_of(part->solid_base, policy) > max - bases || part->packed > packed)
			continue;
		part->share = SHARE_SOLID;
		bytes += room_of(part->size, policy);
		bases += room_of(part->solid_base, policy);
		packed -= part->packed;
	}
}

static void choose_inlined(struct shares_part **order, size_t n)
{
	uint64_t packed = 0;
	uint64_t bytes = 0;
	uint64_t bases = 0;

	for (size_t i = 0; i < n; i++) {
		struct shares_part *part = order[i];

		if (part->share != SHARE_BLOCKS || part->packed > SHARES_INLINED_MAX - packed ||
		    part->size > BUNDLE_INLINED_MAX - bytes ||
		    part->base > BUNDLE_INLINED_MAX - bases)
			continue;
		part->share = SHARE_INLINED;
		packed += part->packed;
		bytes += part->size;
		bases += part->base;
	}
}

int shares_choose(struct shares_part *parts, size_t n, enum shares_policy policy, struct error *err)
{
	_cleanup_free_ struct shares_part **order = calloc(n + 1, sizeof(void *));

	if (!order)
		return error_errno(err, "making a bundle");
	for (size_t i = 0; i < n; i++) {
		parts[i].share = SHARE_BLOCKS;
		order[i] = &parts[i];
	}
	qsort(order, n, sizeof(void *), by_size);
	choose_solid(order, n, policy);
	qsort(order, n, sizeof(void *), by_packed);
	choose_inlined(order, n);
	return 0;
}
