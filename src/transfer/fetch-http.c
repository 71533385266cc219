#include "transfer/fetch-http.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "transfer/fetch-curl.h"
#include "transfer/response.h"
#include "transfer/url.h"

#define CONNECTIONS_MAX 4L
#define DISCARD_MAX	(64 * 1024) /* bytes of a body that nobody wants, to keep its connection */

struct fetch_http {
	CURLM *multi;
	struct fetch_curl curl;
};

struct fetch_http_job {
	struct fetch_http *http;
	struct fetch_stream *stream;
	CURL *easy;
	struct curl_slist *headers;
	char *origin; /* the URL that was asked for, without user and password */
	char *at; /* where redirects have led */
	char *user, *password; /* NULL: none */
	unsigned int hops;
	struct response response;
	bool judged;
	enum fetch_class verdict; /* of the header */
	size_t discarded;
	char why[FETCH_TEXT_MAX];
	char message[CURL_ERROR_SIZE];
};

/* ---- the pool ---- */

int fetch_http_new(const struct fetch_settings *settings, struct fetch_http **ret_http,
		   struct error *err)
{
	_cleanup_(fetch_http_freep) struct fetch_http *http = calloc(1, sizeof(*http));
	int r;

	if (!http || curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		return error_code(err, -ENOMEM, "preparing for HTTP");
	r = fetch_curl_init(&http->curl, settings, err);
	if (r < 0)
		return r;
	http->multi = curl_multi_init();
	if (!http->multi)
		return error_code(err, -ENOMEM, "preparing for HTTP");
	(void)curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	/*
	 * One request at a time on a connection, also with HTTP/2: libcurl 7.88 cannot hold up one of
	 * several streams, it keeps what comes for it in memory (measured: 58 MiB; 2 MiB this way).
	 */
	(void)curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	*ret_http = TAKE_PTR(http);
	return 0;
}

void fetch_http_free(struct fetch_http *http)
{
	if (!http)
		return;
	(void)curl_multi_cleanup(http->multi);
	fetch_curl_done(&http->curl);
	free(http);
}

/* ---- a job's end ---- */

static void end(struct fetch_http_job *job, enum fetch_class class, const char *why)
{
	fetch_stream_end(job->stream, class, job->response.status, job->response.retry_after, why);
}

static bool is_redirect(const struct response *response)
{
	static const unsigned int statuses[] = { 301, 302, 303, 307, 308 };

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (response->status == statuses[i])
			return true;
	return false;
}

/* ---- what libcurl hands over ---- */

static size_t on_header(char *line, size_t one, size_t size, void *data)
{
	struct fetch_http_job *job = data;

	if (response_line(&job->response, line, size, clock_realtime_usec()))
		return size;
	end(job, FETCH_PROTOCOL, "too many headers");
	return 0;
}

/* The header is complete. True: the body is wanted. */
static bool judge(struct fetch_http_job *job)
{
	const struct wire_get *want = &job->stream->want;
	uint64_t length;

	if (job->judged)
		return job->verdict == FETCH_OK;
	job->judged = true;
	job->verdict = response_judge(&job->response, want->first, want->length, want->cap, &length,
				      job->why);
	if (job->verdict == FETCH_OK)
		fetch_stream_begin(job->stream, length);
	return job->verdict == FETCH_OK;
}

/* A short body is read to its end, so that the connection can be used again. */
static size_t discard(struct fetch_http_job *job, size_t size)
{
	job->discarded += size;
	if (job->discarded <= DISCARD_MAX && job->verdict != FETCH_NO_RANGE &&
	    job->verdict != FETCH_TOO_LONG)
		return size;
	if (!is_redirect(&job->response))
		end(job, job->verdict, job->why);
	return 0;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *data)
{
	struct fetch_http_job *job = data;

	if (!judge(job))
		return discard(job, size);
	if (!fetch_stream_may_send(job->stream, size, clock_monotonic_usec()))
		return CURL_WRITEFUNC_PAUSE;
	return fetch_stream_send(job->stream, bytes, size) ? size : 0;
}

/* ---- requests ---- */

static CURLcode set_range(CURL *easy, const struct wire_get *want)
{
	char range[48];

	if (want->length == 0)
		return CURLE_OK;
	(void)snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, want->first,
		       want->first + want->length - 1);
	return curl_easy_setopt(easy, CURLOPT_RANGE, range);
}

static bool prepare(struct fetch_http_job *job)
{
	CURL *easy = job->easy;

	/* Said in full, since some servers take silence for "anything". */
	job->headers = curl_slist_append(NULL, "Accept-Encoding: identity");
	return job->headers && set_range(easy, &job->stream->want) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, job->headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, job->message) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, job) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, job) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, job) == CURLE_OK;
}

/* Sends the request to job->at. */
static bool aim(struct fetch_http_job *job)
{
	bool at_home = url_same_origin(job->origin, job->at);

	response_init(&job->response);
	job->judged = false;
	job->discarded = 0;
	job->message[0] = '\0';
	return fetch_curl_aim(&job->http->curl, job->easy, job->at, at_home, job->user,
			      job->password) == CURLE_OK &&
	       curl_multi_add_handle(job->http->multi, job->easy) == CURLM_OK;
}

struct fetch_http_job *fetch_http_begin(struct fetch_http *http, struct fetch_stream *stream)
{
	struct fetch_http_job *job = calloc(1, sizeof(*job));
	struct error err = {};

	if (!job)
		return NULL;
	job->http = http;
	job->stream = stream;
	response_init(&job->response);
	if (url_split_login(stream->url, &job->origin, &job->user, &job->password, &err) < 0) {
		end(job, FETCH_CONFIG, err.text);
	} else {
		job->at = strdup(job->origin);
		job->easy = fetch_curl_handle(&http->curl);
		if (job->at && job->easy && prepare(job) && aim(job))
			return job;
		end(job, FETCH_RESET, "no memory for a request");
	}
	fetch_http_drop(http, job);
	return NULL;
}

void fetch_http_drop(struct fetch_http *http, struct fetch_http_job *job)
{
	if (!job)
		return;
	if (job->easy)
		(void)curl_multi_remove_handle(http->multi, job->easy);
	curl_easy_cleanup(job->easy);
	curl_slist_free_all(job->headers);
	free(job->origin);
	free(job->at);
	free(job->user);
	free(job->password);
	free(job);
}

/* ---- redirects ---- */

/* Where to, without the user and password that a server may have put in: malloc'ed, or NULL. */
static char *target_of(struct fetch_http_job *job)
{
	const char *location = NULL;
	_cleanup_free_ char *user = NULL;
	_cleanup_free_ char *password = NULL;
	char *target = NULL;

	if (curl_easy_getinfo(job->easy, CURLINFO_REDIRECT_URL, &location) != CURLE_OK || !location)
		return NULL;
	(void)url_split_login(location, &target, &user, &password, NULL);
	return target;
}

/* NULL: it may be followed; otherwise why not, in job->why. */
static const char *bar_redirect(struct fetch_http_job *job, const char *target)
{
	char shown[URL_SHOW_MAX];
	const char *why = url_bar_redirect(job->at, target);

	if (why)
		(void)snprintf(job->why, sizeof(job->why), "redirected %s: %.150s", why,
			       url_show(target, shown));
	else if (job->hops >= job->http->curl.settings->redirects)
		(void)snprintf(job->why, sizeof(job->why), "more than %u redirects", job->hops);
	else
		return NULL;
	return job->why;
}

static void follow(struct fetch_http_job *job)
{
	char *target = target_of(job);

	if (!target) {
		end(job, FETCH_REDIRECT, "redirected to nowhere");
	} else if (bar_redirect(job, target)) {
		end(job, FETCH_REDIRECT, job->why);
		free(target);
	} else {
		free(job->at);
		job->at = target;
		job->hops++;
		if (!aim(job))
			end(job, FETCH_RESET, "no memory for a request");
	}
}

/* ---- progress ---- */

/* What a proxy answers instead of a tunnel says itself whether it may pass. False: that was not it. */
static bool end_tunnel(struct fetch_http_job *job, const char *message)
{
	long status = 0;

	if (curl_easy_getinfo(job->easy, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK ||
	    status < 300 || status > 999)
		return false;
	fetch_stream_end(job->stream, FETCH_STATUS, (unsigned int)status, 0,
			 status == 407 ? "HTTP 407: " RESPONSE_PROXY_LOGIN : message);
	return true;
}

static void end_failed(struct fetch_http_job *job, CURLcode code)
{
	char text[FETCH_CURL_TEXT_MAX];
	const char *message =
		fetch_curl_text(job->message[0] ? job->message : curl_easy_strerror(code), text);

	if (end_tunnel(job, message))
		return;
	/* What libcurl says of a line of more than 100 kB; it never hands that over. */
	if (code == CURLE_OUT_OF_MEMORY && !job->judged && job->response.status > 0)
		end(job, FETCH_PROTOCOL, "a line of the header is too long");
	else
		end(job, fetch_curl_class(job->easy, code), message);
}

static void finish(struct fetch_http_job *job, CURLcode code)
{
	(void)curl_multi_remove_handle(job->http->multi, job->easy);
	if (job->stream->ended)
		return;
	if (is_redirect(&job->response) && (code == CURLE_OK || job->discarded > DISCARD_MAX))
		follow(job);
	else if (code != CURLE_OK && (!job->judged || job->verdict == FETCH_OK))
		end_failed(job, code);
	else if (!judge(job))
		end(job, job->verdict, job->why);
	else
		end(job, FETCH_OK, "");
}

void fetch_http_resume(struct fetch_http_job *job)
{
	job->stream->held = false; /* the bytes that were refused come again, at once */
	(void)curl_easy_pause(job->easy, CURLPAUSE_CONT);
}

void fetch_http_work(struct fetch_http *http)
{
	const CURLMsg *message;
	int n;

	(void)curl_multi_perform(http->multi, &n);
	while ((message = curl_multi_info_read(http->multi, &n)) != NULL) {
		struct fetch_http_job *job = NULL;
		CURLcode code = message->data.result;

		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job);
		if (job && message->msg == CURLMSG_DONE)
			finish(job, code);
	}
}

void fetch_http_wait(struct fetch_http *http, int fd, int msec)
{
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN };

	(void)curl_multi_poll(http->multi, &extra, 1, msec, NULL);
}
