#include "transfer/post-helper.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "transfer/fetch-confine.h"
#include "transfer/post.h"

#define SAID_MAX 120 /* of the answer's body, shown */

struct order {
	char user[64];
	char url[POST_LINE_MAX];
	char body[POST_BODY_MAX];
	uint64_t timeout_usec;
	char headers[POST_LINES_MAX][POST_LINE_MAX];
	char words[POST_LINES_MAX][POST_LINE_MAX];
	char variables[POST_LINES_MAX][POST_LINE_MAX];
	size_t n_headers, n_words, n_variables;
};

struct said {
	char text[SAID_MAX];
	size_t size;
};

static inline void cleanup_list(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

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

/* ---- the order ---- */

static size_t get_lines(const char *text, const char *key, char lines[][POST_LINE_MAX])
{
	size_t n = 0;
	char name[32];

	for (; n < POST_LINES_MAX; n++) {
		(void)snprintf(name, sizeof(name), "%s.%zu", key, n);
		if (!text_get_field(text, name, lines[n], POST_LINE_MAX))
			break;
	}
	return n;
}

static bool read_order(struct order *order)
{
	static char text[POST_ORDER_MAX + 1];
	ssize_t n = fd_read_full(STDIN_FILENO, text, sizeof(text) - 1);
	char number[32];

	if (n < 0)
		return false;
	text[n] = '\0';
	(void)text_get_field(text, "url", order->url, sizeof(order->url));
	order->n_headers = get_lines(text, "header", order->headers);
	order->n_words = get_lines(text, "word", order->words);
	order->n_variables = get_lines(text, "variable", order->variables);
	return text_get_field(text, "user", order->user, sizeof(order->user)) &&
	       text_get_field(text, "body", order->body, sizeof(order->body)) &&
	       text_get_field(text, "timeout", number, sizeof(number)) &&
	       parse_u64(number, 1, POST_TIMEOUT_MAX, &order->timeout_usec, NULL) == 0 &&
	       (order->url[0] || order->n_words > 0);
}

/* ---- HTTP ---- */

/* HOST:PORT; what stands behind it in a URL may be a secret. */
static void describe_host(const char *text, char *ret_host, size_t room)
{
	_cleanup_(cleanup_url) CURLU *url = curl_url();
	_cleanup_(cleanup_part) char *host = NULL;
	_cleanup_(cleanup_part) char *port = NULL;

	(void)snprintf(ret_host, room, "the server");
	if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
		(void)snprintf(ret_host, room, "%s:%s", host, port);
}

static size_t on_body(char *data, size_t unit, size_t n, void *userdata)
{
	struct said *said = userdata;
	size_t size = unit * n;
	size_t room = sizeof(said->text) - 1 - said->size;

	memcpy(said->text + said->size, data, size < room ? size : room);
	said->size += size < room ? size : room;
	said->text[said->size] = '\0';
	return size;
}

static void set_up(CURL *curl, const struct order *order, struct curl_slist *headers,
		   struct said *said, char *ret_error)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	(void)curl_easy_setopt(curl, CURLOPT_URL, order->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "flipslot/" FLIPSLOT_VERSION);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
			       (long)(order->timeout_usec / USEC_PER_MSEC) + 1);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, ret_error);
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, order->body);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(order->body));
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, said);
}

static int tell(CURL *curl, CURLcode code, const struct order *order, const struct said *said,
		const char *why)
{
	char host[256];
	long status = 0;

	describe_host(order->url, host, sizeof(host));
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK) {
		(void)dprintf(STDOUT_FILENO, "%s: %s\n", host,
			      why[0] ? why : curl_easy_strerror(code));
		return 1;
	}
	(void)dprintf(STDOUT_FILENO, "HTTP %ld from %s%s%.*s\n", status, host,
		      said->text[0] ? ": " : "", (int)strcspn(said->text, "\r\n"), said->text);
	return status >= 200 && status <= 299 ? 0 : 1;
}

static int send_http(const struct order *order)
{
	const struct fetch_confine_options options = { .user = order->user, .file_root_fd = -1 };
	_cleanup_(cleanup_list) struct curl_slist *headers = NULL;
	_cleanup_(cleanup_curl) CURL *curl = NULL;
	char confined[FETCH_CONFINE_TEXT_MAX];
	char why[CURL_ERROR_SIZE] = "";
	struct said said = {};
	struct error err = {};

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 1;
	if (fetch_confine(&options, confined, &err) < 0) {
		(void)dprintf(STDOUT_FILENO, "%s\n", err.text);
		return 1;
	}
	curl = curl_easy_init();
	for (size_t i = 0; curl && i < order->n_headers; i++) {
		struct curl_slist *more = curl_slist_append(headers, order->headers[i]);

		if (!more)
			return 1;
		headers = more;
	}
	if (!curl)
		return 1;
	set_up(curl, order, headers, &said, why);
	return tell(curl, curl_easy_perform(curl), order, &said, why);
}

/* ---- a command ---- */

/* The body as a file of its own: no one has to feed the command. */
static int open_body(const char *body)
{
	int fd;

	(void)close(STDIN_FILENO); /* the lowest one that is free, now */
	fd = memfd_create("body", MFD_CLOEXEC);
	if (fd < 0 || fd_write_full(fd, body, strlen(body)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fcntl(fd, F_SETFD, 0);
}

static int run_command(struct order *order)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static const char *const no_groups[] = { NULL };
	char *variables[POST_LINES_MAX + 2] = { path };
	char *words[POST_LINES_MAX + 1] = {};
	struct error err = {};

	for (size_t i = 0; i < order->n_words; i++)
		words[i] = order->words[i];
	for (size_t i = 0; i < order->n_variables; i++)
		variables[i + 1] = order->variables[i];
	if (open_body(order->body) < 0) {
		(void)dprintf(STDOUT_FILENO, "handing over the message: %s\n",
			      strerrordesc_np(errno));
		return 1;
	}
	if (confine_become(confine_user_or_nobody(order->user), "", no_groups, &err) < 0) {
		(void)dprintf(STDOUT_FILENO, "%s\n", err.text);
		return 1;
	}
	(void)execve(words[0], words, variables);
	(void)dprintf(STDOUT_FILENO, "executing %s: %s\n", words[0], strerrordesc_np(errno));
	return 1;
}

int post_helper_main(void)
{
	static struct order order;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	if (chdir("/") < 0 || !read_order(&order)) {
		(void)dprintf(STDOUT_FILENO, "orders of another form\n");
		return 1;
	}
	if (order.url[0])
		return send_http(&order);
	return run_command(&order);
}
