#include "transfer/url.h"

#include "kit.h"

static void what_may_be_fetched(void **state)
{
	static const char *const good[] = {
		"http://example.com/a",	   "https://example.com:8443/a/b?c=d",
		"https://u:p@example.com", "http://[::1]:80/x",
		"file:///srv/repo/a",	   "FILE:///srv/repo/a",
		"file://localhost/srv/a",  "HTTP://u:p:q@a@example.com:1?x",
		"https://example.com#f",   "http://[fe80::1%25eth0]/x",
		"http://example.com:/x",
	};
	static const char *const bad[] = {
		"",
		"example.com",
		"/etc/passwd",
		"ftp://example.com/a",
		"gopher://x/",
		"http://",
		"http://:80/",
		"http://a b/",
		"http://x/\n",
		"javascript:alert()",
		"scp://x/y",
		"http://x:99999/",
		"http://x:0/",
		"http://x:8o/",
		"http://[::1/",
		"http://[::1]x/",
		"http://u:p@/x",
		"http://?x",
		"https:/x/y",
		"httpss://x/",
		"://x/",
		"http://x/\x7f",
		"file://elsewhere/srv/a",
		"file:srv",
	};
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (url_check(good[i], &err) < 0)
			fail_msg("%s", err.text);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (url_check(bad[i], &err) == 0)
			fail_msg("%s", bad[i]);
	kit_check_error(url_check("ftp://u:secret@x/", &err), &err, FAULT_CONFIG, "ftp://x/");
}

static void a_long_one_is_refused(void **state)
{
	char url[URL_MAX + 10] = "http://x/";
	struct error err;

	memset(url + 9, 'a', URL_MAX - 10);
	assert_int_equal(url_check(url, &err), 0);
	url[URL_MAX - 1] = 'a';
	kit_check_error(url_check(url, &err), &err, FAULT_CONFIG, "too long");
}

static void the_origin_is_scheme_host_and_port(void **state)
{
	assert_true(url_same_origin("https://x/a", "https://x:443/b"));
	assert_true(url_same_origin("http://X/a", "http://x/"));
	assert_false(url_same_origin("https://x/a", "http://x/a"));
	assert_false(url_same_origin("https://x/a", "https://x:8443/a"));
	assert_false(url_same_origin("https://x/a", "https://x.evil/a"));
	assert_false(url_same_origin("https://x/a", "https://evil/https://x/a"));
	assert_false(url_same_origin("https://x/a", "https://x@evil/a"));
	assert_false(url_same_origin("https://x/a", "nonsense"));
}

static void where_redirects_may_lead(void **state)
{
	assert_null(url_bar_redirect("http://a/", "http://b/"));
	assert_null(url_bar_redirect("http://a/", "https://b/"));
	assert_null(url_bar_redirect("https://a/", "https://b/"));
	assert_non_null(url_bar_redirect("https://a/", "http://a/"));
	assert_non_null(url_bar_redirect("https://a/", "HTTP://a/"));
	assert_non_null(url_bar_redirect("http://a/", "file:///etc/shadow"));
	assert_non_null(url_bar_redirect("http://a/", "ftp://a/"));
	assert_non_null(url_bar_redirect("http://a/", "gopher://a/"));
	assert_non_null(url_bar_redirect("http://a/", "what"));
}

static void user_and_password_are_taken_out(void **state)
{
	_cleanup_free_ char *url = NULL;
	_cleanup_free_ char *user = NULL;
	_cleanup_free_ char *password = NULL;
	_cleanup_free_ char *plain = NULL;
	struct error err;

	assert_int_equal(
		url_split_login("https://me:s%40crt@x:99/a?b#c", &url, &user, &password, &err), 0);
	assert_string_equal(url, "https://x:99/a?b");
	assert_string_equal(user, "me");
	assert_string_equal(password, "s@crt");
	free(TAKE_PTR(user));
	free(TAKE_PTR(password));
	assert_int_equal(url_split_login("http://x/a", &plain, &user, &password, &err), 0);
	assert_string_equal(plain, "http://x/a");
	assert_null(user);
	assert_null(password);
}

static void the_path_of_a_file_is_decoded(void **state)
{
	_cleanup_free_ char *path = NULL;
	struct error err;
	char *none;

	assert_int_equal(url_file_path("file:///srv/a%20b/%2e%2e/c", &path, &err), 0);
	assert_string_equal(path, "/srv/a b/../c");
	assert_true(url_file_path("file:///srv/a%00b", &none, &err) < 0);
	assert_true(url_file_path("http://x/srv", &none, &err) < 0);
	assert_true(url_file_path("file://elsewhere/srv", &none, &err) < 0);
}

static void a_password_is_never_shown(void **state)
{
	char text[URL_SHOW_MAX];
	char url[5000] = "https://";

	assert_string_equal(url_show("https://me:secret@x/a@b?c", text), "https://x/a@b?c");
	assert_string_equal(url_show("https://a@b:secret@x/", text), "https://x/");
	assert_string_equal(url_show("http://x/a@b", text), "http://x/a@b");
	assert_string_equal(url_show("http://x/\x1b[2J", text), "http://x/\\x1b[2J");
	assert_string_equal(url_show("", text), "");
	memset(url + 8, 's', 4000);
	memcpy(url + 4008, "@host/", 7);
	assert_string_equal(url_show(url, text), "https://host/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_fetched),
		cmocka_unit_test(a_long_one_is_refused),
		cmocka_unit_test(the_origin_is_scheme_host_and_port),
		cmocka_unit_test(where_redirects_may_lead),
		cmocka_unit_test(user_and_password_are_taken_out),
		cmocka_unit_test(the_path_of_a_file_is_decoded),
		cmocka_unit_test(a_password_is_never_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
