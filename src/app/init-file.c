#include "app/init-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/durable.h"

#define FILE_MAX (1024 * 1024) /* bytes of a file that is in the way */

void init_file_done(struct init_file *file)
{
	free(file->dir);
	free(file->name);
	free(file->path);
	free(file->old);
	text_done(&file->text);
	*file = (struct init_file){};
}

/* A link, a device or a directory of that name was put there by somebody with an intent. */
static int check_type(const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "looking at %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, FAULT_CONFIG, "%s is there and is not a regular file", path);
	return 0;
}

int init_file_name(struct init_file *file, const char *dir, const char *name, struct error *err)
{
	file->dir = strdup(dir);
	file->name = strdup(name);
	if (!file->dir || !file->name || asprintf(&file->path, "%s/%s", dir, name) < 0)
		return error_errno(err, "reading %s", name);
	return 0;
}

int init_file_load(struct init_file *file, struct error *err)
{
	int r = check_type(file->path, err);

	if (r == 0)
		r = fd_read_file(AT_FDCWD, file->path, FILE_MAX, &file->old, NULL, err);
	return r < 0 ? r : 0;
}

int init_file_read(struct init_file *file, const char *dir, const char *name, struct error *err)
{
	int r = init_file_name(file, dir, name, err);

	return r < 0 ? r : init_file_load(file, err);
}

static const char *describe_line(const char *line, char *ret_text, size_t room)
{
	char shown[96];

	if (!*line)
		return "the end";
	if (*line == '\n')
		return "an empty line";
	(void)snprintf(ret_text, room, "\"%s\"",
		       text_escape(line, strcspn(line, "\n"), shown, sizeof(shown)));
	return ret_text;
}

/* Says the first line that differs. */
static int refuse(const struct init_file *file, struct error *err)
{
	const char *old = file->old;
	const char *new = file->text.data;
	char shown[2][100];
	unsigned int number = 1;

	for (; *old && *new &&strcspn(old, "\n") == strcspn(new, "\n") &&
	       strncmp(old, new, strcspn(new, "\n") + 1) == 0;
	     number++) {
		old += strcspn(old, "\n") + 1;
		new += strcspn(new, "\n") + 1;
	}
	return error_set(err, FAULT_CONFIG,
			 "%s is there and differs in line %u (%s, not %s): move it away, or "
			 "overwrite it with --force",
			 file->path, number, describe_line(old, shown[0], sizeof(shown[0])),
			 describe_line(new, shown[1], sizeof(shown[1])));
}

int init_file_compare(struct init_file *file, bool force, struct error *err)
{
	int r = text_check(&file->text, err);

	if (r < 0)
		return r;
	file->found = !file->old			      ? INIT_FILE_ABSENT :
		      strcmp(file->old, file->text.data) == 0 ? INIT_FILE_SAME :
								INIT_FILE_OTHER;
	if (file->found == INIT_FILE_OTHER && !force)
		return refuse(file, err);
	return 0;
}

/* The parent of the last part: "/" for "/x". */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int init_file_make_dir(const char *path, int *ret_fd, struct error *err)
{
	_cleanup_free_ char *parent = NULL;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int above = -1;
	int r;

	if (fd >= 0) {
		*ret_fd = TAKE_FD(fd);
		return 0;
	}
	if (errno != ENOENT || strcmp(path, "/") == 0)
		return error_errno(err, "opening %s", path);
	parent = parent_of(path);
	if (!parent)
		return error_errno(err, "making %s", path);
	r = init_file_make_dir(parent, &above, err);
	if (r == 0)
		r = durable_mkdir(above, strrchr(path, '/') + 1, 0755, err);
	if (r == 0)
		r = fd_open_dir(above, strrchr(path, '/') + 1, ret_fd, err);
	return r;
}

int init_file_write(const struct init_file *file, struct error *err)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (file->found == INIT_FILE_SAME)
		return 0;
	r = init_file_make_dir(file->dir, &fd, err);
	if (r == 0)
		r = durable_replace(fd, file->name, file->text.data, file->text.size, 0644, err);
	return r;
}

int init_file_restore(const struct init_file *file, struct error *err)
{
	_cleanup_close_ int fd = -1;
	int r = init_file_make_dir(file->dir, &fd, err);

	if (r < 0)
		return r;
	if (file->old)
		return durable_replace(fd, file->name, file->old, strlen(file->old), 0644, err);
	return durable_remove(fd, file->name, err);
}

static void show_line(const char *line, FILE *out)
{
	size_t size = strcspn(line, "\n");

	(void)fprintf(out, "%s%.*s\n", size > 0 ? "    " : "", (int)size, line);
}

/* In brief: no comments, no empty lines, no section without a key. */
static void show_text(const char *text, bool brief, FILE *out)
{
	const char *section = NULL;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (brief && (*text == '#' || *text == '\n'))
			continue;
		if (brief && *text == '[') {
			section = text;
			continue;
		}
		if (section)
			show_line(section, out);
		section = NULL;
		show_line(text, out);
	}
}

void init_file_show(const struct init_file *file, bool dry_run, bool brief, FILE *out)
{
	static const char *const happened[][2] = {
		[INIT_FILE_ABSENT] = { "written", "would be written" },
		[INIT_FILE_SAME] = { "is there already, unchanged", "is there already, unchanged" },
		[INIT_FILE_OTHER] = { "overwritten", "would be overwritten" },
	};

	(void)fprintf(out, "%s: %s%s\n", file->path, happened[file->found][dry_run],
		      brief && file->found != INIT_FILE_SAME ?
			      "; beside this, all other keys with their defaults, commented out" :
			      "");
	if (file->found != INIT_FILE_SAME)
		show_text(file->text.data, brief, out);
	(void)fprintf(out, "\n");
}
