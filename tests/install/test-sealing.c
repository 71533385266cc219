#include "install/sealing.h"

#include "base/fd.h"
#include "seal-kit.h"

struct made {
	struct descriptor descriptor;
	struct text seal;
};

static int refuse(const void *data, struct error *err)
{
	return error_set(err, FAULT_BUSY, "%s", (const char *)data);
}

static int make(int slot_fd, const char *refusal, struct made *ret_made, struct error *err)
{
	_cleanup_(index_freep) struct index *index = make_index();
	const struct sealing sealing = {
		.slot_fd = slot_fd,
		.index = index,
		.check = refusal ? refuse : NULL,
		.data = refusal,
	};

	*ret_made = (struct made){ { .app = "app", .version = "1.4", .bytes = 17 }, {} };
	return sealing_sync(&sealing, &ret_made->descriptor, &ret_made->seal, err);
}

static void the_seal_is_made_and_not_yet_written(void **state)
{
	int dirfd = app(state);
	_cleanup_seal_ struct seal seal = {};
	struct made made;

	assert_int_equal(make(dirfd, NULL, &made, NULL), 0);
	assert_int_equal(made.descriptor.files, 2);
	assert_int_equal(made.descriptor.bytes, 17);
	assert_true(made.descriptor.installed > 0);
	assert_int_equal(seal_load(dirfd, SLOT_B, &seal, NULL), SEAL_ABSENT);
	assert_int_equal(seal_put(dirfd, SLOT_B, &made.seal, NULL), 0);
	assert_int_equal(seal_load(dirfd, SLOT_B, &seal, NULL), 0);
	assert_int_equal(seal.descriptor.files, 2);
	assert_int_equal(seal.descriptor.installed, made.descriptor.installed);
	assert_true(digest_equal(&seal.descriptor.index, &made.descriptor.index));
	text_done(&made.seal);
}

static void what_is_found_wrong_gets_none(void **state)
{
	struct error err = {};
	struct made made;

	check_error(make(app(state), "somebody else writes", &made, &err), &err, FAULT_BUSY,
		    "somebody else writes");
	assert_int_equal(made.seal.size, 0);
	assert_int_equal(made.descriptor.files, 0);
}

static void what_cannot_be_synced_is_an_error(void **state)
{
	struct made made;

	(void)state;
	assert_true(make(-1, NULL, &made, NULL) < 0);
	text_done(&made.seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(the_seal_is_made_and_not_yet_written),
		check_in_dir(what_is_found_wrong_gets_none),
		check_in_dir(what_cannot_be_synced_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
