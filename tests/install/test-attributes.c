#include "install/attributes.h"

#include <sys/xattr.h>

#include "../release/shell.h"

/* cap_net_bind_service+ep, version 2 */
static const uint8_t capability[20] = { 1, 0, 0, 2, 0, 4 };

static int make(void **state)
{
	check_write(check_dirfd(state), "f", "x", 1);
	return shell_open(check_dirfd(state), "f");
}

static bool matches(int fd, const struct index_entry *entry)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return attributes_match(fd, &st, entry);
}

static void test_sets(void **state)
{
	_cleanup_close_ int fd = make(state);
	struct index_entry entry = { .type = INDEX_FILE, .mode = 04751, .mtime = 17 };

	assert_false(matches(fd, &entry));
	assert_int_equal(attributes_set(fd, &entry), 0);
	assert_true(matches(fd, &entry));
	entry.mode = 0751;
	assert_false(matches(fd, &entry));
	entry.mode = 04751;
	entry.mtime = 18;
	assert_false(matches(fd, &entry));
}

static void test_capabilities(void **state)
{
	_cleanup_close_ int fd = make(state);
	struct index_entry with = { .type = INDEX_FILE, .mode = 0755, .capability_size = 20 };
	struct index_entry without = { .type = INDEX_FILE, .mode = 0755 };

	memcpy(with.capability, capability, sizeof(capability));
	if (attributes_set(fd, &with) < 0)
		skip(); /* not root */
	assert_int_equal(attributes_has_capability(fd, &with), 1);
	assert_int_equal(attributes_has_capability(fd, &without), 0);
	assert_false(matches(fd, &without));
	assert_int_equal(attributes_mend(fd, &without), 0);
	assert_true(matches(fd, &without));
	assert_int_equal(attributes_has_capability(fd, &with), 0);
	assert_int_equal(attributes_mend(fd, &without), 0);
}

/* Who may not give capabilities may not remove any, not even where there are none. */
static void test_mends_what_is_of_a_user(void **state)
{
	_cleanup_close_ int fd = make(state);
	struct index_entry entry = { .type = INDEX_FILE, .mode = 0751, .mtime = 17 };
	uid_t own = geteuid();
	int r;

	if (own == 0) {
		assert_int_equal(fchown(fd, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	r = attributes_mend(fd, &entry);
	assert_int_equal(seteuid(own), 0);
	assert_int_equal(r, 0);
	assert_true(matches(fd, &entry));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_sets),
		check_in_dir(test_capabilities),
		check_in_dir(test_mends_what_is_of_a_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
