#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "app/verbs.h"
#include "base/fd.h"
#include "base/scope.h"
#include "base/text.h"
#include "store/durable.h"
#include "store/layout.h"
#include "store/lock.h"
#include "trust/client.h"

#define CONF_FILE	   "50-source.conf"
#define LOCK_PATIENCE_USEC (10 * USEC_PER_SEC)

/* The file must be a root.json; whether it has expired is for the first check to see. */
static int read_root(const char *file, char **ret_data, size_t *ret_size, struct error *err)
{
	const struct trusted_options options = { .policy = EXPIRY_WARN };
	_cleanup_(trusted_freep) struct trusted *trusted = NULL;
	_cleanup_free_ char *data = NULL;
	int r;

	r = fd_read_file(AT_FDCWD, file, CLIENT_ROOT_MAX, &data, ret_size, err);
	if (r == FD_ABSENT)
		return error_set(err, FAULT_CONFIG, "%s: there is no such file", file);
	if (r >= 0)
		r = trusted_new(&options, data, *ret_size, &trusted, err);
	if (r < 0)
		return error_prefix(err, r, "--root-json %s", file);
	*ret_data = TAKE_PTR(data);
	return 0;
}

static int store_root(int dirfd, const char *data, size_t size, struct error *err)
{
	_cleanup_close_ int trust_fd = -1;
	_cleanup_close_ int lock_fd = -1;
	int r;

	r = lock_wait(dirfd, LAYOUT_LOCK, LOCK_PATIENCE_USEC, &lock_fd, err);
	if (r == LOCK_TAKEN)
		return error_set(err, FAULT_BUSY,
				 "a worker is busy with this app: try again later");
	if (r >= 0)
		r = layout_create(dirfd, err);
	if (r >= 0)
		r = durable_mkdir(dirfd, LAYOUT_TRUST, 0755, err);
	if (r >= 0)
		r = fd_open_dir(dirfd, LAYOUT_TRUST, &trust_fd, err);
	return r < 0 ? r : durable_replace(trust_fd, "root.json", data, size, 0644, err);
}

static int write_conf(const char *app, const char *url, const char *channel, struct error *err)
{
	_cleanup_text_ struct text text = {};
	_cleanup_close_ int etc_fd = -1;
	_cleanup_close_ int dir_fd = -1;
	char name[128];
	int r;

	text_add(&text, "# Written by `flipslot source`.\n[Source]\nUrl=%s\n", url);
	if (channel)
		text_add(&text, "Channel=%s\n", channel);
	r = text_check(&text, err);
	if (r >= 0)
		r = fd_open_dir(AT_FDCWD, scope_dir(SCOPE_CONFIG), &etc_fd, err);
	(void)snprintf(name, sizeof(name), "%s.conf.d", app);
	if (r >= 0)
		r = durable_mkdir(etc_fd, name, 0755, err);
	if (r >= 0)
		r = fd_open_dir(etc_fd, name, &dir_fd, err);
	if (r >= 0)
		r = durable_replace(dir_fd, CONF_FILE, text.data, text.size, 0644, err);
	if (r < 0)
		return r;
	printf("wrote %s/%s/" CONF_FILE ":\n%s", scope_dir(SCOPE_CONFIG), name, text.data);
	return 0;
}

static int set_source(const char *app, const char *url, const char *root_json, const char *channel,
		      struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *data = NULL;
	_cleanup_close_ int dirfd = -1;
	size_t size;
	int r;

	r = cli_load(app, &config, err);
	if (r >= 0)
		r = config_open_root(config, &dirfd, err);
	if (r >= 0)
		r = read_root(root_json, &data, &size, err);
	if (r >= 0)
		r = store_root(dirfd, data, size, err);
	if (r >= 0)
		r = write_conf(app, url, channel, err);
	if (r < 0)
		return r;
	config_free(TAKE_PTR(config));
	return cli_load(app, &config, err); /* what was written must be understood */
}

int verb_source(const struct cli_verb *verb, int argc, char **argv)
{
	const char *root_json = NULL, *channel = NULL;
	const struct cli_option options[] = {
		{ "root-json", '\0', "FILE", "the repository's root.json, from a source you trust",
		  .text = &root_json },
		{ "channel", '\0', "NAME", "the channel to follow: stable", .text = &channel },
		{},
	};
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 2, 2, argc, argv, &operands);
	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	if (!root_json) {
		(void)error_set(
			&err, FAULT_CONFIG,
			"--root-json is missing: who may sign is not for the server to say");
		return cli_fail(&err);
	}
	if (set_source(operands[0], operands[1], root_json, channel, &err) < 0)
		return cli_fail(&err);
	printf("next: flipslot check %s\n", operands[0]);
	return 0;
}
