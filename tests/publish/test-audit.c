#include "publish/audit.h"

#include "kit.h"

static void make(void)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();

	(void)kit_add(repo, "1", "a");
	free(kit_issue(repo));
}

static void refuse(uint64_t now, enum fault fault, const char *word)
{
	struct audit_result result;
	struct error err = {};

	check_error(kit_audit(now, &result, &err), &err, fault, word);
}

static char *only_file(const char *folder)
{
	_cleanup_close_ int fd = openat(check_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(dup(fd));
	struct dirent *entry;
	char *path = NULL;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			assert_true(asprintf(&path, "%s/%s", folder, entry->d_name) > 0);
	(void)closedir(dir);
	assert_non_null(path);
	return path;
}

static void test_good(void **state)
{
	struct audit_result result;

	make();
	kit_good(kit_audit(KIT_NOW, &result, err));
	assert_int_equal(result.offers, 1);
	assert_int_equal(result.targets, 1);
	assert_true(result.bytes > 0);
	assert_int_equal(result.version[ROOT_ROLE_TARGETS], 2);
	assert_int_equal(result.expires[ROOT_ROLE_TARGETS], KIT_NOW + 90 * KIT_DAY);
}

static void test_expired(void **state)
{
	make();
	refuse(KIT_NOW + 8 * KIT_DAY, FAULT_STALE, "timestamp");
}

static void flip(const char *file, off_t at)
{
	int fd = openat(check_fd, file, O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	assert_int_equal(close(fd), 0);
}

static void test_blobs(void **state)
{
	_cleanup_free_ char *blob = NULL;
	struct stat st;

	make();
	blob = only_file("repo/blobs/sha256");
	assert_int_equal(fstatat(check_fd, blob, &st, 0), 0);
	flip(blob, st.st_size - 1);
	refuse(KIT_NOW, FAULT_CORRUPT, "piece 0");
	check_write(check_fd, blob, "x", 1);
	refuse(KIT_NOW, FAULT_CORRUPT, "cut short");
	assert_int_equal(unlinkat(check_fd, blob, 0), 0);
	refuse(KIT_NOW, FAULT_CORRUPT, "missing");
}

static void test_offers(void **state)
{
	_cleanup_free_ char *offer = NULL;

	make();
	offer = only_file("repo/targets/gateway/stable");
	check_write(check_fd, offer, "x", 1);
	refuse(KIT_NOW, FAULT_CORRUPT, "bytes");
	assert_int_equal(unlinkat(check_fd, offer, 0), 0);
	refuse(KIT_NOW, FAULT_CORRUPT, "missing");
}

static void test_metadata(void **state)
{
	make();
	check_write(check_fd, "repo/metadata/2.snapshot.json", "{}", 2);
	refuse(KIT_NOW, FAULT_UNTRUSTED, "snapshot");
	assert_int_equal(unlinkat(check_fd, "repo/metadata/2.snapshot.json", 0), 0);
	refuse(KIT_NOW, FAULT_NETWORK, "snapshot");
	assert_int_equal(unlinkat(check_fd, "repo/metadata/1.root.json", 0), 0);
	refuse(KIT_NOW, FAULT_CONFIG, "1.root.json");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_good),   check_in_dir(test_expired),	check_in_dir(test_blobs),
		check_in_dir(test_offers), check_in_dir(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
