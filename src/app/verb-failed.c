#include <stdio.h>

#include "app/ask.h"
#include "app/metrics.h"
#include "app/report.h"
#include "app/verbs.h"
#include "deploy/alert.h"
#include "store/layout.h"
#include "store/lock.h"

/*
 * The state as it is when no worker is at work. > 0: one is. The lock is given back before anybody is
 * started, who would find it taken.
 */
static int load_idle_state(int dirfd, struct state *ret_state, struct error *err)
{
	_cleanup_close_ int lock_fd = -1;
	int r;

	r = lock_take(dirfd, LAYOUT_LOCK, &lock_fd, err);
	if (r < 0)
		return r;
	if (r == LOCK_TAKEN)
		return LOCK_TAKEN;
	r = state_load(dirfd, ret_state, err);
	return r < 0 ? r : 0;
}

static int alert(const struct config *config, int dirfd, const struct state *state,
		 struct error *err)
{
	const struct deploy_options *deploy = config_deploy(config);
	_cleanup_(manager_freep) struct manager *manager = NULL;
	struct outbox_entry entry;
	int r;

	if (deploy->n_alerts == 0)
		return 0;
	r = alert_of_late_failure(state, config_unit(config), &entry, err);
	if (r == 0)
		r = alert_enqueue(dirfd, deploy->alerts, deploy->n_alerts, &entry, err);
	if (r == ALERT_DROPPED)
		report_alert(deploy->app, config_unit(config), REPORT_ALERT_DROPPED, &entry,
			     ALERT_DROPPED_TEXT);
	if (r < 0 || !alert_waits(dirfd))
		return r;
	r = manager_open(&manager, err);
	return r < 0 ? r : alert_wake(manager, deploy->app, err);
}

static int look(const char *app, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	struct state state;
	int r;

	r = cli_open(app, &config, &dirfd, err);
	if (r < 0)
		return r;
	r = load_idle_state(dirfd, &state, err);
	if (r < 0)
		return r;
	if (r > 0) {
		printf("%s: a worker is at work and judges by itself\n", app);
		return 0;
	}
	if (state.phase != PHASE_IDLE) {
		printf("%s: %s while %s; its worker is started\n", app, config_unit(config),
		       phase_name(state.phase));
		return ask_start_worker(app, err);
	}
	r = alert(config, dirfd, &state, err);
	report_late_failure(app, config_unit(config), &state);
	(void)metrics_write(config, NULL); /* the worker complains */
	return r;
}

int verb_failed(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	return look(operands[0], &err) < 0 ? cli_fail(&err) : 0;
}
