#include "trust/snapshot.h"

#include "trust/jread.h"

#include "sign.h"

static int read_text(const char *meta, const char *signing, struct snapshot **ret_snapshot,
		     struct error *err)
{
	_cleanup_free_ char *root_text = sign_consume(sign_root_body(1), "1");
	_cleanup_free_ char *text = sign_consume(
		sign_snapshot_body(3, json_loads(meta, JSON_DECODE_ANY, NULL)), signing);
	_cleanup_(root_freep) struct root *root = NULL;

	assert_int_equal(root_load(root_text, strlen(root_text), &root, NULL), 0);
	return snapshot_read(root, text, strlen(text), ret_snapshot, err);
}

static struct snapshot *make(const char *meta)
{
	struct snapshot *snapshot;

	assert_int_equal(read_text(meta, "3", &snapshot, NULL), 0);
	return snapshot;
}

static void it_lists_files(void **state)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = make(
		"{\"targets.json\":{\"version\":4},\"a/b.json\":{\"version\":2,\"length\":9}}");
	struct metafile metafile;
	struct error err = {};

	assert_int_equal(snapshot->metadata.version, 3);
	assert_int_equal(snapshot_find(snapshot, "targets", &metafile, NULL), 0);
	assert_int_equal(metafile.version, 4);
	assert_int_equal(snapshot_find(snapshot, "a/b", &metafile, NULL), 0);
	assert_int_equal(metafile.length, 9);
	check_error(snapshot_find(snapshot, "a", &metafile, &err), &err, FAULT_UNTRUSTED,
		    "does not list it");
	check_error(snapshot_find(snapshot, "targets.json", &metafile, &err), &err, FAULT_UNTRUSTED,
		    "does not list it");
	snapshot_free(NULL);
}

static void only_its_own_keys_count(void **state)
{
	struct snapshot *snapshot = NULL;
	struct error err = {};

	check_error(read_text("{}", "1245", &snapshot, &err), &err, FAULT_UNTRUSTED, "0 of the 1");
	assert_null(snapshot);
}

static void every_entry_must_be_of_its_form(void **state)
{
	static const char *const wrong[] = {
		"[]", "{\"a\":1}", "{\"targets.json\":{\"version\":1},\"a\":{\"version\":0}}"
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct snapshot *snapshot = NULL;
		struct error err = {};

		check_error(read_text(wrong[i], "3", &snapshot, &err), &err, FAULT_CORRUPT, "");
	}
}

static void files_stay_and_never_go_back(void **state)
{
	static const struct {
		const char *next;
		const char *refusal;
	} cases[] = {
		{ "{\"a\":{\"version\":2},\"b\":{\"version\":5}}", NULL },
		{ "{\"a\":{\"version\":3},\"b\":{\"version\":5},\"c\":{\"version\":1}}", NULL },
		{ "{\"a\":{\"version\":1},\"b\":{\"version\":9}}",
		  "rolls a back to version 1, 2 is" },
		{ "{\"a\":{\"version\":2},\"b\":{\"version\":4}}",
		  "rolls b back to version 4, 5 is" },
		{ "{\"a\":{\"version\":2}}", "b, which was listed" },
		{ "{}", "which was listed" },
	};
	_cleanup_(snapshot_freep) struct snapshot *old =
		make("{\"a\":{\"version\":2},\"b\":{\"version\":5}}");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(snapshot_freep) struct snapshot *next = make(cases[i].next);
		struct error err = {};
		int r = snapshot_check_update(old, next, &err);

		if (cases[i].refusal)
			check_error(r, &err, FAULT_STALE, cases[i].refusal);
		else
			assert_int_equal(r, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_lists_files),
		cmocka_unit_test(only_its_own_keys_count),
		cmocka_unit_test(every_entry_must_be_of_its_form),
		cmocka_unit_test(files_stay_and_never_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
