/* LDFLAGS: -Wl,--wrap=ini_parse_stream */
#include "base/ini.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check.h"

typedef char *(*reader)(char *line, int room, void *stream);
typedef int (*inih_handler)(void *data, const char *section, const char *key, const char *value);

int __real_ini_parse_stream(reader read, void *stream, inih_handler handler, void *data);
int __wrap_ini_parse_stream(reader read, void *stream, inih_handler handler, void *data);

/* What an inih may do to us: 0: nothing. */
static enum { HONEST, CUTS, DROPS, RENAMES, MOVES, ADDS, GIVES_UP, SHORTENS } inih;
static inih_handler honest;
static reader honest_read;

static int dishonest(void *data, const char *section, const char *key, const char *value)
{
	char cut[256];

	if (inih == DROPS)
		return 1;
	if (inih == ADDS)
		(void)honest(data, section, key, value);
	text_copy(value, cut, inih == CUTS && strlen(value) > 1 ? strlen(value) - 1 : sizeof(cut));
	return honest(data, inih == MOVES ? "Else" : section, inih == RENAMES ? "Else" : key, cut);
}

static char *short_read(char *line, int room, void *stream)
{
	return honest_read(line, room / 2, stream);
}

int __wrap_ini_parse_stream(reader read, void *stream, inih_handler handler, void *data)
{
	honest = handler;
	honest_read = read;
	if (inih == SHORTENS)
		return __real_ini_parse_stream(short_read, stream, handler, data);
	if (inih == GIVES_UP)
		return -2;
	return __real_ini_parse_stream(read, stream, inih == HONEST ? handler : dishonest, data);
}

/* Everything that came, in one text. */
static int collect(void *data, const char *section, const char *key, const char *value,
		   const char *where, struct error *err)
{
	text_add(data, "%s [%s] %s=<%s>\n", where, section, key, value);
	return 0;
}

static int parse(const char *text, size_t size, struct text *all, struct error *err)
{
	return ini_parse_text("f", text, size, collect, all, err);
}

static void check_parse(const char *text, const char *wanted)
{
	_cleanup_text_ struct text all = {};
	struct error err = {};

	if (parse(text, strlen(text), &all, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(all.data ? all.data : "", wanted);
}

static void keys_come_in_the_order_of_the_file(void **state)
{
	check_parse("", "");
	check_parse("# nothing\n\n  ; at all", "");
	check_parse(
		"[App]\nUnit=a.service\nScope = system \n\n[Probe web]\n\tUrl=\n",
		"f:2 [App] Unit=<a.service>\nf:3 [App] Scope=<system>\nf:6 [Probe web] Url=<>\n");
	check_parse("[A]\nk=1", "f:2 [A] k=<1>\n");
}

static void nothing_in_a_value_is_anything_but_value(void **state)
{
	check_parse("[A]\nk=a ; b # c\n", "f:2 [A] k=<a ; b # c>\n");
	check_parse("[A]\nk=;x\n", "f:2 [A] k=<;x>\n");
	check_parse("[A]\nk=[B]\n", "f:2 [A] k=<[B]>\n");
	check_parse("[A]\nk=a=b:c=d\n", "f:2 [A] k=<a=b:c=d>\n");
	check_parse("[A]\nk=\"a\" 'b'\n", "f:2 [A] k=<\"a\" 'b'>\n");
	check_parse("[A]\nk=a\tb  c\n", "f:2 [A] k=<a\tb  c>\n");
	check_parse("[A]\nk=größe €\n", "f:2 [A] k=<größe €>\n");
	check_parse("[A]\nk=%s%n\n", "f:2 [A] k=<%s%n>\n");
	check_parse("[A]\nk=1\n  j=2\n", "f:2 [A] k=<1>\nf:3 [A] j=<2>\n");
}

/* What inih 55 makes two keys of. */
static void a_line_of_any_length_is_one_line(void **state)
{
	static char filling[INI_LINE_MAX];

	memset(filling, 'x', sizeof(filling) - 1);
	for (size_t size = 150; size <= INI_LINE_MAX - 8; size += size < 260 ? 1 : 997) {
		_cleanup_text_ struct text all = {};
		_cleanup_text_ struct text text = {};
		_cleanup_text_ struct text wanted = {};

		text_add(&text, "[A]\nk=%.*sevil=1\n", (int)size, filling);
		text_add(&wanted, "f:2 [A] k=<%.*sevil=1>\n", (int)size, filling);
		assert_int_equal(parse(text.data, text.size, &all, NULL), 0);
		assert_string_equal(all.data, wanted.data);
	}
}

static void check_refused(const char *text, size_t size, const char *where, const char *why)
{
	_cleanup_text_ struct text all = {};
	struct error err = {};

	check_error(parse(text, size, &all, &err), &err, FAULT_CONFIG, why);
	if (strncmp(err.text, where, strlen(where)) != 0)
		fail_msg("\"%s\" does not begin with %s", err.text, where);
}

static void what_is_no_line_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text;
		const char *where;
		const char *why;
	} wrong[] = {
		{ "k=1\n", "f:1: ", "before the first" },
		{ "[A]\nk\n", "f:2: ", "neither" },
		{ "[A]\nk:1\n", "f:2: ", "neither" },
		{ "[A]\n=1\n", "f:2: ", "a key has" },
		{ "[A]\na b=1\n", "f:2: ", "a key has" },
		{ "[A]\nk:x=1\n", "f:2: ", "a key has" },
		{ "[A]\nk=1\nk=2\n", "f:3: ", "set before" },
		{ "[A]\nk=1\n[B]\nk=2\n[A]\n", "f:5: ", "before: join" },
		{ "[A\n", "f:1: ", "a section is" },
		{ "[]\n", "f:1: ", "a section is" },
		{ "[\n", "f:1: ", "a section is" },
		{ "[A] x\n", "f:1: ", "a section is" },
		{ "[A ;]\n", "f:1: ", "a section is" },
		{ "[A]]\n", "f:1: ", "a section is" },
		{ "[A]\nk=a \\\n", "f:2: ", "not continued" },
		{ "[A]\r\nk=1\n", "f:1: ", "carriage return" },
		{ "\n\xef\xbb\xbf[A]\n", "f:2: ", "byte order mark" },
		{ "\xef\xbb\xbf[A]\n", "f:1: ", "byte order mark" },
		{ "[A]\nk=\x1b[2J\n", "f:2: ", "control" },
		{ "[A]\nk=\xc2\x9b\n", "f:2: ", "control" },
		{ "[A]\nk=\xff\n", "f:2: ", "UTF-8" },
		{ "# \xc0\xaf\n", "f:1: ", "UTF-8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		check_refused(wrong[i].text, strlen(wrong[i].text), wrong[i].where, wrong[i].why);
	check_refused("[A]\nk=a\0b\n", 10, "f:2: ", "control");
}

/* At the bound it is taken, one above it is not. */
static void check_bound(const char *before, size_t n, const char *after, bool taken,
			const char *why)
{
	_cleanup_text_ struct text text = {};
	_cleanup_text_ struct text all = {};

	text_add(&text, "%s", before);
	for (size_t i = 0; i < n; i++)
		text_add_bytes(&text, "x", 1);
	text_add(&text, "%s", after);
	if (taken)
		assert_int_equal(parse(text.data, text.size, &all, NULL), 0);
	else
		check_refused(text.data, text.size, "f", why);
}

static void lengths_are_bounded(void **state)
{
	check_bound("[", INI_SECTION_MAX, "]\nk=1\n", true, "");
	check_bound("[", INI_SECTION_MAX + 1, "]\nk=1\n", false, "a section is");
	check_bound("[A]\n", 48, "=1\n", true, "");
	check_bound("[A]\n", 49, "=1\n", false, "a key has");
	check_bound("[A]\nk=", INI_LINE_MAX - 2, "\n", true, "");
	check_bound("[A]\nk=", INI_LINE_MAX - 1, "\n", false, "longer than");
	check_bound("[A]\n#", INI_FILE_MAX, "\n", false, "larger than");
}

static int stop_at_two(void *data, const char *section, const char *key, const char *value,
		       const char *where, struct error *err)
{
	(*(int *)data)++;
	return strcmp(value, "2") == 0 ? error_set(err, FAULT_BUSY, "two") : 0;
}

static void the_handler_stops_it(void **state)
{
	static const char text[] = "[A]\na=1\nb=2\nc=3\nd=2\n";
	struct error err = {};
	int calls = 0;

	check_error(ini_parse_text("f", text, strlen(text), stop_at_two, &calls, &err), &err,
		    FAULT_BUSY, "f:3: two");
	assert_int_equal(calls, 2);
}

/* Whatever inih does to a line, the caller gets what stands there, or an error. */
static void an_inih_that_reads_otherwise_is_caught(void **state)
{
	static const char text[] = "[A]\nk=some value\nj=1\n";

	for (inih = CUTS; inih <= SHORTENS; inih++) {
		_cleanup_text_ struct text all = {};
		struct error err = {};

		check_error(parse(text, strlen(text), &all, &err), &err, FAULT_INTERNAL, "inih");
		assert_true(!all.data ||
			    (inih == ADDS && strcmp(all.data, "f:2 [A] k=<some value>\n") == 0));
	}
	inih = HONEST;
}

static void trim(char *value)
{
	size_t start = strspn(value, " \t");
	size_t size = strlen(value);

	while (size > start && strchr(" \t", value[size - 1]))
		size--;
	memmove(value, value + start, size - start);
	value[size - start] = '\0';
}

/* A value that may stand in a file: what it is made of is what inih acts on. */
static void random_value(char *ret_value, size_t room)
{
	static const char *const pieces[] = { " ",  ";", " ;", "#",   "=",    ":", "[A]", "]",
					      "\"", "'", "\t", "%4d", "\\ ;", "ä", "abc", "k=1" };
	size_t n = check_below(check_below(10) ? 20 : 1000);

	ret_value[0] = '\0';
	while (n-- > 0 && strlen(ret_value) + 8 < room) {
		const char *piece = pieces[check_below(ARRAY_SIZE(pieces))];

		memcpy(ret_value + strlen(ret_value), piece, strlen(piece) + 1);
	}
	trim(ret_value);
}

static void add_section(size_t number, struct text *text, unsigned int *line, struct text *wanted)
{
	size_t keys = check_below(6);

	text_add(text, "[Probe %zu]\n", number);
	++*line;
	for (size_t key = 0; key < keys; key++) {
		char value[2000];

		random_value(value, sizeof(value));
		text_add(text, "Key%zu = %s \n", key, value);
		text_add(wanted, "f:%u [Probe %zu] Key%zu=<%s>\n", ++*line, number, key, value);
	}
}

static void random_values_come_back_as_they_are(void **state)
{
	for (int round = 0; round < 3000; round++) {
		_cleanup_text_ struct text text = {};
		_cleanup_text_ struct text wanted = {};
		unsigned int line = 0;

		for (size_t number = 0; number < 3; number++)
			add_section(number, &text, &line, &wanted);
		check_parse(text.data, wanted.data ? wanted.data : "");
	}
}

/* Whatever the bytes are: it ends, and every value that came stands in the file behind its key. */
static void random_bytes_do_no_harm(void **state)
{
	for (int round = 0; round < 20000; round++) {
		_cleanup_text_ struct text all = {};
		char bytes[400];
		struct error err = {};

		check_text(bytes, sizeof(bytes), "[]]AAbk==:;# \t\n\n\n\\\"\r\xef\xbb\xbf\xff\x01");
		(void)parse(bytes, strlen(bytes), &all, &err);
		assert_true(err.fault == FAULT_NONE || err.fault == FAULT_CONFIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_in_the_order_of_the_file),
		cmocka_unit_test(nothing_in_a_value_is_anything_but_value),
		cmocka_unit_test(a_line_of_any_length_is_one_line),
		cmocka_unit_test(what_is_no_line_is_refused_with_its_place),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(the_handler_stops_it),
		cmocka_unit_test(an_inih_that_reads_otherwise_is_caught),
		cmocka_unit_test(random_values_come_back_as_they_are),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
