/* What is shown of a transaction that goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/display.h"

#define BEGAN 1700000000000000

static const struct event_line phase = { .kind = EVENT_PHASE,
					 .phase = PHASE_WATCHING,
					 .from = PHASE_TRIAL,
					 .slot = SLOT_B,
					 .version = "1.4",
					 .began = BEGAN,
					 .time = BEGAN + 2500000 };
static const struct event_line progress = { .kind = EVENT_PROGRESS,
					    .phase = PHASE_STAGING,
					    .step = STAGE_WRITE,
					    .began = BEGAN,
					    .time = BEGAN + 1000000,
					    .done = 50000000,
					    .total = 200000000 };
static const struct event_line outcome = { .kind = EVENT_OUTCOME, .began = BEGAN };

struct shown {
	FILE *out;
	char *text;
	size_t size;
	struct display *display;
};

static void begin(struct shown *shown, enum display_style style)
{
	shown->out = open_memstream(&shown->text, &shown->size);
	assert_non_null(shown->out);
	assert_int_equal(display_new(shown->out, style, 10000000, &shown->display, NULL), 0);
}

static void end(struct shown *shown)
{
	display_free(shown->display);
	assert_int_equal(fclose(shown->out), 0);
}

static void test_bar(void **unused)
{
	char bar[DISPLAY_BAR_MAX];

	(void)unused;
	assert_string_equal(display_bar(0, 100, 12, bar), "[>         ]");
	assert_string_equal(display_bar(50, 100, 12, bar), "[=====>    ]");
	assert_string_equal(display_bar(100, 100, 12, bar), "[==========]");
	assert_string_equal(display_bar(500, 100, 12, bar), "[==========]");
	assert_string_equal(display_bar(0, 0, 12, bar), "[>         ]");
	assert_string_equal(display_bar(1, 2, 3, bar), "[>]");
	assert_int_equal(strlen(display_bar(UINT64_MAX, UINT64_MAX, 1000, bar)),
			 DISPLAY_BAR_MAX - 1);
}

static void test_lines(void **unused)
{
	const struct event_line idle = { .kind = EVENT_PHASE, .phase = PHASE_IDLE };
	const struct event_line ours = { .kind = EVENT_ACCEPTED,
					 .transaction = "1",
					 .request = "1" };
	const struct event_line theirs = { .kind = EVENT_ACCEPTED,
					   .transaction = "1",
					   .request = "2",
					   .text = "rollback asked by bob" };
	char text[256];

	(void)unused;
	assert_string_equal(display_line(&phase, text, sizeof(text)),
			    "    2.5s  watching: 1.4 passed its start probes");
	assert_string_equal(display_line(&progress, text, sizeof(text)), "");
	assert_string_equal(display_line(&outcome, text, sizeof(text)), "");
	assert_string_equal(display_line(&idle, text, sizeof(text)), "");
	assert_string_equal(display_line(&ours, text, sizeof(text)), "");
	assert_string_equal(display_line(&theirs, text, sizeof(text)),
			    "    0.0s  accepted: rollback asked by bob");
}

/* Not a terminal: no escapes, no carriage returns, no live line. */
static void test_plain(void **unused)
{
	struct shown shown;

	(void)unused;
	begin(&shown, DISPLAY_PLAIN);
	display_event(shown.display, &progress, "{}\n");
	display_tick(shown.display, BEGAN + 2000000);
	display_event(shown.display, &phase, "{}\n");
	display_say(shown.display, OUTCOME_COMMITTED, "all is well\n  more\n");
	end(&shown);
	assert_string_equal(shown.text, "    2.5s  watching: 1.4 passed its start probes\n"
					"all is well\n  more\n");
	free(shown.text);
}

static void test_json_is_passed_on(void **unused)
{
	struct shown shown;

	(void)unused;
	begin(&shown, DISPLAY_JSON);
	display_event(shown.display, &progress, "{\"a\":1}\n");
	display_tick(shown.display, BEGAN);
	display_event(shown.display, &outcome, "{\"b\":1}\n");
	end(&shown);
	assert_string_equal(shown.text, "{\"a\":1}\n{\"b\":1}\n");
	free(shown.text);
}

/* Whatever was live is taken away before something that stays. */
static void test_live_line(void **unused)
{
	struct shown shown;

	(void)unused;
	assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
	begin(&shown, DISPLAY_TERMINAL);
	display_tick(shown.display, BEGAN); /* nothing is known yet */
	display_event(shown.display, &progress, "");
	display_tick(shown.display, BEGAN + 2000000);
	display_event(shown.display, &phase, "");
	display_tick(shown.display, BEGAN + 5500000);
	display_say(shown.display, OUTCOME_ROLLED_BACK, "it did not work\n");
	end(&shown);
	assert_string_equal(shown.text,
			    "\r\033[K          write  [===>        ]  25 %  50.0 MB of 200 MB  "
			    "50.0 MB/s  4s left"
			    "\r\033[K    2.5s  watching: 1.4 passed its start probes\n"
			    "\r\033[K          watching [===>        ] 7s left"
			    "\r\033[Kit did not work\n");
	free(shown.text);
	assert_int_equal(unsetenv("NO_COLOR"), 0);
}

static void test_colours_of_the_end(void **unused)
{
	struct shown shown;

	(void)unused;
	begin(&shown, DISPLAY_TERMINAL);
	display_say(shown.display, OUTCOME_COMMITTED, "good\n  more\n");
	end(&shown);
	assert_string_equal(shown.text, "\033[1;32mgood\033[0m\n  more\n");
	free(shown.text);
}

static void what_is_left_is_said_when_it_can_be(void **unused)
{
	char text[FORMAT_MAX];

	(void)unused;
	assert_string_equal(display_left(25, 100, 10, text), "  31s left");
	assert_string_equal(display_left(0, 100, 10, text), "");
	assert_string_equal(display_left(100, 100, 10, text), "");
	assert_string_equal(display_left(50, 100, 0.5, text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bar),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_json_is_passed_on),
		cmocka_unit_test(test_live_line),
		cmocka_unit_test(what_is_left_is_said_when_it_can_be),
		cmocka_unit_test(test_colours_of_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
