#include "install/staged.h"

#include "base/text.h"
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

static void on_removed(void *data, const char *name)
{
	struct text *names = data;

	text_add(names, " %s", name);
}

/* What somebody has put there is in nobody's way, and nothing that it leads to is touched. */
static void test_sorts_out_what_is_no_file_of_ours(void **state)
{
	_cleanup_text_ struct text names = {};
	int dirfd = check_dirfd(state);
	int fd = -1;

	assert_int_equal(staged_sort_out(dirfd, on_removed, &names, NULL), 0);
	assert_int_equal(staged_make_dir(dirfd, &fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	shell(dirfd,
	      "mkdir own staging/dir; echo x >own/file; ln -s ../own staging/dir/link;"
	      "ln -s ../own/file staging/full; mkfifo staging/update.head; ln own/file staging/block.0;"
	      "touch staging/block.1 staging/$(sha256sum /dev/null | cut -d' ' -f1); chmod 0 staging/*[1-9a-f];"
	      "touch staging/blocks.head staging/$(sha256sum own/file | cut -d' ' -f1)");
	assert_int_equal(staged_sort_out(dirfd, on_removed, &names, NULL), 0);
	shell(dirfd,
	      "test \"$(ls staging | wc -l) $(cat own/file)\" = '2 x'; test -e staging/blocks.head");
	assert_int_equal(strlen(names.data), strlen(" dir full update.head block.0 block.1 ") + 64);
}

static void test_a_staging_that_is_none(void **state)
{
	_cleanup_text_ struct text names = {};
	int dirfd = check_dirfd(state);

	shell(dirfd, "mkdir own; touch own/file; ln -s own staging");
	assert_int_equal(staged_sort_out(dirfd, on_removed, &names, NULL), 0);
	assert_string_equal(names.data, " .");
	shell(dirfd, "test -e own/file; test ! -L staging; touch staging");
	assert_int_equal(staged_sort_out(dirfd, on_removed, &names, NULL), 0);
	shell(dirfd, "test ! -e staging");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_sorts_out_what_is_no_file_of_ours),
		check_in_dir(test_a_staging_that_is_none),
		check_in_dir(test_directory),
		check_in_dir(test_tidies),
		check_in_dir(test_adopts),
		check_in_dir(test_opens_only_what_is_ours_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
