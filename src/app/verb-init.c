#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask.h"
#include "app/display.h"
#include "app/init.h"
#include "app/verbs.h"

#define DRAW_USEC (100 * USEC_PER_MSEC)

/* The copy of --adopt, shown like the staging of a release; on stderr, since stdout says what was written. */
struct copying {
	struct display *display;
	uint64_t began, drawn;
};

static int show_progress(void *data, enum stage_step step, uint64_t done, uint64_t total,
			 struct error *err)
{
	struct copying *copying = data;
	uint64_t now = clock_realtime_usec();

	(void)err;
	if (now < copying->drawn + DRAW_USEC)
		return 0;
	copying->drawn = now;
	display_event(copying->display,
		      &(struct event_line){ .kind = EVENT_PROGRESS,
					    .phase = PHASE_STAGING,
					    .time = now,
					    .began = copying->began,
					    .step = step,
					    .done = done,
					    .total = total },
		      "");
	display_tick(copying->display, now);
	return 0;
}

static int initialise(const struct init_options *given, struct error *err)
{
	_cleanup_(display_freep) struct display *display = NULL;
	struct copying copying = { .began = clock_realtime_usec() };
	const struct stage_listener listener = { .progress = show_progress, .data = &copying };
	struct init_options init = *given;
	_cleanup_free_ char *adopt = NULL;
	char who[STATE_WHO_MAX];
	int r;

	if (init.adopt) {
		adopt = realpath(init.adopt, NULL);
		if (!adopt)
			return error_set(err, FAULT_CONFIG, "--adopt %s: %s", init.adopt,
					 strerrordesc_np(errno));
		init.adopt = adopt;
	}
	r = display_new(stderr, display_style_of(stderr, false), 0, &display, err);
	if (r < 0)
		return r;
	copying.display = display;
	init.listener = &listener;
	init.who = ask_who(getenv("SUDO_USER"), (unsigned int)getuid(), who);
	return init_run(&init, stdout, err);
}

int verb_init(const struct cli_verb *verb, int argc, char **argv)
{
	struct init_options init = {};
	const struct cli_option options[] = {
		{ "unit", 'u', "UNIT", "the service's unit (must be given)", .text = &init.unit },
		{ "scope", '\0', "SCOPE", "user:NAME: it is a unit of that user's own manager",
		  .text = &init.scope },
		{ "root", '\0', "DIR", "the app's directory, " CONFIG_ROOT "/APP otherwise",
		  .text = &init.root },
		{ "adopt", '\0', "DIR", "copy what is installed there as the first release",
		  .text = &init.adopt },
		{ "version", 'V', "V", "what that release is called", .text = &init.version },
		{ "exec-start", '\0', "LINE", "the unit's new ExecStart=, through `current`",
		  .text = &init.exec_start },
		{ "probe-http", '\0', "URL", "a probe: this must answer 200 to 299",
		  .text = &init.probe_http },
		{ "probe-tcp", '\0', "HOST:PORT", "a probe: this must accept connections",
		  .text = &init.probe_tcp },
		{ "watch", '\0', "SPAN", "probation after a switch, like 2min",
		  .text = &init.watch },
		{ "no-timer", '\0', NULL, "leave flipslot@APP.timer off, which looks once an hour",
		  .flag = &init.no_timer },
		{ "dry-run", 'n', NULL, "show what would be written, write nothing",
		  .flag = &init.dry_run },
		{ "force", '\0', NULL, "overwrite files that say something else",
		  .flag = &init.force },
		{},
	};
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (!init.unit)
		return cli_refuse(verb, "--unit is missing: which unit runs %s?", operands[0]);
	r = init.dry_run ? CLI_GO : cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	init.app = operands[0];
	return initialise(&init, &err) < 0 ? cli_fail(&err) : 0;
}
