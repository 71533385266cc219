#include "install/cloning.h"

#include "install/local.h"
#include "install/place.h"
#include "survey-kit.h"

struct hands {
	struct supply supply;
	struct meter meter;
};

static void hands_done(const struct hands *hands)
{
	for (size_t i = 0; i < CREW_HANDS; i++) {
		local_free(hands->supply.locals[i]);
		place_free(hands->supply.places[i]);
	}
}

static void prepare(struct hands *hands, const struct looked *looked)
{
	*hands = (struct hands){ .supply = {
					 .slot_fd = looked->slot,
					 .staging_fd = looked->staging,
					 .source_fd = looked->source_fd,
					 .survey = looked->survey,
				 } };
	for (size_t i = 0; i < CREW_HANDS; i++) {
		assert_int_equal(local_new(i == 0 ? meter_tell : meter_count, &hands->meter,
					   &hands->supply.locals[i], NULL),
				 0);
		assert_int_equal(place_new(looked->slot, looked->staging, &hands->supply.places[i],
					   NULL),
				 0);
	}
}

#define MANY                                                                                    \
	"for i in $(seq 300); do mkdir -p new/m$((i % 7)); echo $i >new/m$((i % 7))/f$i; done;" \
	"head -c 2000000 /dev/urandom >new/large; cp -a new/* source; cp -a new/* slot;"        \
	"rm slot/large slot/m*/*"

static void test_clones_all(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(hands_done) struct hands hands;
	struct cloning cloning = { .supply = &hands.supply, .meter = &hands.meter };

	look(&looked, state, MANY);
	prepare(&hands, &looked);
	assert_int_equal(cloning_run(&cloning, NULL), 0);
	assert_int_equal(cloning.n_findings, 0);
	cloning_done(&cloning);
	shell(looked.dirfd, "diff -r new slot");
}

static void test_tells_of_what_differs(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(hands_done) struct hands hands;
	struct cloning cloning = { .supply = &hands.supply, .meter = &hands.meter };

	look(&looked, state, MANY);
	shell(looked.dirfd, "echo xxx >source/m1/f1; rm source/m2/f2");
	prepare(&hands, &looked);
	assert_int_equal(cloning_run(&cloning, NULL), 0);
	assert_int_equal(cloning.n_findings, 2);
	assert_string_equal(index_at(looked.source, cloning.findings[0].number)->path, "m1/f1");
	assert_string_equal(cloning.findings[0].why, "size differs");
	assert_string_equal(cloning.findings[1].why, "missing");
	cloning_done(&cloning);
	shell(looked.dirfd,
	      "test ! -e slot/m1/f1; test ! -e slot/m2/f2; test $(find slot -type f | wc -l) = 302");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_clones_all),
		check_in_dir(test_tells_of_what_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
