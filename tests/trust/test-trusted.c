#include "trust/trusted.h"

#include "base/clock.h"
#include "trust/jread.h"

#include "sign.h"

static struct trusted *make(enum expiry_policy policy, uint64_t seconds)
{
	const struct trusted_options options = { .policy = policy,
						 .reference = seconds * USEC_PER_SEC };
	_cleanup_free_ char *text = sign_consume(sign_root_body(1), "1");
	struct trusted *trusted;

	assert_int_equal(trusted_new(&options, text, strlen(text), &trusted, NULL), 0);
	return trusted;
}

static int take_timestamp(struct trusted *trusted, json_t *body, struct error *err)
{
	_cleanup_free_ char *text = sign_consume(body, "2");

	return trusted_take_timestamp(trusted, text, strlen(text), err);
}

static int load_timestamp(struct trusted *trusted, json_t *body, struct error *err)
{
	_cleanup_free_ char *text = sign_consume(body, "2");

	return trusted_load_timestamp(trusted, text, strlen(text), err);
}

static int load_snapshot(struct trusted *trusted, json_t *body, const char *signing,
			 struct error *err)
{
	char *text = sign_consume(body, signing);

	return trusted_load_snapshot_consume(trusted, text, strlen(text), err);
}

static int take_snapshot(struct trusted *trusted, json_t *body, struct error *err)
{
	_cleanup_free_ char *text = sign_consume(body, "3");

	return trusted_take_snapshot(trusted, text, strlen(text), err);
}

static json_t *meta(int targets)
{
	return json_pack("{s{si}}", "targets.json", "version", targets);
}

static void new_files_become_trusted_one_after_another(void **state)
{
	_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, SIGN_NOW);
	_cleanup_free_ char *root = sign_consume(sign_root_body(2), "1");
	struct metafile promised;
	uint64_t expires;

	assert_int_equal(trusted_take_root(trusted, root, strlen(root), NULL), 0);
	assert_int_equal(trusted_end_root(trusted, NULL), 0);
	assert_false(trusted_is_rotated(trusted));
	assert_int_equal(take_timestamp(trusted, sign_timestamp_body(3, 4), NULL), 0);
	assert_int_equal(trusted_promised_snapshot(trusted)->version, 4);
	assert_false(trusted_has_latest_snapshot(trusted));
	assert_int_equal(take_snapshot(trusted, sign_snapshot_body(4, meta(5)), NULL), 0);
	assert_int_equal(trusted_find(trusted, "targets", &promised, NULL), 0);
	assert_int_equal(promised.version, 5);
	assert_int_equal(trusted_version(trusted, ROOT_ROLE_ROOT, &expires), 2);
	assert_int_equal(expires, 1801440000 * USEC_PER_SEC);
	assert_int_equal(trusted_version(trusted, ROOT_ROLE_TIMESTAMP, NULL), 3);
	assert_int_equal(trusted_version(trusted, ROOT_ROLE_SNAPSHOT, NULL), 4);
	assert_int_equal(trusted_version(trusted, ROOT_ROLE_TARGETS, &expires), 0);
	assert_int_equal(expires, 0);
	assert_string_equal(trusted_notes(trusted), "");
	trusted_free(NULL);
}

static void the_loaded_timestamp_bounds_the_new_one(void **state)
{
	static const struct {
		int version, snapshot;
		int outcome; /* -1: refused */
	} cases[] = { { 5, 7, TRUSTED_SAME }, { 6, 7, 0 }, { 6, 8, 0 }, { 4, 7, -1 }, { 6, 6, -1 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, SIGN_NOW);
		struct error err = {};
		int r;

		assert_int_equal(load_timestamp(trusted, sign_timestamp_body(5, 7), NULL), 0);
		r = take_timestamp(trusted,
				   sign_timestamp_body(cases[i].version, cases[i].snapshot), &err);
		if (cases[i].outcome < 0)
			check_error(r, &err, FAULT_STALE, "back to version");
		else
			assert_int_equal(r, cases[i].outcome);
		assert_int_equal(trusted_version(trusted, ROOT_ROLE_TIMESTAMP, NULL),
				 r == 0 ? cases[i].version : 5);
	}
}

/* Only a stored snapshot that lost its signature lets the snapshot's version fall; never the timestamp's. */
static void an_unsigned_stored_snapshot_lets_its_version_fall(void **state)
{
	static const struct {
		const char *signing;
		int version;
		bool falls;
	} cases[] = { { "5", 6, true }, { "3", 6, false }, { "5", 4, false } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, SIGN_NOW);
		int r;

		assert_int_equal(load_timestamp(trusted, sign_timestamp_body(5, 7), NULL), 0);
		(void)load_snapshot(trusted, sign_snapshot_body(7, meta(1)), cases[i].signing,
				    NULL);
		r = take_timestamp(trusted, sign_timestamp_body(cases[i].version, 1), NULL);
		assert_int_equal(r == 0, cases[i].falls);
	}
}

static void a_broken_stored_snapshot_does_not(void **state)
{
	_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, SIGN_NOW);
	struct error err = {};

	assert_int_equal(load_timestamp(trusted, sign_timestamp_body(5, 7), NULL), 0);
	check_error(trusted_load_snapshot_consume(trusted, strdup("{"), 1, &err), &err,
		    FAULT_CORRUPT, "JSON");
	assert_true(take_timestamp(trusted, sign_timestamp_body(6, 6), NULL) < 0);
}

static void the_loaded_snapshot_is_the_latest_if_it_is_what_was_promised(void **state)
{
	for (int promised = 3; promised <= 5; promised++) {
		_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, SIGN_NOW);

		assert_int_equal(load_snapshot(trusted, sign_snapshot_body(4, meta(5)), "3", NULL),
				 0);
		assert_int_equal(take_timestamp(trusted, sign_timestamp_body(1, promised), NULL),
				 0);
		assert_int_equal(trusted_has_latest_snapshot(trusted), promised == 4);
	}
}

static void the_loaded_snapshot_bounds_the_new_one(void **state)
{
	_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, SIGN_NOW);
	struct error err = {};

	assert_int_equal(load_snapshot(trusted, sign_snapshot_body(4, meta(5)), "3", NULL), 0);
	assert_int_equal(take_timestamp(trusted, sign_timestamp_body(1, 6), NULL), 0);
	check_error(take_snapshot(trusted, sign_snapshot_body(6, meta(4)), &err), &err, FAULT_STALE,
		    "targets.json");
	check_error(take_snapshot(trusted, sign_snapshot_body(6, json_object()), &err), &err,
		    FAULT_STALE, "targets.json");
	check_error(take_snapshot(trusted, sign_snapshot_body(5, meta(5)), &err), &err, FAULT_STALE,
		    "is 5 where 6");
	assert_int_equal(take_snapshot(trusted, sign_snapshot_body(6, meta(5)), NULL), 0);
}

#define LATE (SIGN_NOW + 365ULL * 86400)

static void what_has_expired_is_refused_but_counts_when_loaded(void **state)
{
	_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, LATE);
	struct error err = {};

	check_error(trusted_end_root(trusted, &err), &err, FAULT_STALE, "expired at 2027-02-01");
	assert_int_equal(load_timestamp(trusted, sign_timestamp_body(5, 7), NULL), 0);
	check_error(take_timestamp(trusted, sign_timestamp_body(6, 7), &err), &err, FAULT_STALE,
		    "expired");
	check_error(take_timestamp(trusted, sign_timestamp_body(5, 7), &err), &err, FAULT_STALE,
		    "expired");
	check_error(take_timestamp(trusted, sign_timestamp_body(4, 7), &err), &err, FAULT_STALE,
		    "back");
	assert_string_equal(trusted_notes(trusted), "");
}

/* Of the same version the stored one stays: then it is that one which must not have expired. */
static void the_same_version_with_a_later_end_changes_nothing(void **state)
{
	_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, LATE);
	json_t *later = sign_timestamp_body(5, 7);
	struct error err = {};

	json_object_set_new(later, "expires", json_string("2099-01-01T00:00:00Z"));
	assert_int_equal(load_timestamp(trusted, sign_timestamp_body(5, 7), NULL), 0);
	check_error(take_timestamp(trusted, later, &err), &err, FAULT_STALE, "expired at 2027");
}

static void what_has_expired_can_be_used_and_is_said(void **state)
{
	_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_WARN, LATE);

	assert_int_equal(trusted_end_root(trusted, NULL), 0);
	assert_int_equal(load_snapshot(trusted, sign_snapshot_body(4, meta(5)), "3", NULL), 0);
	assert_int_equal(take_timestamp(trusted, sign_timestamp_body(6, 4), NULL), 0);
	assert_true(trusted_has_latest_snapshot(trusted));
	assert_non_null(strstr(trusted_notes(trusted), "root: expired at 2027-02-01T00:00:00Z"));
	assert_non_null(strstr(trusted_notes(trusted), "timestamp: expired at"));
	assert_non_null(strstr(trusted_notes(trusted), "snapshot: expired at"));
}

static void targets_are_read_for_who_delegates(void **state)
{
	_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, SIGN_NOW);
	_cleanup_(trusted_freep) struct trusted *late = make(EXPIRY_ENFORCE, LATE);
	_cleanup_free_ char *text = sign_consume(sign_targets_body(5, json_object(), NULL), "4");
	const struct signers *signers = trusted_root(trusted)->signers[ROOT_ROLE_TARGETS];
	const struct signers *others = trusted_root(trusted)->signers[ROOT_ROLE_SNAPSHOT];
	const struct metafile promised = { .version = 5 };
	struct targets *targets = NULL;
	struct error err = {};

	check_error(trusted_read_targets(trusted, "targets", others, &promised, text, strlen(text),
					 &targets, &err),
		    &err, FAULT_UNTRUSTED, "0 of the 1");
	check_error(trusted_read_targets(late, "targets", signers, &promised, text, strlen(text),
					 &targets, &err),
		    &err, FAULT_STALE, "expired");
	assert_null(targets);
	assert_int_equal(trusted_read_targets(trusted, "targets", signers, &promised, text,
					      strlen(text), &targets, NULL),
			 0);
	targets_free(targets);
}

static void lost_keys_are_remembered_over_several_roots(void **state)
{
	_cleanup_(trusted_freep) struct trusted *trusted = make(EXPIRY_ENFORCE, SIGN_NOW);

	for (int version = 2; version <= 3; version++) {
		json_t *body = sign_root_body(version);
		_cleanup_free_ char *text = NULL;

		/* gone in version 2, back beside the other one in version 3 */
		json_object_set_new(json_object_get(body, "roles"), "timestamp",
				    sign_role(version == 2 ? "6" : "62", 1));
		text = sign_consume(body, "1");
		assert_int_equal(trusted_take_root(trusted, text, strlen(text), NULL), 0);
		assert_true(trusted_is_rotated(trusted));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_files_become_trusted_one_after_another),
		cmocka_unit_test(the_loaded_timestamp_bounds_the_new_one),
		cmocka_unit_test(an_unsigned_stored_snapshot_lets_its_version_fall),
		cmocka_unit_test(a_broken_stored_snapshot_does_not),
		cmocka_unit_test(the_loaded_snapshot_is_the_latest_if_it_is_what_was_promised),
		cmocka_unit_test(the_loaded_snapshot_bounds_the_new_one),
		cmocka_unit_test(what_has_expired_is_refused_but_counts_when_loaded),
		cmocka_unit_test(the_same_version_with_a_later_end_changes_nothing),
		cmocka_unit_test(what_has_expired_can_be_used_and_is_said),
		cmocka_unit_test(targets_are_read_for_who_delegates),
		cmocka_unit_test(lost_keys_are_remembered_over_several_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
