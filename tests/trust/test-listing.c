#include "trust/listing.h"

#include "trust/jread.h"

#include "sign.h"

/*
 * Roles by letter: what each lists, and to whom it delegates which paths. "T" is the top. A path without a
 * blank; a delegation is "X=pattern".
 */
struct role {
	char name;
	const char *lists; /* blanks between */
	const char *delegates;
};

static struct targets *make(const struct role *roles, char name)
{
	_cleanup_(jread_freep) json_t *keys = sign_keys(4);
	_cleanup_(jread_freep) json_t *who = sign_role("4", 1);
	_cleanup_(signers_freep) struct signers *signers = NULL;
	const struct metafile promised = { .version = 1 };
	json_t *files = json_object(), *delegated = json_array();
	char lists[512], delegates[512], *save, *text;
	struct targets *targets;

	for (; roles->name != name; roles++)
		assert_int_not_equal(roles->name, 0);
	(void)snprintf(lists, sizeof(lists), "%s", roles->lists);
	(void)snprintf(delegates, sizeof(delegates), "%s", roles->delegates);
	for (char *word = strtok_r(lists, " ", &save); word; word = strtok_r(NULL, " ", &save))
		json_object_set_new(files, word, json_object());
	for (char *word = strtok_r(delegates, " ", &save); word; word = strtok_r(NULL, " ", &save))
		json_array_append_new(delegated,
				      json_pack("{sos[s]sis[s]}", "name", json_sprintf("%c", *word),
						"keyids", "k4", "threshold", 1, "paths", word + 2));
	text = sign_consume(
		sign_targets_body(1, files, json_pack("{sOso}", "keys", keys, "roles", delegated)),
		"4");
	assert_int_equal(signers_read(keys, who, &signers, NULL), 0);
	assert_int_equal(targets_read(signers, &promised, text, strlen(text), &targets, NULL), 0);
	free(text);
	return targets;
}

static struct error why;

/* The roles that were asked for, a bar, and the versions, each with a blank before it; "!": it failed. */
static void list(const struct role *roles, const char *pattern, struct text *got)
{
	_cleanup_(targets_freep) struct targets *top = make(roles, 'T');
	_cleanup_(listing_freep) struct listing *listing = NULL;
	const struct listing_name *names;
	size_t n;
	int r;

	why = (struct error){};
	assert_int_equal(listing_new(top, pattern, &listing, NULL), 0);
	while ((r = listing_next(listing, &why)) == LISTING_NEED) {
		assert_string_equal(listing_signers(listing)->list[0].keyid, "k4");
		text_add(got, "%s", listing_role(listing));
		listing_enter_consume(listing, make(roles, listing_role(listing)[0]));
	}
	if (r < 0) {
		text_add(got, "!");
		return;
	}
	text_add(got, "|");
	names = listing_names(listing, &n);
	for (size_t i = 0; i < n; i++)
		text_add(got, " %s", names[i].version);
}

static void check_list(const struct role *roles, const char *pattern, const char *wanted)
{
	_cleanup_text_ struct text got = {};

	list(roles, pattern, &got);
	assert_string_equal(got.data, wanted);
}

static void the_newest_comes_first(void **state)
{
	const struct role roles[] = {
		{ 'T', "a-1.9 a-1.10 a-1.10~rc1 b-2 a-x a- a-1/2 a-v1.2 x/a-3", "" },
		{},
	};

	check_list(roles, "a-*", "| 1.10 1.10~rc1 1.9 v1.2");
	check_list(roles, "c-*", "|");
	check_list(roles, "x/a-*", "| 3");
}

static void who_may_speak(void **state)
{
	const struct role roles[] = {
		{ 'T', "", "A=a-* B=b-* C=*" },
		{ 'A', "a-1 b-9", "D=* E=a-2*" },
		{ 'B', "a-9", "" },
		{ 'C', "a-3", "" },
		{ 'D', "a-4 b-9", "" },
		{ 'E', "a-5 a-21", "" },
		{},
	};

	/* B is for something else; A may not speak of b-9, E of a-5, D only of what A may */
	check_list(roles, "a-*", "ADEC| 21 4 3 1");
	check_list(roles, "b-*", "BC|");
}

static void each_path_once(void **state)
{
	const struct role roles[] = {
		{ 'T', "a-1", "A=* B=*" },
		{ 'A', "a-1 a-2", "C=*" },
		{ 'B', "a-2", "C=*" },
		{ 'C', "a-1", "" },
		{},
	};

	check_list(roles, "a-*", "ACBC| 2 1");
}

static void circles_end(void **state)
{
	const struct role roles[] = {
		{ 'T', "", "A=*" },
		{ 'A', "a-1", "B=* A=*" },
		{ 'B', "a-2", "A=* B=*" },
		{},
	};

	check_list(roles, "a-*", "AB| 2 1");
}

static void roles_are_bounded(void **state)
{
	const struct role roles[] = {
		{ 'T', "", "A=* B=* C=* D=* E=* F=*" }, { 'A', "", "B=* C=* D=* E=* F=*" },
		{ 'B', "", "A=* C=* D=* E=* F=*" },	{ 'C', "", "A=* B=* D=* E=* F=*" },
		{ 'D', "", "A=* B=* C=* E=* F=*" },	{ 'E', "", "A=* B=* C=* D=* F=*" },
		{ 'F', "", "A=* B=* C=* D=* E=*" },	{},
	};
	_cleanup_text_ struct text got = {};

	list(roles, "a-*", &got);
	assert_int_equal(got.size, LISTING_ROLES_MAX + 1);
	assert_int_equal(got.data[LISTING_ROLES_MAX], '!');
	check_error(-1, &why, FAULT_NO_SPACE, "without a *");
}

static void names_are_bounded(void **state)
{
	_cleanup_(targets_freep) struct targets *top =
		make((struct role[]){ { 'T', "a-0", "" }, {} }, 'T');
	_cleanup_(listing_freep) struct listing *listing = NULL;

	for (int i = 1; i <= LISTING_NAMES_MAX; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "a-%d", i);
		json_object_set_new(top->files, path, json_object());
	}
	assert_int_equal(listing_new(top, "a-*", &listing, NULL), 0);
	check_error(listing_next(listing, &why), &why, FAULT_NO_SPACE, "more than 10000");
}

static void it_can_be_left_at_any_time(void **state)
{
	const struct role roles[] = { { 'T', "a-1", "A=*" }, { 'A', "a-2", "B=*" }, {} };
	_cleanup_(targets_freep) struct targets *top = make(roles, 'T');
	struct listing *listing;

	assert_int_equal(listing_new(top, "a-*", &listing, NULL), 0);
	listing_free(listing);
	assert_int_equal(listing_new(top, "a-*", &listing, NULL), 0);
	assert_int_equal(listing_next(listing, NULL), LISTING_NEED);
	listing_enter_consume(listing, make(roles, 'A'));
	assert_int_equal(listing_next(listing, NULL), LISTING_NEED);
	listing_free(listing);
	listing_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_comes_first),
		cmocka_unit_test(who_may_speak),
		cmocka_unit_test(each_path_once),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(roles_are_bounded),
		cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(it_can_be_left_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
