/* A file, its minisign signature and a key, as a person names them; made by Debian's minisign. */
#include "app/signed-file.h"

#include <sys/wait.h>

#include "../base/check.h"

static char dir[64];
static struct signed_file_verdict verdict;
static struct error why;

/* A shell command in a folder of the test's own. */
static void shell(const char *command)
{
	char line[512];
	pid_t child;
	int status;

	(void)snprintf(line, sizeof(line), "cd %s && { %s; } >/dev/null", dir, command);
	child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-ec", line, NULL);
		_exit(127);
	}
	assert_true(waitpid(child, &status, 0) == child);
	if (status != 0)
		fail_msg("%s: status %d", line, status);
}

static int setup(void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/flipslot-signed-XXXXXX");
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	shell("minisign -G -W -p k.pub -s k.key; minisign -G -W -p other.pub -s other.key;"
	      "head -c 3000000 /dev/zero | tr '\\0' x >f;"
	      "minisign -S -H -s k.key -m f -t 'release 1'; minisign -S -l -s k.key -m f -x old -t old");
	return 0;
}

static int teardown(void **state)
{
	return chdir("/") < 0 || nftw(dir, check_remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 ? -1 : 0;
}

static int try(const char *file, const char *key, const char *signature)
{
	const struct signed_file input = { .file = file, .key = key, .signature = signature };

	why = (struct error){};
	return signed_file_check(&input, &verdict, &why);
}

static void both_kinds(void **state)
{
	char part[1000], text[128], expected[DIGEST_HEX_MAX];
	_cleanup_(digester_freep) struct digester *digester = NULL;
	struct digest digest;
	FILE *file;

	assert_int_equal(try("f", "k.pub", NULL), 0);
	assert_string_equal(verdict.comment, "release 1");
	memset(part, 'x', sizeof(part));
	assert_int_equal(digester_new(&digester, NULL), 0);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(digester_update(digester, part, sizeof(part), NULL), 0);
	assert_int_equal(digester_finish(digester, &digest, NULL), 0);
	assert_true(digest_equal(&digest, &verdict.digest));
	assert_string_equal(digest_to_hex(&verdict.digest, expected),
			    digest_to_hex(&digest, expected));
	assert_int_equal(try("f", "k.pub", "old"), 0);
	assert_string_equal(verdict.comment, "old");
	assert_true(digest_equal(&digest, &verdict.digest));

	/* the key as base64, and its id as minisign wrote it into the comment: without zeroes in front */
	file = fopen("k.pub", "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_non_null(strstr(text, verdict.signer + strspn(verdict.signer, "0")));
	assert_non_null(fgets(text, sizeof(text), file));
	(void)fclose(file);
	assert_int_equal(try("f", strtok_r(text, "\n", &(char *){ NULL }), NULL), 0);
}

static void each_fault_in_a_line(void **state)
{
	check_error(try("f", "other.pub", NULL), &why, FAULT_UNTRUSTED,
		    "f.minisig: the signature is by key");
	check_error(try("f", "nothing.pub", NULL), &why, FAULT_CONFIG,
		    "neither a key in base64 nor a file");
	check_error(try("f", "f.minisig", NULL), &why, FAULT_CORRUPT, "--minisign-key f.minisig");
	check_error(try("f", "f", NULL), &why, FAULT_CORRUPT, "more than");
	check_error(try("f", "k.pub", "nothing"), &why, FAULT_CONFIG, "signature: nothing");
	check_error(try("f", "k.pub", "k.pub"), &why, FAULT_CORRUPT, "k.pub: line 2");
	check_error(try(".", "k.pub", "f.minisig"), &why, FAULT_CONFIG, "not a regular file");
	check_error(try("gone", "k.pub", "f.minisig"), &why, FAULT_CONFIG, "gone: No such file");
	check_error(try("k.key", "k.pub", "f.minisig"), &why, FAULT_UNTRUSTED,
		    "k.key: it is not the file");
	shell("sed -i 's/release 1/release 2/' f.minisig");
	check_error(try("f", "k.pub", NULL), &why, FAULT_UNTRUSTED,
		    "trusted comment is not signed");
}

/* A comment may hold what a terminal would obey. */
static void comments_are_escaped(void **state)
{
	shell("minisign -S -s k.key -m f -x esc -t \"$(printf 'a\\033[31mb')\"");
	assert_int_equal(try("f", "k.pub", "esc"), 0);
	assert_string_equal(verdict.comment, "a\\x1b[31mb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_kinds),
		cmocka_unit_test(each_fault_in_a_line),
		cmocka_unit_test(comments_are_escaped),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
