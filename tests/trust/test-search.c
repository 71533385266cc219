#include "trust/search.h"

#include "trust/jread.h"

#include "sign.h"

/*
 * A graph in a line: "T:AB A:C* C:" says that targets (T) delegates to A, then to B, and A to C, which is
 * terminating. Who is followed by a "=" lists the target.
 */
static const char *entry_of(const char *graph, char role)
{
	for (const char *at = graph; *at; at++)
		if (*at == role && at[1] == ':' && (at == graph || at[-1] == ' '))
			return at + 2;
	return "";
}

static json_t *delegation_to(char role, bool terminating)
{
	return json_pack("{sos[s]sis[s]sb}", "name", json_sprintf("%c", role), "keyids", "k4",
			 "threshold", 1, "paths", "*", "terminating", terminating);
}

/* The role of that letter as the graph has it. */
static struct targets *make_role(const char *graph, char role)
{
	_cleanup_(jread_freep) json_t *keys = sign_keys(4);
	_cleanup_(jread_freep) json_t *who = sign_role("4", 1);
	_cleanup_(signers_freep) struct signers *signers = NULL;
	const struct metafile promised = { .version = 1 };
	json_t *files = json_object();
	json_t *roles = json_array();
	struct targets *targets;
	char *text;

	for (const char *at = entry_of(graph, role); *at && *at != ' '; at++) {
		if (*at == '=')
			json_object_set_new(files, "file",
					    json_pack("{sis{ss}}", "length", role, "hashes", "x",
						      "y"));
		else if (*at != '*')
			json_array_append_new(roles, delegation_to(*at, at[1] == '*'));
	}
	text = sign_consume(sign_targets_body(1, files,
					      json_pack("{sOso}", "keys", keys, "roles", roles)),
			    "4");
	assert_int_equal(signers_read(keys, who, &signers, NULL), 0);
	assert_int_equal(targets_read(signers, &promised, text, strlen(text), &targets, NULL), 0);
	free(text);
	return targets;
}

/* Which roles are asked for; "=" if it was found there. */
static void search_graph(const char *graph, char ret_asked[99])
{
	_cleanup_(targets_freep) struct targets *top = make_role(graph, 'T');
	_cleanup_(search_freep) struct search *search = NULL;
	size_t n = 0;
	int r;

	assert_int_equal(search_new(top, "file", &search, NULL), 0);
	assert_string_equal(search_path(search), "file");
	for (r = search_next(search, NULL); r == SEARCH_NEED; r = search_next(search, NULL)) {
		char role = search_role(search)[0];

		assert_true(n < 90);
		ret_asked[n++] = role;
		assert_string_equal(search_signers(search)->list[0].keyid, "k4");
		search_enter_consume(search, make_role(graph, role));
	}
	assert_true(r == SEARCH_FOUND || r == SEARCH_END);
	if (r == SEARCH_FOUND) {
		bool in_top = strcmp(search_role(search), "targets") == 0;

		assert_int_equal(search_file(search)->length,
				 in_top ? 'T' : search_role(search)[0]);
		ret_asked[n++] = '=';
	}
	ret_asked[n] = '\0';
}

static void order_is_depth_first(void **state)
{
	static const struct {
		const char *graph;
		const char *asked;
	} cases[] = {
		{ "T:", "" },
		{ "T:=", "=" },
		{ "T:=A", "=" },
		{ "T:A", "A" },
		{ "T:AB", "AB" },
		{ "T:AB A:CD", "ACDB" },
		{ "T:AB A:C C:D", "ACDB" },
		{ "T:AB A:= B:=", "A=" },
		{ "T:AB B:=", "AB=" },
		{ "T:AB A:C C:= B:=", "AC=" },
		/* terminating: nothing else on any level */
		{ "T:A*B", "A" },
		{ "T:A*B A:CD", "ACD" },
		{ "T:AB A:C*D", "AC" },
		{ "T:AB A:C*D C:E", "ACE" },
		{ "T:AB A:C*D B:= D:=", "AC" },
		{ "T:A*B A:C*D C:EF", "ACEF" },
		{ "T:A*B A:CD C:E*", "ACE" },
		/* cycles end, and are not errors */
		{ "T:A A:A", "A" },
		{ "T:AB B:C C:D D:B", "ABCD" },
		{ "T:A A:B B:A", "AB" },
		/* a role is visited once, by whatever way */
		{ "T:AB A:C B:C", "ACB" },
		{ "T:AB A:B B:C", "ABC" },
		{ "T:ABC A:DE B:DE D:FG E:FG F:HI G:HI C:=", "ADFHIGEBC=" },
		/* a terminating delegation to a visited one ends it for the others */
		{ "T:AB A:BC* B:C", "ABC" },
		{ "T:AB A:CD C:D*", "ACD" },
		{ "T:AB A:CDE C:D D:C*", "ACD" },
		{ "T:ABC B:A*D", "AB" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char asked[99];

		search_graph(cases[i].graph, asked);
		if (strcmp(asked, cases[i].asked) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", cases[i].graph, asked, cases[i].asked);
	}
}

static void many_ways_to_few_roles_end(void **state)
{
	char asked[99];

	search_graph("T:ABCDEF A:BCDEF B:ACDEF C:ABDEF D:ABCEF E:ABCDF F:ABCDE", asked);
	assert_string_equal(asked, "ABCDEF");
}

static void the_last_allowed_role_may_have_it(void **state)
{
	/* 26 letters and 6 digits in a chain, and one more */
	static const char names[] = "ABCDEFGHIJKLMNOPQRSUVWXYZ01234567";
	char graph[200] = "T:A";
	char asked[99];
	size_t size = strlen(graph);

	for (size_t i = 0; i + 1 < SEARCH_ROLES_MAX; i++)
		size += (size_t)snprintf(graph + size, sizeof(graph) - size, " %c:%c", names[i],
					 names[i + 1]);
	(void)snprintf(graph + size, sizeof(graph) - size, " %c:=", names[SEARCH_ROLES_MAX - 1]);
	search_graph(graph, asked);
	assert_int_equal(strlen(asked), SEARCH_ROLES_MAX + 1);
	assert_int_equal(asked[SEARCH_ROLES_MAX], '=');
	(void)snprintf(graph + size, sizeof(graph) - size,
		       " %c:%c %c:=", names[SEARCH_ROLES_MAX - 1], names[SEARCH_ROLES_MAX],
		       names[SEARCH_ROLES_MAX]);
	search_graph(graph, asked);
	assert_int_equal(strlen(asked), SEARCH_ROLES_MAX);
	assert_null(strchr(asked, '='));
}

static void a_search_can_be_left_at_any_time(void **state)
{
	_cleanup_(targets_freep) struct targets *top = make_role("T:AB", 'T');
	struct search *search;

	assert_int_equal(search_new(top, "file", &search, NULL), 0);
	search_free(search);
	assert_int_equal(search_new(top, "file", &search, NULL), 0);
	assert_int_equal(search_next(search, NULL), SEARCH_NEED);
	search_free(search);
	assert_int_equal(search_new(top, "file", &search, NULL), 0);
	assert_int_equal(search_next(search, NULL), SEARCH_NEED);
	search_enter_consume(search, make_role("A:B", 'A'));
	assert_int_equal(search_next(search, NULL), SEARCH_NEED);
	search_free(search);
	search_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_depth_first),
		cmocka_unit_test(many_ways_to_few_roles_end),
		cmocka_unit_test(the_last_allowed_role_may_have_it),
		cmocka_unit_test(a_search_can_be_left_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
