/*
 * URLs (RFC 3986, as libcurl's parser reads them): what may be fetched, where a redirect may lead, and
 * how one is shown. No function asks the network.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define URL_MAX	     2048 /* bytes, with the final NUL */
#define URL_SHOW_MAX 320

/* http, https or file, with a host (file: none or localhost), and at most URL_MAX; FAULT_CONFIG. */
int url_check(const char *url, struct error *err);

/* The same scheme, host and port? Only there are credentials and a client certificate carried. */
bool url_same_origin(const char *a, const char *b);

/*
 * A redirect from one http(s) URL to another: only http and https, and never from https to http. NULL:
 * it may be followed; otherwise why not ("to http, which anybody can read").
 */
const char *url_bar_redirect(const char *from, const char *to);

/*
 * The URL without user, password and fragment, and those two decoded (NULL: not in it). All three are
 * malloc'ed and the caller's. FAULT_CONFIG.
 */
int url_split_login(const char *url, char **ret_url, char **ret_user, char **ret_password,
		    struct error *err);

/* The decoded path of a file URL, malloc'ed. FAULT_CONFIG: it is none, or has a NUL in it. */
int url_file_path(const char *url, char **ret_path, struct error *err);

/* Without password, printable, cut: for messages. Returns ret_text. */
char *url_show(const char *url, char ret_text[static URL_SHOW_MAX]);
