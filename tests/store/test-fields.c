#include "store/fields.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "store/outcome.h"
#include "store/phase.h"
#include "store/slot.h"
#include "store/verb.h"
#include "../base/check.h"

struct thing {
	char name[8];
	char why[64];
	char who[64];
	uint64_t number;
	unsigned int count;
	bool flag;
	struct digest digest;
	enum slot slot;
	enum phase phase;
	enum verb verb;
	enum outcome outcome;
	enum fault fault;
};

#define T(kind, member) FIELD(struct thing, kind, #member, member)

static const struct field fields[] = {
	T(FIELD_TEXT, name),
	FIELD_CUT(struct thing, "why", why, 1, 10),
	FIELD_CUT(struct thing, "who", who, 2, 10),
	T(FIELD_U64, number),
	T(FIELD_UINT, count),
	T(FIELD_BOOL, flag),
	T(FIELD_DIGEST, digest),
	T(FIELD_SLOT, slot),
	T(FIELD_PHASE, phase),
	T(FIELD_VERB, verb),
	T(FIELD_OUTCOME, outcome),
	T(FIELD_FAULT, fault),
};

static int parse(const char *text, struct thing *ret_thing, struct error *err)
{
	return fields_read(fields, ARRAY_SIZE(fields), text, ret_thing, err);
}

static const struct thing full = {
	.name = "a\nb\\c",
	.why = "because",
	.who = "ü",
	.number = UINT64_MAX,
	.count = 4294967295U,
	.flag = true,
	.digest = { { 0xab, [31] = 1 } },
	.slot = SLOT_B,
	.phase = PHASE_TRIAL,
	.verb = VERB_HOLD,
	.outcome = OUTCOME_BOTH_BAD,
	.fault = FAULT_UNIT,
};

static const char full_text[] =
	"name=a\\nb\\\\c\n"
	"why=because\n"
	"who=ü\n"
	"number=18446744073709551615\n"
	"count=4294967295\n"
	"flag=yes\n"
	"digest=ab00000000000000000000000000000000000000000000000000000000000001\n"
	"slot=b\n"
	"phase=trial\n"
	"verb=hold\n"
	"outcome=both-bad\n"
	"fault=unit\n";

static void check_same(const struct thing *a, const struct thing *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->why, b->why);
	assert_string_equal(a->who, b->who);
	assert_true(a->number == b->number && a->count == b->count && a->flag == b->flag);
	assert_true(digest_equal(&a->digest, &b->digest));
	assert_true(a->slot == b->slot && a->phase == b->phase && a->verb == b->verb);
	assert_true(a->outcome == b->outcome && a->fault == b->fault);
}

static void every_kind_is_written_and_read(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct thing back;

	memset(&back, 0x55, sizeof(back));
	assert_int_equal(fields_write(fields, ARRAY_SIZE(fields), &full, 1000, &text, NULL), 0);
	assert_string_equal(text, full_text);
	assert_int_equal(parse(text, &back, NULL), 0);
	check_same(&back, &full);
}

static void defaults_have_no_line_and_come_back(void **state)
{
	static const struct thing empty = { .slot = SLOT_NONE };
	_cleanup_free_ char *text = NULL;
	struct thing back;

	assert_int_equal(fields_write(fields, ARRAY_SIZE(fields), &empty, 1000, &text, NULL), 0);
	assert_string_equal(text, "phase=idle\n");
	memset(&back, 0x55, sizeof(back));
	assert_int_equal(parse(text, &back, NULL), 0);
	check_same(&back, &empty);
	memset(&back, 0x55, sizeof(back));
	assert_int_equal(parse("", &back, NULL), 0);
	check_same(&back, &empty);
}

/* A value is no default because its first byte is zero, nor a text because its rest is. */
static void what_looks_like_a_default_is_written(void **state)
{
	struct thing thing = {
		.number = 256,
		.count = 1U << 24,
		.digest = { { [31] = 1 } },
		.slot = SLOT_A,
	};
	_cleanup_free_ char *text = NULL;
	struct thing back;

	thing.name[1] = 'x'; /* behind the end: nothing */
	assert_int_equal(fields_write(fields, ARRAY_SIZE(fields), &thing, 1000, &text, NULL), 0);
	assert_int_equal(parse(text, &back, NULL), 0);
	check_same(&back, &thing);
	assert_null(strstr(text, "name="));
}

static void keys_of_a_newer_version_are_passed_over(void **state)
{
	struct thing back;

	assert_int_equal(parse("nam=x\nnames=y\nname=z\nname.x=1\n=\nnew=\\q=\n", &back, NULL), 0);
	assert_string_equal(back.name, "z");
}

static void what_is_not_of_its_kind_is_corrupt(void **state)
{
	static const char *const wrong[] = {
		"name",
		"name=x",
		"\n",
		"name=x\n\n",
		"name=12345678\n",
		"name=\\x\n",
		"name=x\nname=x\n",
		"number=\n",
		"number=-1\n",
		"number= 1\n",
		"number=1x\n",
		"number=18446744073709551616\n",
		"count=4294967296\n",
		"flag=maybe\n",
		"digest=ab\n",
		"slot=c\n",
		"slot=\n",
		"phase=\n",
		"phase=TRIAL\n",
		"verb=do\n",
		"outcome=good\n",
		"fault=x\n",
		"fault=\n",
	};
	struct thing back;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};

		check_error(parse(wrong[i], &back, &err), &err, FAULT_CORRUPT, "");
	}
	assert_int_equal(parse("name=1234567\n", &back, NULL), 0);
	assert_int_equal(
		parse("slot=none\nverb=none\noutcome=none\nfault=none\nflag=no\n", &back, NULL), 0);
}

/* Written into ever less room: first `why` gives way, then `who`, the rest never. */
static void texts_are_cut_in_their_order(void **state)
{
	struct thing thing = { .slot = SLOT_NONE, .name = "name" };
	size_t whole = strlen("name=name\nwhy=\nwho=\nphase=idle\n") + 2 * 60;

	memset(thing.why, 'y', 60);
	memset(thing.who, 'o', 60);
	for (size_t room = whole + 5; room > 0; room--) {
		_cleanup_free_ char *text = NULL;
		struct thing back;
		struct error err = {};
		int r = fields_write(fields, ARRAY_SIZE(fields), &thing, room, &text, &err);

		if (room < whole - 100) {
			check_error(r, &err, FAULT_NO_SPACE, "do not fit");
			assert_null(text);
			continue;
		}
		assert_int_equal(r, 0);
		assert_true(strlen(text) <= room);
		assert_int_equal(parse(text, &back, NULL), 0);
		assert_string_equal(back.name, "name");
		assert_int_equal(strlen(back.why), room >= whole ? 60 : 10);
		assert_int_equal(strlen(back.who), room >= whole - 50 ? 60 : 10);
		assert_string_equal(back.why + 7, room >= whole ? thing.why + 7 : "…");
	}
}

static void a_cut_leaves_whole_characters(void **state)
{
	struct thing thing = { .slot = SLOT_NONE, .why = "xääääää" };
	_cleanup_free_ char *text = NULL;

	assert_int_equal(fields_write(fields, ARRAY_SIZE(fields), &thing, 26, &text, NULL), 0);
	assert_string_equal(text, "why=xäää…\nphase=idle\n");
}

/* A text without a NUL (a bug elsewhere) is taken as long as its room, and no longer. */
static void a_text_ends_with_its_room(void **state)
{
	struct thing thing = { .slot = SLOT_NONE };
	_cleanup_free_ char *text = NULL;

	memset(thing.name, 'n', sizeof(thing.name));
	memset(thing.why, 'y', 3);
	assert_int_equal(fields_write(fields, ARRAY_SIZE(fields), &thing, 100, &text, NULL), 0);
	assert_string_equal(text, "name=nnnnnnnn\nwhy=yyy\nphase=idle\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_written_and_read),
		cmocka_unit_test(defaults_have_no_line_and_come_back),
		cmocka_unit_test(what_looks_like_a_default_is_written),
		cmocka_unit_test(keys_of_a_newer_version_are_passed_over),
		cmocka_unit_test(what_is_not_of_its_kind_is_corrupt),
		cmocka_unit_test(texts_are_cut_in_their_order),
		cmocka_unit_test(a_cut_leaves_whole_characters),
		cmocka_unit_test(a_text_ends_with_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
