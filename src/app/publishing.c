#include "app/publishing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/packing-display.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "publish/issue.h"
#include "publish/output.h"

#define LEVEL_USUAL "19"
#define VARIABLE    "FLIPSLOT_PASSPHRASE"

/* ---- passphrases ---- */

static int take_line(const char *text, char *ret_passphrase, const char *whence, struct error *err)
{
	size_t size = strcspn(text, "\n");

	if (size == 0 || size >= SECRET_PASSPHRASE_MAX)
		return error_set(err, FAULT_CONFIG, "%s holds no passphrase (1 to %d bytes)",
				 whence, SECRET_PASSPHRASE_MAX - 1);
	memcpy(ret_passphrase, text, size);
	ret_passphrase[size] = '\0';
	return 0;
}

static int ask_file(const char *file, char *ret_passphrase, struct error *err)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char text[SECRET_PASSPHRASE_MAX + 1] = "";
	ssize_t n;
	int r;

	if (fd < 0)
		return error_errno(err, "opening %s", file);
	n = fd_read_full(fd, text, SECRET_PASSPHRASE_MAX);
	r = n < 0 ? error_errno(err, "reading %s", file) :
		    take_line(text, ret_passphrase, file, err);
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

static int ask_terminal(const char *name, bool confirm, char *ret_passphrase, struct error *err)
{
	char prompt[256];

	(void)snprintf(prompt, sizeof(prompt), "Passphrase of %.200s: ", name);
	if (EVP_read_pw_string_min(ret_passphrase, 1, SECRET_PASSPHRASE_MAX - 1, prompt, confirm) !=
	    0)
		return error_set(err, FAULT_CONFIG,
				 "%s needs a passphrase: --passphrase-file, $" VARIABLE
				 ", or a terminal to ask on",
				 name);
	return 0;
}

int publishing_ask(void *data, const char *name, bool confirm,
		   char ret_passphrase[static SECRET_PASSPHRASE_MAX], struct error *err)
{
	const char *file = data;
	const char *variable = getenv(VARIABLE);

	if (file)
		return ask_file(file, ret_passphrase, err);
	if (variable)
		return take_line(variable, ret_passphrase, VARIABLE, err);
	return ask_terminal(name, confirm, ret_passphrase, err);
}

/* ---- files and repositories ---- */

int publishing_open_parent(const char *path, int *ret_dirfd, const char **ret_name,
			   struct error *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = NULL;

	*ret_name = slash ? slash + 1 : path;
	if (!slash || slash == path)
		return fd_open_dir(AT_FDCWD, slash ? "/" : ".", ret_dirfd, err);
	parent = strndup(path, (size_t)(slash - path));
	if (!parent)
		return error_errno(err, "%s", path);
	return fd_open_dir(AT_FDCWD, parent, ret_dirfd, err);
}

int publishing_open(const char *dir, const char *passphrase_file, struct repo **ret_repo,
		    struct error *err)
{
	const struct repo_options options = { .now = clock_realtime_usec(),
					      .ask = publishing_ask,
					      .ask_data = (void *)passphrase_file };

	return repo_open(dir, &options, ret_repo, err);
}

int publishing_finish_consume(struct repo *repo, bool refresh)
{
	_cleanup_(repo_freep) struct repo *owned = repo;
	_cleanup_text_ struct text report = {};
	struct error err = {};
	int r = refresh ? issue_refresh(owned, &report, &err) : issue_run(owned, &report, &err);

	if (report.size > 0)
		(void)fputs(report.data, stdout);
	if (r < 0)
		return cli_fail(&err);
	if (r == ISSUE_WAITING && !refresh)
		printf("sign it elsewhere: flipslot repo sign DIR --export FOLDER (docs/PUBLISHING.md)\n");
	return 0;
}

/* ---- lists ---- */

int publishing_parse_role(const char *name, enum root_role *ret_role, struct error *err)
{
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		if (strcmp(root_role_name(role), name) == 0) {
			*ret_role = role;
			return 0;
		}
	return error_set(err, FAULT_CONFIG,
			 "\"%.40s\" is no role: root, targets, snapshot, timestamp", name);
}

int publishing_parse_count(const char *text, uint64_t *ret_value, struct error *err)
{
	return parse_u64(text, 1, 100, ret_value, err);
}

static int parse_part(const char *part, publishing_parse parse, uint64_t *values, struct error *err)
{
	const char *equals = strchr(part, '=');
	_cleanup_free_ char *name = NULL;
	enum root_role role = ROOT_ROLE_ROOT;
	int r;

	if (!equals)
		return error_set(err, FAULT_CONFIG, "\"%.80s\" should be ROLE=VALUE", part);
	name = strndup(part, (size_t)(equals - part));
	if (!name)
		return error_errno(err, "the command line");
	r = publishing_parse_role(name, &role, err);
	return r < 0 ? r : parse(equals + 1, &values[role], err);
}

int publishing_parse_roles(const char *list, publishing_parse parse,
			   uint64_t ret_values[static ROOT_ROLE_MAX], struct error *err)
{
	while (list) {
		size_t size = strcspn(list, ",");
		_cleanup_free_ char *part = strndup(list, size);
		int r;

		if (!part)
			return error_errno(err, "the command line");
		r = parse_part(part, parse, ret_values, err);
		if (r < 0)
			return r;
		list = list[size] == ',' ? list + size + 1 : NULL;
	}
	return 0;
}

/* ---- packing ---- */

static unsigned int count_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set) : 1;
}

static int parse_seconds(const char *text, int64_t *ret_seconds, struct error *err)
{
	uint64_t value;

	if (parse_u64(text, 0, INDEX_MTIME_MAX, &value, NULL) < 0) {
		int r = clock_parse(text, &value, err);

		if (r < 0)
			return r;
		value /= USEC_PER_SEC;
	}
	*ret_seconds = (int64_t)value;
	return 0;
}

int publishing_pack_options(const char *level, const char *mtime, bool allow_setuid,
			    struct pack_options *ret_options, struct error *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	struct pack_options options = { .threads = count_cores(),
					.mtime = PACK_MTIME_KEEP,
					.latest = PACK_MTIME_KEEP,
					.progress = { .tell = packing_display_tell },
					.allow_setuid = allow_setuid };
	uint64_t value;
	int r = parse_u64(level ? level : LEVEL_USUAL, 1, OUTPUT_LEVEL_MAX, &value, err);

	if (r < 0)
		return error_prefix(err, r, "--level");
	options.level = (int)value;
	if (mtime)
		r = parse_seconds(mtime, &options.mtime, err);
	if (r < 0)
		return error_prefix(err, r, "--mtime");
	if (epoch)
		r = parse_seconds(epoch, &options.latest, err);
	if (r < 0)
		return error_prefix(err, r, "SOURCE_DATE_EPOCH");
	*ret_options = options;
	return 0;
}

static void show_line(void *data, const char *line)
{
	(void)data;
	packing_display_clear();
	(void)fprintf(stderr, "%s\n", line);
}

int publishing_delta_options(const char *deltas, bool no_bundle, bool verbose,
			     struct delta_options *ret_options, struct error *err)
{
	uint64_t bases = DELTA_BASES_USUAL;
	int r = deltas ? parse_u64(deltas, 0, DELTA_BASES_MAX, &bases, err) : 0;

	if (r < 0)
		return error_prefix(err, r, "--deltas");
	*ret_options = (struct delta_options){
		.bundle = !no_bundle,
		.bases = (unsigned int)bases,
		.note = verbose ? show_line : NULL,
	};
	return 0;
}
