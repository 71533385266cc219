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

static struct cloning *clone_all(struct hands *hands)
{
	struct cloning *cloning;
	int r;

	assert_int_equal(cloning_new(&hands->supply, &hands->meter, 0, &cloning, NULL), 0);
	while ((r = cloning_step(cloning, NULL)) == 0)
		;
	assert_int_equal(r, CLONING_DONE);
	return cloning;
}

static void test_clones_all(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(hands_done) struct hands hands = {};
	const struct cloning_finding *findings;
	_cleanup_(cloning_freep) struct cloning *cloning = NULL;

	look(&looked, state, MANY);
	prepare(&hands, &looked);
	cloning = clone_all(&hands);
	assert_int_equal(cloning_findings(cloning, &findings), 0);
	shell(looked.dirfd, "diff -r new slot");
}

static void test_tells_of_what_differs(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(hands_done) struct hands hands = {};
	const struct cloning_finding *findings;
	_cleanup_(cloning_freep) struct cloning *cloning = NULL;

	look(&looked, state, MANY);
	shell(looked.dirfd, "echo xxx >source/m1/f1; rm source/m2/f2");
	prepare(&hands, &looked);
	cloning = clone_all(&hands);
	assert_int_equal(cloning_findings(cloning, &findings), 2);
	assert_string_equal(index_at(looked.source, findings[0].number)->path, "m1/f1");
	assert_string_equal(findings[0].why, "size differs");
	assert_string_equal(findings[1].why, "missing");
	shell(looked.dirfd,
	      "test ! -e slot/m1/f1; test ! -e slot/m2/f2; test $(find slot -type f | wc -l) = 302");
}

/* Nothing is written behind the back of who has stopped it. */
static void test_is_stopped_in_the_middle(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(hands_done) struct hands hands = {};
	struct cloning *cloning;

	look(&looked, state, MANY);
	prepare(&hands, &looked);
	assert_int_equal(cloning_new(&hands.supply, &hands.meter, 0, &cloning, NULL), 0);
	assert_int_equal(cloning_step(cloning, NULL), 0);
	cloning_free(cloning);
	shell(looked.dirfd, "rm -r slot/*; sleep 0.1; test -z \"$(ls slot)\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_clones_all),
		check_in_dir(test_tells_of_what_differs),
		check_in_dir(test_is_stopped_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
