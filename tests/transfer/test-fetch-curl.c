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
	assert_int_equal(fetch_curl_class(easy, CURLE_SSL_CACERT_BADFILE), FETCH_CONFIG);
	curl_easy_cleanup(easy);
}

/* What libcurl (with OpenSSL) says, and what is made of it. */
static void texts_say_what_to_do(void **state)
{
	static const struct {
		const char *message, *text;
	} cases[] = {
		{ "Could not resolve host: x", "Could not resolve host: x" },
		{ "", "" },
		{ "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number",
		  "no TLS is spoken there: is it http:// in Url=?" },
		{ "Received HTTP/0.9 when not allowed", "no HTTP is spoken there" },
		{ "error importing CA certificate blob",
		  "[Source] CAFile= holds no certificate in PEM" },
		{ "SSL certificate problem: unable to get local issuer certificate",
		  "SSL certificate problem: unable to get local issuer certificate (an authority of your own: [Source] CAFile=)" },
		{ "SSL certificate problem: certificate has expired",
		  "SSL certificate problem: certificate has expired, by the clock of this machine" },
	};
	char text[FETCH_CURL_TEXT_MAX], longest[1000];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(fetch_curl_text(cases[i].message, text), cases[i].text);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "self-signed certificate", strlen("self-signed certificate"));
	assert_non_null(strstr(fetch_curl_text(longest, text), "CAFile="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_in_dir(files_are_read_and_missing_ones_named),
		kit_in_dir(a_key_may_be_in_the_certificate_s_file),
		kit_in_dir(handles_can_be_had_and_aimed),
		cmocka_unit_test(errors_are_classed),
		cmocka_unit_test(texts_say_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
