#include "release/intake.h"

#include "../base/check.h"
#include "release/walk.h"

#define TEXT(text) ((char *)(text)) /* intake copies it */

static const struct archive_options strict = {
	.max_bytes = 1000,
	.max_files = 20,
	.max_depth = 5,
	.max_ratio = 10,
};

static struct intake *begin(const struct archive_options *options, uint64_t archive_bytes)
{
	struct intake *intake = NULL;

	assert_int_equal(intake_new(options, archive_bytes, &intake, NULL), 0);
	return intake;
}

static int give(struct intake *intake, const char *name, struct index_entry raw,
		const struct index_entry **ret_entry, struct error *err)
{
	int r = intake_begin(intake, name, err);

	return r < 0 ? r : intake_entry(intake, &raw, true, ret_entry, err);
}

static const struct index_entry *take(struct intake *intake, const char *name,
				      struct index_entry raw)
{
	const struct index_entry *entry = NULL;
	struct error err = {};

	if (give(intake, name, raw, &entry, &err) != 0)
		fail_msg("%s: %s", name, err.text);
	else if (entry && entry->type == INDEX_FILE)
		(void)intake_end(intake);
	return entry;
}

static void refuse(struct intake *intake, const char *name, struct index_entry raw,
		   enum fault fault, const char *word)
{
	const struct index_entry *entry = NULL;
	struct error err = {};
	int r = give(intake, name, raw, &entry, &err);

	if (r >= 0)
		fail_msg("%s was taken", name);
	check_error(r, &err, fault, word);
	assert_null(entry);
}

static void pass(struct intake *intake, const char *name, struct index_entry raw)
{
	const struct index_entry *entry = NULL;

	assert_int_equal(give(intake, name, raw, &entry, NULL), INTAKE_SKIP);
}

#define FILE_OF(...)   ((struct index_entry){ .type = INDEX_FILE, __VA_ARGS__ })
#define DIRECTORY(...) ((struct index_entry){ .type = INDEX_DIRECTORY, __VA_ARGS__ })
#define SYMLINK(text)  ((struct index_entry){ .type = INDEX_SYMLINK, .target = TEXT(text) })
#define HARDLINK(text) ((struct index_entry){ .type = INDEX_HARDLINK, .target = TEXT(text) })

static mode_t mode_of(mode_t mode, bool allow_setuid)
{
	struct archive_options options = strict;
	_cleanup_(intake_freep) struct intake *intake = begin(&options, 100);

	options.allow_setuid = allow_setuid;
	return take(intake, "x", FILE_OF(.mode = mode))->mode;
}

static void test_modes(void **state)
{
	static const mode_t table[][2] = {
		{ 0644, 0644 },	 { 0755, 0755 }, { 0600, 0644 }, { 0700, 0755 },
		{ 0777, 0755 },	 { 0666, 0644 }, { 0444, 0444 }, { 0555, 0555 },
		{ 0400, 0444 },	 { 0500, 0555 }, { 0000, 0444 }, { 0200, 0644 },
		{ 01644, 0644 }, { 0077, 0444 }, { 0111, 0555 }, { 0300, 0755 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(mode_of(table[i][0], false), table[i][1]);
	assert_int_equal(mode_of(04755, true), 04755);
	assert_int_equal(mode_of(02700, true), 02755);
}

static void test_directories_and_times(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);

	assert_int_equal(take(intake, "d", DIRECTORY(.mode = 07000, .size = 9))->mode, 0755);
	assert_int_equal(index_find(intake_index(intake), "d")->size, 0);
	assert_int_equal(take(intake, "a", FILE_OF(.mtime = 17))->mtime, 17);
	assert_int_equal(take(intake, "b", FILE_OF(.mtime = -1))->mtime, 0);
	assert_int_equal(take(intake, "c", FILE_OF(.mtime = INDEX_MTIME_MAX))->mtime,
			 INDEX_MTIME_MAX);
	assert_int_equal(take(intake, "e", FILE_OF(.mtime = INDEX_MTIME_MAX + 1))->mtime, 0);
}

static void test_setuid_and_capabilities(void **state)
{
	struct archive_options lax = strict;
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);
	_cleanup_(intake_freep) struct intake *allowing = begin(&lax, 100);

	lax.allow_setuid = true;
	refuse(intake, "a/su", FILE_OF(.mode = 04755), FAULT_CORRUPT,
	       "entry 1 (a/su): a setuid or setgid file");
	refuse(intake, "sg", FILE_OF(.mode = 02644), FAULT_CORRUPT, "setuid or setgid");
	refuse(intake, "cap", FILE_OF(.capability_size = 20), FAULT_CORRUPT, "capabilities");
	(void)take(intake, "d", DIRECTORY(.mode = 02755));
	assert_int_equal(take(allowing, "cap", FILE_OF(.capability_size = 20))->capability_size,
			 20);
}

static void test_names_are_said_safely(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);
	struct error err = {};

	refuse(intake, "../x", FILE_OF(), FAULT_CORRUPT, "entry 1 (../x): \"..\"");
	refuse(intake, "/etc/x", FILE_OF(), FAULT_CORRUPT, "entry 2 (/etc/x): an absolute name");
	refuse(intake, "a\x1b[1m", FILE_OF(), FAULT_CORRUPT, "(a\\x1b[1m): a control character");
	check_error(intake_begin(intake, NULL, &err), &err, FAULT_CORRUPT, "entry 4: ");
	assert_int_equal(intake_count(intake), 4);
}

static void test_top_directory_and_stripping(void **state)
{
	struct archive_options options = strict;
	_cleanup_(intake_freep) struct intake *intake = begin(&options, 100);

	pass(intake, "./", DIRECTORY());
	refuse(intake, ".", FILE_OF(), FAULT_CORRUPT, "top directory");
	refuse(intake, "./", SYMLINK("x"), FAULT_CORRUPT, "top directory");
	options.strip_components = 1;
	pass(intake, "pkg/", DIRECTORY());
	pass(intake, "README", FILE_OF());
	assert_string_equal(take(intake, "pkg/a", FILE_OF())->path, "a");
	assert_string_equal(take(intake, "pkg/b", HARDLINK("pkg/a"))->target, "a");
	assert_string_equal(take(intake, "pkg/c", SYMLINK("x/a"))->target, "x/a");
	refuse(intake, "pkg/d", HARDLINK("README"), FAULT_CORRUPT, "hard link");
}

static void test_links(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);

	(void)take(intake, "f", FILE_OF());
	(void)take(intake, "d", DIRECTORY());
	(void)take(intake, "s", SYMLINK("f"));
	assert_string_equal(take(intake, "h", HARDLINK("./f"))->target, "f");
	assert_string_equal(take(intake, "hh", HARDLINK("h"))->target, "f");
	assert_true(index_find(intake_index(intake), "f")->linked);
	refuse(intake, "x", HARDLINK("gone"), FAULT_CORRUPT, "no file before it");
	refuse(intake, "x", HARDLINK("x"), FAULT_CORRUPT, "no file before it");
	refuse(intake, "x", HARDLINK("d"), FAULT_CORRUPT, "no file before it");
	refuse(intake, "x", HARDLINK("."), FAULT_CORRUPT, "no file before it");
	refuse(intake, "x", HARDLINK("/etc/passwd"), FAULT_CORRUPT, "absolute");
	refuse(intake, "x", HARDLINK("../f"), FAULT_CORRUPT, "\"..\"");
	refuse(intake, "x", SYMLINK("/etc"), FAULT_CORRUPT,
	       "the link's target /etc is absolute; a link may only lead within");
	refuse(intake, "x", SYMLINK(""), FAULT_CORRUPT, "its target: an empty");
	refuse(intake, "x", (struct index_entry){ .type = INDEX_SYMLINK }, FAULT_CORRUPT,
	       "without a target");
	refuse(intake, "x",
	       (struct index_entry){ .type = INDEX_HARDLINK, .target = TEXT("f"), .size = 1 },
	       FAULT_CORRUPT, "content of its own");
}

static void test_a_hard_link_to_a_symlink_is_a_symlink(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);
	const struct index_entry *entry;

	(void)take(intake, "s", SYMLINK("f"));
	entry = take(intake, "d/h", HARDLINK("s"));
	assert_int_equal(entry->type, INDEX_SYMLINK);
	assert_string_equal(entry->target, "f");
}

static void test_second_entries(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);

	(void)take(intake, "d", DIRECTORY());
	pass(intake, "d/", DIRECTORY());
	refuse(intake, "d", SYMLINK("x"), FAULT_CORRUPT, "something else before");
	refuse(intake, "d", FILE_OF(), FAULT_CORRUPT, "something else before");
	(void)take(intake, "s", SYMLINK("x"));
	pass(intake, "s", SYMLINK("x"));
	assert_string_equal(take(intake, "s", SYMLINK("y"))->target, "y");
	refuse(intake, "s", DIRECTORY(), FAULT_CORRUPT, "something else before");
	(void)take(intake, "f", FILE_OF(.size = 1));
	assert_int_equal(take(intake, "f", FILE_OF(.size = 2))->size, 2);
	pass(intake, "f", HARDLINK("f"));
	(void)take(intake, "h", HARDLINK("f"));
	pass(intake, "h", HARDLINK("f"));
	refuse(intake, "f", FILE_OF(), FAULT_CORRUPT, "has hard links");
	refuse(intake, "h", FILE_OF(), FAULT_CORRUPT, "something else before");
	(void)take(intake, "g", FILE_OF());
	refuse(intake, "h", HARDLINK("g"), FAULT_CORRUPT, "another file before");
}

static void test_second_files_of_a_zip(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);

	intake_set_no_replace(intake);
	(void)take(intake, "f", FILE_OF());
	refuse(intake, "f", FILE_OF(), FAULT_CORRUPT, "twice");
	(void)take(intake, "d", DIRECTORY());
	pass(intake, "d", DIRECTORY());
}

static void test_limits(void **state)
{
	struct archive_options options = strict;
	_cleanup_(intake_freep) struct intake *intake = begin(&options, 100);

	(void)take(intake, "a", FILE_OF(.size = 600));
	refuse(intake, "b", FILE_OF(.size = 401), FAULT_NO_SPACE, "limit of 1000 unpacked bytes");
	refuse(intake, "b", FILE_OF(.size = UINT64_MAX), FAULT_NO_SPACE, "unpacked bytes");
	(void)take(intake, "b", FILE_OF(.size = 400));
	(void)take(intake, "1/2/3/4/5", FILE_OF());
	refuse(intake, "1/2/3/4/5/6", FILE_OF(), FAULT_NO_SPACE, "limit of 5 parts");
	options.max_files = intake_count(intake) + 1;
	(void)take(intake, "c", FILE_OF());
	refuse(intake, "d", FILE_OF(), FAULT_NO_SPACE, "entries");
}

/* Deeper than what can be walked later is never taken. */
static void test_depth_has_a_limit_of_its_own(void **state)
{
	struct archive_options options = strict;
	_cleanup_(intake_freep) struct intake *intake = begin(&options, 100);
	char name[2 * WALK_DEPTH_MAX + 3];

	options.max_depth = 100000;
	for (size_t i = 0; i < sizeof(name) - 1; i += 2)
		memcpy(name + i, "a/", 2);
	name[2 * WALK_DEPTH_MAX] = '\0';
	(void)take(intake, name, DIRECTORY());
	name[2 * WALK_DEPTH_MAX] = 'a';
	name[2 * WALK_DEPTH_MAX + 2] = '\0';
	refuse(intake, name, DIRECTORY(), FAULT_NO_SPACE, "parts");
}

/* Names stay in memory, however small they were packed. */
static void test_names_have_a_limit_in_all(void **state)
{
	struct archive_options options = { .max_files = UINT64_MAX, .max_depth = 100 };
	_cleanup_(intake_freep) struct intake *intake = begin(&options, 100);
	char target[4001];
	int r = 0;

	memset(target, 'a', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	for (int i = 0; i < 100000 && r >= 0; i++) {
		const struct index_entry *entry;
		struct error err = {};

		r = give(intake, "same", SYMLINK(target), &entry, &err);
		if (r < 0)
			check_error(r, &err, FAULT_NO_SPACE, "bytes in names");
	}
	assert_true(r < 0);
}

static const struct index_entry *take_unsized(struct intake *intake, const char *name)
{
	struct index_entry raw = FILE_OF();
	const struct index_entry *entry = NULL;

	assert_int_equal(intake_begin(intake, name, NULL), 0);
	assert_int_equal(intake_entry(intake, &raw, false, &entry, NULL), 0);
	return entry;
}

static void test_content(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);
	const struct index_entry *entry;
	struct error err = {};

	assert_int_equal(give(intake, "f", FILE_OF(.size = 100), &entry, NULL), 0);
	assert_int_equal(intake_content(intake, 10, 0, NULL), 0);
	assert_int_equal(intake_content(intake, 10, 50, NULL), 0);
	check_error(intake_content(intake, 1, 59, &err), &err, FAULT_CORRUPT, "out of order");
	check_error(intake_content(intake, 41, 60, &err), &err, FAULT_CORRUPT, "more content");
	check_error(intake_content(intake, UINT64_MAX, 60, &err), &err, FAULT_CORRUPT, "order");
	assert_int_equal(intake_end(intake), 100);
}

/* A size that is not announced is what comes; the limits hold for that. */
static void test_content_of_unknown_size(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 100);
	const struct index_entry *entry = take_unsized(intake, "f");
	struct error err = {};

	assert_int_equal(intake_content(intake, 600, 0, NULL), 0);
	assert_int_equal(intake_end(intake), 600);
	assert_int_equal(entry->size, 600);
	(void)take_unsized(intake, "g");
	assert_int_equal(intake_content(intake, 400, 0, NULL), 0);
	check_error(intake_content(intake, 1, 400, &err), &err, FAULT_NO_SPACE, "unpacked bytes");
}

static void test_ratio(void **state)
{
	struct archive_options options = strict;
	_cleanup_(intake_freep) struct intake *intake = begin(&options, 2 << 20);
	_cleanup_(intake_freep) struct intake *directory = begin(&options, UINT64_MAX);
	struct error err = {};

	options.max_bytes = UINT64_MAX;
	assert_int_equal(intake_check_ratio(intake, 20 << 20, NULL), 0);
	check_error(intake_check_ratio(intake, 22 << 20, &err), &err, FAULT_NO_SPACE, "bomb");
	assert_int_equal(intake_stored(intake, 19 << 20, NULL), 0);
	check_error(intake_stored(intake, 3 << 20, &err), &err, FAULT_NO_SPACE, "bomb");
	assert_int_equal(intake_check_ratio(directory, UINT64_MAX - 1, NULL), 0);
	options.max_ratio = 0;
	assert_int_equal(intake_check_ratio(intake, UINT64_MAX, NULL), 0);
}

/* A few bytes may become 16 MiB, whatever the ratio is. */
static void test_ratio_is_for_large_ones(void **state)
{
	_cleanup_(intake_freep) struct intake *intake = begin(&strict, 1);

	assert_int_equal(intake_check_ratio(intake, 16 << 20, NULL), 0);
	assert_true(intake_check_ratio(intake, (16 << 20) + 1, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_directories_and_times),
		cmocka_unit_test(test_setuid_and_capabilities),
		cmocka_unit_test(test_names_are_said_safely),
		cmocka_unit_test(test_top_directory_and_stripping),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_a_hard_link_to_a_symlink_is_a_symlink),
		cmocka_unit_test(test_second_entries),
		cmocka_unit_test(test_second_files_of_a_zip),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_depth_has_a_limit_of_its_own),
		cmocka_unit_test(test_names_have_a_limit_in_all),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_content_of_unknown_size),
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_ratio_is_for_large_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
