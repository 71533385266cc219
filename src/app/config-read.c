#include "app/config-read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/ini.h"
#include "base/parse.h"
#include "base/text.h"

struct reader {
	struct config_findings *findings;
	struct config_read *files;
};

static void entry_done(struct config_entry *entry)
{
	free(entry->section);
	free(entry->key);
	free(entry->value);
	free(entry->where);
	*entry = (struct config_entry){};
}

void config_read_done(struct config_read *files)
{
	for (size_t i = 0; i < files->n_entries; i++)
		entry_done(&files->entries[i]);
	free(files->entries);
	free(files->main_file);
	*files = (struct config_read){};
}

static struct config_entry *find_entry(const struct config_read *files, const char *section,
				       const char *key)
{
	for (size_t i = 0; i < files->n_entries; i++)
		if (strcmp(files->entries[i].section, section) == 0 &&
		    strcmp(files->entries[i].key, key) == 0)
			return &files->entries[i];
	return NULL;
}

/* The entry to write to: the one that an earlier file made, or a new one at the end. */
static struct config_entry *want_entry(struct config_read *files, const char *section,
				       const char *key)
{
	struct config_entry *entry = find_entry(files, section, key);
	struct config_entry *more;

	if (entry) {
		entry_done(entry);
		return entry;
	}
	more = realloc(files->entries, (files->n_entries + 1) * sizeof(*more));
	if (!more)
		return NULL;
	files->entries = more;
	entry = &more[files->n_entries++];
	*entry = (struct config_entry){};
	return entry;
}

/* An ini_handler. */
static int take_key(void *data, const char *section, const char *key, const char *value,
		    const char *where, struct error *err)
{
	struct reader *reader = data;
	struct config_entry *entry = want_entry(reader->files, section, key);

	if (!entry)
		return error_errno(err, "reading the configuration");
	*entry = (struct config_entry){
		.section = strdup(section),
		.key = strdup(key),
		.value = strdup(value),
		.where = strdup(where),
	};
	if (!entry->section || !entry->key || !entry->value || !entry->where)
		return error_code(err, -ENOMEM, "reading the configuration");
	return 0;
}

static int parse_text(struct reader *reader, const char *path, const char *text, size_t size,
		      struct error *err)
{
	struct error why = {};
	int r = ini_parse_text(path, text, size, take_key, reader, &why);

	if (r < 0 && why.fault != FAULT_CONFIG)
		return error_set(err, why.fault, "%s", why.text);
	if (r < 0)
		config_findings_add(reader->findings, "%s", why.text);
	return 0;
}

/* Whoever may write a configuration is as good as root: he names commands and directories. */
static bool is_safe(struct config_findings *findings, const char *path, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		if (geteuid() == 0)
			config_findings_add(
				findings, "%s belongs to user %u, not to root: chown root:root %s",
				path, (unsigned int)st->st_uid, path);
		else
			config_findings_add(findings,
					    "%s belongs to user %u, not to you: sudo chown %u %s",
					    path, (unsigned int)st->st_uid, (unsigned int)geteuid(),
					    path);
		return false;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		config_findings_add(findings, "%s can be written by others: chmod go-w %s", path,
				    path);
		return false;
	}
	return true;
}

/*
 * Opens and judges what is at path. > 0: CONFIG_ABSENT, nothing there, or a finding was added.
 * O_NONBLOCK: a FIFO of that name must not hold us up.
 */
static int open_safe(struct config_findings *findings, const char *path, mode_t type, int *ret_fd,
		     struct stat *ret_st, struct error *err)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return CONFIG_ABSENT;
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return error_errno(err, "opening %s", path);
	if (fd >= 0 && fstat(fd, ret_st) < 0)
		return error_errno(err, "looking at %s", path);
	if (fd < 0 || (ret_st->st_mode & S_IFMT) != type) {
		config_findings_add(findings, "%s is not a %s", path,
				    type == S_IFDIR ? "directory" : "regular file");
		return CONFIG_ABSENT;
	}
	if (!is_safe(findings, path, ret_st))
		return CONFIG_ABSENT;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* > 0: CONFIG_ABSENT, as open_safe(). */
static int read_file(struct reader *reader, const char *path, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	ssize_t n;
	int r = open_safe(reader->findings, path, S_IFREG, &fd, &st, err);

	if (r != 0)
		return r;
	text = malloc(INI_FILE_MAX + 2);
	n = text ? fd_read_full(fd, text, INI_FILE_MAX + 1) : -1;
	if (n < 0)
		return error_errno(err, "reading %s", path);
	text[n] = '\0';
	return parse_text(reader, path, text, (size_t)n, err);
}

/* Directories are looked at like files: who may write one may put a file there. */
static int check_dir(struct config_findings *findings, const char *path, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	return open_safe(findings, path, S_IFDIR, &fd, &st, err);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int copy_names(struct dirent **list, int n, const char *suffix, char ***ret_names,
		      struct error *err)
{
	_cleanup_(parse_argv_freep) char **names = calloc((size_t)n + 1, sizeof(*names));
	size_t count = 0;

	for (int i = 0; i < n && names; i++) {
		const char *name = list[i]->d_name;
		size_t size = strlen(name);

		if (name[0] == '.' || size <= strlen(suffix) ||
		    strcmp(name + size - strlen(suffix), suffix) != 0)
			continue;
		names[count] = strdup(name);
		if (!names[count++])
			return error_errno(err, "listing files");
	}
	if (!names)
		return error_errno(err, "listing files");
	*ret_names = TAKE_PTR(names);
	return 0;
}

int config_read_names(const char *path, const char *suffix, char ***ret_names, struct error *err)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, NULL, compare_names);
	int r;

	if (n < 0 && errno != ENOENT)
		return error_errno(err, "listing %s", path);
	n = n < 0 ? 0 : n;
	r = copy_names(list, n, suffix, ret_names, err);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return r;
}

/* Reads the drop-ins in `dir`, but for those whose names are also in `mask_dir` (NULL: none). */
static int read_drop_ins(struct reader *reader, const char *dir, const char *mask_dir,
			 struct error *err)
{
	_cleanup_(parse_argv_freep) char **names = NULL;
	int r = check_dir(reader->findings, dir, err);

	if (r == 0)
		r = config_read_names(dir, ".conf", &names, err);
	for (char **name = names; r == 0 && name && *name; name++) {
		_cleanup_free_ char *path = NULL;
		_cleanup_free_ char *mask = NULL;

		if (asprintf(&path, "%s/%s", dir, *name) < 0 ||
		    (mask_dir && asprintf(&mask, "%s/%s", mask_dir, *name) < 0))
			return error_errno(err, "reading %s", dir);
		if (mask && access(mask, F_OK) == 0)
			continue;
		r = read_file(reader, path, err);
		r = r == CONFIG_ABSENT ? 0 : r;
	}
	return r < 0 ? r : 0;
}

/* The main file of one place, or the text in its stead. */
static int read_main(struct reader *reader, const char *path, const char *text, struct error *err)
{
	int r = text ? parse_text(reader, path, text, strlen(text), err) :
		       read_file(reader, path, err);

	if (r == CONFIG_ABSENT && access(path, F_OK) != 0)
		return CONFIG_ABSENT;
	if (r < 0)
		return r;
	free(reader->files->main_file);
	reader->files->main_file = strdup(path);
	if (!reader->files->main_file)
		return error_errno(err, "reading %s", path);
	return 0;
}

static int read_place(struct reader *reader, const char *place, const char *app, const char *text,
		      const char *mask_dir, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *dir = NULL;
	int r;

	if (asprintf(&path, "%s/%s.conf", place, app) < 0 || asprintf(&dir, "%s.d", path) < 0)
		return error_errno(err, "reading the configuration");
	r = check_dir(reader->findings, place, err);
	if (r == 0 || text)
		r = read_main(reader, path, text, err);
	if (r >= 0)
		r = read_drop_ins(reader, dir, mask_dir, err);
	return r;
}

int config_read_files(const struct config_places *places, const char *app, const char *etc_text,
		      struct config_findings *findings, struct config_read *ret_files,
		      struct error *err)
{
	_cleanup_config_read_ struct config_read files = {};
	struct reader reader = { .findings = findings, .files = &files };
	_cleanup_free_ char *mask_dir = NULL;
	unsigned int before = findings->n;
	int r;

	if (asprintf(&mask_dir, "%s/%s.conf.d", places->etc, app) < 0)
		return error_errno(err, "reading the configuration");
	r = read_place(&reader, places->vendor, app, NULL, mask_dir, err);
	if (r == 0)
		r = read_place(&reader, places->etc, app, etc_text, NULL, err);
	if (r < 0)
		return r;
	if (!files.main_file)
		return CONFIG_ABSENT;
	files.partial = findings->n > before;
	*ret_files = files;
	files = (struct config_read){};
	return 0;
}
