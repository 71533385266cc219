#include "app/errand.h"
#include "app/verbs.h"
#include "base/parse.h"
#include "base/text.h"

/* A time, or a span from now on. */
static int parse_until(const char *text, uint64_t *ret_until, struct error *err)
{
	uint64_t now = clock_realtime_usec();
	uint64_t until, span;

	if (clock_parse(text, &until, NULL) < 0) {
		if (parse_span(text, &span, NULL) < 0)
			return error_set(
				err, FAULT_CONFIG,
				"--until: a time like \"2026-11-23 21:34\" or a span like 2h");
		if (span == USEC_INFINITY) {
			*ret_until = 0;
			return 0;
		}
		until = span > USEC_INFINITY / 2 ? USEC_INFINITY / 2 : now + span;
	}
	if (until <= now)
		return error_set(err, FAULT_CONFIG, "--until: that time has passed");
	*ret_until = until;
	return 0;
}

int verb_hold(const struct cli_verb *verb, int argc, char **argv)
{
	const char *why = NULL, *until = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "why", '\0', "TEXT", "the reason, shown by status (must be given)",
		  .text = &why },
		{ "until", '\0', "TIME",
		  "\"2026-11-23 21:34\", or a span: 2h; otherwise until unhold", .text = &until },
		{ "json", '\0', NULL, "print the event as a line of JSON", .flag = &json },
		{},
	};
	struct request request = { .verb = VERB_HOLD, .slot = SLOT_NONE };
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (!why || !why[0])
		return cli_refuse(verb, "--why is missing: who finds the hold will want to know");
	if (until && parse_until(until, &request.until, &err) < 0)
		return cli_refuse(verb, "%s", err.text);
	(void)text_copy(why, request.why, sizeof(request.why));
	return errand_run(&(struct errand){ .verb = verb, .app = operands[0], .json = json },
			  &request);
}
