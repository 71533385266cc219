#include "deploy/helpers.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/spawn.h"
#include "base/text.h"
#include "unit/job.h"
#include "unit/unit.h"

#define HAIL_MSEC	 1000
#define AGAIN_MSEC	 250
#define PATIENCE_USEC	 (10 * USEC_PER_SEC)
#define FIRST_PAUSE_USEC USEC_PER_SEC /* a spawner that was killed is there again before that */
#define LAST_PAUSE_USEC	 (16 * USEC_PER_SEC)

static void name_unit(const char *app, const char *kind, char ret_name[static UNIT_NAME_MAX])
{
	(void)snprintf(ret_name, UNIT_NAME_MAX, "flipslot-helper@%s.%s", app, kind);
}

/* The service goes first: a socket does not open while what is behind it runs. */
static int bring_back(struct manager *manager, const char *app, struct error *err)
{
	char service[UNIT_NAME_MAX], opening[UNIT_NAME_MAX];
	int r;

	name_unit(app, "service", service);
	name_unit(app, "socket", opening);
	r = job_forget(manager, JOB_STOP, service, err);
	if (r >= 0)
		r = unit_reset_failed(manager, service, err);
	if (r >= 0)
		r = unit_reset_failed(manager, opening, err);
	return r < 0 ? r : job_forget(manager, JOB_RESTART, opening, err);
}

int helpers_mend(const char *app, struct error *err)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	int r;

	if (!spawn_is_through())
		return 0;
	r = manager_open(&manager, err); /* the system's, whosever the service is */
	return r < 0 ? r : bring_back(manager, app, err);
}

void helpers_care(struct helpers_care *care, const char *app)
{
	uint64_t now = clock_monotonic_usec();
	struct error why = {};

	if (care->pause == 0) {
		care->pause = FIRST_PAUSE_USEC;
		care->next = now + care->pause;
	}
	if (now < care->next)
		return;
	if (care->pause < LAST_PAUSE_USEC)
		care->pause *= 2;
	care->next = now + care->pause;
	care->why[0] = '\0';
	if (helpers_mend(app, &why) < 0)
		(void)text_copy(why.text, care->why, sizeof(care->why));
}

static bool are_needed(const struct deploy_options *options)
{
	for (size_t i = 0; i < options->n_probes; i++)
		if (!probe_is_of_unit(options->probes[i].kind))
			return true;
	return options->check;
}

/* > 0: away, as why says. */
enum { AWAY = 1 };
static int check(const char *app, uint64_t patience_usec, struct error *why)
{
	uint64_t end = clock_monotonic_usec() + patience_usec;
	struct helpers_care care = {};
	int r;

	for (;;) {
		r = spawn_hail(HAIL_MSEC, why);
		if (r <= 0)
			return r;
		if (clock_monotonic_usec() >= end)
			break;
		helpers_care(&care, app);
		(void)poll(NULL, 0, AGAIN_MSEC);
	}
	if (care.why[0])
		(void)text_copy(care.why, why->text, sizeof(why->text));
	return AWAY;
}

int helpers_preflight(const struct deploy_options *options, const struct preflight_input *input,
		      struct preflight *preflight, struct error *err)
{
	bool in_haste = input->attended_override;
	struct error why = {};
	int r;

	if (input->target == SLOT_NONE || !are_needed(options))
		return 0;
	r = check(options->app, in_haste ? HELPERS_HASTE_USEC : PATIENCE_USEC, &why);
	if (r < 0)
		return error_set(err, why.fault, "%s", why.text);
	if (r == 0)
		return 0;
	if (in_haste)
		(void)text_print(preflight->warning, sizeof(preflight->warning),
				 "nobody can ask the probes: %.300s", why.text);
	else
		preflight_complain(
			preflight, FAULT_UNIT,
			"nobody can ask the probes: %.300s; `flipslot doctor %s` says what to do",
			why.text, options->app);
	return 0;
}
