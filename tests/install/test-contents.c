#include "install/contents.h"

#include "release-kit.h"

static struct contents *make(void **state, struct index **ret_index)
{
	struct contents *contents = NULL;

	shell(check_dirfd(state), "mkdir -p t/d; echo one >t/a; echo two >t/b; echo one >t/c;"
				  "echo one >t/d/e; : >t/z; ln t/b t/h; ln -s a t/l");
	*ret_index = kit_index(check_dirfd(state), "t");
	assert_int_equal(contents_new(*ret_index, &contents, NULL), 0);
	return contents;
}

static void test_groups(void **state)
{
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_(contents_freep) struct contents *contents = make(state, &index);
	const char *const paths[] = { "a", "c", "d/e" };
	uint32_t one;

	assert_int_equal(contents_count(contents), 3);
	one = contents_of(contents, 0);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t number = contents_file(contents, one, i);

		assert_string_equal(index_at(index, number)->path, paths[i]);
		assert_int_equal(contents_of(contents, number), one);
	}
	assert_int_equal(contents_file(contents, one, 3), CONTENTS_NONE);
	assert_string_equal(contents_entry(contents, one)->path, "a");
}

static void test_finds(void **state)
{
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_(contents_freep) struct contents *contents = make(state, &index);
	struct digest other = { .bytes = { 1 } };

	for (uint32_t i = 0; i < index_count(index); i++) {
		const struct index_entry *entry = index_at(index, i);

		if (entry->type != INDEX_FILE) {
			assert_int_equal(contents_of(contents, i), CONTENTS_NONE);
			continue;
		}
		assert_int_equal(contents_find(contents, &entry->digest, entry->size),
				 contents_of(contents, i));
		assert_int_equal(contents_find(contents, &entry->digest, entry->size + 1),
				 CONTENTS_NONE);
	}
	assert_int_equal(contents_find(contents, &other, 4), CONTENTS_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_groups),
		check_in_dir(test_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
