/* What a judge makes of what the probes have said so far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deploy/rounds.h"

static struct probe_options make_options(const char *name, enum probe_kind kind)
{
	struct probe_options options;

	probe_options_init(&options);
	options.name = (char *)name;
	options.kind = kind;
	options.in_start = true;
	options.in_watch = true;
	options.failure_threshold = 3;
	return options;
}

static struct rounds *make(struct probe_options *probes, size_t n, enum judge_phase phase,
			   const char *exempt)
{
	const struct deploy_options options = { .probes = probes, .n_probes = n };
	const struct judge_options judge = { .phase = phase, .exempt = exempt, .wake_fd = -1 };
	struct rounds *rounds = NULL;
	struct error err = {};

	assert_int_equal(rounds_new(&rounds, &options, &judge, &err), 0);
	return rounds;
}

static void test_who_counts(void **state)
{
	struct probe_options probes[4] = {
		make_options("web", PROBE_HTTP),
		make_options("cloud", PROBE_HTTP),
		make_options("nice", PROBE_TCP),
		make_options("broken-before", PROBE_TCP),
	};
	_cleanup_(rounds_freep) struct rounds *rounds = NULL;

	(void)state;
	probes[1].external = true;
	probes[2].required = false;
	rounds = make(probes, 4, JUDGE_START, "web2,broken-before,");
	assert_int_equal(rounds->n_probes, 4);
	assert_true(rounds->probes[0].counts);
	assert_false(rounds->probes[1].counts);
	assert_false(rounds->probes[2].counts);
	assert_false(rounds->probes[3].counts);
}

static void test_phases(void **state)
{
	struct probe_options probes[4] = {
		make_options("unit", PROBE_UNIT),
		make_options("web", PROBE_HTTP),
		make_options("log", PROBE_JOURNAL),
		make_options("cloud", PROBE_HTTP),
	};
	struct rounds *rounds;

	(void)state;
	probes[1].in_watch = false;
	probes[3].external = true;
	rounds = make(probes, 4, JUDGE_WATCH, NULL);
	assert_int_equal(rounds->n_probes, 3);
	rounds_free(rounds);
	rounds = make(probes, 4, JUDGE_BASELINE, NULL);
	assert_int_equal(rounds->n_probes, 1);
	assert_string_equal(rounds->probes[0].options->name, "web");
	rounds_free(rounds);
}

static void test_settled(void **state)
{
	struct probe_options probes[2] = { make_options("a", PROBE_HTTP),
					   make_options("b", PROBE_TCP) };
	_cleanup_(rounds_freep) struct rounds *rounds = make(probes, 2, JUDGE_START, NULL);
	char text[200];

	(void)state;
	rounds->probes[0].settled = true;
	rounds->probes[0].asked = 1;
	assert_false(rounds_all_settled(rounds));
	assert_false(rounds_all_certain(rounds));
	assert_string_equal(rounds_explain(rounds, text, sizeof(text)), "probe b: no answer yet");
	rounds->probes[1].counts = false;
	assert_true(rounds_all_settled(rounds));
}

/* One no may be the load of the moment: it excuses nothing yet. */
static void test_certain(void **state)
{
	struct probe_options probes[2] = { make_options("a", PROBE_HTTP),
					   make_options("b", PROBE_TCP) };
	_cleanup_(rounds_freep) struct rounds *rounds = make(probes, 2, JUDGE_BASELINE, NULL);

	(void)state;
	rounds->probes[0].asked = rounds->probes[0].passes = 1;
	rounds->probes[1].asked = rounds->probes[1].failures = 2;
	assert_false(rounds_all_certain(rounds));
	rounds->probes[1].asked = rounds->probes[1].failures = 3;
	assert_true(rounds_all_certain(rounds));
}

/* Only of a probe that counts is a no that stays one the end. */
static void test_final(void **state)
{
	struct probe_options probes[2] = { make_options("a", PROBE_HEALTH),
					   make_options("b", PROBE_HEALTH) };
	_cleanup_(rounds_freep) struct rounds *rounds = make(probes, 2, JUDGE_START, NULL);

	(void)state;
	assert_null(rounds_find_final(rounds));
	rounds->probes[0].final = true;
	rounds->probes[0].counts = false;
	assert_null(rounds_find_final(rounds));
	rounds->probes[1].final = true;
	assert_ptr_equal(rounds_find_final(rounds), &rounds->probes[1]);
}

static void test_failed_only_at_the_threshold(void **state)
{
	struct probe_options probes[1] = { make_options("a", PROBE_HTTP) };
	_cleanup_(rounds_freep) struct rounds *rounds = make(probes, 1, JUDGE_WATCH, NULL);

	(void)state;
	assert_true(rounds_any_in_doubt(rounds)); /* never asked */
	rounds->probes[0].asked = 2;
	rounds->probes[0].failures = 2;
	assert_null(rounds_find_failed(rounds));
	assert_true(rounds_any_in_doubt(rounds));
	rounds->probes[0].failures = 3;
	assert_ptr_equal(rounds_find_failed(rounds), &rounds->probes[0]);
	rounds->probes[0].counts = false;
	assert_null(rounds_find_failed(rounds));
	rounds->probes[0].failures = 0;
	assert_false(rounds_any_in_doubt(rounds));
}

static void test_external(void **state)
{
	struct probe_options probes[1] = { make_options("cloud", PROBE_HTTP) };
	struct rounds *rounds;
	char names[64];

	(void)state;
	probes[0].external = true;
	rounds = make(probes, 1, JUDGE_WATCH, NULL);
	assert_true(rounds_external_fails(rounds)); /* not asked yet: the commit waits */
	rounds->probes[0].asked = 9;
	rounds->probes[0].failures = 9;
	assert_true(rounds_external_fails(rounds));
	assert_null(rounds_find_failed(rounds));
	assert_string_equal(rounds_failed_names(rounds, names, sizeof(names)), "cloud,");
	rounds->probes[0].failures = 0;
	assert_false(rounds_external_fails(rounds));
	rounds_free(rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_counts),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_certain),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_failed_only_at_the_threshold),
		cmocka_unit_test(test_external),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
