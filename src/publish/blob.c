#include "publish/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/durable.h"

#define TEMPORARY ".flipslot-blob" /* where a file must have a name; durable_tidy removes it */

int blob_begin(int dirfd, int *ret_fd, struct error *err)
{
	int r = durable_tidy(dirfd, err);
	int fd;

	if (r < 0)
		return r;
	fd = fd_open_nameless(dirfd, 0600);
	if (fd < 0)
		fd = openat(dirfd, TEMPORARY, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
	if (fd < 0)
		return error_errno(err, "writing a blob");
	*ret_fd = fd;
	return 0;
}

int blob_publish(int dirfd, int fd, const struct digest *digest, struct error *err)
{
	char name[DIGEST_HEX_MAX];
	int r;

	if (fchmod(fd, 0644) < 0)
		return error_errno(err, "writing a blob");
	r = durable_sync_fs(fd, err);
	if (r < 0)
		return r;
	(void)digest_to_hex(digest, name);
	if (fd_give_name(fd, dirfd, name) < 0 && errno != EEXIST)
		return error_errno(err, "naming the blob %s", name);
	if (unlinkat(dirfd, TEMPORARY, 0) < 0 && errno != ENOENT)
		return error_errno(err, "writing a blob");
	return durable_sync_dir(dirfd, err);
}

void blob_abandon(int dirfd)
{
	(void)unlinkat(dirfd, TEMPORARY, 0);
}

int blob_pack(int dirfd, int tree_fd, const struct pack_options *options,
	      struct pack_result *ret_result, struct error *err)
{
	_cleanup_(pack_result_done) struct pack_result result = {};
	_cleanup_close_ int fd = -1;
	int r = blob_begin(dirfd, &fd, err);

	if (r < 0)
		return r;
	r = pack_tree(tree_fd, options, fd, &result, err);
	if (r == 0)
		r = blob_publish(dirfd, fd, &result.digest, err);
	if (r < 0) {
		blob_abandon(dirfd);
		return r;
	}
	*ret_result = result;
	result = (struct pack_result){};
	return 0;
}

int blob_open(int dirfd, const struct digest *digest, int *ret_fd, struct error *err)
{
	char name[DIGEST_HEX_MAX];
	int fd = fd_open_beneath(dirfd, digest_to_hex(digest, name),
				 O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0 && errno == ENOENT)
		return BLOB_ABSENT;
	if (fd < 0)
		return error_errno(err, "opening the blob %s", name);
	*ret_fd = fd;
	return 0;
}
