/* The way to a release: a table of figures, and what follows from them. */
#include "deploy/way.h"

#include "../base/check.h"
#include "base/text.h"

#define MB 1000000ULL

/* fetch, requests, peak of update, blocks and full; a fetch of 0: cannot be gone */
struct row {
	const char *what;
	uint64_t figures[WAY_MAX][3];
	struct way_policy policy;
	bool first; /* nothing is installed */
	uint64_t room;
	enum way_kind kind, cheapest; /* WAY_MAX: none */
	const char *word; /* of the refusal */
};

#define FREELY                         \
	{                              \
		WAY_PREFER, UINT64_MAX \
	}

static const struct row rows[] = {
	{ "the cheapest in bytes",
	  { { 2, 1, 9 }, { 5, 3, 9 }, { 40, 1, 9 } },
	  FREELY,
	  false,
	  10,
	  WAY_UPDATE,
	  WAY_UPDATE,
	  NULL },
	{ "also if that is the full archive",
	  { { 9, 1, 9 }, { 8, 3, 9 }, { 7, 1, 9 } },
	  FREELY,
	  false,
	  10,
	  WAY_FULL,
	  WAY_FULL,
	  NULL },
	{ "of the same bytes the fewest requests",
	  { { 7, 4, 9 }, { 7, 3, 9 }, { 7, 5, 9 } },
	  FREELY,
	  false,
	  10,
	  WAY_BLOCKS,
	  WAY_BLOCKS,
	  NULL },
	{ "of the same costs the first",
	  { { 7, 3, 9 }, { 7, 3, 9 }, { 7, 3, 9 } },
	  FREELY,
	  false,
	  10,
	  WAY_UPDATE,
	  WAY_UPDATE,
	  NULL },
	{ "what cannot be gone is not gone",
	  { { 0, 0, 0 }, { 0, 0, 0 }, { 40, 1, 9 } },
	  FREELY,
	  false,
	  10,
	  WAY_FULL,
	  WAY_FULL,
	  NULL },
	{ "space rules out the cheapest",
	  { { 2, 1, 20 }, { 5, 3, 9 }, { 40, 1, 9 } },
	  FREELY,
	  false,
	  10,
	  WAY_BLOCKS,
	  WAY_UPDATE,
	  NULL },
	{ "nothing fits",
	  { { 2, 1, 20 }, { 5, 3, 11 }, { 40, 1, 30 } },
	  FREELY,
	  false,
	  10,
	  WAY_MAX,
	  WAY_MAX,
	  "(blocks) needs" },
	{ "Delta=off",
	  { { 2, 1, 9 }, { 5, 3, 9 }, { 40, 1, 9 } },
	  { WAY_OFF, 0 },
	  false,
	  10,
	  WAY_FULL,
	  WAY_FULL,
	  NULL },
	{ "Delta=require",
	  { { 50, 1, 9 }, { 60, 3, 9 }, { 40, 1, 9 } },
	  { WAY_REQUIRE, UINT64_MAX },
	  false,
	  10,
	  WAY_UPDATE,
	  WAY_UPDATE,
	  NULL },
	{ "Delta=require without one",
	  { { 0, 0, 0 }, { 0, 0, 0 }, { 40, 1, 9 } },
	  { WAY_REQUIRE, UINT64_MAX },
	  false,
	  10,
	  WAY_MAX,
	  WAY_MAX,
	  "full: Delta=require" },
	{ "Delta=require, for the first time",
	  { { 0, 0, 0 }, { 0, 0, 0 }, { 40, 1, 9 } },
	  { WAY_REQUIRE, 0 },
	  true,
	  10,
	  WAY_FULL,
	  WAY_FULL,
	  NULL },
	{ "Fallback=refuse",
	  { { 0, 0, 0 }, { 0, 0, 0 }, { 40, 1, 9 } },
	  { WAY_PREFER, 0 },
	  false,
	  10,
	  WAY_MAX,
	  WAY_MAX,
	  "full: Fallback=refuse" },
	{ "full is no fallback where it is the cheapest",
	  { { 50, 1, 9 }, { 0, 0, 0 }, { 40, 1, 9 } },
	  { WAY_PREFER, 0 },
	  false,
	  10,
	  WAY_FULL,
	  WAY_FULL,
	  NULL },
	{ "Fallback= a size, reached",
	  { { 0, 0, 0 }, { 0, 0, 0 }, { 40, 1, 9 } },
	  { WAY_PREFER, 40 },
	  false,
	  10,
	  WAY_FULL,
	  WAY_FULL,
	  NULL },
	{ "Fallback= a size, exceeded",
	  { { 0, 0, 0 }, { 0, 0, 0 }, { 40, 1, 9 } },
	  { WAY_PREFER, 39 },
	  false,
	  10,
	  WAY_MAX,
	  WAY_MAX,
	  "larger than Fallback=" },
};

static struct way_question ask(const struct row *row)
{
	struct way_question question = {
		.policy = row->policy,
		.installed = !row->first,
		.room_bytes = row->room * MB,
		.room_inodes = 100,
	};

	if (question.policy.fallback > 0 && question.policy.fallback != UINT64_MAX)
		question.policy.fallback *= MB;
	for (enum way_kind kind = 0; kind < WAY_MAX; kind++) {
		const uint64_t *figures = row->figures[kind];

		question.costs[kind] = (struct way_cost){
			.why_not = figures[0] == 0 ? "there is none" : NULL,
			.fetch_bytes = figures[0] * MB,
			.requests = figures[1],
			.peak_bytes = figures[2] * MB,
			.peak_inodes = 10,
		};
	}
	return question;
}

static void the_table(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct way_question question = ask(&rows[i]);
		struct way_answer answer = { WAY_MAX, WAY_MAX };
		struct error err = {};
		int r = way_decide(&question, &answer, &err);

		if (answer.kind != rows[i].kind || answer.cheapest != rows[i].cheapest)
			fail_msg("%s: %d, %d %s", rows[i].what, answer.kind, answer.cheapest,
				 err.text);
		assert_int_equal(r < 0, rows[i].kind == WAY_MAX);
		if (rows[i].word && !strstr(err.text, rows[i].word))
			fail_msg("%s: %s", rows[i].what, err.text);
	}
}

static void inodes_count_too(void **state)
{
	struct way_question question = ask(&rows[0]);
	struct way_answer answer;
	struct error err = {};

	question.costs[WAY_UPDATE].peak_inodes = 101;
	assert_int_equal(way_decide(&question, &answer, NULL), 0);
	assert_int_equal(answer.kind, WAY_BLOCKS);
	question.room_inodes = 9;
	check_error(way_decide(&question, &answer, &err), &err, FAULT_NO_SPACE, "9 inodes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
		cmocka_unit_test(inodes_count_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
