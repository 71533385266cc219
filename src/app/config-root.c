#include "app/config-root.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/scope.h"
#include "base/text.h"

#define ROOT_SIZE_MAX	400 /* bytes; names in slots come behind it */
#define ROOT_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+:@,="

static bool is_below(const char *path, const char *dir)
{
	size_t size = strlen(dir);

	while (size > 0 && dir[size - 1] == '/')
		size--;
	return strncmp(path, dir, size) == 0 && (path[size] == '/' || !path[size]);
}

static int check_text(const char *root, struct error *err)
{
	size_t size = strlen(root);
	char shown[128];

	text_escape(root, size, shown, sizeof(shown));
	if (root[0] != '/' || size < 2)
		return error_set(err, FAULT_CONFIG, "\"%s\" is not an absolute path", shown);
	if (size > ROOT_SIZE_MAX)
		return error_set(err, FAULT_CONFIG, "\"%s\" is longer than %d bytes", shown,
				 ROOT_SIZE_MAX);
	if (strspn(root, ROOT_CHARACTERS) < size)
		return error_set(err, FAULT_CONFIG,
				 "\"%s\" has other characters than letters, digits and / . _ - + : "
				 "@ , =",
				 shown);
	for (const char *part = root; *part;) {
		size_t n = strcspn(++part, "/");

		if (n == 0 || (n <= 2 && strspn(part, ".") >= n))
			return error_set(err, FAULT_CONFIG,
					 "\"%s\" has an empty part, \".\" or \"..\" in it", shown);
		part += n;
	}
	return 0;
}

/* below: the path as seen from places->top. */
static int check_place(const struct config_places *places, const char *root, const char *below,
		       struct error *err)
{
	static const struct {
		const char *dir;
		const char *why;
		bool user_may;
	} bad[] = {
		{ "/usr", "the worker cannot write there" },
		{ "/etc", "the worker cannot write there" },
		{ "/boot", "the worker cannot write there" },
		{ "/efi", "the worker cannot write there" },
		{ "/home", "it would belong to a user; the worker cannot write there", true },
		{ "/root", "the worker cannot write there", true },
		{ "/run", "it does not survive a reboot" },
		{ "/tmp", "it does not survive a reboot" },
		{ "/var/tmp", "files there are removed by age" },
		{ "/dev", "it is not a disk" },
		{ "/proc", "it is not a disk" },
		{ "/sys", "it is not a disk" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (is_below(below, bad[i].dir) && !(places->of_user && bad[i].user_may))
			return error_set(err, FAULT_CONFIG, "%s: not below %s: %s", root,
					 bad[i].dir, bad[i].why);
	return 0;
}

static int refuse_link(const char *path, struct error *err)
{
	_cleanup_free_ char *target = realpath(path, NULL);

	return error_set(err, FAULT_CONFIG, "%s is a link: name what it leads to%s%s", path,
			 target ? ", " : "", target ? target : "");
}

static int check_part(const char *path, const struct stat *st, struct error *err)
{
	if (S_ISLNK(st->st_mode))
		return refuse_link(path, err);
	if (!S_ISDIR(st->st_mode))
		return error_set(err, FAULT_CONFIG, "%s is not a directory", path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return error_set(err, FAULT_CONFIG,
				 "%s belongs to user %u, who could put another directory there: "
				 "sudo chown %u %s, or choose another place",
				 path, (unsigned int)st->st_uid, (unsigned int)geteuid(), path);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, FAULT_CONFIG,
				 "%s can be written by others, who could put another directory "
				 "there: chmod go-w it, or choose another place",
				 path);
	return 0;
}

/* Every directory from top on, the root itself included, as far as they exist. */
static int check_parts(const char *root, const char *below, struct error *err)
{
	_cleanup_free_ char *path = strdup(root);
	size_t at = (size_t)(below - root);

	if (!path)
		return error_errno(err, "looking at %s", root);
	while (root[at]) {
		struct stat st;
		int r;

		at += 1 + strcspn(root + at + 1, "/");
		path[at] = '\0';
		if (lstat(path, &st) < 0)
			return errno == ENOENT || errno == EACCES ?
				       0 :
				       error_errno(err, "looking at %s", path);
		r = check_part(path, &st, err);
		if (r < 0)
			return r;
		path[at] = root[at];
	}
	return 0;
}

static int check_root(const struct config_places *places, const char *root, struct error *err)
{
	size_t top = strcmp(places->top, "/") == 0 ? 0 : strlen(places->top);
	int r = check_text(root, err);

	if (r < 0)
		return r;
	if (!is_below(root, places->top) || !root[top])
		return error_set(err, FAULT_CONFIG, "%s is not below %s", root, places->top);
	r = check_place(places, root, root + top, err);
	return r == 0 ? check_parts(root, root + top, err) : r;
}

/* The default may lead through links (a /var/lib on another disk): then it is where they lead. */
static int default_root(const struct config_places *places, const char *app, char **ret_root,
			struct error *err)
{
	_cleanup_free_ char *state = realpath(places->state, NULL);
	_cleanup_free_ char *root = NULL;
	char *resolved;

	if (asprintf(&root, "%s/%s", state ? state : places->state, app) < 0)
		return error_errno(err, "reading the configuration");
	resolved = realpath(root, NULL);
	*ret_root = resolved ? resolved : TAKE_PTR(root);
	return 0;
}

int config_root_resolve(const struct config_places *places, const char *app, const char *given,
			char **ret_root, struct error *err)
{
	_cleanup_free_ char *root = given ? strdup(given) : NULL;
	int r = 0;

	if (!given)
		r = default_root(places, app, &root, err);
	if (r < 0)
		return r;
	if (!root)
		return error_errno(err, "reading the configuration");
	r = check_root(places, root, err);
	if (r < 0)
		return r;
	*ret_root = TAKE_PTR(root);
	return 0;
}

int config_root_check_data(void *unused, const char *value, struct error *err)
{
	const struct config_places places = { .of_user = scope_is_user() };
	int r = check_text(value, err);

	(void)unused;
	return r < 0 ? r : check_place(&places, value, value, err);
}
