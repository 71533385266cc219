#include "deploy/data.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/text.h"
#include "deploy/data-helper.h"
#include "deploy/mailbox.h"
#include "store/durable.h"

#define SUFFIX ".flipslot"

/* Both names, in their parent. */
struct place {
	int parent_fd;
	char name[NAME_MAX + 1];
	char kept[NAME_MAX + 1];
	char probe[NAME_MAX + 1];
};

static void place_done(struct place *place)
{
	cleanup_close(&place->parent_fd);
}

bool data_is_kept(const struct deploy_options *options)
{
	return options->data.path && options->data.snapshot != SNAPSHOT_NONE;
}

/* ---- where ---- */

static bool is_ours(const struct stat *st)
{
	return st->st_uid == 0 || (scope_is_user() && st->st_uid == geteuid());
}

/* Could somebody else put another directory there? In a folder that is only sticky (/tmp) not what is ours already. */
static int check_folder(const char *path, const char *part, const struct stat *st, bool parent,
			struct error *err)
{
	bool open = (st->st_mode & 022) && (parent || !(st->st_mode & S_ISVTX));

	if (S_ISDIR(st->st_mode) && is_ours(st) && !open)
		return 0;
	return error_set(err, FAULT_CONFIG,
			 "Path=%s: %s on the way there %s: what is kept aside would not be safe",
			 path, part,
			 !S_ISDIR(st->st_mode) ? "is a link or no folder" :
			 open		       ? "can be written by others" :
						 "does not belong to root");
}

static int enter(const char *path, const char *part, bool parent, int *fd, struct error *err)
{
	int next = openat(*fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st = {};

	if (next < 0)
		return error_errno(err, "Path=%s: opening %s", path, part);
	(void)close(*fd);
	*fd = next;
	if (fstat(next, &st) < 0)
		return error_errno(err, "Path=%s", path);
	return check_folder(path, part, &st, parent, err);
}

/* The configuration has seen to it that the path is absolute, and has no empty parts, "." and "..". */
static int open_place(const struct deploy_options *options, struct place *place, struct error *err)
{
	const char *path = options->data.path;
	char parts[PATH_MAX];
	char *part = parts + 1, *slash;
	int r = 0;

	(void)text_copy(path, parts, sizeof(parts));
	place->parent_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->parent_fd < 0)
		return error_errno(err, "opening /");
	for (; r == 0 && (slash = strchr(part, '/')); part = slash + 1) {
		*slash = '\0';
		r = enter(path, part, !strchr(slash + 1, '/'), &place->parent_fd, err);
	}
	if (r < 0)
		return r;
	if (strlen(part) > NAME_MAX - sizeof(SUFFIX) - 2)
		return error_set(err, FAULT_CONFIG, "Path=%s: the name is too long", path);
	(void)snprintf(place->name, sizeof(place->name), "%s", part);
	(void)snprintf(place->kept, sizeof(place->kept), ".%.240s" SUFFIX, part);
	(void)snprintf(place->probe, sizeof(place->probe), ".%.240s" SUFFIX "-", part);
	return 0;
}

static uint64_t mount_of(int dirfd, const char *name)
{
	struct statx x = {};

	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_MNT_ID, &x) < 0)
		return 0;
	return x.stx_mask & STATX_MNT_ID ? x.stx_mnt_id : 0;
}

static int open_data(const struct deploy_options *options, const struct place *place, int *ret_fd,
		     struct stat *ret_st, struct error *err)
{
	int fd = openat(place->parent_fd, place->name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return error_set(err, FAULT_CONFIG,
				 "Path=%s is a link or no directory: name the directory itself",
				 options->data.path);
	if (fd < 0 || fstat(fd, ret_st) < 0)
		return error_errno(err, "opening Path=%s", options->data.path);
	*ret_fd = fd;
	if (mount_of(fd, "") == mount_of(place->parent_fd, ""))
		return 0;
	return error_set(err, FAULT_CONFIG,
			 "Path=%s is a mount of its own, which cannot be exchanged: name a "
			 "directory on it",
			 options->data.path);
}

static uint64_t inode_of(const struct place *place, const char *name)
{
	struct stat st = {};

	return fstatat(place->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_ino;
}

/* ---- looking ---- */

static int measure(const struct deploy_options *options, struct place *place,
		   struct shadow_figures *ret_figures, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st = {};
	struct data_run run = {
		.helper = options->helper,
		.errand = DATA_MEASURE,
		.to_fd = -1,
		.timeout_usec = options->data.timeout_usec,
		.wake_fd = -1,
	};
	int r = open_place(options, place, err);

	if (r == 0)
		r = open_data(options, place, &fd, &st, err);
	if (r < 0)
		return r;
	run.from_fd = fd;
	run.uid = st.st_uid;
	run.gid = st.st_gid;
	r = data_helper_run(&run, ret_figures, err);
	return r < 0 ? error_prefix(err, r, "the data cannot be kept aside") : 0;
}

static void complain_of_room(const struct deploy_options *options, const struct place *place,
			     const struct shadow_figures *figures, struct preflight *preflight)
{
	struct statvfs disk = {};
	uint64_t room = 0, needed = figures->copied + options->stage.reserve_bytes;

	if (fstatvfs(place->parent_fd, &disk) == 0)
		room = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (room < needed)
		preflight_complain(preflight, FAULT_NO_SPACE,
				   "the data (%s, %" PRIu64 " MiB) is copied before the switch: "
				   "that and Reserve= are %" PRIu64 " MiB, and %" PRIu64
				   " are free",
				   options->data.path, figures->copied >> 20, needed >> 20,
				   room >> 20);
	if (disk.f_files > 0 && disk.f_favail < figures->entries)
		preflight_complain(preflight, FAULT_NO_SPACE,
				   "the data (%s) is copied before the switch, and there are too "
				   "few inodes for %" PRIu64 " files",
				   options->data.path, figures->entries);
}

void data_check(const struct deploy_options *options, struct preflight *preflight)
{
	_cleanup_(place_done) struct place place = { .parent_fd = -1 };
	struct shadow_figures figures;
	struct error why = {};

	if (measure(options, &place, &figures, &why) < 0)
		preflight_complain(preflight, why.fault,
				   "%s (--accept-no-rollback: without a way back)", why.text);
	else if (figures.copied > 0 && options->data.snapshot == SNAPSHOT_REFLINK)
		preflight_complain(preflight, FAULT_CONFIG,
				   "the file system of %s cannot share blocks: Snapshot=copy, or "
				   "--accept-no-rollback",
				   options->data.path);
	else if (figures.copied > options->data.max_copy)
		preflight_complain(preflight, FAULT_NO_SPACE,
				   "the data (%s) is %" PRIu64 " MiB, more than MaxCopy=; "
				   "--accept-no-rollback: without a way back",
				   options->data.path, figures.copied >> 20);
	else
		complain_of_room(options, &place, &figures, preflight);
}

int data_describe(const struct deploy_options *options, char *ret_text, size_t room,
		  struct error *err)
{
	_cleanup_(place_done) struct place place = { .parent_fd = -1 };
	struct shadow_figures figures;
	int r = measure(options, &place, &figures, err);

	if (r < 0)
		return r;
	(void)snprintf(ret_text, room, "%" PRIu64 " KiB of %s %s, while the service is stopped",
		       (figures.bytes + 1023) >> 10, options->data.path,
		       figures.copied > 0 ? "are copied" : "are shared");
	return 0;
}

/* ---- dropping ---- */

/* One of our two names; what is in it is its owner's. */
static int remove_kept(const struct deploy_options *options, const struct place *place,
		       const char *name, struct error *err)
{
	_cleanup_close_ int fd =
		openat(place->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct data_run run = { .helper = options->helper,
				.errand = DATA_SWEEP,
				.from_fd = fd,
				.to_fd = -1,
				.timeout_usec = options->data.timeout_usec,
				.wake_fd = -1 };
	struct shadow_figures figures;
	struct stat st = {};
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 &&
	    (errno == ENOTDIR || errno == ELOOP)) /* put in its place by the release: no data */
		return unlinkat(place->parent_fd, name, 0) < 0 ?
			       error_errno(err, "removing %s beside %s", name, options->data.path) :
			       0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "opening %s beside %s", name, options->data.path);
	run.uid = st.st_uid;
	run.gid = st.st_gid;
	r = data_helper_run(&run, &figures, err);
	if (r < 0)
		return error_prefix(err, r, "emptying %s beside %s", name, options->data.path);
	if (unlinkat(place->parent_fd, name, AT_REMOVEDIR) < 0)
		return error_errno(err, "removing %s beside %s", name, options->data.path);
	return 0;
}

/* Then what is kept aside is what the failed release made of the data: unless it could not be put back. */
static bool went_back(enum outcome outcome)
{
	return outcome == OUTCOME_ROLLED_BACK || outcome == OUTCOME_ROLLED_BACK_UNHEALTHY ||
	       outcome == OUTCOME_BOTH_BAD;
}

static int drop(struct session *session, struct error *err)
{
	_cleanup_(place_done) struct place place = { .parent_fd = -1 };
	struct state_transaction *transaction = &session->state.transaction;
	int r = open_place(session->options, &place, err);

	if (r == 0 && went_back(transaction->outcome) && transaction->data_inode != 0 &&
	    inode_of(&place, place.kept) == transaction->data_inode)
		return error_set(err, FAULT_UNHEALTHY,
				 "it is the old data, in %s; exchange the two by hand", place.kept);
	if (r == 0)
		r = remove_kept(session->options, &place, place.probe, err);
	if (r == 0)
		r = remove_kept(session->options, &place, place.kept, err);
	if (r < 0 || transaction->data_inode == 0)
		return r;
	transaction->data_inode = 0;
	return session_store(session, err);
}

void data_drop(struct session *session)
{
	struct error why = {};

	if (session->options->data.path && session->state.phase == PHASE_IDLE &&
	    (data_is_kept(session->options) || session->state.transaction.data_inode != 0) &&
	    drop(session, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault,
			     "what was kept aside of the data is still there: %s", why.text);
}

/* ---- keeping aside ---- */

/* A directory for the owner of the data, who could not make one here himself. */
static int make_kept(const struct place *place, const char *name, const struct stat *owner,
		     int *ret_fd, struct error *err)
{
	int fd;

	if (mkdirat(place->parent_fd, name, 0700) < 0)
		return error_errno(err, "making %s", name);
	fd = openat(place->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "opening %s", name);
	*ret_fd = fd;
	if ((owner->st_uid != geteuid() || owner->st_gid != getegid()) &&
	    fchown(fd, owner->st_uid, owner->st_gid) < 0)
		return error_errno(err, "giving %s to the owner of the data", name);
	return 0;
}

/* Before anything depends on it: can names be exchanged here? */
static int try_exchange(const struct deploy_options *options, const struct place *place,
			struct error *err)
{
	int r;

	if (mkdirat(place->parent_fd, place->probe, 0700) < 0)
		return error_errno(err, "making %s", place->probe);
	r = durable_exchange(place->parent_fd, place->kept, place->probe, err);
	if (r == 0)
		r = durable_exchange(place->parent_fd, place->kept, place->probe, err);
	if (unlinkat(place->parent_fd, place->probe, AT_REMOVEDIR) < 0 && r == 0)
		return error_errno(err, "removing %s", place->probe);
	if (r == DURABLE_NO_EXCHANGE)
		return error_set(err, FAULT_CONFIG,
				 "the file system of %s cannot exchange two names",
				 options->data.path);
	return r;
}

static int copy(struct session *session, const struct place *place, uint64_t *ret_inode,
		struct error *err)
{
	const struct data_options *data = &session->options->data;
	_cleanup_close_ int from_fd = -1;
	_cleanup_close_ int to_fd = -1;
	struct shadow_figures figures;
	struct stat st = {};
	struct data_run run = {
		.helper = session->options->helper,
		.errand = DATA_COPY,
		.limits = { .max_copied = data->max_copy,
			    .must_share = data->snapshot == SNAPSHOT_REFLINK },
		.timeout_usec = data->timeout_usec,
		.wake_fd = session->wake_fd,
		.interrupt = mailbox_interrupt,
		.data = session,
	};
	int r = open_data(session->options, place, &from_fd, &st, err);

	if (r == 0)
		r = make_kept(place, place->kept, &st, &to_fd, err);
	if (r == 0)
		r = try_exchange(session->options, place, err);
	if (r < 0)
		return r;
	run.from_fd = from_fd;
	run.to_fd = to_fd;
	run.uid = st.st_uid;
	run.gid = st.st_gid;
	r = data_helper_run(&run, &figures, err);
	if (r == 0)
		r = durable_sync_fs(place->parent_fd, err);
	if (r != 0)
		return r;
	if (fstat(to_fd, &st) < 0)
		return error_errno(err, "looking at %s", place->kept);
	*ret_inode = st.st_ino;
	session_tell(session, EVENT_NOTE, FAULT_NONE,
		     "the data (%s, %" PRIu64 " KiB in %" PRIu64 " files) was kept aside%s",
		     data->path, (figures.bytes + 1023) >> 10, figures.entries,
		     figures.copied > 0 ? "" : ", shared");
	return 0;
}

int data_take(struct session *session, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	_cleanup_(place_done) struct place place = { .parent_fd = -1 };
	uint64_t inode = 0;
	int r = open_place(session->options, &place, err);

	if (r == 0 && transaction->data_inode != 0) {
		transaction->data_inode = 0;
		r = session_store(session, err);
	}
	if (r == 0)
		r = remove_kept(session->options, &place, place.probe, err);
	if (r == 0)
		r = remove_kept(session->options, &place, place.kept, err);
	if (r == 0)
		r = copy(session, &place, &inode, err);
	if (r != 0)
		return r;
	transaction->data_inode = inode;
	return session_store(session, err); /* commit point: from here on it is the old data */
}

/* ---- putting back ---- */

int data_is_back(struct session *session, bool *ret_back, struct error *err)
{
	_cleanup_(place_done) struct place place = { .parent_fd = -1 };
	uint64_t wanted = session->state.transaction.data_inode;
	int r;

	*ret_back = wanted == 0;
	if (wanted == 0 || !session->options->data.path)
		return 0;
	r = open_place(session->options, &place, err);
	if (r == 0)
		*ret_back = inode_of(&place, place.name) == wanted;
	return r;
}

/* The service has taken its data away, name and all: there must be something to exchange. What is made here is dropped with the rest. */
static int fill_gap(const struct place *place, struct error *err)
{
	if (inode_of(place, place->name) != 0 || mkdirat(place->parent_fd, place->name, 0700) == 0)
		return 0;
	return error_errno(err, "making %s", place->name);
}

int data_restore(struct session *session, struct error *err)
{
	_cleanup_(place_done) struct place place = { .parent_fd = -1 };
	uint64_t wanted = session->state.transaction.data_inode;
	int r;

	if (wanted == 0)
		return 0;
	if (!session->options->data.path)
		return DATA_LOST;
	r = open_place(session->options, &place, err);
	if (r < 0 || inode_of(&place, place.name) == wanted)
		return r;
	if (inode_of(&place, place.kept) != wanted)
		return DATA_LOST;
	r = fill_gap(&place, err);
	if (r == 0)
		r = durable_exchange(place.parent_fd, place.name, place.kept, err);
	if (r == 0)
		session_tell(session, EVENT_NOTE, FAULT_NONE, "the data (%s) was put back",
			     session->options->data.path);
	return r == DURABLE_NO_EXCHANGE ?
		       error_set(err, FAULT_CONFIG, "the names beside %s cannot be exchanged",
				 session->options->data.path) :
		       r;
}
