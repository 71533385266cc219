/* The source as far as it can be looked at without one: what was verified last, and what is missing. */
#include "deploy/source.h"

#include <signal.h>

#include "app.h"
#include "release/offer.h"

static struct session session;

static void store_offer(const struct offer *offer)
{
	_cleanup_close_ int fd = -1;
	char *json;
	size_t size;

	assert_int_equal(mkdirat(check_fd, LAYOUT_TRUST, 0755), 0);
	assert_int_equal(fd_open_dir(check_fd, LAYOUT_TRUST, &fd, NULL), 0);
	assert_int_equal(offer_encode(offer, &json, &size, NULL), 0);
	check_write(fd, "offer.json", json, size);
	free(json);
}

static struct digest piece;

static struct offer make_offer(void)
{
	struct offer offer = { .app = "gw",
			       .channel = "stable",
			       .arch = "any",
			       .version = "3.0",
			       .sequence = 9,
			       .min_sequence = 5,
			       .full_length = 10,
			       .pieces = &piece,
			       .n_pieces = 1 };

	piece = app_digest("piece");
	offer.index = app_digest("index 9");
	offer.full = app_digest("full");
	offer.n_withdrawn = 1;
	offer.withdrawn[0] = (struct offer_withdrawn){ .index = app_digest("index 7"),
						       .sequence = 7,
						       .why = "eats disks" };
	return offer;
}

static struct descriptor release(uint64_t sequence)
{
	struct descriptor descriptor = { .app = "gw", .origin = ORIGIN_SIGNED };
	char text[32];

	(void)snprintf(text, sizeof(text), "index %u", (unsigned int)sequence);
	descriptor.sequence = sequence;
	descriptor.index = app_digest(text);
	(void)snprintf(descriptor.version, sizeof(descriptor.version), "v%u",
		       (unsigned int)sequence);
	return descriptor;
}

static void what_was_verified_bars(void **unused)
{
	static const struct {
		uint64_t sequence;
		const char *why; /* NULL: may run */
	} rows[] = {
		{ 9, NULL },
		{ 8, NULL },
		{ 7, "v7 was withdrawn by its publisher: eats disks" },
		{ 6, NULL },
		{ 5, NULL },
		{ 4, "asks for 5 at least" },
		{ 1, "sequence 1" },
	};
	struct offer offer = make_offer();

	store_offer(&offer);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct descriptor descriptor = release(rows[i].sequence);
		char why[STATE_REASON_MAX] = "";

		assert_int_equal(source_bars(check_fd, &descriptor, why, sizeof(why)),
				 rows[i].why != NULL);
		if (rows[i].why && !strstr(why, rows[i].why))
			fail_msg("%s", why);
	}
}

/* The publisher has no say over what a person brought. */
static void what_was_sideloaded_is_not_barred(void **unused)
{
	static const enum origin origins[] = { ORIGIN_SIDELOAD, ORIGIN_TRUST_ME, ORIGIN_ADOPTED };
	struct offer offer = make_offer();
	char why[STATE_REASON_MAX];

	store_offer(&offer);
	for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
		struct descriptor descriptor = release(7);

		descriptor.origin = origins[i];
		descriptor.sequence = 0;
		assert_false(source_bars(check_fd, &descriptor, why, sizeof(why)));
	}
}

static void without_an_offer_nothing_is_barred(void **unused)
{
	struct descriptor descriptor = release(1);
	char why[STATE_REASON_MAX];

	assert_false(source_bars(check_fd, &descriptor, why, sizeof(why)));
	assert_int_equal(mkdirat(check_fd, LAYOUT_TRUST, 0755), 0);
	assert_false(source_bars(check_fd, &descriptor, why, sizeof(why)));
	check_write(check_fd, LAYOUT_TRUST "/offer.json", "{", 1);
	assert_false(source_bars(check_fd, &descriptor, why, sizeof(why)));
}

static int refresh(struct error *err)
{
	const struct state state = {};
	struct source_release release = {};
	int r;

	app_options.source.channel = "stable";
	fetch_settings_init(&app_options.source.fetch);
	app_options.helper = "/bin/false";
	app_open(&session, &state);
	r = source_refresh(&session, "id-7", "", &release, err);
	assert_true(!release.offer && !release.plain);
	session_close(&session);
	return r;
}

static void no_source_is_said_and_nothing_recorded(void **unused)
{
	struct error err = {};
	struct checked checked = {};

	check_error(refresh(&err), &err, FAULT_CONFIG, "gw.conf names no source");
	assert_non_null(strstr(err.text, "`flipslot source gw URL --root-json FILE`"));
	assert_int_equal(checked_load(check_fd, &checked, NULL), 0);
	assert_int_equal(checked.when, 0);
}

static void a_missing_root_is_said_and_recorded(void **unused)
{
	struct checked before = { .verified = 5, .offer.sequence = 3, .offer.version = "1.0" };
	struct error err = {};
	struct checked checked = {};

	before.offer.digest = app_digest("index 3");
	assert_int_equal(checked_store(check_fd, &before, NULL), 0);
	app_options.source.url = "file:///nonexistent";
	check_error(refresh(&err), &err, FAULT_CONFIG, "flipslot init gw --source URL --root-json");
	assert_int_equal(mkdirat(check_fd, LAYOUT_TRUST, 0755), 0);
	check_error(refresh(&err), &err, FAULT_CONFIG, "root.json is missing");
	assert_int_equal(app_told(EVENT_CHECK, "root.json is missing"), 1);
	assert_int_equal(checked_load(check_fd, &checked, NULL), 0);
	assert_string_equal(checked.id, "id-7");
	assert_true(checked.when > 0);
	assert_int_equal(checked.fault, FAULT_CONFIG);
	/* what was verified before still holds */
	assert_int_equal(checked.verified, 5);
	assert_int_equal(checked.offer.sequence, 3);
	assert_true(checked.news);
}

static void a_root_that_is_none_is_not_trusted(void **unused)
{
	struct error err = {};
	struct checked checked = {};

	app_options.source.url = "file:///nonexistent";
	assert_int_equal(mkdirat(check_fd, LAYOUT_TRUST, 0755), 0);
	check_write(check_fd, LAYOUT_TRUST "/root.json", "{}", 2);
	assert_true(refresh(&err) < 0);
	assert_int_equal(checked_load(check_fd, &checked, NULL), 0);
	assert_int_equal(checked.fault, err.fault);
	assert_int_not_equal(checked.fault, FAULT_NONE);
	assert_int_equal(checked.verified, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		app_test(what_was_verified_bars),
		app_test(what_was_sideloaded_is_not_barred),
		app_test(without_an_offer_nothing_is_barred),
		app_test(no_source_is_said_and_nothing_recorded),
		app_test(a_missing_root_is_said_and_recorded),
		app_test(a_root_that_is_none_is_not_trusted),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as main does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
