/*
 * Records: the first byte chooses whose, the rest is the payload, for which a whole block is made. With 'r' it is
 * a block as it came.
 */
#include "store/record.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "fuzz.h"
#include "store/block.h"
#include "store/checked.h"
#include "store/history.h"
#include "store/layout.h"
#include "store/request.h"
#include "store/state.h"

static char directory[] = "/tmp/flipslot-fuzz-XXXXXX";
static int dirfd_ = -1;

static void clean(void)
{
	static const char *const names[] = { LAYOUT_STATE, LAYOUT_REQUEST, LAYOUT_CHECKED,
					     LAYOUT_HISTORY };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlinkat(dirfd_, names[i], 0);
	(void)rmdir(directory);
}

static void set_up(void)
{
	if (dirfd_ >= 0)
		return;
	assert(mkdtemp(directory));
	dirfd_ = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dirfd_ >= 0);
	(void)atexit(clean);
}

/* Fills the file with blocks of zeroes but the first. */
static void put(const char *name, const char *magic, size_t block_size, size_t file_size,
		const char *payload)
{
	int fd = openat(dirfd_, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_free_ char *block = calloc(1, block_size);

	assert(fd >= 0 && block && ftruncate(fd, (off_t)file_size) == 0);
	if (block_make(block, block_size, magic, 1, payload, NULL) == 0)
		assert(fd_pwrite_full(fd, block, block_size, 0) == 0);
	(void)close(fd);
}

static void load_history(const char *payload)
{
	_cleanup_free_ struct history_entry *entries = NULL;
	struct error err = {};
	size_t n;

	put(LAYOUT_HISTORY, "flipslot-history", HISTORY_BLOCK, HISTORY_FILE_SIZE, payload);
	(void)history_load(dirfd_, 4, &entries, &n, &err);
}

static void load(char kind, const char *payload)
{
	static const char *const names[] = { LAYOUT_STATE, LAYOUT_REQUEST, LAYOUT_CHECKED };
	static struct request request;
	static struct checked checked;
	static struct state state;
	struct error err = {};

	put(names[kind % 3], "flipslot-record", RECORD_BLOCK, RECORD_FILE_SIZE, payload);
	if (kind % 3 == 0)
		fuzz_check(state_load(dirfd_, &state, &err), &err);
	else if (kind % 3 == 1)
		fuzz_check(request_load(dirfd_, &request, &err), &err);
	else
		fuzz_check(checked_load(dirfd_, &checked, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *payload = size > 0 ? fuzz_text(data + 1, size - 1) : NULL;
	_cleanup_free_ char *back = NULL;
	uint64_t sequence;

	if (!payload)
		return 0;
	set_up();
	if (data[0] == 'r')
		(void)block_read(payload, size - 1, "flipslot-record", &sequence, &back, NULL);
	else if (data[0] == 'h')
		load_history(payload);
	else
		load((char)(data[0] & 0x7f), payload);
	return 0;
}
