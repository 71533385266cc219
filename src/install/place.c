#include "install/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/parent.h"
#include "install/attributes.h"
#include "release/names.h"

#define LINK_MAX_SIZE 40 /* of "/proc/self/fd/N" */

struct place {
	int slot_fd;
	int staging_fd;
	struct parent parent;
	struct parent linked; /* of what another name is made for */
	bool no_tmpfile;
	bool no_empty_path;
};

int place_new(int slot_fd, int staging_fd, struct place **ret_place, struct error *err)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return error_errno(err, "writing a slot");
	place->slot_fd = slot_fd;
	place->staging_fd = staging_fd;
	place->parent = PARENT_NONE;
	place->linked = PARENT_NONE;
	*ret_place = place;
	return 0;
}

void place_free(struct place *place)
{
	if (!place)
		return;
	parent_forget(&place->parent);
	parent_forget(&place->linked);
	free(place);
}

static int complain(const char *doing, const char *path, struct error *err)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	if (code == -EEXIST)
		return error_set(err, FAULT_BUSY, "%s: somebody else writes into the slot",
				 names_show(path, shown));
	return error_code(err, code, "%s %s", doing, names_show(path, shown));
}

static int open_parent(struct place *place, const char *path, const char **ret_name)
{
	return parent_open(&place->parent, place->slot_fd, path, ret_name);
}

/* ---- new files ---- */

void place_file_done(const struct place_file *file)
{
	cleanup_close(&file->fd);
	if (*file->temporary)
		(void)unlinkat(file->staging_fd, file->temporary, 0);
}

char *place_temporary_name(const struct digest *digest, char ret_name[static PLACE_TEMPORARY_MAX])
{
	char hex[DIGEST_HEX_MAX];

	(void)snprintf(ret_name, PLACE_TEMPORARY_MAX, PLACE_TEMPORARY "%s",
		       digest_to_hex(digest, hex));
	return ret_name;
}

static int create_temporary(const struct place *place, const struct digest *digest,
			    struct place_file *file)
{
	file->fd = openat(place->staging_fd, place_temporary_name(digest, file->temporary),
			  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->fd < 0)
		file->temporary[0] = '\0';
	return file->fd;
}

/* O_TMPFILE, unless file system or kernel cannot; both say so with many a code. */
static int create_nameless(struct place *place, int parent_fd, mode_t mode)
{
	int fd = -1;

	if (place->no_tmpfile)
		return -1;
	fd = openat(parent_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_NOFOLLOW,
		    mode & 0777 & ~022);
	if (fd < 0 &&
	    (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL))
		place->no_tmpfile = true;
	return fd;
}

int place_create(struct place *place, const struct index_entry *entry, struct place_file *ret_file,
		 struct error *err)
{
	struct place_file file = { .fd = -1, .staging_fd = place->staging_fd };
	const char *name;
	int parent_fd = open_parent(place, entry->path, &name);

	if (parent_fd < 0)
		return complain("writing", entry->path, err);
	file.fd = create_nameless(place, parent_fd, entry->mode);
	if (file.fd < 0 && place->no_tmpfile)
		file.fd = create_temporary(place, &entry->digest, &file);
	if (file.fd < 0)
		return complain("writing", entry->path, err);
	*ret_file = file;
	return 0;
}

/*
 * A file without a name gets one by its descriptor, which takes a right (CAP_DAC_READ_SEARCH) or a kernel from 6.10 on, or else by
 * its name in /proc, which takes the kernel several times as long.
 */
static int link_nameless(struct place *place, int fd, int parent_fd, const char *name)
{
	char link[LINK_MAX_SIZE];

	if (!place->no_empty_path && linkat(fd, "", parent_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (!place->no_empty_path && errno != ENOENT)
		return -1;
	place->no_empty_path = true;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, link, parent_fd, name, AT_SYMLINK_FOLLOW);
}

int place_name(struct place *place, const struct place_file *file, const struct index_entry *entry,
	       struct error *err)
{
	const char *name;
	int parent_fd = open_parent(place, entry->path, &name);
	int r;

	if (parent_fd < 0 || attributes_set(file->fd, entry) < 0)
		return complain("writing", entry->path, err);
	r = *file->temporary ? linkat(file->staging_fd, file->temporary, parent_fd, name, 0) :
			       link_nameless(place, file->fd, parent_fd, name);
	return r < 0 ? complain("naming", entry->path, err) : 0;
}

static int write_bytes(int fd, const struct index_entry *entry, const void *bytes, size_t size)
{
	int r = fd_pwrite_full(fd, bytes, size, 0);

	return r < 0 ? r : attributes_set(fd, entry);
}

int place_bytes(struct place *place, const struct index_entry *entry, const void *bytes,
		size_t size, struct error *err)
{
	const char *name;
	int parent_fd = open_parent(place, entry->path, &name);
	_cleanup_close_ int fd = -1;
	int r;

	if (parent_fd >= 0)
		fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    entry->mode & 0777 & ~022);
	if (fd < 0)
		return complain("writing", entry->path, err);
	if (write_bytes(fd, entry, bytes, size) == 0)
		return 0;
	r = complain("writing", entry->path, err);
	(void)unlinkat(parent_fd, name, 0);
	return r;
}

int place_move(struct place *place, int fd, const char *name, const struct index_entry *entry,
	       struct error *err)
{
	const char *last;
	int parent_fd = open_parent(place, entry->path, &last);

	if (parent_fd < 0 || attributes_mend(fd, entry) < 0 ||
	    linkat(place->staging_fd, name, parent_fd, last, 0) < 0)
		return complain("naming", entry->path, err);
	return unlinkat(place->staging_fd, name, 0) < 0 ? complain("removing", name, err) : 0;
}

/* ---- links ---- */

int place_second(struct place *place, int fd, const struct index_entry *entry, struct error *err)
{
	const char *name;
	int parent_fd = open_parent(place, entry->path, &name);

	if (parent_fd >= 0 && link_nameless(place, fd, parent_fd, name) == 0)
		return 0;
	if (errno == EMLINK || errno == EXDEV || errno == EPERM)
		return PLACE_NO_LINK;
	return complain("linking", entry->path, err);
}

static int make_hardlink(struct place *place, int parent_fd, const char *name, const char *target)
{
	const char *first;
	int fd = parent_open(&place->linked, place->slot_fd, target, &first);

	return fd < 0 ? -1 : linkat(fd, first, parent_fd, name, 0);
}

int place_link(struct place *place, const struct index_entry *entry, struct error *err)
{
	const char *name;
	int parent_fd = open_parent(place, entry->path, &name);
	int r = -1;

	if (parent_fd >= 0)
		r = entry->type == INDEX_SYMLINK ?
			    symlinkat(entry->target, parent_fd, name) :
			    make_hardlink(place, parent_fd, name, entry->target);
	if (r < 0 && parent_fd >= 0 && errno == EEXIST)
		return PLACE_THERE;
	return r < 0 ? complain("linking", entry->path, err) : 0;
}
