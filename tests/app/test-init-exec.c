#include "app/init-exec.h"

#include "base/parse.h"
#include "scratch.h"

#define TO "/var/lib/flipslot/gw/current"

static void check_line(const char *prefix, const char *path, const char *const *argv,
		       const char *wanted)
{
	_cleanup_text_ struct text text = {};
	struct unit_exec exec;

	memcpy(&exec.argv, &argv, sizeof(exec.argv)); /* it is not written to */
	text_copy(path, exec.path, sizeof(exec.path));
	init_exec_add_line(&text, &exec, prefix);
	assert_string_equal(text.data, wanted);
}

#define check_words(wanted, ...) \
	check_line("", "/x", (const char *const[]){ "/x", __VA_ARGS__, NULL }, "/x " wanted)

static void test_plain_words(void **state)
{
	check_words("--port=80 -v", "--port=80", "-v");
	check_words("$OPTS ${A}b $$c", "$OPTS", "${A}b", "$$c");
	check_words("100%% %%h", "100%", "%h");
}

static void test_words_that_need_quotes(void **state)
{
	check_words("\"a b\"", "a b");
	check_words("\"\"", "");
	check_words("\";\" x", ";", "x");
	check_words("\"a;b\"", "a;b");
	check_words("\"it's\" \"say \\\"x\\\"\"", "it's", "say \"x\"");
	check_words("\"a\\\\b\"", "a\\b");
	check_words("\"a\\x0ab\\x09\"", "a\nb\t");
	check_words("\"50 %%\"", "50 %");
	check_words("\"ü\"", "ü");
	check_words("\"#x\"", "#x");
}

static void test_prefixes_and_names(void **state)
{
	check_line("-:", "/x", (const char *const[]){ "/x", "a", NULL }, "-:/x a");
	check_line("+", "/x", (const char *const[]){ "name", "a", NULL }, "@+/x name a");
	check_line("", "/x", (const char *const[]){ NULL }, "/x");
	check_line("", "/a b", (const char *const[]){ "/a b", NULL }, "\"/a b\"");
}

static void check_parsed(const char *line, const char *path, const char *first)
{
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};

	if (init_exec_parse(line, &unit, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(unit.n_exec_start, 1);
	assert_string_equal(unit.exec_start[0].path, path);
	assert_string_equal(unit.exec_start[0].argv[0], first);
	/* a second one takes its place */
	assert_int_equal(init_exec_parse("/y z", &unit, &err), 0);
	assert_int_equal(unit.n_exec_start, 1);
	assert_string_equal(unit.exec_start[0].argv[1], "z");
}

static void test_parse(void **state)
{
	check_parsed("/x/app a b", "/x/app", "/x/app");
	check_parsed("-:/x/app", "/x/app", "/x/app");
	check_parsed("!!\"/x/a b\" c", "/x/a b", "/x/a b");
	check_parsed("@/x/app name", "/x/app", "name");
	check_parsed("-@/x/app 'my name'", "/x/app", "my name");
}

static void test_lines_that_are_none(void **state)
{
	static const char *const lines[] = { "", " ", "/x\n/y", "/x \\", "/x 'y", "@/x", "/x\ty\r" };
	_cleanup_unit_ struct unit unit = {};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct error err = {};

		if (init_exec_parse(lines[i], &unit, &err) >= 0)
			fail_msg("\"%s\" was accepted", lines[i]);
		assert_int_equal(err.fault, FAULT_CONFIG);
		assert_int_equal(unit.n_exec_start, 0);
	}
}

/* Words with DIR for the scratch directory's gw; wanted NULL: it is not named. */
static void check_redirect(const struct scratch *scratch, const char *word, const char *wanted)
{
	_cleanup_free_ char *dir = scratch_path(scratch, "opt/gw");
	_cleanup_free_ char *got = NULL;
	_cleanup_text_ struct text text = {};
	struct error err = {};
	struct stat st;
	int r;

	assert_int_equal(stat(dir, &st), 0);
	for (const char *at = word; *at;) {
		bool top = strncmp(at, "TOP", 3) == 0;

		text_add(&text, "%.*s", top ? (int)strlen(scratch->top) : 1,
			 top ? scratch->top : at);
		at += top ? 3 : 1;
	}
	r = init_exec_redirect(text.data, &st, TO, &got, &err);
	if (!wanted) {
		assert_int_equal(r, INIT_EXEC_SAME);
		assert_null(got);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(got, wanted);
}

static void test_redirect(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_free_ char *link = scratch_path(scratch, "opt/link");

	scratch_mkdir(scratch, "opt/gw/bin");
	scratch_mkdir(scratch, "opt/gw2");
	assert_int_equal(symlink("gw", link), 0);
	check_redirect(scratch, "TOP/opt/gw", TO);
	check_redirect(scratch, "TOP/opt/gw/", TO "/");
	check_redirect(scratch, "TOP/opt/gw/bin/app", TO "/bin/app");
	check_redirect(scratch, "TOP/opt/gw/not/there", TO "/not/there");
	check_redirect(scratch, "TOP/opt/./gw//bin", TO "//bin");
	check_redirect(scratch, "TOP/opt/link/bin", TO "/bin");
	check_redirect(scratch, "--config=TOP/opt/gw/c", "--config=" TO "/c");
	check_redirect(scratch, "-cp=TOP/opt/gw/a:TOP/opt/gw/b:/usr/lib",
		       "-cp=" TO "/a:" TO "/b:/usr/lib");
	check_redirect(scratch, "x='TOP/opt/gw'", "x='" TO "'");
	check_redirect(scratch, "TOP/opt/gw2/bin", NULL);
	check_redirect(scratch, "TOP/opt", NULL);
	check_redirect(scratch, "TOP/opt/gw/../gw2", NULL);
	check_redirect(scratch, "TOP/opt/gw/..", NULL);
	check_redirect(scratch, "TOP/opt/gw/..x", TO "/..x");
	check_redirect(scratch, "/mntTOP/opt/gw", NULL);
	check_redirect(scratch, "opt/gw", NULL);
	check_redirect(scratch, "/", NULL);
}

static void test_interpreters(void **state)
{
	assert_true(init_exec_is_interpreter("/usr/bin/python3"));
	assert_true(init_exec_is_interpreter("/usr/bin/python3.11"));
	assert_true(init_exec_is_interpreter("node"));
	assert_true(init_exec_is_interpreter("/bin/sh"));
	assert_true(init_exec_is_interpreter("/usr/lib/jvm/java-17/bin/java"));
	assert_false(init_exec_is_interpreter("/opt/gw/nodered"));
	assert_false(init_exec_is_interpreter("/opt/python3/gateway"));
	assert_false(init_exec_is_interpreter("/usr/bin/shepherd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_words),
		cmocka_unit_test(test_words_that_need_quotes),
		cmocka_unit_test(test_prefixes_and_names),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_lines_that_are_none),
		scratch_test(test_redirect),
		cmocka_unit_test(test_interpreters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
