/* LDFLAGS: -Wl,--wrap=geteuid */
#include "app/config-root.h"

#include "base/text.h"
#include "loading.h"

uid_t __real_geteuid(void);
uid_t __wrap_geteuid(void);

static uid_t pretended; /* 0: who we are */

uid_t __wrap_geteuid(void)
{
	return pretended ? pretended : __real_geteuid();
}

static const char *refused_root(const struct scratch *scratch, const char *root, struct error *err)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, UNIT "Root=%s%s\n", *root == '/' ? scratch->top : "", root) >
		    0);
	scratch_write(scratch, CONF, text);
	return refusal(scratch, err);
}

static void test_wrong_roots(void **state)
{
	static const struct {
		const char *root;
		const char *wanted;
	} cases[] = {
		{ "srv/gw", "\"srv/gw\" is not an absolute path" },
		{ "/srv/../gw", "an empty part, \".\" or \"..\" in it" },
		{ "/srv/./gw", "an empty part, \".\" or \"..\" in it" },
		{ "/srv//gw", "an empty part, \".\" or \"..\" in it" },
		{ "/srv/gw/", "an empty part, \".\" or \"..\" in it" },
		{ "/srv/g w", "other characters" },
		{ "/srv/100%", "other characters" },
		{ "/home/joe/gw", "not below /home" },
		{ "/usr/local/gw", "not below /usr" },
		{ "/run/gw", "not below /run: it does not survive a reboot" },
		{ "/tmp/gw", "not below /tmp" },
	};
	struct scratch *scratch = *state;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strstr(refused_root(scratch, cases[i].root, &err), cases[i].wanted))
			assert_string_equal(err.text, cases[i].wanted);
	assert_int_equal(strncmp(err.text, CONF ":3: Root=: ", strlen(CONF) + 11), 0);
}

/* A user's own flipslot may have its slots in his home, but not where they do not last. */
static void test_roots_of_a_user(void **state)
{
	struct scratch *scratch = *state;
	struct config_places places = scratch->places;
	_cleanup_free_ char *given = NULL;
	_cleanup_free_ char *bad = NULL;
	_cleanup_free_ char *root = NULL;
	struct error err = {};

	assert_true(asprintf(&given, "%s/home/joe/gw", scratch->top) > 0);
	assert_true(asprintf(&bad, "%s/run/gw", scratch->top) > 0);
	assert_true(config_root_resolve(&places, "gw", given, &root, &err) < 0);
	places.of_user = true;
	assert_int_equal(config_root_resolve(&places, "gw", given, &root, &err), 0);
	assert_string_equal(root, given);
	assert_true(config_root_resolve(&places, "gw", bad, &root, &err) < 0);
	assert_non_null(strstr(err.text, "not below /run"));
}

static void test_roots_on_disk(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_free_ char *srv = scratch_path(scratch, "srv");
	_cleanup_free_ char *link = scratch_path(scratch, "srv/link");
	struct error err;

	scratch_mkdir(scratch, "srv/real");
	scratch_write(scratch, "srv/file", "");
	assert_int_equal(symlink("real", link), 0);
	assert_string_equal(refused_root(scratch, "/srv/link/gw", &err),
			    CONF ":3: Root=: srv/link is a link: name what it leads to, srv/real");
	assert_string_equal(refused_root(scratch, "/srv/link", &err),
			    CONF ":3: Root=: srv/link is a link: name what it leads to, srv/real");
	assert_string_equal(refused_root(scratch, "/srv/file", &err),
			    CONF ":3: Root=: srv/file is not a directory");
	assert_int_equal(chmod(srv, 01777), 0);
	assert_non_null(strstr(refused_root(scratch, "/srv/gw", &err),
			       "srv can be written by others, who could put"));
	assert_int_equal(chmod(srv, 0775), 0);
	assert_non_null(strstr(refused_root(scratch, "/srv/real", &err), "srv can be written"));
	assert_int_equal(chmod(srv, 0755), 0);
	if (__real_geteuid() == 0)
		assert_int_equal(chown(srv, 4712, 0), 0);
	else
		pretended = 4711;
	assert_non_null(strstr(refused_root(scratch, "/srv/gw", &err), "to"));
	assert_non_null(strstr(err.text, __real_geteuid() == 0 ? "srv belongs to user 4712" :
								 "belongs to user"));
	pretended = 0;
}

/* A default root follows links that root made: /var/lib may be on another disk. */
static void test_default_root_is_resolved(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *data = scratch_path(scratch, "data/flipslot");

	scratch_mkdir(scratch, "data/flipslot");
	assert_int_equal(rmdir(scratch->state), 0);
	assert_int_equal(symlink(data, scratch->state), 0);
	config = load_text(scratch, UNIT);
	assert_string_equal(config_root(config) + strlen(scratch->top), "/data/flipslot/gw");
}

static void test_open_root(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *config = load_text(scratch, UNIT);
	_cleanup_close_ int fd = -1;
	struct error err = {};

	assert_true(config_open_root(config, &fd, &err) < 0);
	assert_int_equal(err.fault, FAULT_CONFIG);
	assert_non_null(strstr(err.text, "flipslot init gw --unit gw.service"));
	scratch_mkdir(scratch, "var/lib/flipslot/gw");
	assert_int_equal(config_open_root(config, &fd, &err), 0);
	assert_true(fd >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_wrong_roots),	  scratch_test(test_roots_of_a_user),
		scratch_test(test_roots_on_disk), scratch_test(test_default_root_is_resolved),
		scratch_test(test_open_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
