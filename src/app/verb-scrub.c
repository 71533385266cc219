#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "app/ask.h"
#include "app/display.h"
#include "app/metrics.h"
#include "app/verbs.h"
#include "base/text.h"
#include "deploy/soundness.h"

#define DRAW_USEC (100 * USEC_PER_MSEC)
#define TOLD_USEC (15 * USEC_PER_SEC)
#define LOOK_MSEC 200

struct scrub {
	const char *app;
	bool terminal; /* progress is shown on stderr */
	uint64_t drawn;
};

static void take_finding(void *data, enum slot slot, const char *path, const char *what)
{
	const struct scrub *scrub = data;
	char shown[1024];

	if (scrub->terminal)
		(void)fputs("\r\033[K", stderr);
	printf("%s: slot %s: %s: %s\n", scrub->app, slot_name(slot),
	       text_escape(path, strlen(path), shown, sizeof(shown)), what);
}

static int show_progress(void *data, uint64_t done, uint64_t total, struct error *err)
{
	struct scrub *scrub = data;
	uint64_t now = clock_monotonic_usec();
	char bar[DISPLAY_BAR_MAX];

	(void)err;
	if (!scrub->terminal || now < scrub->drawn + DRAW_USEC)
		return 0;
	scrub->drawn = now;
	(void)fprintf(stderr, "\r\033[K  %s", display_bar(done, total, 40, bar));
	return 0;
}

/*
 * The worker tells of it, alerts, and repairs what it can. One that is just about to end does not look again, and starting it
 * changes nothing: until it is told.
 */
static int hand_over(const char *app, int dirfd, struct error *err)
{
	uint64_t end = clock_monotonic_usec() + TOLD_USEC;
	int r;

	printf("%s: the worker is started to see to it: `flipslot status %s`\n", app, app);
	(void)fflush(stdout);
	do {
		r = ask_start_worker(app, err);
		(void)poll(NULL, 0, LOOK_MSEC);
	} while (r == 0 && !soundness_is_told(dirfd) && clock_monotonic_usec() < end);
	return r;
}

/* No worker comes for slots that are whole. */
static void write_metrics(const char *app, const struct config *config)
{
	struct error why = {};

	if (metrics_write(config, &why) < 0)
		fprintf(stderr, "%s: metrics cannot be written ([Metrics] Textfile=): %s\n", app,
			why.text);
}

static int run(struct scrub *scrub, bool *ret_damaged, struct error *err)
{
	const struct soundness_listener listener = {
		.finding = take_finding,
		.progress = show_progress,
		.data = scrub,
	};
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	int r = cli_open(scrub->app, &config, &dirfd, err);

	if (r == 0)
		r = soundness_scrub(dirfd, &listener, ret_damaged, err);
	if (scrub->terminal)
		(void)fputs("\r\033[K", stderr);
	if (r < 0)
		return error_prefix(err, r, "%s", scrub->app);
	if (r == SOUNDNESS_BUSY) {
		printf("%s: a transaction is under way, or the slots are being read already: another "
		       "time\n",
		       scrub->app);
		return 0;
	}
	if (*ret_damaged)
		return hand_over(scrub->app, dirfd, err);
	printf("%s: every byte is as it was sealed\n", scrub->app);
	write_metrics(scrub->app, config);
	return 0;
}

int verb_scrub(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	struct scrub scrub = {};
	struct error err = {};
	bool damaged = false;
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	scrub.app = operands[0];
	scrub.terminal = display_style_of(stderr, false) == DISPLAY_TERMINAL;
	if (run(&scrub, &damaged, &err) < 0)
		return cli_fail(&err);
	return damaged ? fault_exit_status(FAULT_CORRUPT) : 0;
}
