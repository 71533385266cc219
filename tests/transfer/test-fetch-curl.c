#include "transfer/fetch-curl.h"

#include "kit.h"

static void files_are_read_and_missing_ones_named(void **state)
{
	struct fetch_settings settings;
	struct fetch_curl curl;
	struct error err;

	fetch_settings_init(&settings);
	kit_write("ca", "PEM", 3, 0644);
	settings.ca_file = kit_file("ca");
	assert_int_equal(fetch_curl_init(&curl, &settings, &err), 0);
	assert_int_equal(curl.ca.len, 3);
	assert_memory_equal(curl.ca.data, "PEM", 3);
	assert_null(curl.ca_path);
	assert_null(curl.ca_bundle);
	fetch_curl_done(&curl);
	settings.client_certificate = kit_file("none");
	kit_check_error(fetch_curl_init(&curl, &settings, &err), &err, FAULT_CONFIG,
			"none: No such");
	settings.client_certificate = kit_path;
	kit_check_error(fetch_curl_init(&curl, &settings, &err), &err, FAULT_CONFIG, "no PEM file");
}

static void a_key_may_be_in_the_certificate_s_file(void **state)
{
	struct fetch_settings settings;
	struct fetch_curl curl;

	fetch_settings_init(&settings);
	kit_write("both", "CERT+KEY", 8, 0600);
	kit_write("key", "KEY", 3, 0600);
	settings.client_certificate = kit_file("both");
	assert_int_equal(fetch_curl_init(&curl, &settings, NULL), 0);
	assert_int_equal(curl.key.len, 8);
	fetch_curl_done(&curl);
	settings.client_key = kit_file("key");
	assert_int_equal(fetch_curl_init(&curl, &settings, NULL), 0);
	assert_int_equal(curl.key.len, 3);
	fetch_curl_done(&curl);
}

static void handles_can_be_had_and_aimed(void **state)
{
	struct fetch_settings settings;
	struct fetch_curl curl;
	CURL *easy;

	fetch_settings_init(&settings);
	kit_write("both", "CERT+KEY", 8, 0600);
	settings.client_certificate = kit_file("both");
	assert_int_equal(fetch_curl_init(&curl, &settings, NULL), 0);
	easy = fetch_curl_handle(&curl);
	assert_non_null(easy);
	assert_int_equal(fetch_curl_aim(&curl, easy, "http://x/", true, "u", "p"), CURLE_OK);
	assert_int_equal(fetch_curl_aim(&curl, easy, "http://y/", false, "u", "p"), CURLE_OK);
	curl_easy_cleanup(easy);
	fetch_curl_done(&curl);
}

static void errors_are_classed(void **state)
{
	CURL *easy = curl_easy_init();

	for (int code = 1; code < CURL_LAST; code++)
		assert_int_not_equal(fetch_curl_class(easy, (CURLcode)code), FETCH_OK);
	assert_int_equal(fetch_curl_class(easy, CURLE_COULDNT_RESOLVE_HOST), FETCH_RESOLVE);
	assert_int_equal(fetch_curl_class(easy, CURLE_PARTIAL_FILE), FETCH_TRUNCATED);
	assert_int_equal(fetch_curl_class(easy, CURLE_PEER_FAILED_VERIFICATION), FETCH_TLS);
	assert_int_equal(fetch_curl_class(easy, CURLE_SSL_CONNECT_ERROR), FETCH_TLS);
	assert_int_equal(fetch_curl_class(easy, CURLE_WEIRD_SERVER_REPLY), FETCH_PROTOCOL);
	curl_easy_cleanup(easy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_in_dir(files_are_read_and_missing_ones_named),
		kit_in_dir(a_key_may_be_in_the_certificate_s_file),
		kit_in_dir(handles_can_be_had_and_aimed),
		cmocka_unit_test(errors_are_classed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
