#include "install/staged.h"

#include "survey-kit.h"

#define STAGED(file) "$(sha256sum " file " | cut -d' ' -f1)"

static const struct digest *digest_at(const struct looked *looked, const char *path)
{
	return &index_at(looked->index, index_number(looked->index, path))->digest;
}

static void test_directory(void **state)
{
	int fd = -1;

	assert_int_equal(staged_open_dir(check_dirfd(state), &fd, NULL), STAGED_ABSENT);
	assert_int_equal(staged_make_dir(check_dirfd(state), &fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(staged_open_dir(check_dirfd(state), &fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	shell(check_dirfd(state),
	      "test $(stat -c %a staging) = 700; rmdir staging; ln -s / staging");
	assert_true(staged_open_dir(check_dirfd(state), &fd, NULL) < 0);
}

static void test_tidies(void **state)
{
	_cleanup_looked_ struct looked looked;

	look(&looked, state,
	     "rm slot/a; echo part >staging/" STAGED(
		     "new/a") ";"
			      "touch staging/" STAGED("new/d/b") " staging/" STAGED(
				      "/dev/null") " staging/new-1 staging/full");
	assert_int_equal(staged_tidy(looked.staging, looked.survey, NULL), 0);
	shell(looked.dirfd,
	      "test \"$(ls staging)\" = \"$(printf '%s\\nfull' " STAGED("new/a") " | sort)\"");
	assert_int_equal(staged_tidy(looked.staging, NULL, NULL), 0);
	shell(looked.dirfd, "test \"$(ls staging)\" = full");
}

static void test_adopts(void **state)
{
	_cleanup_looked_ struct looked looked;
	struct survey_stray *stray;

	look(&looked, state,
	     "mkdir slot/x; mv slot/a slot/x/z; echo old >staging/" STAGED("new/a"));
	assert_int_equal(looked.survey->n_strays, 1);
	stray = &looked.survey->strays[0];
	assert_int_equal(staged_adopt(looked.staging, looked.slot, stray, NULL), 0);
	shell(looked.dirfd, "test slot/x/z -ef staging/" STAGED("new/a"));
	shell(looked.dirfd, "rm slot/x/z; cp new/a slot/x/z");
	assert_int_equal(staged_adopt(looked.staging, looked.slot, stray, NULL), STAGED_ABSENT);
	shell(looked.dirfd, "test -z \"$(ls staging)\"; rm -r slot/x");
	assert_int_equal(staged_adopt(looked.staging, looked.slot, stray, NULL), STAGED_ABSENT);
}

static void test_opens_only_what_is_ours_alone(void **state)
{
	_cleanup_looked_ struct looked looked;
	const struct digest *digest;
	int fd = -1;

	look(&looked, state, ":");
	digest = digest_at(&looked, "a");
	assert_int_equal(staged_open(looked.staging, digest, O_RDWR, &fd, NULL), STAGED_ABSENT);
	assert_int_equal(staged_create(looked.staging, digest, &fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(staged_open(looked.staging, digest, O_RDWR, &fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	shell(looked.dirfd, "ln staging/* stranger");
	assert_int_equal(staged_open(looked.staging, digest, O_RDWR, &fd, NULL), STAGED_ABSENT);
	shell(looked.dirfd, "rm staging/*; ln -s ../new/a staging/" STAGED("new/a"));
	assert_int_equal(staged_open(looked.staging, digest, O_RDWR, &fd, NULL), STAGED_ABSENT);
	assert_int_equal(staged_create(looked.staging, digest, &fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	shell(looked.dirfd, "test -s new/a; test ! -L staging/*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_directory),
		check_in_dir(test_tidies),
		check_in_dir(test_adopts),
		check_in_dir(test_opens_only_what_is_ours_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
