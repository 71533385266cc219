#include "transfer/url.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

CLEANUP_DEFINE(CURLU, curl_url_cleanup);
CLEANUP_DEFINE(char, curl_free);
#define _cleanup_url_  _cleanup_(curl_url_cleanupp)
#define _cleanup_part_ _cleanup_(curl_freep)

static CURLU *parse(const char *url)
{
	_cleanup_url_ CURLU *parsed = curl_url();

	if (!parsed || strlen(url) >= URL_MAX ||
	    curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return NULL;
	return TAKE_PTR(parsed);
}

/* NULL: it has none. curl_free(). */
static char *part(const CURLU *parsed, CURLUPart what, unsigned int flags)
{
	char *text = NULL;

	if (curl_url_get((CURLU *)parsed, what, &text, flags) != CURLUE_OK)
		return NULL;
	return text;
}

static bool equal(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static int refuse(const char *url, const char *why, struct error *err)
{
	char shown[URL_SHOW_MAX];

	return error_set(err, FAULT_CONFIG, "%s: %s", url_show(url, shown), why);
}

/* Behind "user:password@" and before a port: a name, or an address in brackets. */
static size_t host_size(const char *host)
{
	return host[0] == '[' ? strcspn(host, "]/?#") + (host[strcspn(host, "]/?#")] == ']') :
				strcspn(host, ":/?#");
}

static bool is_port(const char *text, size_t size)
{
	unsigned int port = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned int)(text[i] - '0');
		if (port > UINT16_MAX)
			return false;
	}
	return size == 0 || port > 0;
}

/* What stands between "//" and the path. */
static const char *bar_authority(const char *authority)
{
	const char *end = authority + strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', (size_t)(end - authority));
	const char *host = at ? at + 1 : authority;
	size_t size = host_size(host);

	if (size == 0)
		return "has no host";
	if (host[0] == '[' && host[size - 1] != ']')
		return "is no URL";
	if (host + size < end &&
	    (host[size] != ':' || !is_port(host + size + 1, (size_t)(end - host) - size - 1)))
		return "has no such port";
	return NULL;
}

static bool has_blanks(const char *url)
{
	for (; *url; url++)
		if ((unsigned char)*url <= ' ' || *url == 0x7f)
			return true;
	return false;
}

/* The worker asks this of each URL: without libcurl, which would be loaded for it (src/late.h). */
int url_check(const char *url, struct error *err)
{
	const char *authority = strstr(url, "://");
	size_t scheme = authority ? (size_t)(authority - url) : 0;
	const char *why = NULL;

	if (strlen(url) >= URL_MAX)
		return refuse(url, "is too long", err);
	if (!authority || has_blanks(url))
		return refuse(url, "is no URL", err);
	authority += strlen("://");
	if (scheme == 4 && strncasecmp(url, "file", scheme) == 0)
		return authority[0] == '/' || strncasecmp(authority, "localhost/", 10) == 0 ?
			       0 :
			       refuse(url, "is no file on this machine: file:///PATH", err);
	if ((scheme != 4 && scheme != 5) || strncasecmp(url, "https", scheme) != 0)
		return refuse(url, "only http://, https:// and file:// are fetched", err);
	why = bar_authority(authority);
	return why ? refuse(url, why, err) : 0;
}

bool url_same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };
	_cleanup_url_ CURLU *first = parse(a);
	_cleanup_url_ CURLU *second = parse(b);
	bool same = first && second;

	for (size_t i = 0; same && i < ARRAY_SIZE(parts); i++) {
		_cleanup_part_ char *one = part(first, parts[i], CURLU_DEFAULT_PORT);
		_cleanup_part_ char *other = part(second, parts[i], CURLU_DEFAULT_PORT);

		same = one && other && strcasecmp(one, other) == 0;
	}
	return same;
}

const char *url_bar_redirect(const char *from, const char *to)
{
	_cleanup_url_ CURLU *first = parse(from);
	_cleanup_url_ CURLU *second = parse(to);
	_cleanup_part_ char *before = first ? part(first, CURLUPART_SCHEME, 0) : NULL;
	_cleanup_part_ char *after = second ? part(second, CURLUPART_SCHEME, 0) : NULL;

	if (!before || !after)
		return "to what is no URL";
	if (!equal(after, "http") && !equal(after, "https"))
		return "to what is not HTTP";
	if (equal(before, "https") && equal(after, "http"))
		return "from https to http";
	return NULL;
}

/* A decoded part, malloc'ed, in *ret; NULL if the URL has none. */
static int copy_part(const CURLU *parsed, CURLUPart what, char **ret)
{
	_cleanup_part_ char *text = part(parsed, what, CURLU_URLDECODE);

	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int copy_bare(CURLU *parsed, char **ret)
{
	_cleanup_part_ char *text = NULL;

	if (curl_url_set(parsed, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
	    curl_url_set(parsed, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK ||
	    curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
		return -ENOMEM;
	text = part(parsed, CURLUPART_URL, 0);
	*ret = text ? strdup(text) : NULL;
	return *ret ? 0 : -ENOMEM;
}

int url_split_login(const char *url, char **ret_url, char **ret_user, char **ret_password,
		    struct error *err)
{
	_cleanup_url_ CURLU *parsed = parse(url);
	_cleanup_free_ char *user = NULL;
	_cleanup_free_ char *password = NULL;
	_cleanup_free_ char *bare = NULL;
	int r;

	if (!parsed)
		return refuse(url, "is no URL", err);
	r = copy_part(parsed, CURLUPART_USER, &user);
	if (r == 0)
		r = copy_part(parsed, CURLUPART_PASSWORD, &password);
	if (r == 0)
		r = copy_bare(parsed, &bare);
	if (r < 0)
		return error_code(err, r, "reading a URL");
	*ret_url = TAKE_PTR(bare);
	*ret_user = TAKE_PTR(user);
	*ret_password = TAKE_PTR(password);
	return 0;
}

int url_file_path(const char *url, char **ret_path, struct error *err)
{
	_cleanup_url_ CURLU *parsed = parse(url);
	_cleanup_part_ char *scheme = parsed ? part(parsed, CURLUPART_SCHEME, 0) : NULL;
	_cleanup_part_ char *path = parsed ? part(parsed, CURLUPART_PATH, CURLU_URLDECODE) : NULL;

	if (!equal(scheme, "file") || !path || path[0] != '/')
		return refuse(url, "is no file:// URL with an absolute path", err);
	*ret_path = strdup(path);
	return *ret_path ? 0 : error_code(err, -ENOMEM, "reading a URL");
}

/* Where "user:password@" begins and ends in a URL; false: it has none. */
static bool find_login(const char *url, const char **ret_begin, const char **ret_end)
{
	const char *authority = strstr(url, "://");
	const char *at;

	if (!authority)
		return false;
	authority += 3;
	at = memrchr(authority, '@', strcspn(authority, "/?#"));
	*ret_begin = authority;
	*ret_end = at ? at + 1 : NULL;
	return at != NULL;
}

char *url_show(const char *url, char ret_text[static URL_SHOW_MAX])
{
	const char *begin, *end;
	size_t scheme;

	if (!find_login(url, &begin, &end))
		return text_escape(url, strlen(url), ret_text, URL_SHOW_MAX);
	scheme = (size_t)(begin - url);
	if (scheme > sizeof("https://"))
		return text_copy("(no URL)", ret_text, URL_SHOW_MAX);
	(void)text_escape(url, scheme, ret_text, URL_SHOW_MAX);
	scheme = strlen(ret_text);
	(void)text_escape(end, strlen(end), ret_text + scheme, URL_SHOW_MAX - scheme);
	return ret_text;
}
