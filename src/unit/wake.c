#include "unit/wake.h"

#include <stdio.h>

#include "base/clock.h"

static int make_call(struct manager *manager, const char *timer, const char *service,
		     const char *unit, uint64_t realtime_usec, sd_bus_message **ret_call)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	char when[32];
	int r;

	(void)snprintf(when, sizeof(when), "@%llu",
		       (realtime_usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
	r = sd_bus_message_new_method_call(manager_bus(manager), &call, MANAGER_SERVICE,
					   MANAGER_PATH, MANAGER_INTERFACE, "StartTransientUnit");
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", timer, "replace");
	if (r >= 0)
		r = sd_bus_message_append(call, "a(sv)", 4, "Description", "s",
					  "flipslot: goes on when its time has come",
					  "TimersCalendar", "a(ss)", 1, "OnCalendar", when,
					  "AccuracyUSec", "t", USEC_PER_SEC, "RemainAfterElapse",
					  "b", 0);
	/* such a timer starts the service of its own name, which must run something */
	if (r >= 0)
		r = sd_bus_message_append(call, "a(sa(sv))", 1, service, 5, "Description", "s",
					  "flipslot: starts what waits for its time", "Type", "s",
					  "oneshot", "CollectMode", "s", "inactive-or-failed",
					  "Wants", "as", 1, unit, "ExecStart", "a(sasb)", 1,
					  "/bin/true", 1, "true", 0);
	if (r < 0)
		return r;
	*ret_call = TAKE_PTR(call);
	return 0;
}

int wake_at(struct manager *manager, const char *name, const char *unit, uint64_t realtime_usec,
	    struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	unsigned long long seconds = realtime_usec / USEC_PER_SEC;
	char timer[256], service[256];
	int r;

	/* the time is in the name: another time is another timer, and an old one does no harm */
	(void)snprintf(timer, sizeof(timer), "%.200s-%llu.timer", name, seconds);
	(void)snprintf(service, sizeof(service), "%.200s-%llu.service", name, seconds);
	r = make_call(manager, timer, service, unit, realtime_usec, &call);
	if (r >= 0)
		r = sd_bus_call(manager_bus(manager), call, MANAGER_CALL_TIMEOUT_USEC, &bus_error,
				NULL);
	if (r >= 0 || sd_bus_error_has_name(&bus_error, "org.freedesktop.systemd1.UnitExists"))
		return 0;
	return manager_error(&bus_error, r, err, "setting the timer %s", timer);
}
