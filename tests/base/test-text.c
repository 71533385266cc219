#include "base/text.h"

#include "check.h"

static void a_text_grows_and_is_given_away(void **state)
{
	_cleanup_text_ struct text text = {};
	_cleanup_free_ char *data = NULL;

	for (int i = 0; i < 1000; i++)
		text_add(&text, "%03d ", i);
	text_add_bytes(&text, "a\0b", 3);
	assert_int_equal(text_check(&text, NULL), 0);
	assert_int_equal(text.size, 4003);
	data = text_take(&text);
	assert_null(text.data);
	assert_memory_equal(data + 3996, "999 a\0b\0", 8);
}

static void a_text_is_cut_back(void **state)
{
	_cleanup_text_ struct text text = {};

	text_cut(&text, 0);
	text_add(&text, "a/b");
	text_cut(&text, 3);
	text_cut(&text, 4);
	assert_string_equal(text.data, "a/b");
	text_cut(&text, 1);
	assert_string_equal(text.data, "a");
	text_add(&text, "/c");
	assert_string_equal(text.data, "a/c");
	assert_int_equal(text.size, 3);
}

static void nothing_added_is_the_empty_text(void **state)
{
	_cleanup_text_ struct text text = {};
	_cleanup_free_ char *data = text_take(&text);

	assert_string_equal(data, "");
}

static void no_memory_is_told_at_the_end(void **state)
{
	struct text text = {};
	struct error err = {};

	text_add(&text, "before");
	text_add_bytes(&text, "x", SIZE_MAX / 2);
	text_add(&text, "after");
	check_error(text_check(&text, &err), &err, FAULT_INTERNAL, "memory");
	assert_null(text_take(&text));
}

static const struct {
	const char *bytes;
	size_t size; /* 0: not UTF-8 */
	uint32_t point;
} sequences[] = {
	{ "A", 1, 'A' },
	{ "\x7f", 1, 0x7f },
	{ "\xc2\x80", 2, 0x80 },
	{ "\xdf\xbf", 2, 0x7ff },
	{ "\xe0\xa0\x80", 3, 0x800 },
	{ "\xef\xbf\xbf", 3, 0xffff },
	{ "\xf0\x90\x80\x80", 4, 0x10000 },
	{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	{ "\x80", 0, 0 },
	{ "\xc0\x80", 0, 0 }, /* overlong */
	{ "\xc1\xbf", 0, 0 }, /* overlong */
	{ "\xe0\x9f\xbf", 0, 0 }, /* overlong */
	{ "\xf0\x8f\xbf\xbf", 0, 0 }, /* overlong */
	{ "\xed\x9f\xbf", 3, 0xd7ff },
	{ "\xee\x80\x80", 3, 0xe000 },
	{ "\xed\xbf\xbf", 0, 0 }, /* surrogate */
	{ "\xed\xa0\x80", 0, 0 }, /* surrogate */
	{ "\xf4\x90\x80\x80", 0, 0 }, /* above U+10FFFF */
	{ "\xf5\x80\x80\x80", 0, 0 },
	{ "\xff", 0, 0 },
	{ "\xe2\x82", 0, 0 }, /* cut off */
	{ "\xe2\x41\x80", 0, 0 },
};

static void utf8_is_told_from_what_looks_like_it(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
		uint32_t point = 0;
		size_t n = text_utf8_char(sequences[i].bytes, strlen(sequences[i].bytes), &point);

		assert_int_equal(n, sequences[i].size);
		assert_int_equal(point, sequences[i].point);
	}
	assert_int_equal(text_utf8_char("", 0, NULL), 0);
}

static void a_cut_is_between_characters(void **state)
{
	static const char text[] = "aü€😀z";
	static const size_t wanted[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };
	char copy[sizeof(text)];

	for (size_t max = 0; max < ARRAY_SIZE(wanted); max++)
		assert_int_equal(text_cut_point(text, max), wanted[max]);
	for (size_t room = 1; room <= sizeof(text); room++) {
		assert_ptr_equal(text_copy(text, copy, room), copy);
		assert_int_equal(strlen(copy), wanted[room - 1]);
		assert_memory_equal(copy, text, strlen(copy));
	}
}

static void check_escape(const char *bytes, size_t size, size_t room, const char *wanted)
{
	char shown[64];

	assert_string_equal(text_escape(bytes, size, shown, room), wanted);
}

/* The ranges that change the direction or the line, and what stands right beside them. */
static void check_invisible(void)
{
	static const struct {
		char bytes[4];
		bool plain;
	} points[] = {
		{ { '\xd8', '\x9b' }, true },	       { { '\xd8', '\x9c' }, false },
		{ { '\xd8', '\x9d' }, true },	       { { '\xe2', '\x80', '\x8d' }, true },
		{ { '\xe2', '\x80', '\x8e' }, false }, { { '\xe2', '\x80', '\x8f' }, false },
		{ { '\xe2', '\x80', '\x90' }, true },  { { '\xe2', '\x80', '\xa7' }, true },
		{ { '\xe2', '\x80', '\xa8' }, false }, { { '\xe2', '\x80', '\xae' }, false },
		{ { '\xe2', '\x80', '\xaf' }, true },  { { '\xe2', '\x81', '\xa5' }, true },
		{ { '\xe2', '\x81', '\xa6' }, false }, { { '\xe2', '\x81', '\xa9' }, false },
		{ { '\xe2', '\x81', '\xaa' }, true },  { { '\xef', '\xbb', '\xbf' }, false },
		{ { '\xc2', '\xa0' }, true },	       { { '\xc2', '\x9f' }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		char shown[64];

		text_escape(points[i].bytes, strlen(points[i].bytes), shown, sizeof(shown));
		assert_int_equal(strcmp(shown, points[i].bytes) == 0, points[i].plain);
	}
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
	/* right-to-left; spelled out, so that it does not turn this line around */
	static const char override[] = { '\xe2', '\x80', '\xae', 't', 'x', 't', '\0' };

	check_escape("plain", 5, 64, "plain");
	check_escape("größe €", strlen("größe €"), 64, "größe €");
	check_escape("a\nb\x1b[31m", 8, 64, "a\\x0ab\\x1b[31m");
	check_escape("a\0b", 3, 64, "a\\x00b");
	check_escape("\\x41", 4, 64, "\\x5cx41");
	check_escape("\xff\xc3", 2, 64, "\\xff\\xc3");
	check_escape("\xc2\x9b", 2, 64, "\\xc2\\x9b"); /* C1: CSI */
	check_invisible();
	check_escape(override, 6, 64, "\\xe2\\x80\\xaetxt");
}

static void what_does_not_fit_is_cut_visibly(void **state)
{
	check_escape("abcdefgh", 8, 9, "abcdefgh");
	check_escape("abcdefgh", 8, 8, "abcd…");
	check_escape("abc\n", 4, 7, "abc…");
	check_escape("abc", 3, 3, "");
	check_escape("abc", 3, 1, "");
}

static void what_is_clipped_is_cut_between_words(void **state)
{
	char clip[16];

	assert_string_equal(text_clip("abc de", clip, 7), "abc de");
	assert_string_equal(text_clip("abc def ghi", clip, 11), "abc def…");
	assert_string_equal(text_clip("abcd efghij", clip, 10), "abcd…");
	assert_string_equal(text_clip("a defghijklm", clip, 9), "a def…"); /* a long word */
	assert_string_equal(text_clip("abcdef", clip, 3), "ab");
	assert_string_equal(text_clip("ääääääääää", clip, 9), "ää…");
	assert_string_equal(text_print(clip, 12, "%s %d %s", "status", 12, "of it"), "status…");
	assert_string_equal(text_print(clip, sizeof(clip), "%s %d", "status", 12), "status 12");
	text_append(clip, sizeof(clip), "; %d", 34);
	assert_string_equal(clip, "status 12; 34");
	text_append(clip, sizeof(clip), "; and more"); /* no room for a "…" */
	assert_string_equal(clip, "status 12; 34; ");
	text_append(clip, sizeof(clip), "full");
	assert_string_equal(clip, "status 12; 34; ");
}

/* For any bytes and room: within the room, valid UTF-8, nothing but printable characters. */
static void escaping_holds_for_random_bytes(void **state)
{
	for (int round = 0; round < 20000; round++) {
		char bytes[24];
		char shown[64];
		size_t size = check_below(sizeof(bytes) + 1);
		size_t room = 1 + check_below(sizeof(shown));

		for (size_t i = 0; i < size; i++)
			bytes[i] = (char)check_random();
		memset(shown, 0x55, sizeof(shown));
		text_escape(bytes, size, shown, room);
		assert_true(strnlen(shown, room) < room);
		for (size_t i = 0; shown[i];) {
			uint32_t point;
			size_t n = text_utf8_char(shown + i, strlen(shown + i), &point);

			assert_true(n > 0 && point >= 0x20 && (point < 0x7f || point > 0x9f));
			i += n;
		}
	}
}

static void logins_are_not_shown(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "://", "://" },
		{ "https://h/p: no", "https://h/p: no" },
		{ "https://me:secret@h:8000/p: no", "https://h:8000/p: no" },
		{ "https://me:s@cret@h", "https://h" },
		{ "update: http://u@h/a@b: x; http://:p@[::1]/",
		  "update: http://h/a@b: x; http://[::1]/" },
		{ "http://h and me@home", "http://h and me@home" },
		{ "http://a:b://c:d@e/", "http://a:b://e/" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];

		(void)text_copy(cases[i][0], text, sizeof(text));
		assert_string_equal(text_hide_logins(text), cases[i][1]);
	}
}

static void fields_come_back_as_they_were(void **state)
{
	_cleanup_text_ struct text text = {};
	char value[64];

	text_add_field(&text, "empty", "");
	text_add_field(&text, "odd", "a\nb\\n=c\\");
	text_add_field(&text, "key", "1");
	text_add_field(&text, "ke", "2");
	assert_string_equal(text.data, "empty=\nodd=a\\nb\\\\n=c\\\\\nkey=1\nke=2\n");
	assert_true(text_get_field(text.data, "odd", value, sizeof(value)));
	assert_string_equal(value, "a\nb\\n=c\\");
	assert_true(text_get_field(text.data, "empty", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_true(text_get_field(text.data, "ke", value, sizeof(value)));
	assert_string_equal(value, "2");
	assert_false(text_get_field(text.data, "k", value, sizeof(value)));
	assert_false(text_get_field("x=\\t\n", "x", value, sizeof(value)));
	assert_true(text_get_field("x=abc", "x", value, 4));
	assert_false(text_get_field("x=abc", "x", value, 3));
	assert_false(text_get_field("a=xy=1\n", "y", value, sizeof(value)));
	assert_false(text_get_field("", "x", value, sizeof(value)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_grows_and_is_given_away),
		cmocka_unit_test(a_text_is_cut_back),
		cmocka_unit_test(nothing_added_is_the_empty_text),
		cmocka_unit_test(no_memory_is_told_at_the_end),
		cmocka_unit_test(utf8_is_told_from_what_looks_like_it),
		cmocka_unit_test(a_cut_is_between_characters),
		cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
		cmocka_unit_test(what_does_not_fit_is_cut_visibly),
		cmocka_unit_test(what_is_clipped_is_cut_between_words),
		cmocka_unit_test(escaping_holds_for_random_bytes),
		cmocka_unit_test(logins_are_not_shown),
		cmocka_unit_test(fields_come_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
