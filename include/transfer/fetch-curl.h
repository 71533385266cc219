/*
 * How the fetch helper uses libcurl: the options of every handle, whose certificates are believed, and
 * what an error of libcurl's means to us.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "base/error.h"
#include "transfer/fetch-class.h"
#include "transfer/fetch-settings.h"

struct fetch_curl {
	const struct fetch_settings *settings; /* borrowed */
	struct curl_blob ca, certificate, key; /* data NULL: none */
	const char *ca_path; /* the system's certificates by the hash of their names, or NULL */
	const char *ca_bundle; /* all of them in one file, or NULL */
};

/* Reads the files that the settings name. FAULT_CONFIG names the one that cannot be read. */
int fetch_curl_init(struct fetch_curl *curl, const struct fetch_settings *settings,
		    struct error *err);
void fetch_curl_done(struct fetch_curl *curl);

/* A new handle with all that holds for every request; NULL: no memory. */
CURL *fetch_curl_handle(const struct fetch_curl *curl);

/*
 * Where the next request of the handle goes. at_home: to the origin that was asked, so user, password
 * (may be NULL) and client certificate go with it; otherwise none of them.
 */
CURLcode fetch_curl_aim(const struct fetch_curl *curl, CURL *easy, const char *url, bool at_home,
			const char *user, const char *password);

/* What a failed request is to us (never FETCH_OK). */
enum fetch_class fetch_curl_class(CURL *easy, CURLcode code);

#define FETCH_CURL_TEXT_MAX 256

/*
 * What libcurl says of it, in words from which a person knows what to do: where its own do not say that, others stand for them,
 * or behind them.
 */
const char *fetch_curl_text(const char *message, char ret_text[static FETCH_CURL_TEXT_MAX]);
