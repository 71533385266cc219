#include "deploy/landlord.h"

#include <string.h>

#include "unit/job.h"
#include "unit/unit.h"

static int start(const struct owner *owner, const char *name, struct manager *system, int wake_fd,
		 struct error *err)
{
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result = JOB_RESULT_OTHER;
	int r = job_new(system, JOB_START, name, &job, err);

	if (r < 0)
		return r;
	r = job_wait(job, wake_fd, LANDLORD_START_USEC, &result, err);
	if (r < 0)
		return r;
	if (r == JOB_PENDING)
		return error_set(err, FAULT_UNIT,
				 "the systemd of user %s is still starting: `systemctl status %s`",
				 owner->name, name);
	if (result != JOB_RESULT_DONE)
		return error_set(err, FAULT_UNIT,
				 "the systemd of user %s did not start (%s): `systemctl status %s`",
				 owner->name, job_result_name(result), name);
	return 0;
}

int landlord_start(const char *user, struct manager *system, int wake_fd, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	char name[OWNER_UNIT_MAX];
	struct owner owner;
	int r = owner_find(user, &owner, err);

	if (r < 0)
		return r;
	r = unit_query(system, owner_unit(&owner, name), &unit, err);
	if (r < 0 || strcmp(unit.active_state, "active") == 0)
		return r;
	if (!owner_lingers(&owner))
		return error_set(
			err, FAULT_UNIT,
			"user %s is not logged in and does not linger, so there is no systemd "
			"that could run the service: `loginctl enable-linger %s`",
			owner.name, owner.name);
	return start(&owner, name, system, wake_fd, err);
}

int landlord_check(const char *user, struct error *err)
{
	struct owner owner;
	int r = owner_find(user, &owner, err);

	if (r < 0)
		return r;
	return owner_lingers(&owner) ? 0 : LANDLORD_LEAVES;
}
