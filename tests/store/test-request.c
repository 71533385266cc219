/* LDFLAGS: -Wl,--wrap=fdatasync */
#include "store/request.h"

#include <sys/file.h>

#include "base/cleanup.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/record.h"
#include "laid-out.h"
#include "members.h"

static int store_any(int dirfd, const void *object)
{
	return request_store(dirfd, object, NULL);
}

static int load_any(int dirfd, void *ret_object)
{
	return request_load(dirfd, ret_object, NULL);
}

static void full_request(struct request *ret)
{
	memset(ret, 0, sizeof(*ret));
	memset(ret->id, 'x', sizeof(ret->id) - 1);
	memset(ret->boot_id, 'x', sizeof(ret->boot_id) - 1);
	memset(ret->version, 'x', sizeof(ret->version) - 1);
	memset(ret->source, 'x', sizeof(ret->source) - 1);
	memset(ret->why, 'x', sizeof(ret->why) - 1);
	memset(ret->who, 'x', sizeof(ret->who) - 1);
	memset(ret->signer, 'x', sizeof(ret->signer) - 1);
	memset(ret->group, 'x', sizeof(ret->group) - 1);
	memset(ret->round, 'x', sizeof(ret->round) - 1);
	ret->verb = VERB_HOLD;
}

static void every_member_is_kept(void **state)
{
	static struct request base;
	static struct request changed;
	static struct request back;
	static struct request holes;

	full_request(&base);
	memset(&holes, 0xff, sizeof(holes));
	MEMBERS_CLEAR_PADDING(&holes);
	members_check(check_dirfd(state), &base, &changed, &back, &holes, sizeof(base), store_any,
		      load_any);
}

static void random_requests_come_back(void **state)
{
	int dirfd = check_dirfd(state);

	for (int round = 0; round < 1000; round++) {
		struct request before = {};
		struct request after;

		check_text(before.id, sizeof(before.id), "0123456789abcdef-");
		check_text(before.source, sizeof(before.source), "/ab=\n\\\xc3 ");
		check_text(before.why, sizeof(before.why), "ab =\n\\\xff");
		before.verb = (enum verb)(1 + check_below(VERB_MAX - 1));
		before.slot = (enum slot)((int)check_below(3) - 1);
		before.expires = check_random();
		before.until = check_random();
		before.trust_me = check_below(2);
		before.force = check_below(2);
		before.source_digest.bytes[check_below(DIGEST_SIZE)] = (uint8_t)check_random();
		before.strip_components = (unsigned int)check_random();
		assert_int_equal(request_store(dirfd, &before, NULL), 0);
		memset(&after, 0x55, sizeof(after));
		assert_int_equal(request_load(dirfd, &after, NULL), 0);
		/* what lies in the padding was not set in either */
		assert_int_equal(request_store(dirfd, &after, NULL), 0);
		assert_memory_equal(before.source, after.source, sizeof(before.source));
		assert_string_equal(before.id, after.id);
		assert_string_equal(before.why, after.why);
		assert_true(before.verb == after.verb && before.slot == after.slot);
		assert_true(before.force == after.force);
		assert_true(before.expires == after.expires && before.until == after.until);
		assert_true(digest_equal(&before.source_digest, &after.source_digest));
	}
}

/* A path must never be cut: it would name another file. */
static void the_largest_request_fits(void **state)
{
	int dirfd = check_dirfd(state);
	struct request before;
	struct request after;

	full_request(&before);
	memset(before.source, '\n', sizeof(before.source) - 1);
	memset(before.why, '\n', sizeof(before.why) - 1);
	memset(before.version, '\n', sizeof(before.version) - 1);
	memset(&before.source_digest, 0xee, DIGEST_SIZE);
	before.expires = before.until = UINT64_MAX;
	before.strip_components = UINT32_MAX;
	assert_int_equal(request_store(dirfd, &before, NULL), 0);
	assert_int_equal(request_load(dirfd, &after, NULL), 0);
	assert_string_equal(before.source, after.source);
	assert_string_equal(before.why, after.why);
	assert_string_equal(before.version, after.version);
}

static void nothing_is_no_request(void **state)
{
	int dirfd = check_dirfd(state);
	struct request request = { .verb = VERB_NONE, .id = "x" };
	struct error err = {};

	assert_int_equal(request_load(dirfd, &request, NULL), REQUEST_NONE);
	assert_int_equal(request_store(dirfd, &request, NULL), 0);
	assert_int_equal(request_load(dirfd, &request, NULL), REQUEST_NONE);
	assert_int_equal(record_store(dirfd, LAYOUT_REQUEST, "verb=dance\n", NULL), 0);
	check_error(request_load(dirfd, &request, &err), &err, FAULT_CORRUPT, "verb");
	assert_int_equal(unlinkat(dirfd, LAYOUT_REQUEST, 0), 0);
	check_error(request_load(dirfd, &request, &err), &err, FAULT_CORRUPT, "request is gone");
}

static void a_torn_request_gives_the_one_before(void **state)
{
	int dirfd = check_dirfd(state);
	struct request request = { .verb = VERB_HOLD };
	_cleanup_close_ int fd = openat(dirfd, LAYOUT_REQUEST, O_WRONLY | O_CLOEXEC);

	assert_int_equal(request_store(dirfd, &request, NULL), 0);
	request.verb = VERB_UNHOLD;
	assert_int_equal(request_store(dirfd, &request, NULL), 0);
	assert_int_equal(pwrite(fd, "?", 1, 200), 1);
	assert_int_equal(request_load(dirfd, &request, NULL), 0);
	assert_int_equal(request.verb, VERB_HOLD);
}

static void a_request_lasts_for_its_boot_and_its_time(void **state)
{
	const struct request request = { .boot_id = "one", .expires = 100 };

	assert_false(request_is_expired(&request, "one", 99));
	assert_true(request_is_expired(&request, "one", 100));
	assert_true(request_is_expired(&request, "two", 99));
}

static void ids_are_random_uuids(void **state)
{
	char before[STATE_ID_MAX] = "";

	for (int round = 0; round < 1000; round++) {
		char id[STATE_ID_MAX];

		assert_int_equal(request_new_id(id, NULL), 0);
		assert_int_equal(strlen(id), 36);
		assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
		assert_true(id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-');
		assert_int_equal(id[14], '4');
		assert_non_null(strchr("89ab", id[19]));
		assert_string_not_equal(id, before);
		memcpy(before, id, sizeof(id));
	}
}

static void the_lock_is_on_the_request_itself(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_close_ int other = openat(dirfd, LAYOUT_REQUEST, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;
	int none = -1;

	assert_int_equal(request_lock(dirfd, 0, &fd, NULL), 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(request_lock(dirfd, 1000, &none, NULL), LOCK_TAKEN);
	assert_int_equal(none, -1);
	assert_int_equal(request_store(dirfd, &(struct request){ .verb = VERB_HOLD }, NULL), 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1); /* storing keeps it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_with_layout(every_member_is_kept),
		check_with_layout(random_requests_come_back),
		check_with_layout(the_largest_request_fits),
		check_with_layout(nothing_is_no_request),
		check_with_layout(a_torn_request_gives_the_one_before),
		cmocka_unit_test(a_request_lasts_for_its_boot_and_its_time),
		cmocka_unit_test(ids_are_random_uuids),
		check_with_layout(the_lock_is_on_the_request_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
