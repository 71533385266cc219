/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=retrieval_get */
/* What becomes of a slot that was found damaged. */
#include "deploy/mend.h"

#include "deploy/retrieval.h"
#include "deploy/soundness.h"
#include "store/durable.h"
#include "../release/shell.h"
#include "systemd.h"

static struct session session;
static struct alert_receiver receiver;
static struct {
	const char *archive; /* what the source gives; NULL: it does not have it */
	enum fault fault; /* with which it refuses */
	unsigned int asked;
} source;

int __wrap_retrieval_get(struct watcher *watcher, const struct descriptor *descriptor, int *ret_fd,
			 struct error *err);
int __wrap_retrieval_get(struct watcher *watcher, const struct descriptor *descriptor, int *ret_fd,
			 struct error *err)
{
	source.asked++;
	if (!source.archive)
		return error_set(err, source.fault, "the source does not have it any more");
	*ret_fd = openat(check_fd, source.archive, O_RDONLY | O_CLOEXEC);
	assert_true(*ret_fd >= 0);
	return 0;
}

static struct digest digest_of_file(const char *name)
{
	_cleanup_free_ char *bytes = NULL;
	struct digest digest;
	size_t size;

	assert_int_equal(fd_read_file(check_fd, name, 1 << 20, &bytes, &size, NULL), 0);
	assert_int_equal(digest_of(bytes, size, &digest, NULL), 0);
	return digest;
}

static int setup(void **state)
{
	int r = systemd_setup(state);

	systemd_run(SLOT_A);
	memset(&source, 0, sizeof(source));
	source.fault = FAULT_NETWORK;
	receiver = (struct alert_receiver){ .name = "ops", .events = ALERT_DEFAULT };
	app_options.alerts = &receiver;
	app_options.n_alerts = 1;
	return r;
}

#define mend_test(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

/* Slot a runs 1.0, and 0.9, which came as 0.9.tar, is in slot b to be gone back to. */
static void make_app(void)
{
	struct descriptor descriptor = { .app = "gw", .version = "0.9", .origin = ORIGIN_SIGNED };
	struct state state = app_under_way(PHASE_IDLE);

	(void)app_seal(SLOT_B, "0.9");
	shell(check_fd, "tar -C slots/b -cf 0.9.tar --mtime=@0 .");
	descriptor.source = digest_of_file("0.9.tar");
	state.fallback = app_seal_as(SLOT_B, descriptor);
	app_store(&state);
}

static void scrub(void)
{
	bool damaged = false;

	assert_int_equal(soundness_scrub(check_fd, NULL, &damaged, NULL), 0);
	assert_true(damaged);
}

static void mend(void)
{
	struct state state = app_load();

	app_open(&session, &state);
	session.working = PHASE_IDLE;
	mend_run(&session);
	session_close(&session);
}

#define ROT(slot)                      \
	"printf ? | dd of=slots/" slot \
	"/run bs=1 seek=3 conv=notrunc 2>/dev/null; touch -d @0 slots/" slot "/run"

static uint64_t differences(enum slot slot)
{
	struct scrubbed_slot found = {};

	assert_int_equal(soundness_look(check_fd, slot, NULL, &found, NULL), 0);
	return found.differences;
}

static size_t alerts(struct outbox_entry *ret_first)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;
	size_t n = 0;

	assert_int_equal(outbox_load(check_fd, &entries, &n, NULL), 0);
	if (n > 0)
		*ret_first = entries[0];
	return n;
}

static void the_way_back_is_repaired(void **unused)
{
	struct outbox_entry alert;

	make_app();
	shell(check_fd, ROT("b"));
	scrub();
	source.archive = "0.9.tar";
	mend();
	assert_int_equal(differences(SLOT_B), 0);
	assert_int_equal(app_told(EVENT_DAMAGED, "slot b (0.9), to which a rollback would go"), 1);
	assert_int_equal(app_told(EVENT_MENDED, "slot b (0.9) was repaired"), 1);
	assert_int_equal(alerts(&alert), 0);
	mend();
	assert_int_equal(source.asked, 1);
	assert_int_equal(app_told(EVENT_DAMAGED, ""), 1);
}

static void what_cannot_be_repaired_is_alerted_once(void **unused)
{
	struct outbox_entry alert = {};

	make_app();
	shell(check_fd, ROT("b"));
	scrub();
	mend();
	mend();
	assert_int_equal(source.asked, 1); /* not each time */
	assert_int_equal(app_told(EVENT_DAMAGED, ""), 1);
	assert_int_equal(app_told(EVENT_WARNING, "does not have it any more"), 1);
	assert_int_equal(alerts(&alert), 1);
	assert_true(alert.damaged);
	assert_string_equal(alert.to_version, "0.9");
	assert_non_null(strstr(alert.reason, "run: content differs"));
	assert_non_null(strstr(alert.reason, "does not have it any more"));
	scrub(); /* found again: it is said again */
	mend();
	assert_int_equal(alerts(&alert), 2);
}

/* An hour later, or when the clock was set back, it is tried again, without another word. */
static void it_is_tried_again(void **unused)
{
	struct outbox_entry alert;
	struct scrubbed scrubbed;

	make_app();
	shell(check_fd, ROT("b"));
	scrub();
	mend();
	assert_int_equal(scrubbed_load(check_fd, &scrubbed, NULL), 0);
	scrubbed.slots[SLOT_B].tried -= MEND_PAUSE_USEC;
	assert_int_equal(scrubbed_store(check_fd, &scrubbed, NULL), 0);
	mend();
	assert_int_equal(source.asked, 2);
	assert_int_equal(scrubbed_load(check_fd, &scrubbed, NULL), 0);
	scrubbed.slots[SLOT_B].tried += 10 * MEND_PAUSE_USEC;
	assert_int_equal(scrubbed_store(check_fd, &scrubbed, NULL), 0);
	source.archive = "0.9.tar";
	mend();
	assert_int_equal(source.asked, 3);
	assert_int_equal(differences(SLOT_B), 0);
	assert_int_equal(alerts(&alert), 1);
}

/* Its release has a way back still, if a damaged one. */
static void not_while_the_service_is_down(void **unused)
{
	make_app();
	shell(check_fd, ROT("b"));
	scrub();
	source.archive = "0.9.tar";
	systemd_set("failed", "failed");
	mend();
	assert_int_equal(source.asked, 0);
	assert_int_equal(differences(SLOT_B), 1);
	systemd_run(SLOT_A); /* nobody waits an hour for it */
	mend();
	assert_int_equal(differences(SLOT_B), 0);
}

static void what_runs_is_not_written(void **unused)
{
	struct outbox_entry alert = {};

	make_app();
	shell(check_fd, ROT("a"));
	scrub();
	source.archive = "0.9.tar";
	mend();
	assert_int_equal(differences(SLOT_A), 1);
	assert_int_equal(alerts(&alert), 1);
	assert_non_null(strstr(alert.reason, "which runs"));
	assert_non_null(strstr(alert.reason, "install it again"));
}

/* The last worker died when the slot had no seal. */
static void one_that_was_cut_off_goes_on(void **unused)
{
	make_app();
	shell(check_fd, ROT("b"));
	scrub();
	shell(check_fd, "mkdir -m 0700 staging; mv slots/b.seal staging/seal; rm slots/b/run");
	source.archive = "0.9.tar";
	mend();
	assert_int_equal(differences(SLOT_B), 0);
	assert_int_equal(app_told(EVENT_MENDED, ""), 1);
	shell(check_fd, "test -z \"$(ls staging)\"");
}

/* An error in the middle, after the seal was laid aside: there is no way back until it is through, so nobody waits an hour for it. */
static void one_that_failed_halfway_goes_on_at_once(void **unused)
{
	make_app();
	shell(check_fd, ROT("b"));
	scrub();
	mend(); /* the source has nothing, and somebody has heard of it */
	shell(check_fd, "mkdir -p staging && mv slots/b.seal staging/seal");
	source.archive = "0.9.tar";
	mend();
	assert_int_equal(source.asked, 2);
	assert_int_equal(differences(SLOT_B), 0);
	assert_int_equal(app_told(EVENT_MENDED, "slot b (0.9) was repaired"), 1);
}

#define TAKEN "staging/0000000000000000000000000000000000000000000000000000000000000000"

/* What was taken of the release lies in staging/, and stays only as long as it saves a transfer, or the slot has no seal. */
static void what_a_failed_repair_took_does_not_stay(void **unused)
{
	static const struct {
		enum fault fault;
		const char *before;
		int stays;
	} rows[] = {
		{ FAULT_NO_SPACE, "true", -1 },
		{ FAULT_CORRUPT, "true", -1 },
		{ FAULT_NETWORK, "true", 0 },
		{ FAULT_NO_SPACE, "mv slots/b.seal staging/seal", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make_app();
		shell(check_fd, ROT("b"));
		scrub();
		shell(check_fd, "mkdir -p staging; echo x >" TAKEN);
		shell(check_fd, rows[i].before);
		source.fault = rows[i].fault;
		mend();
		assert_int_equal(source.asked, i + 1);
		assert_int_equal(faccessat(check_fd, TAKEN, F_OK, 0), rows[i].stays);
	}
}

/* Another release was put there since. */
static void what_is_not_there_any_more_is_nobody_s_affair(void **unused)
{
	make_app();
	shell(check_fd, ROT("b"));
	scrub();
	(void)app_seal(SLOT_B, "3.0");
	mend();
	assert_int_equal(source.asked, 0);
	assert_int_equal(app_told(EVENT_DAMAGED, ""), 0);
}

/* It died between the new seal and the removal of the old one. */
static void a_seal_of_no_use_does_not_stay(void **unused)
{
	make_app();
	shell(check_fd, "mkdir -m 0700 staging; ln slots/b.seal staging/seal");
	mend();
	shell(check_fd, "test -z \"$(ls staging)\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mend_test(the_way_back_is_repaired),
		mend_test(what_cannot_be_repaired_is_alerted_once),
		mend_test(it_is_tried_again),
		mend_test(not_while_the_service_is_down),
		mend_test(what_runs_is_not_written),
		mend_test(one_that_was_cut_off_goes_on),
		mend_test(one_that_failed_halfway_goes_on_at_once),
		mend_test(a_seal_of_no_use_does_not_stay),
		mend_test(what_a_failed_repair_took_does_not_stay),
		mend_test(what_is_not_there_any_more_is_nobody_s_affair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
