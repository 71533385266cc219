#include "install/decode-head.h"

#include "release-kit.h"
#include "release/bundle-update.h"
#include "release/outline.h"

static char told[256];

static void on_tampered(void *data, const char *path, const char *what)
{
	(void)snprintf(told, sizeof(told), "%s: %s", path, what);
}

struct fixture {
	int app;
	struct index *old, *new;
	struct text head;
};

static void done(const struct fixture *fixture)
{
	struct text head = fixture->head;

	(void)close(fixture->app);
	index_free(fixture->old);
	index_free(fixture->new);
	text_done(&head);
}
#define _cleanup_fixture_ _cleanup_(done)

/* a has another line, b is as it was: a head that lists a, and has its new content. */
static void make(struct fixture *fixture, void **state)
{
	int dirfd = check_dirfd(state);
	const struct outline_mark same[] = { { OUTLINE_SAME, 0 }, { OUTLINE_SAME, 0 } };
	_cleanup_text_ struct text text = {};
	size_t room;
	char *packed;
	size_t n;

	*fixture = (struct fixture){ .app = app_make(dirfd, "app") };
	shell(dirfd,
	      "mkdir old new; echo one >old/a; echo same >old/b; echo two >new/a; cp -p old/b new");
	kit_stage(fixture->app, SLOT_A, dirfd, "old");
	fixture->old = kit_sealed(fixture->app, SLOT_A);
	fixture->new = kit_index(dirfd, "new");
	assert_int_equal(outline_write(fixture->new, same, &text, NULL), 0);
	text_add(&text, "\ntwo\n");
	room = ZSTD_compressBound(text.size);
	packed = malloc(room);
	n = ZSTD_compress(packed, room, text.data, text.size, 1);
	assert_false(ZSTD_isError(n));
	text_add_bytes(&fixture->head, "\x20\1", 3); /* one is listed: the first */
	text_add_bytes(&fixture->head, packed + UPDATE_MAGIC_SIZE, n - UPDATE_MAGIC_SIZE);
	free(packed);
	told[0] = '\0';
}

static int read_head(const struct fixture *fixture, struct bundle **ret_bundle, struct error *err)
{
	static const struct rebuild_listener listener = { .tampered = on_tampered };
	struct digest expected;
	const struct decode_head what = {
		.dirfd = fixture->app,
		.source = SLOT_A,
		.source_index = fixture->old,
		.promise = { &expected, fixture->head.size, BUNDLE_TEXT_MAX },
		.listener = &listener,
	};

	assert_int_equal(index_encode(fixture->new, NULL, NULL, &expected, NULL), 0);
	return decode_head(&what, fixture->head.data, fixture->head.size, ret_bundle, err);
}

static void test_reads(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct error err = {};

	make(&fixture, state);
	if (read_head(&fixture, &bundle, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(bundle->n_blocks, 1);
	assert_memory_equal(bundle->blocks[0].bytes, "two\n", 4);
	assert_string_equal(told, "");
}

static void test_a_file_that_was_changed(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	struct bundle *bundle = NULL;

	make(&fixture, state);
	shell(fixture.app, "chmod u+w slots/a/a; printf 'eno\\n' >slots/a/a");
	assert_int_equal(read_head(&fixture, &bundle, NULL), BUNDLE_BASE_DIFFERS);
	assert_string_equal(told, "a: content differs");
	shell(fixture.app, "rm -f slots/a/a");
	assert_int_equal(read_head(&fixture, &bundle, NULL), BUNDLE_BASE_DIFFERS);
	assert_null(bundle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_reads),
		check_in_dir(test_a_file_that_was_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
