#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/ask.h"
#include "app/look.h"
#include "app/status-json.h"
#include "app/verbs.h"
#include "base/scope.h"
#include "store/checked.h"

#define LOOK_USEC (50 * USEC_PER_MSEC)
#define PATIENCE_USEC \
	(600 * USEC_PER_SEC) /* a bad network: the fetches have deadlines of their own */

/* The worker has the request; what it finds stands in the file `checked` under the request's id. */
static int await(int dirfd, const char *id, struct checked *ret_checked, struct error *err)
{
	uint64_t end = clock_monotonic_usec() + PATIENCE_USEC;

	while (clock_monotonic_usec() < end) {
		int r = checked_load(dirfd, ret_checked, err);

		if (r < 0)
			return r;
		if (strcmp(ret_checked->id, id) == 0)
			return 0;
		(void)usleep(LOOK_USEC);
	}
	return error_set(err, FAULT_BUSY, "no answer from the worker: %s -u 'flipslot@*'",
			 scope_journalctl());
}

static int ask(const char *app, struct checked *ret_checked, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct request request = { .verb = VERB_CHECK, .slot = SLOT_NONE };
	_cleanup_close_ int dirfd = -1;
	struct state state;
	int r;

	r = cli_load(app, &config, err);
	if (r >= 0 && !config_deploy(config)->source.url)
		return error_set(err, FAULT_CONFIG,
				 "%s has no source: flipslot source %s URL --root-json FILE", app,
				 app);
	if (r >= 0)
		r = config_open_root(config, &dirfd, err);
	if (r >= 0)
		r = ask_prepare(&request, err);
	if (r >= 0)
		r = ask_worker(app, dirfd, &request, -1, &state, err);
	if (r < 0)
		return r;
	if (!state.accepted)
		return error_set(err, FAULT_BUSY, "%s", state.answer);
	return await(dirfd, request.id, ret_checked, err);
}

static void print_text(const char *app, const struct checked *checked)
{
	char text[LOOK_MAX];

	printf("%s: %s\n", app, look_say(checked, app, text));
	if (checked->text[0])
		printf("  %s\n", checked->text);
}

static int print_json(const char *app, const struct checked *checked, struct error *err)
{
	return status_json_print(json_pack("{s:s,s:s,s:s,s:b,s:s,s:I,s:I}", "app", app, "fault",
					   fault_name(checked->fault), "text", checked->text,
					   "update", checked->news, "version",
					   checked->offer.version, "sequence",
					   (json_int_t)checked->offer.sequence, "checked_usec",
					   (json_int_t)checked->when),
				 err);
}

int verb_check(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print what was found as JSON", .flag = &json },
		{},
	};
	struct checked checked = {};
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	if (ask(operands[0], &checked, &err) < 0)
		return cli_fail(&err);
	if (json && print_json(operands[0], &checked, &err) < 0)
		return cli_fail(&err);
	if (checked.fault != FAULT_NONE) {
		(void)error_set(&err, checked.fault, "%s", checked.text);
		return cli_fail(&err);
	}
	if (!json)
		print_text(operands[0], &checked);
	return 0;
}
