/*
 * For tests of what is kept in records of an app's directory: each in one of its own, laid out. They need
 * -Wl,--wrap=fdatasync.
 */
#pragma once

#include "../base/check.h"

#include "store/layout.h"

/* Thousands of stores: what is durable is tested with the record. */
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	return 0;
}

static int laid_out_setup(void **state)
{
	int r = check_setup(state);

	return r < 0 ? r : layout_create(check_dirfd(state), NULL);
}

#define check_with_layout(test) \
	cmocka_unit_test_setup_teardown(test, laid_out_setup, check_teardown_closed)
