/*
 * The client that someone else's test suite drives (theupdateframework/tuf-conformance, CLIENT-CLI.md):
 *
 *     --metadata-dir D init ROOT
 *     --metadata-dir D --metadata-url U refresh
 *     --metadata-dir D --metadata-url U --target-name T … --target-base-url B --target-dir X download
 *
 * Exit status 0 or 1. All that is trust is the product's (trust/client.h); here are files and libcurl.
 * --now SECONDS and --expiry POLICY are for tests of our own.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "trust/client.h"
#include "trust/filename.h"

#define TARGETS_MAX	64
#define TARGET_SIZE_MAX (64U << 20)

struct options {
	const char *metadata_dir;
	const char *metadata_url;
	const char *target_base_url;
	const char *target_dir;
	const char *targets[TARGETS_MAX];
	size_t n_targets;
	uint64_t now; /* realtime usec */
	enum expiry_policy policy;
};

/* ---- HTTP ---- */

struct body {
	char *data;
	size_t size;
	size_t max;
};

static size_t on_data(char *data, size_t one, size_t n, void *opaque)
{
	struct body *body = opaque;
	char *more;

	if (n > body->max - body->size)
		return 0; /* too much: ends the transfer */
	more = realloc(body->data, body->size + n + 1);
	if (!more)
		return 0;
	memcpy(more + body->size, data, n);
	body->data = more;
	body->size += n;
	return n;
}

static CURL *make_request(const char *url, struct body *body)
{
	CURL *curl = curl_easy_init();

	if (!curl)
		return NULL;
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	return curl;
}

static char *make_url(const char *base, const char *name)
{
	struct text url = {};
	size_t size = strlen(base);

	text_add(&url, "%s%s%s", base, size > 0 && base[size - 1] == '/' ? "" : "/", name);
	return text_take(&url);
}

/* > 0: the server has no such file (404, 403). */
static int fetch(const char *base, const char *name, size_t max, struct body *ret_body,
		 struct error *err)
{
	_cleanup_free_ char *url = make_url(base, name);
	struct body body = { .max = max };
	CURL *curl = url ? make_request(url, &body) : NULL;
	CURLcode code;
	long status = 0;

	if (!curl)
		return error_code(err, -ENOMEM, "fetching %s", name);
	code = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK && status == 200) {
		*ret_body = body;
		return 0;
	}
	free(body.data);
	if (status == 404 || status == 403)
		return 1;
	return error_set(err, FAULT_NETWORK, "%s: HTTP %ld, %s", name, status,
			 curl_easy_strerror(code));
}

/* ---- files ---- */

static int save(const char *dir, const char *name, const void *data, size_t size, struct error *err)
{
	_cleanup_close_ int dirfd = -1;
	_cleanup_close_ int fd = -1;
	int r = fd_open_dir(AT_FDCWD, dir, &dirfd, err);

	if (r < 0)
		return r;
	fd = openat(dirfd, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || fd_write_full(fd, data, size) < 0 || fsync(fd) < 0 ||
	    renameat(dirfd, ".new", dirfd, name) < 0)
		return error_errno(err, "writing %s", name);
	return 0;
}

/* > 0: FD_ABSENT */
static int load(const char *dir, const char *name, size_t max, struct body *ret_body,
		struct error *err)
{
	_cleanup_close_ int dirfd = -1;
	int r = fd_open_dir(AT_FDCWD, dir, &dirfd, err);

	if (r < 0)
		return r;
	return fd_read_file(dirfd, name, max, &ret_body->data, &ret_body->size, err);
}

/* ---- the client's steps ---- */

static int do_fetch(struct client *client, const struct options *options,
		    const struct client_step *step, struct error *err)
{
	struct body body = {};
	int r = fetch(options->metadata_url, step->name, step->max, &body, err);

	if (r < 0)
		return r;
	if (r > 0)
		return client_lacks(client, err);
	return client_give_consume(client, body.data, body.size, err);
}

static int do_load(struct client *client, const struct options *options,
		   const struct client_step *step, struct error *err)
{
	struct body body = {};

	if (load(options->metadata_dir, step->name, step->max, &body, NULL) != 0)
		return client_lacks(client, err);
	return client_give_consume(client, body.data, body.size, err);
}

static int do_save(struct client *client, const struct options *options,
		   const struct client_step *step, struct error *err)
{
	int r = save(options->metadata_dir, step->name, step->data, step->size, err);

	return r < 0 ? r : client_did(client, err);
}

static int do_remove(struct client *client, const struct options *options,
		     const struct client_step *step, struct error *err)
{
	_cleanup_free_ char *path = make_url(options->metadata_dir, step->name);

	if (!path || (unlink(path) < 0 && errno != ENOENT))
		return error_errno(err, "removing %s", step->name);
	return client_did(client, err);
}

static int drive(struct client *client, const struct options *options, struct error *err)
{
	static int (*const deeds[])(struct client * client, const struct options *options,
				    const struct client_step *step, struct error *err) = {
		[CLIENT_FETCH] = do_fetch,
		[CLIENT_LOAD] = do_load,
		[CLIENT_SAVE] = do_save,
		[CLIENT_REMOVE] = do_remove,
	};
	struct client_step step;

	for (client_next(client, &step); step.action != CLIENT_READY; client_next(client, &step)) {
		int r = deeds[step.action](client, options, &step, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the commands ---- */

static int init(const struct options *options, const char *root, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = fd_read_file(AT_FDCWD, root, CLIENT_ROOT_MAX, &data, &size, err);

	if (r != 0)
		return r < 0 ? r : error_set(err, FAULT_CONFIG, "%s: no such file", root);
	return save(options->metadata_dir, "root.json", data, size, err);
}

static int refresh(const struct options *options, struct client **ret_client, struct error *err)
{
	const struct trusted_options trusted = { .policy = options->policy,
						 .reference = options->now };
	_cleanup_(client_freep) struct client *client = NULL;
	struct body root = {};
	int r = load(options->metadata_dir, "root.json", CLIENT_ROOT_MAX, &root, err);

	if (r != 0)
		return r < 0 ? r : error_set(err, FAULT_CONFIG, "no root.json: init first");
	r = client_new(&trusted, root.data, root.size, &client, err);
	free(root.data);
	if (r < 0)
		return r;
	r = drive(client, options, err);
	(void)fputs(client_notes(client), stderr);
	if (r < 0)
		return r;
	*ret_client = TAKE_PTR(client);
	return 0;
}

static int fetch_target(const struct options *options, const struct found *found, const char *name,
			struct error *err)
{
	struct body body = {};
	int r;

	if (found->length > TARGET_SIZE_MAX)
		return error_set(err, FAULT_NO_SPACE, "%s is too large", name);
	r = fetch(options->target_base_url, found->file, found->length, &body, err);
	if (r != 0)
		return r < 0 ? r : error_set(err, FAULT_NETWORK, "%s is not there", name);
	if (body.size != found->length)
		r = error_set(err, FAULT_UNTRUSTED, "%s has %zu bytes, not %" PRIu64, name,
			      body.size, found->length);
	else
		r = hashes_check(&found->hashes, body.data, body.size, err);
	if (r == 0)
		r = save(options->target_dir, name, body.data, body.size, err);
	free(body.data);
	return r;
}

static bool is_cached(const struct options *options, const struct found *found, const char *name)
{
	struct body body = {};
	bool same;

	if (load(options->target_dir, name, TARGET_SIZE_MAX, &body, NULL) != 0)
		return false;
	same = body.size == found->length &&
	       hashes_check(&found->hashes, body.data, body.size, NULL) == 0;
	free(body.data);
	return same;
}

static int download_one(struct client *client, const struct options *options, const char *path,
			struct error *err)
{
	_cleanup_free_ char *name = NULL;
	const struct found *found;
	int r = client_search(client, path, err);

	if (r < 0)
		return r;
	r = drive(client, options, err);
	if (r < 0)
		return r;
	found = client_found(client);
	if (!found)
		return error_set(err, FAULT_UNTRUSTED, "there is no target \"%s\"", path);
	r = filename_of_role(path, 0, &name, err); /* one name, whatever the path; ends in .json */
	if (r < 0)
		return r;
	return is_cached(options, found, name) ? 0 : fetch_target(options, found, name, err);
}

static int download(const struct options *options, struct error *err)
{
	_cleanup_(client_freep) struct client *client = NULL;
	int failed = 0;
	int r = refresh(options, &client, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < options->n_targets; i++) {
		struct error why = {};

		r = download_one(client, options, options->targets[i], &why);
		if (r < 0) {
			(void)fprintf(stderr, "%s: %s\n", options->targets[i], why.text);
			*err = why;
			failed = r;
		}
	}
	return failed;
}

static int run(const struct options *options, const char *command, const char *argument,
	       struct error *err)
{
	_cleanup_(client_freep) struct client *client = NULL;

	if (strcmp(command, "init") == 0 && options->metadata_dir && argument)
		return init(options, argument, err);
	if (strcmp(command, "refresh") == 0 && options->metadata_dir && options->metadata_url)
		return refresh(options, &client, err);
	if (strcmp(command, "download") == 0 && options->metadata_dir && options->metadata_url &&
	    options->target_dir && options->target_base_url && options->n_targets > 0)
		return download(options, err);
	return error_set(err, FAULT_CONFIG, "wrong arguments");
}

static bool set_policy(struct options *options, const char *name)
{
	for (enum expiry_policy policy = 0; policy < EXPIRY_POLICY_MAX; policy++) {
		if (strcmp(expiry_policy_name(policy), name) == 0) {
			options->policy = policy;
			return true;
		}
	}
	return false;
}

static bool set_now(struct options *options, const char *text)
{
	uint64_t seconds;

	if (parse_u64(text, 0, UINT64_MAX / USEC_PER_SEC, &seconds, NULL) < 0)
		return false;
	options->now = seconds * USEC_PER_SEC;
	return true;
}

static bool set_option(struct options *options, int letter, const char *value)
{
	const char **texts[] = { &options->metadata_dir, &options->metadata_url,
				 &options->target_base_url, &options->target_dir };

	if (letter < (int)ARRAY_SIZE(texts))
		*texts[letter] = value;
	else if (letter == 't' && options->n_targets < TARGETS_MAX)
		options->targets[options->n_targets++] = value;
	else
		return (letter == 'n' && set_now(options, value)) ||
		       (letter == 'e' && set_policy(options, value));
	return true;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "metadata-dir", required_argument, NULL, 0 },
		{ "metadata-url", required_argument, NULL, 1 },
		{ "target-base-url", required_argument, NULL, 2 },
		{ "target-dir", required_argument, NULL, 3 },
		{ "target-name", required_argument, NULL, 't' },
		{ "now", required_argument, NULL, 'n' },
		{ "expiry", required_argument, NULL, 'e' },
		{},
	};
	struct options options = { .now = (uint64_t)time(NULL) * USEC_PER_SEC };
	struct error err = {};
	bool good = true;
	int letter;

	while (good && (letter = getopt_long(argc, argv, "", names, NULL)) != -1)
		good = set_option(&options, letter, optarg);
	if (!good || optind == argc) {
		(void)fprintf(stderr, "usage: see tests/tuf-conformance/client.c\n");
		return 1;
	}
	if (run(&options, argv[optind], argv[optind + 1], &err) < 0) {
		(void)fprintf(stderr, "%s: %s\n", fault_name(err.fault), err.text);
		return 1;
	}
	return 0;
}
