#include "app/init-enable.h"

#include <stdio.h>
#include <string.h>

#include "unit/job.h"
#include "unit/unit.h"

char *init_enable_timer_name(const char *app, char ret_unit[static INIT_TIMER_MAX])
{
	(void)snprintf(ret_unit, INIT_TIMER_MAX, "flipslot@%s.timer", app);
	return ret_unit;
}

static int enable_unit(struct manager *manager, const char *name, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	int r = manager_call(manager, MANAGER_PATH, MANAGER_INTERFACE, "EnableUnitFiles",
			     &bus_error, NULL, "asbb", 1, name, 0, 0);

	return r < 0 ? manager_error(&bus_error, r, err, "enabling %s", name) : 0;
}

int init_enable_units(struct init_enable *enable, struct manager *manager, const char *app,
		      bool with_timer, struct text *todo, struct error *err)
{
	_cleanup_unit_ struct unit recover = {};
	char timer[INIT_TIMER_MAX];
	int r = unit_query(manager, INIT_RECOVER_UNIT, &recover, err);

	if (r < 0)
		return r;
	if (strcmp(recover.load_state, "loaded") != 0) {
		text_add(todo,
			 "- The units of flipslot itself are not installed (%s: %s): make "
			 "install.\n",
			 INIT_RECOVER_UNIT, recover.load_state);
		return 0;
	}
	r = enable_unit(manager, INIT_RECOVER_UNIT, err);
	if (r < 0)
		return r;
	enable->recover = true;
	if (!with_timer)
		return 0;
	r = enable_unit(manager, init_enable_timer_name(app, timer), err);
	enable->timer = r == 0;
	return r;
}

int init_enable_start(const struct init_enable *enable, struct manager *manager, const char *app,
		      struct error *err)
{
	char timer[INIT_TIMER_MAX];

	if (!enable->timer)
		return 0;
	return job_start_and_forget(manager, init_enable_timer_name(app, timer), err);
}
