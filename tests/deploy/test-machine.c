/* The phase machine: every pair of phase and event, against what DESIGN.md section 5 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deploy/machine.h"

static void test_every_pair(void **state)
{
	/* rows: phases in their order; columns: events in theirs; M: not in the table */
#define M PHASE_MAX
	static const enum phase expected[PHASE_MAX][MACHINE_EVENT_MAX] = {
		/* install, switch, staged, go, running, passed, bad, ended */
		[PHASE_IDLE] = { PHASE_STAGING, PHASE_STAGED, M, M, M, M, M, M },
		[PHASE_STAGING] = { M, M, PHASE_STAGED, M, M, M, M, PHASE_IDLE },
		[PHASE_STAGED] = { M, M, M, PHASE_SWITCHING, M, M, M, PHASE_IDLE },
		[PHASE_SWITCHING] = { M, M, M, M, PHASE_TRIAL, M, PHASE_REVERTING, PHASE_IDLE },
		[PHASE_TRIAL] = { M, M, M, M, M, PHASE_WATCHING, PHASE_REVERTING, PHASE_IDLE },
		[PHASE_WATCHING] = { M, M, M, M, M, M, PHASE_REVERTING, PHASE_IDLE },
		[PHASE_REVERTING] = { M, M, M, M, M, M, M, PHASE_IDLE },
	};

	(void)state;
	for (unsigned int phase = 0; phase < PHASE_MAX; phase++) {
		for (unsigned int event = 0; event < MACHINE_EVENT_MAX; event++)
			assert_int_equal(machine_next(phase, event), expected[phase][event]);
	}
}

/* Nothing that is under way can get stuck: from each phase a path leads back to IDLE. */
static void test_every_phase_can_end(void **state)
{
	(void)state;
	for (unsigned int phase = PHASE_STAGING; phase < PHASE_MAX; phase++)
		assert_int_equal(machine_next(phase, MACHINE_ENDED), PHASE_IDLE);
}

static void test_event_names(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < MACHINE_EVENT_MAX; a++) {
		for (unsigned int b = 0; b < a; b++)
			assert_string_not_equal(machine_event_name(a), machine_event_name(b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_every_phase_can_end),
		cmocka_unit_test(test_event_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
