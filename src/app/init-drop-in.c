#include "app/init-drop-in.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/init-text.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/scope.h"

#define CHILD_MSEC 10000 /* his home may lie on a server that is away */
#define OLD_MAX	   (1024 * 1024)
#define FOLDER	   ".config/systemd/user"

void init_drop_in_done(struct init_drop_in *drop_in)
{
	init_file_done(&drop_in->file);
}

/* ---- as the user ---- */

/* What the child leaves in a file without a name: this, then `old_size` bytes of init_file.old. */
struct report {
	int result;
	struct error err;
	bool has_old;
	size_t old_size;
};

typedef int (*work_fn)(struct init_file *file, struct error *err);

static void work_as(const struct init_drop_in *drop_in, work_fn work, int report_fd)
{
	struct init_file file = drop_in->file;
	struct report report = {};

	report.result = confine_become(drop_in->owner.name, "", NULL, &report.err);
	if (report.result >= 0)
		report.result = work(&file, &report.err);
	report.has_old = file.old != NULL;
	report.old_size = file.old ? strlen(file.old) : 0;
	if (fd_write_full(report_fd, &report, sizeof(report)) < 0 ||
	    fd_write_full(report_fd, file.old ? file.old : "", report.old_size) < 0)
		_exit(1);
	_exit(0);
}

/* Waits for the child, not for ever. > 0: it has ended well. */
static int wait_for(pid_t pid)
{
	_cleanup_close_ int pidfd = pidfd_open(pid, 0);
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	siginfo_t info = {};

	if (pidfd < 0 || poll(&poll_fd, 1, CHILD_MSEC) <= 0)
		(void)kill(pid, SIGKILL);
	(void)waitid(P_PID, (id_t)pid, &info, WEXITED | (pidfd < 0 ? 0 : WNOHANG));
	return info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 0;
}

static int take_report(int fd, struct report *ret_report, char **ret_old, struct error *err)
{
	_cleanup_free_ char *old = NULL;

	if (fd_pread_full(fd, ret_report, sizeof(*ret_report), 0) != sizeof(*ret_report) ||
	    ret_report->old_size > OLD_MAX)
		return error_set(err, FAULT_INTERNAL, "no answer from the child");
	old = calloc(1, ret_report->old_size + 1);
	if (!old)
		return error_code(err, -ENOMEM, "reading the drop-in");
	if (fd_pread_full(fd, old, ret_report->old_size, sizeof(*ret_report)) < 0)
		return error_errno(err, "reading the drop-in");
	*ret_old = TAKE_PTR(old);
	return 0;
}

static int as_owner(const struct init_drop_in *drop_in, work_fn work, char **ret_old,
		    struct error *err)
{
	_cleanup_close_ int fd = memfd_create("flipslot-init", MFD_CLOEXEC);
	_cleanup_free_ char *old = NULL;
	struct report report = {};
	pid_t pid;
	int r;

	if (fd < 0)
		return error_errno(err, "making a file");
	pid = fork();
	if (pid < 0)
		return error_errno(err, "becoming user %s", drop_in->owner.name);
	if (pid == 0)
		work_as(drop_in, work, fd);
	if (wait_for(pid) <= 0)
		return error_set(err, FAULT_CONFIG, "%s: user %s cannot get at it within 10 s",
				 drop_in->file.path, drop_in->owner.name);
	r = take_report(fd, &report, &old, err);
	if (r < 0)
		return r;
	if (report.result < 0)
		return error_set(err, report.err.fault, "%s (as user %s)", report.err.text,
				 drop_in->owner.name);
	if (ret_old)
		*ret_old = report.has_old ? TAKE_PTR(old) : NULL;
	return 0;
}

static int write_it(struct init_file *file, struct error *err)
{
	return init_file_write(file, err);
}

static int restore_it(struct init_file *file, struct error *err)
{
	return init_file_restore(file, err);
}

/* ---- what init calls ---- */

static char *folder_of(const struct init_drop_in *drop_in, const struct init_options *options)
{
	const char *unit_dir = options->unit_dir ? options->unit_dir : scope_dir(SCOPE_UNITS);
	char *dir = NULL;
	int n = drop_in->is_owned ?
			asprintf(&dir, "%s/" FOLDER "/%s.d", drop_in->owner.home, options->unit) :
			asprintf(&dir, "%s/%s.d", unit_dir, options->unit);

	return n < 0 ? NULL : dir;
}

int init_drop_in_read(struct init_drop_in *drop_in, const char *user,
		      const struct init_options *options, struct error *err)
{
	_cleanup_free_ char *dir = NULL;
	int r = user ? owner_find(user, &drop_in->owner, err) : 0;

	if (r < 0)
		return r;
	drop_in->is_owned = user != NULL;
	dir = folder_of(drop_in, options);
	if (!dir)
		return error_code(err, -ENOMEM, "reading the drop-in");
	r = init_file_name(&drop_in->file, dir, INIT_DROP_IN, err);
	if (r < 0)
		return r;
	return user ? as_owner(drop_in, init_file_load, &drop_in->file.old, err) :
		      init_file_load(&drop_in->file, err);
}

int init_drop_in_plan(struct init_drop_in *drop_in, const struct init_options *options,
		      const struct init_unit *unit, struct error *err)
{
	const char *directory = unit->directory_line.data, *exec = unit->exec_lines.data;

	drop_in->is_needed = !drop_in->is_owned || directory || exec;
	if (!drop_in->is_needed)
		return 0;
	init_text_drop_in(options->app, !drop_in->is_owned, directory, exec, &drop_in->file.text);
	return init_file_compare(&drop_in->file, options->force, err);
}

int init_drop_in_write(const struct init_drop_in *drop_in, struct error *err)
{
	if (!drop_in->is_needed)
		return 0;
	return drop_in->is_owned ? as_owner(drop_in, write_it, NULL, err) :
				   init_file_write(&drop_in->file, err);
}

int init_drop_in_restore(const struct init_drop_in *drop_in, struct error *err)
{
	if (!drop_in->is_needed)
		return 0;
	return drop_in->is_owned ? as_owner(drop_in, restore_it, NULL, err) :
				   init_file_restore(&drop_in->file, err);
}
