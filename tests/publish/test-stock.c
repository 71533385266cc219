#include "publish/stock.h"

#include "base/fd.h"
#include "trees.h"

static void check_content(const struct stock *stock, const char *path)
{
	const struct index_entry *entry = index_find(stock->index, path);
	_cleanup_free_ uint8_t *data = NULL;
	struct digest digest;

	assert_non_null(entry);
	kit_good(stock_read(stock, entry, &data, err));
	assert_int_equal(digest_of(data, entry->size, &digest, NULL), 0);
	assert_true(digest_equal(&digest, &entry->digest));
}

static void test_of_a_tree_and_of_its_archive(void **state)
{
	_cleanup_stock_ struct stock tree = STOCK_NONE;
	_cleanup_stock_ struct stock flat = STOCK_NONE;
	_cleanup_(pack_result_done) struct pack_result packed = {};
	_cleanup_close_ int blob = trees_file("blob");
	_cleanup_close_ int fd = trees_old();
	_cleanup_close_ int folder = -1;
	struct digest digest = {};

	kit_good(pack_tree(fd, &trees_options, blob, &packed, err));
	assert_int_equal(mkdirat(check_fd, "flat", 0700), 0);
	kit_good(fd_open_dir(check_fd, "flat", &folder, err));
	kit_good(stock_unpack(folder, blob, &packed.digest, &flat, err));
	kit_good(stock_measure(fd, &trees_options, &tree, err));

	kit_good(index_encode(flat.index, NULL, NULL, &digest, err));
	assert_true(digest_equal(&digest, &packed.index));
	kit_good(index_encode(tree.index, NULL, NULL, &digest, err));
	assert_true(digest_equal(&digest, &packed.index));
	check_content(&tree, "lib/libx-1.0.so");
	check_content(&flat, "lib/libx-1.0.so");
	check_content(&flat, "empty");
	assert_int_equal(check_count(folder), 6);
}

static void test_another_archive_is_refused(void **state)
{
	_cleanup_(pack_result_done) struct pack_result packed = {};
	_cleanup_close_ int blob = trees_file("blob");
	_cleanup_close_ int fd = trees_old();
	struct stock flat = STOCK_NONE;
	struct error err_ = {};

	kit_good(pack_tree(fd, &trees_options, blob, &packed, err));
	packed.digest.bytes[0] ^= 1;
	check_error(stock_unpack(check_fd, blob, &packed.digest, &flat, &err_), &err_,
		    FAULT_UNTRUSTED, "instead of");
}

static void test_a_file_that_changed(void **state)
{
	_cleanup_stock_ struct stock stock = trees_stock(trees_old());
	const struct index_entry *entry = index_find(stock.index, "app");
	struct error err = {};
	uint8_t *data;

	trees_write(stock.dirfd, "app", TREES_BINARY + 1, 1, 0);
	check_error(stock_read(&stock, entry, &data, &err), &err, FAULT_BUSY, "changed");
	trees_write(stock.dirfd, "app", TREES_BINARY - 1, 1, 0);
	check_error(stock_read(&stock, entry, &data, &err), &err, FAULT_BUSY, "changed");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_of_a_tree_and_of_its_archive),
		check_in_dir(test_another_archive_is_refused),
		check_in_dir(test_a_file_that_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
