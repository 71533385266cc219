/*
 * Trees for the tests of bundles: an older and a newer release in the test's directory.
 */
#pragma once

#include "publish/stock.h"
#include "release/block.h"

#include "kit.h"

#define TREES_BINARY 50000
#define TREES_LARGE  (BLOCK_SIZE + 70000)

static const struct pack_options trees_options = {
	.level = 3, .threads = 2, .mtime = 1700000000, .latest = PACK_MTIME_KEEP
};

UNUSED static int trees_make(const char *name)
{
	int fd;

	assert_int_equal(mkdirat(check_fd, name, 0755), 0);
	fd = openat(check_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(mkdirat(fd, "lib", 0755), 0);
	return fd;
}

/* Random bytes of a seed of their own; step > 0: every step-th is another. */
UNUSED static void trees_write(int fd, const char *name, size_t size, uint32_t seed, size_t step)
{
	_cleanup_free_ uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
		if (step > 0 && i % step == 0)
			bytes[i]++;
	}
	check_write(fd, name, bytes, size);
}

UNUSED static int trees_old(void)
{
	int fd = trees_make("old");

	trees_write(fd, "app", TREES_BINARY, 1, 0);
	trees_write(fd, "large", TREES_LARGE, 2, 0);
	trees_write(fd, "lib/libx-1.0.so", TREES_BINARY, 3, 0);
	trees_write(fd, "same", 1000, 4, 0);
	check_write(fd, "gone", "gone", 4);
	check_write(fd, "empty", "", 0);
	return fd;
}

/* app, large changed; libx renamed and changed; same, but for a copy of it; a new file. */
UNUSED static int trees_new(void)
{
	int fd = trees_make("new");

	trees_write(fd, "app", TREES_BINARY + 100, 1, 3000);
	trees_write(fd, "large", TREES_LARGE + 5, 2, 100000);
	trees_write(fd, "lib/libx-1.1.so", TREES_BINARY, 3, 7000);
	trees_write(fd, "same", 1000, 4, 0);
	trees_write(fd, "second", 1000, 4, 0);
	trees_write(fd, "news", 2000, 5, 0);
	check_write(fd, "empty", "", 0);
	return fd;
}

UNUSED static struct stock trees_stock(int fd)
{
	struct stock stock = STOCK_NONE;

	kit_good(stock_measure(fd, &trees_options, &stock, err));
	(void)close(fd);
	return stock;
}

UNUSED static int trees_file(const char *name)
{
	int fd = openat(check_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}
