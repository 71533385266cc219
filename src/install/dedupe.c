#include "install/dedupe.h"

#include <sys/stat.h>

#include "install/local.h"

/* Files of two file systems cannot share blocks. */
static bool can_reflink(int slot_fd, int source_fd)
{
	struct stat target;
	struct stat source;

	if (fstat(slot_fd, &target) < 0)
		return false;
	if (source_fd >= 0 && (fstat(source_fd, &source) < 0 || source.st_dev != target.st_dev))
		return false;
	return local_can_reflink(slot_fd);
}

int dedupe_decide(enum dedupe dedupe, int slot_fd, int source_fd, bool *ret_reflink,
		  struct error *err)
{
	bool reflink = dedupe != DEDUPE_COPY && can_reflink(slot_fd, source_fd);

	if (dedupe == DEDUPE_REFLINK && source_fd >= 0 && !reflink)
		return error_set(err, FAULT_CONFIG,
				 "Dedupe=reflink: the file system of the slots cannot share blocks "
				 "of files: set Dedupe=auto, which copies them");
	*ret_reflink = reflink;
	return 0;
}
