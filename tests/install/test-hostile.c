/* LDFLAGS: -Wl,--wrap=fsync,--wrap=syncfs */
/*
 * Every archive of tests/hostile/make-corpus goes into a slot. What is refused must leave everything as it
 * was, to the last inode's time of change; what is taken must be what GNU tar makes of it.
 */
#include "release/walk.h"

#include "app-dir.h"

/* What is durable is test-stage's affair; two hundred times it would take minutes. */
int __wrap_fsync(int fd);
int __wrap_syncfs(int fd);

int __wrap_fsync(int fd)
{
	return 0;
}

int __wrap_syncfs(int fd)
{
	return 0;
}

#define CORPUS	 "corpus"
#define FIELDS	 4
#define APP	 "app"
#define OTHER	 "other" /* an app whose slot gets what GNU tar unpacked */
#define UNPACKED "unpacked"

static int top;
static int app;
static int other;

struct sample {
	char *fields[FIELDS]; /* bad or good, file, options, word or reference */
};

/* ---- options ---- */

static void set_option(struct stage_options *options, const char *key, uint64_t value)
{
	if (strcmp(key, "strip") == 0)
		options->archive.strip_components = (unsigned int)value;
	else if (strcmp(key, "setuid") == 0)
		options->archive.allow_setuid = value != 0;
	else if (strcmp(key, "bytes") == 0)
		options->archive.max_bytes = value;
	else if (strcmp(key, "files") == 0)
		options->archive.max_files = value;
	else if (strcmp(key, "depth") == 0)
		options->archive.max_depth = (unsigned int)value;
	else if (strcmp(key, "ratio") == 0)
		options->archive.max_ratio = (unsigned int)value;
	else
		fail_msg("unknown option %s", key);
}

static struct stage_options parse_options(const char *text)
{
	struct stage_options options = app_options;
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy;
	char *key;

	if (strcmp(text, "-") == 0)
		return options;
	while ((key = strsep(&rest, ","))) {
		char *value = strchr(key, '=');

		assert_non_null(value);
		*value++ = '\0';
		set_option(&options, key, strtoull(value, NULL, 10));
	}
	return options;
}

/* ---- what everything looks like ---- */

struct picture {
	struct digester *digester;
	const char *except; /* a path that is left out, with all that is below it */
};

static int add_to_picture(void *data, const struct walk_entry *entry, struct error *err)
{
	const struct picture *picture = data;
	const struct stat *st = entry->stat;
	char line[256];
	int n;
	int r;

	if (picture->except && strcmp(entry->path, picture->except) == 0)
		return WALK_PASS;
	r = digester_update(picture->digester, entry->path, strlen(entry->path) + 1, err);
	if (r < 0)
		return r;
	n = snprintf(line, sizeof(line), "%o %lu %lu %ld %ld.%ld %ld.%ld\n", st->st_mode,
		     (unsigned long)st->st_ino, (unsigned long)st->st_nlink, (long)st->st_size,
		     (long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (long)st->st_ctim.tv_sec,
		     st->st_ctim.tv_nsec);
	return digester_update(picture->digester, line, (size_t)n, err);
}

/* Names, inodes, sizes and times of all that is in the test's directory. */
static struct digest take_picture(const char *except)
{
	_cleanup_(digester_freep) struct digester *digester = NULL;
	struct picture picture = { .except = except };
	struct digest digest;

	assert_int_equal(digester_new(&digester, NULL), 0);
	picture.digester = digester;
	assert_int_equal(walk_tree(top, add_to_picture, &picture, NULL), 0);
	assert_int_equal(digester_finish(digester, &digest, NULL), 0);
	return digest;
}

/* ---- the two kinds of samples ---- */

static bool complain(const struct sample *sample, const char *what, const char *more)
{
	print_error("%s: %s %s\n", sample->fields[1], what, more);
	return false;
}

static bool check_bad(const struct sample *sample)
{
	struct stage_options options = parse_options(sample->fields[2]);
	struct digest before = take_picture(NULL);
	struct digest after;
	struct error err = {};

	if (app_stage(app, top, sample->fields[1], &options, &err) >= 0)
		return complain(sample, "was taken", "");
	after = take_picture(NULL);
	if (!digest_equal(&before, &after))
		return complain(sample, "left something changed; it said:", err.text);
	if (err.fault != FAULT_CORRUPT && err.fault != FAULT_NO_SPACE)
		return complain(sample, "has the wrong fault:", fault_name(err.fault));
	if (!strstr(err.text, sample->fields[3]))
		return complain(sample, "does not say the word:", err.text);
	print_message("%-45s %s\n", sample->fields[1] + strlen(CORPUS "/"), err.text);
	return true;
}

/* What GNU tar makes of the reference, as a release. */
static struct digest unpack_reference(const struct sample *sample,
				      const struct stage_options *options)
{
	_cleanup_close_ int fd = -1;
	struct descriptor descriptor = app_descriptor();
	struct error err = {};
	char strip[64];

	(void)snprintf(strip, sizeof(strip), "--strip-components=%u",
		       strstr(sample->fields[3], ".reference") ? 0 :
								 options->archive.strip_components);
	shell(top, "chmod -R u+rwx " UNPACKED " 2>/dev/null || true; rm -rf " UNPACKED
		   " && mkdir " UNPACKED);
	(void)shell_run(top, (const char *const[]){ "tar", "-xp", strip, "-C", UNPACKED, "-f",
						    sample->fields[3], NULL });
	shell(top,
	      "chmod -R u+r " UNPACKED); /* as the policy will have it, but who is not root must read */
	fd = shell_open(top, UNPACKED);
	if (stage_directory(other, SLOT_A, fd, options, NULL, &descriptor, &err) < 0)
		print_error("the reference: %s\n", err.text);
	return descriptor.index;
}

static bool check_good(const struct sample *sample)
{
	struct stage_options options = parse_options(sample->fields[2]);
	_cleanup_close_ int fd = shell_open(top, sample->fields[1]);
	struct digest before = take_picture(APP "/slots");
	struct descriptor descriptor = app_descriptor();
	struct digest after;
	struct digest wanted;
	struct error err = {};

	if (stage_archive(app, SLOT_A, fd, &options, NULL, &descriptor, &err) < 0)
		return complain(sample, "was refused:", err.text);
	after = take_picture(APP "/slots");
	if (!digest_equal(&before, &after))
		return complain(sample, "changed something outside of its slot", "");
	if (!app_is_sealed(app, SLOT_A) || app_differences(app, SLOT_A) > 0)
		return complain(sample, "is not what its seal says", "");
	if (app_differences(app, SLOT_B) > 0)
		return complain(sample, "changed the other slot", "");
	wanted = unpack_reference(sample, &options);
	if (digest_equal(&wanted, &descriptor.index))
		return true;
	shell(top, "diff " OTHER "/slots/a.seal " APP "/slots/a.seal >&2 || true");
	return complain(sample, "is not what GNU tar makes of it", "");
}

/* ---- all of them ---- */

static void parse_line(char *line, struct sample *ret_sample)
{
	for (size_t i = 0; i < FIELDS; i++) {
		ret_sample->fields[i] = strsep(&line, "\t");
		assert_non_null(ret_sample->fields[i]);
	}
	assert_null(line);
}

/* How many samples of that kind there are; each of them must pass the check. */
static size_t check_all(const char *kind, bool (*check)(const struct sample *sample))
{
	_cleanup_free_ char *manifest = NULL;
	char *rest;
	char *line;
	size_t count = 0;
	size_t wrong = 0;

	assert_int_equal(fd_read_file(top, CORPUS "/manifest", 1 << 20, &manifest, NULL, NULL), 0);
	for (rest = manifest; (line = strsep(&rest, "\n")) && *line;) {
		struct sample sample;
		char file[256];
		char reference[256];

		parse_line(line, &sample);
		if (strcmp(sample.fields[0], kind) != 0)
			continue;
		(void)snprintf(file, sizeof(file), CORPUS "/%s", sample.fields[1]);
		(void)snprintf(reference, sizeof(reference), CORPUS "/%s", sample.fields[3]);
		sample.fields[1] = file;
		if (strcmp(kind, "good") == 0)
			sample.fields[3] = reference;
		count++;
		wrong += !check(&sample);
	}
	assert_int_equal(wrong, 0);
	return count;
}

static void test_refuses_what_is_bad(void **state)
{
	assert_true(check_all("bad", check_bad) >= 40);
	assert_int_not_equal(access("/tmp/flipslot-hostile", F_OK), 0);
	assert_int_equal(app_differences(app, SLOT_A), 0);
	assert_int_equal(app_differences(app, SLOT_B), 0);
}

static void test_takes_what_is_good(void **state)
{
	assert_true(check_all("good", check_good) >= 10);
}

static void prepare_apps(void)
{
	struct descriptor descriptor = app_descriptor();
	_cleanup_close_ int source = -1;

	app = app_make(top, APP);
	other = app_make(top, OTHER);
	shell(top, "mkdir -p canary/etc outside; echo canary >canary/etc/passwd;"
		   "mkdir running; echo running >running/app");
	source = shell_open(top, "running");
	assert_int_equal(
		stage_directory(app, SLOT_A, source, &app_options, NULL, &descriptor, NULL), 0);
	assert_int_equal(
		stage_directory(app, SLOT_B, source, &app_options, NULL, &descriptor, NULL), 0);
	assert_int_equal(layout_point_current(app, SLOT_B, NULL), 0);
}

static int setup(void **state)
{
	_cleanup_close_ int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char corpus[128];

	/* a zip's times are local ones */
	(void)setenv("TZ", "UTC", 1);
	if (check_setup(state) < 0)
		return -1;
	top = check_dirfd(state);
	(void)snprintf(corpus, sizeof(corpus), "%s/" CORPUS, check_path);
	assert_int_equal(mkdirat(top, CORPUS, 0755), 0);
	assert_int_equal(
		shell_run(here, (const char *const[]){ "tests/hostile/make-corpus", corpus, NULL }),
		0);
	prepare_apps();
	return 0;
}

static int teardown(void **state)
{
	(void)close(app);
	(void)close(other);
	return check_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_what_is_bad),
		cmocka_unit_test(test_takes_what_is_good),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
