#include "unit/probe-http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define BODY_MAX   65536
#define SHOWN_MAX  120 /* of a URL or a wanted text in an answer */
#define HEADER_MAX 16384

struct answer {
	const struct probe_options *options;
	CURL *curl;
	char *body; /* BODY_MAX */
	size_t size;
	bool has_header;
	bool is_enough; /* we ended the transfer ourselves */
};

struct place {
	char url[SHOWN_MAX]; /* without user, query and fragment: they may hold secrets */
	char host[SHOWN_MAX]; /* HOST:PORT */
};

static inline void cleanup_curl(CURL **curl)
{
	if (*curl)
		curl_easy_cleanup(*curl);
}

static inline void cleanup_url(CURLU **url)
{
	if (*url)
		curl_url_cleanup(*url);
}

static inline void cleanup_part(char **part)
{
	curl_free(*part);
}

/* ---- what is shown ---- */

static void get_part(CURLU *url, CURLUPart which, char *ret_text, size_t room)
{
	_cleanup_(cleanup_part) char *part = NULL;

	ret_text[0] = '\0';
	if (curl_url_get(url, which, &part, which == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) ==
	    CURLUE_OK)
		text_copy(part, ret_text, room);
}

static void describe_place(const char *text, struct place *ret)
{
	_cleanup_(cleanup_url) CURLU *url = curl_url();
	char host[SHOWN_MAX / 2];
	char port[16];

	text_copy(text, ret->url, sizeof(ret->url));
	text_copy(ret->url, ret->host, sizeof(ret->host));
	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
		return;
	get_part(url, CURLUPART_HOST, host, sizeof(host));
	get_part(url, CURLUPART_PORT, port, sizeof(port));
	(void)snprintf(ret->host, sizeof(ret->host), "%s:%s", host, port);
	(void)curl_url_set(url, CURLUPART_USER, NULL, 0);
	(void)curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
	(void)curl_url_set(url, CURLUPART_OPTIONS, NULL, 0);
	(void)curl_url_set(url, CURLUPART_QUERY, NULL, 0);
	(void)curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	get_part(url, CURLUPART_URL, ret->url, sizeof(ret->url));
}

/* "200-299, 404" */
static void describe_ranges(const struct probe_options *options, char *ret_text, size_t room)
{
	size_t at = 0;

	(void)snprintf(ret_text, room, "200-299");
	for (size_t i = 0; i < options->n_status_ranges && at < room; i++) {
		const unsigned int *range = options->status_ranges[i];
		int n = snprintf(ret_text + at, room - at, "%s%u", i > 0 ? ", " : "", range[0]);

		at += n > 0 ? (size_t)n : 0;
		if (range[1] == range[0] || at >= room)
			continue;
		n = snprintf(ret_text + at, room - at, "-%u", range[1]);
		at += n > 0 ? (size_t)n : 0;
	}
}

/* ---- the transfer ---- */

static bool is_wanted_status(const struct probe_options *options, long status)
{
	if (options->n_status_ranges == 0)
		return status >= 200 && status <= 299;
	for (size_t i = 0; i < options->n_status_ranges; i++)
		if (status >= options->status_ranges[i][0] &&
		    status <= options->status_ranges[i][1])
			return true;
	return false;
}

static bool has_text(const struct answer *answer)
{
	const char *wanted = answer->options->body;

	return !wanted || memmem(answer->body, answer->size, wanted, strlen(wanted));
}

/* Ends the transfer as soon as nothing more can change the verdict: some bodies never end. */
static size_t on_body(char *data, size_t unit, size_t n, void *userdata)
{
	struct answer *answer = userdata;
	size_t size = unit * n;
	size_t take = size < BODY_MAX - answer->size ? size : BODY_MAX - answer->size;
	long status = 0;

	memcpy(answer->body + answer->size, data, take);
	answer->size += take;
	(void)curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &status);
	answer->is_enough = has_text(answer) || answer->size == BODY_MAX ||
			    !is_wanted_status(answer->options, status);
	return answer->is_enough ? 0 : size;
}

/* Without regard to case the name, and somewhere in the value the text. */
static bool is_wanted_header(const char *wanted, const char *line, size_t size)
{
	size_t name = strcspn(wanted, ":");
	const char *text = wanted + name + (wanted[name] == ':');

	text += strspn(text, " \t");
	return size > name && line[name] == ':' && strncasecmp(wanted, line, name) == 0 &&
	       memmem(line + name + 1, size - name - 1, text, strlen(text));
}

static size_t on_header(char *data, size_t unit, size_t n, void *userdata)
{
	struct answer *answer = userdata;
	size_t size = unit * n;

	if (size > 5 && memcmp(data, "HTTP/", 5) == 0)
		answer->has_header = false; /* what came before was "100 Continue" */
	else if (answer->options->header && is_wanted_header(answer->options->header, data, size))
		answer->has_header = true;
	return size;
}

static void set_protocols(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static void set_up(CURL *curl, struct answer *answer, uint64_t deadline, char *ret_error)
{
	const struct probe_options *options = answer->options;
	uint64_t now = clock_monotonic_usec();
	uint64_t left = deadline > now ? (deadline - now) / USEC_PER_MSEC : 0;

	set_protocols(curl);
	(void)curl_easy_setopt(curl, CURLOPT_URL, options->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "flipslot-probe/" FLIPSLOT_VERSION);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, ret_error);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
	if (options->ca_file)
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
	if (options->insecure) {
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

/* ---- the verdict ---- */

static bool refuse_connection(CURL *curl, const struct place *place, char *ret_text, size_t room)
{
	long code = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &code);
	if (code == ECONNREFUSED || code == 0)
		(void)snprintf(ret_text, room, "connection refused at %s", place->host);
	else
		(void)snprintf(ret_text, room, "no connection to %s: %s", place->host,
			       strerrordesc_np((int)code));
	return false;
}

/* The transfer itself failed. */
static bool explain_failure(CURL *curl, CURLcode code, const struct place *place, const char *why,
			    char *ret_text, size_t room)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return refuse_connection(curl, place, ret_text, room);
	case CURLE_OPERATION_TIMEDOUT:
		(void)snprintf(ret_text, room, "no answer from %s in time", place->url);
		break;
	case CURLE_COULDNT_RESOLVE_HOST:
		(void)snprintf(ret_text, room, "the name in %s cannot be resolved", place->url);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
		(void)snprintf(ret_text, room, "%s closed the connection without an answer (%s)",
			       place->host, why);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		(void)snprintf(ret_text, room, "the certificate of %s is not good: %s", place->host,
			       why);
		break;
	default:
		(void)snprintf(ret_text, room, "%s: %s", place->url, why);
		break;
	}
	return false;
}

static bool judge(const struct answer *answer, const struct place *place, char *ret_text,
		  size_t room)
{
	const struct probe_options *options = answer->options;
	char wanted[SHOWN_MAX];
	long status = 0;

	(void)curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!is_wanted_status(options, status)) {
		describe_ranges(options, wanted, sizeof(wanted));
		(void)snprintf(ret_text, room, "HTTP %ld from %s, wanted %s", status, place->url,
			       wanted);
		return false;
	}
	if (options->header && !answer->has_header) {
		text_copy(options->header, wanted, sizeof(wanted));
		(void)snprintf(ret_text, room, "HTTP %ld from %s, but no header \"%s\"", status,
			       place->url, wanted);
		return false;
	}
	if (!has_text(answer)) {
		text_copy(options->body, wanted, sizeof(wanted));
		(void)snprintf(ret_text, room,
			       "HTTP %ld from %s, but its body does not contain \"%s\"", status,
			       place->url, wanted);
		return false;
	}
	(void)snprintf(ret_text, room, "HTTP %ld from %s", status, place->url);
	return true;
}

static bool ask(CURL *curl, struct answer *answer, uint64_t deadline, char *ret_text, size_t room)
{
	char why[CURL_ERROR_SIZE] = "";
	struct place place;
	CURLcode code;

	describe_place(answer->options->url, &place);
	set_up(curl, answer, deadline, why);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK && !answer->is_enough)
		return explain_failure(curl, code, &place, why[0] ? why : curl_easy_strerror(code),
				       ret_text, room);
	return judge(answer, &place, ret_text, room);
}

void probe_http_prepare(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool probe_http_ask(const struct probe_order *order, uint64_t deadline, char *ret_text, size_t room)
{
	const struct probe_options *options = &order->options;
	_cleanup_free_ char *body = malloc(BODY_MAX);
	_cleanup_(cleanup_curl) CURL *curl = NULL;
	struct answer answer = { .options = options, .body = body };

	(void)snprintf(ret_text, room, "the HTTP library could not be started");
	if (!body || !options->url || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	if (options->ca_file && access(options->ca_file, R_OK) < 0) {
		(void)snprintf(ret_text, room, "the CAFile= %s cannot be read: %s",
			       options->ca_file, strerrordesc_np(errno));
		return false;
	}
	curl = curl_easy_init();
	if (!curl)
		return false;
	answer.curl = curl;
	return ask(curl, &answer, deadline, ret_text, room);
}
