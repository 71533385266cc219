/* The parts: a URL, and one that it redirects to. */
#include "transfer/url.h"

#include "fuzz.h"

static void take_apart(const char *url)
{
	_cleanup_free_ char *bare = NULL;
	_cleanup_free_ char *user = NULL;
	_cleanup_free_ char *password = NULL;
	_cleanup_free_ char *path = NULL;
	char shown[URL_SHOW_MAX];
	struct error err = {};

	assert(strlen(url_show(url, shown)) < URL_SHOW_MAX);
	if (url_file_path(url, &path, &err) == 0)
		assert(path[0] == '/');
	if (url_check(url, &err) < 0)
		return;
	assert(strlen(url) < URL_MAX);
	if (url_split_login(url, &bare, &user, &password, &err) < 0)
		return;
	assert(!strchr(bare, '#'));
	if (strncasecmp(url, "http", 4) == 0)
		assert(url_same_origin(url, bare));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *from = fuzz_part(&data, &size);
	_cleanup_free_ char *to = fuzz_part(&data, &size);

	if (!from)
		return 0;
	take_apart(from);
	if (to && !url_bar_redirect(from, to))
		assert(strncasecmp(to, "http", 4) == 0);
	return 0;
}
