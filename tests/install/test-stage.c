/* LDFLAGS: @tests/store/calls.flags */
#include "install/stage.h"

#include "../store/calls.h"
#include "app-dir.h"

#define STEPS_SEEN_MAX 64

/* An app whose slot b runs (sealed, current) and whose slot a has an older release. */
static int make_app(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_close_ int running = -1;
	struct descriptor descriptor = app_descriptor();
	int app = app_make(dirfd, "app");

	shell(dirfd,
	      "mkdir running t t/d; echo running >running/app; head -c 3000000 /dev/urandom >t/large;"
	      "echo hello >t/d/f; ln t/d/f t/h; ln -s d/f t/l; tar -cf t.tar -C t .;"
	      "zstd -q t.tar; ln -s ../x evil; tar -cf evil.tar evil");
	running = shell_open(dirfd, "running");
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		assert_int_equal(stage_directory(app, slot, running, &app_options, NULL,
						 &descriptor, NULL),
				 0);
	assert_int_equal(layout_point_current(app, SLOT_B, NULL), 0);
	return app;
}

/* Slot a is as it was before the staging. */
static void check_untouched(int app)
{
	struct descriptor descriptor = {};

	assert_int_equal(seal_peek(app, SLOT_A, &descriptor, NULL), 0);
	assert_int_equal(descriptor.origin, ORIGIN_TRUST_ME);
	assert_int_equal(descriptor.files, 1);
	assert_int_equal(app_differences(app, SLOT_A), 0);
	assert_int_equal(app_differences(app, SLOT_B), 0);
}

static void test_stages(void **state)
{
	_cleanup_close_ int app = make_app(state);
	_cleanup_close_ int fd = shell_open(check_dirfd(state), "t.tar.zst");
	struct descriptor descriptor = app_descriptor();
	struct descriptor sealed;
	struct digest source;
	_cleanup_free_ char *bytes = NULL;
	size_t size;

	assert_int_equal(
		fd_read_file(check_dirfd(state), "t.tar.zst", 1 << 26, &bytes, &size, NULL), 0);
	assert_int_equal(digest_of(bytes, size, &source, NULL), 0);
	descriptor.origin = ORIGIN_SIDELOAD;
	descriptor.source = source;
	(void)snprintf(descriptor.version, sizeof(descriptor.version), "2");
	assert_int_equal(stage_archive(app, SLOT_A, fd, &app_options, NULL, &descriptor, NULL), 0);
	assert_int_equal(seal_peek(app, SLOT_A, &sealed, NULL), 0);
	assert_string_equal(sealed.version, "2");
	assert_int_equal(sealed.files, 5);
	assert_int_equal(sealed.bytes, 3000006);
	assert_true(digest_equal(&sealed.source, &source));
	assert_true(digest_equal(&sealed.index, &descriptor.index));
	assert_int_equal(sealed.installed, descriptor.installed);
	assert_int_equal(app_differences(app, SLOT_A), 0);
	assert_int_equal(app_differences(app, SLOT_B), 0);
	shell(check_dirfd(state), "diff -r t app/slots/a");
}

static void test_stages_a_directory(void **state)
{
	_cleanup_close_ int app = make_app(state);
	_cleanup_close_ int fd = shell_open(check_dirfd(state), "t");
	struct descriptor descriptor = app_descriptor();

	descriptor.origin = ORIGIN_ADOPTED;
	assert_int_equal(stage_directory(app, SLOT_A, fd, &app_options, NULL, &descriptor, NULL),
			 0);
	assert_true(digest_is_null(&descriptor.source));
	assert_int_equal(app_differences(app, SLOT_A), 0);
	shell(check_dirfd(state), "diff -r t app/slots/a");
}

/* ---- what is refused leaves the slot as it was ---- */

static void test_another_digest(void **state)
{
	_cleanup_close_ int app = make_app(state);
	_cleanup_close_ int fd = shell_open(check_dirfd(state), "t.tar");
	struct descriptor descriptor = app_descriptor();
	struct error err = {};

	descriptor.origin = ORIGIN_SIDELOAD;
	check_error(stage_archive(app, SLOT_A, fd, &app_options, NULL, &descriptor, &err), &err,
		    FAULT_UNTRUSTED, "no SHA-256");
	descriptor.source.bytes[0] = 1;
	check_error(stage_archive(app, SLOT_A, fd, &app_options, NULL, &descriptor, &err), &err,
		    FAULT_UNTRUSTED, "instead of 01000000");
	descriptor.origin = ORIGIN_TRUST_ME; /* a digest that was given counts all the same */
	check_error(stage_archive(app, SLOT_A, fd, &app_options, NULL, &descriptor, &err), &err,
		    FAULT_UNTRUSTED, "instead of 01000000");
	check_untouched(app);
}

static void test_refusals(void **state)
{
	_cleanup_close_ int app = make_app(state);
	_cleanup_close_ int fd = shell_open(check_dirfd(state), "t.tar");
	struct stage_options options = app_options;
	struct descriptor descriptor = app_descriptor();
	struct error err = {};

	check_error(app_stage(app, check_dirfd(state), "evil.tar", &options, &err), &err,
		    FAULT_CORRUPT, "evil: a link that leaves");
	options.max_archive_bytes = 1000;
	check_error(app_stage(app, check_dirfd(state), "t.tar", &options, &err), &err,
		    FAULT_NO_SPACE, "limit of 1000");
	options.max_archive_bytes = UINT64_MAX;
	options.reserve_bytes = 1ULL << 60;
	check_error(app_stage(app, check_dirfd(state), "t.tar", &options, &err), &err,
		    FAULT_NO_SPACE, "or lower Reserve=");
	descriptor.version[0] = ' ';
	check_error(stage_archive(app, SLOT_A, fd, &app_options, NULL, &descriptor, &err), &err,
		    FAULT_CORRUPT, "version");
	check_untouched(app);
}

static void test_never_into_the_current_slot(void **state)
{
	_cleanup_close_ int app = make_app(state);
	_cleanup_close_ int fd = shell_open(check_dirfd(state), "t.tar");
	struct descriptor descriptor = app_descriptor();
	struct error err = {};

	check_error(stage_archive(app, SLOT_B, fd, &app_options, NULL, &descriptor, &err), &err,
		    FAULT_INTERNAL, "current");
	check_untouched(app);
}

/* ---- progress ---- */

struct watcher {
	int dirfd;
	bool at; /* do it at this step, when so much is done */
	enum stage_step step;
	const char *script;
	bool stop;
	size_t n;
	enum stage_step seen[STEPS_SEEN_MAX];
	uint64_t done[STEPS_SEEN_MAX];
};

static int watch(void *data, enum stage_step step, uint64_t done, uint64_t total, struct error *err)
{
	struct watcher *watcher = data;

	assert_true(done <= total || total == 0);
	assert_true(watcher->n < STEPS_SEEN_MAX);
	watcher->seen[watcher->n] = step;
	watcher->done[watcher->n++] = done;
	if (!watcher->at || watcher->step != step)
		return 0;
	watcher->at = false;
	if (watcher->script)
		assert_int_equal(
			shell_run(watcher->dirfd,
				  (const char *const[]){ "sh", "-euc", watcher->script, NULL }),
			0);
	return watcher->stop ? error_set(err, FAULT_BUSY, "cancelled") : 0;
}

static int stage_watched(void **state, int app, struct watcher *watcher, struct error *err)
{
	_cleanup_close_ int fd = shell_open(check_dirfd(state), "t.tar");
	struct stage_listener listener = { watch, watcher };
	struct descriptor descriptor = app_descriptor();

	watcher->dirfd = check_dirfd(state);
	return stage_archive(app, SLOT_A, fd, &app_options, &listener, &descriptor, err);
}

static void test_progress(void **state)
{
	_cleanup_close_ int app = make_app(state);
	struct watcher watcher = {};
	enum stage_step last = STAGE_VERIFY;

	assert_int_equal(stage_watched(state, app, &watcher, NULL), 0);
	for (size_t i = 0; i < watcher.n; i++) {
		assert_true(watcher.seen[i] == last || watcher.seen[i] == last + 1);
		if (watcher.seen[i] != last || i == 0)
			assert_int_equal(watcher.done[i], 0);
		else
			assert_true(watcher.done[i] >= watcher.done[i - 1]);
		last = watcher.seen[i];
	}
	assert_int_equal(last, STAGE_SYNC);
	assert_string_equal(stage_step_name(STAGE_SCAN), "scan");
}

static void test_cancelled_at_each_step(void **state)
{
	_cleanup_close_ int app = make_app(state);

	for (enum stage_step step = STAGE_VERIFY; step < STAGE_MAX; step++) {
		struct watcher watcher = { .at = true, .step = step, .stop = true };
		struct error err = {};

		check_error(stage_watched(state, app, &watcher, &err), &err, FAULT_BUSY,
			    "cancelled");
		if (step < STAGE_WRITE)
			check_untouched(app);
		else
			assert_false(app_is_sealed(app, SLOT_A));
		assert_int_equal(app_differences(app, SLOT_B), 0);
	}
}

/* The archive is another one between two reads of it: an evil one is never parsed. */
static void test_changes_between_reads(void **state)
{
	_cleanup_close_ int app = make_app(state);

	for (enum stage_step step = STAGE_SCAN; step <= STAGE_WRITE; step++) {
		struct watcher watcher = { .at = true,
					   .step = step,
					   .script = "cat evil.tar >t.tar" };
		struct error err = {};

		shell(check_dirfd(state), "tar -cf t.tar -C t .");
		check_error(stage_watched(state, app, &watcher, &err), &err, FAULT_CORRUPT,
			    "changed while it was being read");
		assert_null(strstr(err.text, "evil"));
		if (step < STAGE_WRITE)
			check_untouched(app);
		assert_int_equal(app_differences(app, SLOT_B), 0);
	}
	assert_false(app_is_sealed(app, SLOT_A));
	shell(check_dirfd(state), "test -z \"$(find app/slots/a -name evil)\"");
}

static void test_a_directory_that_changes(void **state)
{
	_cleanup_close_ int app = make_app(state);
	_cleanup_close_ int fd = shell_open(check_dirfd(state), "t");
	struct watcher watcher = { .at = true,
				   .step = STAGE_WRITE,
				   .script = "echo more >t/d/new",
				   .dirfd = check_dirfd(state) };
	struct stage_listener listener = { watch, &watcher };
	struct descriptor descriptor = app_descriptor();
	struct error err = {};

	check_error(stage_directory(app, SLOT_A, fd, &app_options, &listener, &descriptor, &err),
		    &err, FAULT_BUSY, "other files");
	assert_false(app_is_sealed(app, SLOT_A));
}

/* ---- the disk ---- */

static int stage_small(void *data)
{
	_cleanup_close_ int fd = -1;
	struct descriptor descriptor = app_descriptor();
	int app = *(const int *)data;

	fd = openat(app, "../small.tar", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : stage_archive(app, SLOT_A, fd, &app_options, NULL, &descriptor, NULL);
}

#define MAKE_SMALL                                                                   \
	"mkdir -p s/d; echo x >s/d/f; head -c 20000 /dev/urandom >s/g; ln -s g s/l;" \
	"ln s/g s/h; tar -cf small.tar -C s ."

/*
 * Killed before each call, and running again from there: a seal that is there is true at every instant, the
 * other slot is never touched, and the next staging succeeds.
 */
static void test_killed_before_each_call(void **state)
{
	_cleanup_close_ int app = make_app(state);
	int n;

	shell(check_dirfd(state), MAKE_SMALL);
	for (n = 1; calls_killed(n, stage_small, &app); n++) {
		if (app_is_sealed(app, SLOT_A))
			assert_int_equal(app_differences(app, SLOT_A), 0);
		assert_int_equal(app_differences(app, SLOT_B), 0);
		if (n % 5 == 0)
			assert_int_equal(stage_small(&app), 0);
	}
	assert_in_range(n, 20, 500);
	assert_true(app_is_sealed(app, SLOT_A));
	assert_int_equal(app_differences(app, SLOT_A), 0);
}

/* Each call failing: what says 0 is sealed and whole; on a full disk the space is given back. */
static void test_each_call_fails(void **state)
{
	static const int errors[] = { EIO, ENOSPC };
	_cleanup_close_ int app = make_app(state);

	shell(check_dirfd(state), MAKE_SMALL);
	for (size_t e = 0; e < ARRAY_SIZE(errors); e++) {
		int n = 0;
		int calls_made;

		do {
			int r;

			calls_begin(++n, errors[e], 0);
			r = stage_small(&app);
			calls_made = calls_end();
			if (app_is_sealed(app, SLOT_A))
				assert_int_equal(app_differences(app, SLOT_A), 0);
			else
				assert_true(r < 0);
			assert_int_equal(app_differences(app, SLOT_B), 0);
		} while (n <= calls_made);
		assert_in_range(n, 20, 500);
	}
}

static void test_a_full_disk_does_not_stay_full(void **state)
{
	_cleanup_close_ int app = make_app(state);
	_cleanup_close_ int fd = -1;
	int failed = 0;

	shell(check_dirfd(state), MAKE_SMALL);
	fd = shell_open(check_dirfd(state), "small.tar");
	for (int n = 1; n < 200; n++) {
		struct descriptor descriptor = app_descriptor();
		struct error err = {};
		int r;

		calls_begin(n, ENOSPC, 0);
		r = stage_archive(app, SLOT_A, fd, &app_options, NULL, &descriptor, &err);
		(void)calls_end();
		if (r == 0 || !strstr(calls.log, "pwrite") || err.fault != FAULT_NO_SPACE)
			continue;
		failed++;
		shell(check_dirfd(state),
		      "test -z \"$(ls app/slots/a)\"; test ! -e app/slots/a.seal");
	}
	assert_true(failed >= 3);
}

/* The seal goes before the first file, comes after the last sync, and that comes after the last file. */
static void test_order(void **state)
{
	_cleanup_close_ int app = make_app(state);
	const char *sync;
	const char *seal;

	shell(check_dirfd(state), MAKE_SMALL);
	calls_begin(0, 0, 0);
	assert_int_equal(stage_small(&app), 0);
	(void)calls_end();
	sync = strstr(calls.log, "syncfs ");
	seal = strstr(calls.log, "renameat ");
	assert_non_null(sync);
	assert_true(seal > sync);
	assert_null(strstr(sync + 1, "syncfs "));
	assert_null(strstr(sync, "pwrite "));
	assert_null(strstr(sync, "mkdirat "));
	assert_null(strstr(sync, "symlinkat "));
	assert_true(strncmp(strstr(calls.log, "unlinkat "), "unlinkat fsync ", 15) == 0);
	assert_true(strstr(calls.log, "unlinkat fsync ") < strstr(calls.log, "mkdirat "));
	assert_true(strstr(calls.log, "pwrite ") < sync);
	assert_true(strlen(calls.log) < sizeof(calls.log) - 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_stages),
		check_in_dir(test_stages_a_directory),
		check_in_dir(test_another_digest),
		check_in_dir(test_refusals),
		check_in_dir(test_never_into_the_current_slot),
		check_in_dir(test_progress),
		check_in_dir(test_cancelled_at_each_step),
		check_in_dir(test_changes_between_reads),
		check_in_dir(test_a_directory_that_changes),
		check_in_dir(test_killed_before_each_call),
		check_in_dir(test_each_call_fails),
		check_in_dir(test_a_full_disk_does_not_stay_full),
		check_in_dir(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
