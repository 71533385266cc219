/* What the tests of seals begin with: an app's directory, and the index of a file in a folder. */
#pragma once

#include "../base/check.h"
#include "install/seal.h"

static int app(void **state)
{
	assert_int_equal(mkdirat(check_dirfd(state), "slots", 0755), 0);
	return check_dirfd(state);
}

static struct index *make_index(void)
{
	struct index_entry file = { .type = INDEX_FILE, .mode = 0644, .path = (char *)"d/f" };
	struct index_entry dir = { .type = INDEX_DIRECTORY, .mode = 0755, .path = (char *)"d" };
	struct index *index = NULL;

	assert_int_equal(digest_of("x", 1, &file.digest, NULL), 0);
	assert_int_equal(index_new(&index, NULL), 0);
	assert_int_equal(index_add(index, &file, NULL, NULL), 0);
	assert_int_equal(index_add(index, &dir, NULL, NULL), 0);
	return index;
}
