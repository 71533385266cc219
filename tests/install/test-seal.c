#include "install/seal.h"

#include "base/fd.h"
#include "../base/check.h"
#include "release/frame-write.h"
#include "seal-kit.h"
#include "seal-write.h"

static struct descriptor write_seal(int dirfd)
{
	struct descriptor descriptor = { .app = "app", .version = "1.4", .bytes = 17 };
	_cleanup_(index_freep) struct index *index = make_index();

	assert_int_equal(seal_write(dirfd, SLOT_B, &descriptor, index, NULL), 0);
	return descriptor;
}

static void test_comes_back(void **state)
{
	int dirfd = app(state);
	struct descriptor written = write_seal(dirfd);
	_cleanup_seal_ struct seal seal = {};
	struct descriptor peeked;
	struct digest digest;

	assert_int_equal(seal_load(dirfd, SLOT_B, &seal, NULL), 0);
	assert_string_equal(seal.descriptor.version, "1.4");
	assert_int_equal(index_count(seal.index), 2);
	assert_int_equal(index_encode(seal.index, NULL, NULL, &digest, NULL), 0);
	assert_true(digest_equal(&digest, &seal.descriptor.index));
	assert_true(digest_equal(&digest, &written.index));
	assert_int_equal(seal_peek(dirfd, SLOT_B, &peeked, NULL), 0);
	assert_true(digest_equal(&digest, &peeked.index));
	assert_int_equal(peeked.bytes, 17);
}

static void test_is_a_file_for_all_to_read(void **state)
{
	int dirfd = app(state);
	struct stat st;

	(void)write_seal(dirfd);
	assert_int_equal(fstatat(dirfd, "slots/b.seal", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(fstatat(dirfd, "slots/a.seal", &st, 0), -1);
}

static void test_absent(void **state)
{
	_cleanup_seal_ struct seal seal = {};
	struct descriptor descriptor;
	int dirfd = app(state);

	(void)write_seal(dirfd);
	assert_int_equal(seal_load(dirfd, SLOT_A, &seal, NULL), SEAL_ABSENT);
	assert_int_equal(seal_peek(dirfd, SLOT_A, &descriptor, NULL), SEAL_ABSENT);
	assert_null(seal.index);
}

static void check_damaged(int dirfd, const char *bytes, size_t size)
{
	_cleanup_seal_ struct seal seal = {};
	struct descriptor descriptor = {};
	struct error err = {};

	check_write(dirfd, "slots/b.seal", bytes, size);
	check_error(seal_load(dirfd, SLOT_B, &seal, &err), &err, FAULT_CORRUPT, "slot b: ");
	assert_null(seal.index);
	check_error(seal_peek(dirfd, SLOT_B, &descriptor, &err), &err, FAULT_CORRUPT, "slot b: ");
	assert_int_equal(descriptor.version[0], '\0');
}

/* Each byte changed, each length but the right one: damaged, by both ways of reading. */
static void test_every_damage_is_seen(void **state)
{
	int dirfd = app(state);
	_cleanup_free_ char *bytes = NULL;
	_cleanup_free_ char *more = NULL;
	size_t size;

	(void)write_seal(dirfd);
	assert_int_equal(fd_read_file(dirfd, "slots/b.seal", 1 << 20, &bytes, &size, NULL), 0);
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 1 << i % 8;
		check_damaged(dirfd, bytes, size);
		bytes[i] ^= 1 << i % 8;
	}
	for (size_t n = 0; n < size; n++)
		check_damaged(dirfd, bytes, n);
	more = malloc(size + 1);
	memcpy(more, bytes, size);
	more[size] = '\n';
	check_damaged(dirfd, more, size + 1);
}

static int decode(const char *text, struct error *err)
{
	_cleanup_seal_ struct seal seal = {};

	return seal_decode(text, strlen(text), &seal, err);
}

#define HEX_REST "86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
#define HEX	 "6b" HEX_REST

static void refuse_line(const char *before, const char *hex, const char *behind)
{
	_cleanup_free_ char *text = NULL;
	struct error err = {};

	assert_true(asprintf(&text, "%s%s%s", before, hex, behind) > 0);
	check_error(decode(text, &err), &err, FAULT_CORRUPT, "seal is damaged");
}

static void test_refuses_first_lines(void **state)
{
	static const char *const lines[][2] = {
		{ "", "" },
		{ "\n", "" },
		{ "flipslot-seal 02 1 0 ", "\n1" },
		{ "flipslot-seal 2 1 536870913 ", "\n1" },
		{ "flipslot-seal 1 01 0 ", "\n1" },
		{ "flipslot-seal 1 +1 0 ", "\n1" },
		{ "flipslot-seal 1  1 0 ", "\n1" },
		{ "flipslot-seal 1 1 0 ", " \n1" },
		{ "flipslot-seal 1 1 0 ", "0\n1" },
		{ "flipslot-seal 1 1 -0 ", "\n1" },
		{ "flipslot-seal 1 18446744073709551615 2 ", "\n1" },
		{ "flipslot-seal 1 18446744073709551616 0 ", "\n1" },
		{ "flipslot-seal 1 0 536870913 ", "\n1" },
		{ "flipslot-seal 1 10 18446744073709551615 ", "\n123456789" },
		{ "flipslot-seal 1 1 0 ", "" },
	};
	static const char *const others[] = {
		"flipslot-seal 3 1 0 " HEX "\n1",
		"flipslot-seal 18446744073709551615 1 0 " HEX "\n1",
	};
	struct error err = {};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		refuse_line(lines[i][0], HEX, lines[i][1]);
	refuse_line("flipslot-seal 1 1 0 ", "6B" HEX_REST, "\n1");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		check_error(decode(others[i], &err), &err, FAULT_CORRUPT, "by a newer one");
	/* this one has the right checksum of what is no descriptor */
	check_error(decode("flipslot-seal 1 1 0 " HEX "\n1", &err), &err, FAULT_CORRUPT,
		    "descriptor");
}

/* A seal with the right checksum over what is given. */
static int decode_made(int version, const struct descriptor *descriptor, const void *index,
		       size_t size, struct seal *ret_seal, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	_cleanup_text_ struct text both = {};
	_cleanup_text_ struct text seal = {};
	char hex[DIGEST_HEX_MAX];
	struct digest digest;

	assert_int_equal(descriptor_encode(descriptor, &json, NULL), 0);
	text_add(&both, "%s", json);
	text_add_bytes(&both, index, size);
	assert_int_equal(digest_of(both.data, both.size, &digest, NULL), 0);
	text_add(&seal, "flipslot-seal %d %zu %zu %s\n", version, strlen(json), size,
		 digest_to_hex(&digest, hex));
	text_add_bytes(&seal, both.data, both.size);
	return seal_decode(seal.data, seal.size, ret_seal, err);
}

#define INDEX "flipslot-index 1\nd 0755 other\n"

/* A descriptor that belongs to another index, in a seal whose checksum is right. */
static void test_the_index_is_the_one_of_the_descriptor(void **state)
{
	struct descriptor descriptor = { .app = "app", .version = "1" };
	_cleanup_text_ struct text packed = {};
	const struct text plain = { .data = (char *)INDEX, .size = strlen(INDEX) };
	struct seal seal = {};
	struct error err = {};

	assert_int_equal(digest_of("x", 1, &descriptor.index, NULL), 0);
	assert_int_equal(frame_write_pack(&plain, &(struct text){}, 3, &packed, NULL), 0);
	check_error(decode_made(1, &descriptor, INDEX, strlen(INDEX), &seal, &err), &err,
		    FAULT_CORRUPT, "checksum differs");
	check_error(decode_made(2, &descriptor, packed.data, packed.size, &seal, &err), &err,
		    FAULT_CORRUPT, "checksum differs");
	assert_null(seal.index);
}

/* As every flipslot wrote it before the index was packed. */
static void test_version_1_is_read(void **state)
{
	_cleanup_(index_freep) struct index *index = make_index();
	struct descriptor descriptor = { .app = "app", .version = "1" };
	_cleanup_free_ char *text = NULL;
	_cleanup_seal_ struct seal seal = {};
	size_t size;

	assert_int_equal(index_encode(index, &text, &size, &descriptor.index, NULL), 0);
	assert_int_equal(decode_made(1, &descriptor, text, size, &seal, NULL), 0);
	assert_int_equal(index_count(seal.index), 2);
	assert_string_equal(seal.descriptor.version, "1");
}

/* What cannot be unpacked, or is more than a frame, under a checksum that is right. */
static void test_a_frame_and_nothing_else(void **state)
{
	const struct text plain = { .data = (char *)INDEX, .size = strlen(INDEX) };
	struct descriptor descriptor = { .app = "app", .version = "1" };
	_cleanup_text_ struct text packed = {};
	_cleanup_seal_ struct seal seal = {};
	struct error err = {};

	assert_int_equal(digest_of(INDEX, strlen(INDEX), &descriptor.index, NULL), 0);
	assert_int_equal(frame_write_pack(&plain, &(struct text){}, 3, &packed, NULL), 0);
	for (size_t n = 0; n < packed.size; n++)
		check_error(decode_made(2, &descriptor, packed.data, n, &seal, &err), &err,
			    FAULT_CORRUPT, "cannot be unpacked");
	text_add(&packed, "x");
	check_error(decode_made(2, &descriptor, packed.data, packed.size, &seal, &err), &err,
		    FAULT_CORRUPT, "cannot be unpacked");
	check_error(decode_made(2, &descriptor, INDEX, strlen(INDEX), &seal, &err), &err,
		    FAULT_CORRUPT, "cannot be unpacked");
	assert_int_equal(decode_made(2, &descriptor, packed.data, packed.size - 1, &seal, &err), 0);
}

static void test_replaces(void **state)
{
	struct descriptor descriptor = { .app = "app", .version = "2" };
	_cleanup_(index_freep) struct index *index = make_index();
	int dirfd = app(state);

	(void)write_seal(dirfd);
	assert_int_equal(seal_write(dirfd, SLOT_B, &descriptor, index, NULL), 0);
	assert_int_equal(seal_peek(dirfd, SLOT_B, &descriptor, NULL), 0);
	assert_string_equal(descriptor.version, "2");
	assert_int_equal(check_count(dirfd), 1);
}

static void test_a_link_is_no_seal(void **state)
{
	struct descriptor descriptor;
	struct seal seal;
	int dirfd = app(state);

	(void)write_seal(dirfd);
	assert_int_equal(symlinkat("b.seal", dirfd, "slots/a.seal"), 0);
	assert_true(seal_peek(dirfd, SLOT_A, &descriptor, NULL) < 0);
	assert_true(seal_load(dirfd, SLOT_A, &seal, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_comes_back),
		check_in_dir(test_is_a_file_for_all_to_read),
		check_in_dir(test_absent),
		check_in_dir(test_every_damage_is_seen),
		cmocka_unit_test(test_refuses_first_lines),
		cmocka_unit_test(test_the_index_is_the_one_of_the_descriptor),
		cmocka_unit_test(test_version_1_is_read),
		cmocka_unit_test(test_a_frame_and_nothing_else),
		check_in_dir(test_replaces),
		check_in_dir(test_a_link_is_no_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
