#include "install/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bulk.h"
#include "base/text.h"
#include "release/walk.h"

#define EXTENT_BYTES  (8ULL << 20) /* a file may need a block of its map for each */
#define INLINE_LINK   59 /* longer link texts take a block */
#define NAME_OVERHEAD 16 /* of a name in a directory */
#define LINE_OVERHEAD 128 /* of a line in the seal without its names */
#define SEAL_OVERHEAD 4096
#define SIZE_TEXT_MAX 32
#define SPILL_ENTRY   800 /* docs/BENCH.md has what was measured */

/* ---- what is needed ---- */

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t plan_round_up(uint64_t bytes, uint64_t block_size)
{
	return bytes > UINT64_MAX - block_size ? UINT64_MAX :
						 (bytes + block_size - 1) / block_size * block_size;
}

static size_t target_size(const struct index_entry *entry)
{
	return entry->target ? strlen(entry->target) : 0;
}

uint64_t plan_of_entry(const struct index_entry *entry, uint64_t block)
{
	uint64_t map = (entry->size / EXTENT_BYTES) * block;

	switch (entry->type) {
	case INDEX_DIRECTORY:
		return block;
	case INDEX_FILE:
		return add(plan_round_up(entry->size, block), map);
	case INDEX_SYMLINK:
		return target_size(entry) > INLINE_LINK ? block : 0;
	default:
		return 0;
	}
}

uint64_t plan_spill(uint64_t files)
{
	uint64_t bytes = files > UINT64_MAX / SPILL_ENTRY ? UINT64_MAX : files * SPILL_ENTRY;

	return bytes > BULK_OWN ? bytes - BULK_OWN : 0;
}

struct plan plan_of(const struct index *index, uint64_t block_size)
{
	struct plan plan = { .inodes_needed = 1 }; /* the seal */
	uint64_t names = 0;
	uint64_t seal = SEAL_OVERHEAD;

	for (size_t i = 0; i < index_count(index); i++) {
		const struct index_entry *entry = index_at(index, i);

		plan.inodes_needed += entry->type != INDEX_HARDLINK;
		plan.bytes_needed = add(plan.bytes_needed, plan_of_entry(entry, block_size));
		names += strlen(entry->path) + NAME_OVERHEAD;
		seal += strlen(entry->path) + target_size(entry) + LINE_OVERHEAD;
	}
	plan.bytes_needed = add(plan.bytes_needed, plan_round_up(names, block_size));
	plan.bytes_needed = add(plan.bytes_needed, plan_round_up(seal, block_size));
	plan.bytes_needed = add(plan.bytes_needed, plan_spill(index_count(index)));
	return plan;
}

/* ---- does it fit ---- */

static char *show_size(uint64_t bytes, char ret_text[static SIZE_TEXT_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1024;
	if (bytes < 1024)
		(void)snprintf(ret_text, SIZE_TEXT_MAX, "%" PRIu64 " bytes", bytes);
	else
		(void)snprintf(ret_text, SIZE_TEXT_MAX, "%.1f %s", value, units[unit]);
	return ret_text;
}

static int refuse_bytes(const struct plan *plan, const struct plan_space *space, uint64_t reserve,
			uint64_t missing, struct error *err)
{
	char needed[SIZE_TEXT_MAX];
	char available[SIZE_TEXT_MAX];
	char freed[SIZE_TEXT_MAX];
	char kept[SIZE_TEXT_MAX];
	char lacking[SIZE_TEXT_MAX];

	return error_set(err, FAULT_NO_SPACE,
			 "needs %s and %" PRIu64
			 " inodes; %s has %s free (and %s freed by the slot to be "
			 "overwritten), %s are kept in reserve: free %s%s",
			 show_size(plan->bytes_needed, needed), plan->inodes_needed, space->where,
			 show_size(space->bytes_free, available),
			 show_size(space->bytes_freed, freed), show_size(reserve, kept),
			 show_size(missing, lacking),
			 missing <= reserve ? " or lower Reserve=" : "");
}

int plan_check(const struct plan *plan, const struct plan_space *space, uint64_t reserve_bytes,
	       struct error *err)
{
	uint64_t bytes = add(space->bytes_free, space->bytes_freed);
	uint64_t inodes = add(space->inodes_free, space->inodes_freed);
	uint64_t wanted = add(plan->bytes_needed, reserve_bytes);

	if (wanted > bytes)
		return refuse_bytes(plan, space, reserve_bytes, wanted - bytes, err);
	if (plan->inodes_needed > inodes)
		return error_set(err, FAULT_NO_SPACE,
				 "needs %" PRIu64 " inodes; %s has %" PRIu64 " free (and %" PRIu64
				 " freed by the slot to be overwritten): remove %" PRIu64 " files",
				 plan->inodes_needed, space->where, space->inodes_free,
				 space->inodes_freed, plan->inodes_needed - inodes);
	return 0;
}

/* ---- measuring ---- */

/* A file with several names is freed only if all of them are in the slot. */
struct many_names {
	dev_t device;
	ino_t inode;
	nlink_t left; /* names not seen yet */
};

struct usage {
	struct plan_space *space;
	void *many; /* tsearch tree of struct many_names */
};

static int compare(const void *a, const void *b)
{
	const struct many_names *x = a;
	const struct many_names *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return x->inode == y->inode ? 0 : x->inode < y->inode ? -1 : 1;
}

/* *ret_last: was this the last name of it? */
static int see_name(struct usage *usage, const struct stat *st, bool *ret_last, struct error *err)
{
	_cleanup_free_ struct many_names *names = malloc(sizeof(*names));
	struct many_names **node;

	if (!names)
		return error_errno(err, "measuring a slot");
	*names = (struct many_names){ st->st_dev, st->st_ino, st->st_nlink };
	node = tsearch(names, &usage->many, compare);
	if (!node)
		return error_code(err, -ENOMEM, "measuring a slot");
	if (*node == names)
		names = NULL;
	*ret_last = --(*node)->left == 0;
	return 0;
}

static int add_usage(void *data, const struct walk_entry *entry, struct error *err)
{
	struct usage *usage = data;
	const struct stat *st = entry->stat;
	bool last = true;
	int r = 0;

	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
		r = see_name(usage, st, &last, err);
	if (r < 0 || !last || entry->is_mount)
		return r;
	usage->space->bytes_freed += (uint64_t)st->st_blocks * 512;
	usage->space->inodes_freed++;
	return 0;
}

static void find_where(int dirfd, struct plan_space *space)
{
	char link[64];
	char path[4096];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, path, sizeof(path));
	if (n > 0)
		text_escape(path, (size_t)n, space->where, sizeof(space->where));
	else
		text_copy("the file system", space->where, sizeof(space->where));
}

/*
 * Blocks that are kept for root count for root. Only ext4 has such: what else the others leave out of f_bavail, as Btrfs does
 * with its metadata, no file can have.
 */
static uint64_t count_free(int dirfd, const struct statvfs *fs)
{
	struct statfs kind;
	bool kept_for_us = geteuid() == 0 && fstatfs(dirfd, &kind) == 0 &&
			   kind.f_type == EXT4_SUPER_MAGIC;

	return kept_for_us ? fs->f_bfree : fs->f_bavail;
}

int plan_measure(int dirfd, int slot_fd, struct plan_space *ret_space, struct error *err)
{
	struct plan_space space = {};
	struct usage usage = { .space = &space };
	struct statvfs fs;
	int r = 0;

	if (fstatvfs(dirfd, &fs) < 0)
		return error_errno(err, "measuring the file system");
	find_where(dirfd, &space);
	space.block_size = fs.f_frsize > 0 ? fs.f_frsize : 4096;
	space.bytes_free = count_free(dirfd, &fs) * space.block_size;
	space.inodes_free = fs.f_files == 0 ? UINT64_MAX :
			    geteuid() == 0  ? fs.f_ffree :
					      fs.f_favail;
	if (slot_fd >= 0)
		r = walk_tree(slot_fd, add_usage, &usage, err);
	tdestroy(usage.many, free);
	if (r == 0)
		*ret_space = space;
	return r;
}
