#include "unit/job.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "unit/unit.h"

#define JOB_INTERFACE "org.freedesktop.systemd1.Job"
#define LOOK_PERIOD_USEC \
	(2 * USEC_PER_SEC) /* a signal may be lost while systemd is executed anew */

struct job {
	struct manager *manager;
	sd_bus_slot *slot; /* the match for JobRemoved */
	unsigned int generation; /* of the connection that the match is on */
	char *unit;
	char *path; /* of the job's object; NULL: not enqueued yet */
	uint64_t began;
	uint64_t looked; /* when it was last looked for in the queue */
	bool done;
	enum job_result result;
};

static const char *const result_names[] = {
	[JOB_RESULT_DONE] = "done",
	[JOB_RESULT_CANCELED] = "canceled",
	[JOB_RESULT_TIMEOUT] = "timeout",
	[JOB_RESULT_FAILED] = "failed",
	[JOB_RESULT_DEPENDENCY] = "dependency",
	[JOB_RESULT_SKIPPED] = "skipped",
	[JOB_RESULT_OTHER] = "other",
};

const char *job_result_name(enum job_result result)
{
	return result < JOB_RESULT_MAX ? result_names[result] : "other";
}

static enum job_result result_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(result_names); i++)
		if (strcmp(name, result_names[i]) == 0)
			return (enum job_result)i;
	return JOB_RESULT_OTHER;
}

static void finish(struct job *job, enum job_result result)
{
	job->done = true;
	job->result = result;
}

static int on_removed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
	struct job *job = userdata;
	const char *path;
	const char *unit;
	const char *result;
	uint32_t id;

	if (sd_bus_message_read(signal, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	if (!job->done && job->path && strcmp(path, job->path) == 0)
		finish(job, result_from_name(result));
	return 0;
}

/*
 * systemd forgets an inactive unit that nothing refers to, and with it how it ended. Ours stays known as
 * long as we are connected. (By the private socket it cannot be done, and without it only words are lost.)
 */
static void keep_unit(const struct job *job)
{
	(void)sd_bus_call_method_async(manager_bus(job->manager), NULL, MANAGER_SERVICE,
				       MANAGER_PATH, MANAGER_INTERFACE, "RefUnit", NULL, NULL, "s",
				       job->unit);
}

/*
 * The match is without the unit's name: the signal has its main name, and ours may be an alias. Waits for
 * the bus to confirm it, so that no signal from here on is missed.
 */
static int listen_for_result(struct job *job, struct error *err)
{
	int r = 0;

	for (int i = 0; i < 2; i++) {
		job->slot = sd_bus_slot_unref(job->slot);
		job->generation = manager_generation(job->manager);
		r = sd_bus_match_signal(manager_bus(job->manager), &job->slot, MANAGER_SERVICE,
					MANAGER_PATH, MANAGER_INTERFACE, "JobRemoved", on_removed,
					job);
		if (r >= 0)
			return 0;
		r = manager_wait(job->manager, -1, 0, err); /* comes back if it was lost */
		if (r < 0)
			return r;
	}
	return manager_error(NULL, r, err, "waiting for %s", job->unit);
}

static struct job *new_job(struct manager *manager, const char *unit)
{
	_cleanup_(job_freep) struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->manager = manager;
	job->began = clock_monotonic_usec();
	job->looked = job->began;
	job->unit = strdup(unit);
	return job->unit ? TAKE_PTR(job) : NULL;
}

static int take_path(struct job *job, sd_bus_message *reply)
{
	const char *path;
	int r = sd_bus_message_read(reply, "o", &path);

	if (r < 0)
		return r;
	job->path = strdup(path);
	keep_unit(job); /* known now, as it has a job */
	return job->path ? 0 : -ENOMEM;
}

static const struct {
	const char *method;
	const char *doing;
} types[] = {
	[JOB_START] = { "StartUnit", "starting" },
	[JOB_STOP] = { "StopUnit", "stopping" },
	[JOB_RESTART] = { "RestartUnit", "restarting" },
};

int job_new(struct manager *manager, enum job_type type, const char *unit, struct job **ret_job,
	    struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(job_freep) struct job *job = new_job(manager, unit);
	int r;

	if (!job)
		return error_code(err, -ENOMEM, "asking systemd for a job");
	r = listen_for_result(job, err);
	if (r < 0)
		return r;
	r = manager_call(manager, MANAGER_PATH, MANAGER_INTERFACE, types[type].method, &bus_error,
			 &reply, "ss", unit, "replace");
	if (r >= 0)
		r = take_path(job, reply);
	if (r < 0)
		return manager_error(&bus_error, r, err, "%s %s", types[type].doing, unit);
	*ret_job = TAKE_PTR(job);
	return 0;
}

int job_new_by_call(struct manager *manager, const char *unit, sd_bus_message *call,
		    struct job **ret_job, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(job_freep) struct job *job = new_job(manager, unit);
	int r;

	if (!job)
		return error_code(err, -ENOMEM, "asking systemd for a job");
	r = listen_for_result(job, err);
	if (r < 0)
		return r;
	r = sd_bus_call(manager_bus(manager), call, MANAGER_CALL_TIMEOUT_USEC, &bus_error, &reply);
	if (r >= 0)
		r = take_path(job, reply);
	if (r < 0)
		return manager_error(&bus_error, r, err, "starting %s", unit);
	*ret_job = TAKE_PTR(job);
	return 0;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	(void)sd_bus_slot_unref(job->slot);
	free(job->unit);
	free(job->path);
	free(job);
}

uint64_t job_began(const struct job *job)
{
	return job->began;
}

/* It ended unseen: what has come up since it began did so by it. */
static int find_result(struct job *job, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	int r = unit_query(job->manager, job->unit, &unit, err);

	if (r < 0)
		return r;
	finish(job, unit_is_running(&unit) && unit.active_enter_usec >= job->began ?
			    JOB_RESULT_DONE :
			    JOB_RESULT_OTHER);
	return 0;
}

/* Is the job still in the queue? If not, its signal is either already here or was lost. */
static int look_in_queue(struct job *job, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	int r;

	if (job->generation != manager_generation(job->manager)) {
		r = listen_for_result(job, err);
		if (r < 0)
			return r;
		keep_unit(job);
	}
	job->looked = clock_monotonic_usec();
	r = manager_call(job->manager, job->path, "org.freedesktop.DBus.Properties", "Get",
			 &bus_error, NULL, "ss", JOB_INTERFACE, "State");
	if (r >= 0)
		return 0;
	if (!sd_bus_error_has_name(&bus_error, SD_BUS_ERROR_UNKNOWN_OBJECT))
		return manager_error(&bus_error, r, err, "looking for the job of %s", job->unit);
	r = manager_wait(job->manager, -1, 0, err);
	return r < 0 || job->done ? r : find_result(job, err);
}

static int step(struct job *job, int fd, uint64_t deadline, struct error *err)
{
	uint64_t now = clock_monotonic_usec();
	uint64_t look_at = job->looked + LOOK_PERIOD_USEC;
	uint64_t until = deadline < look_at ? deadline : look_at;

	if (now >= look_at || job->generation != manager_generation(job->manager))
		return look_in_queue(job, err);
	return manager_wait(job->manager, fd, until > now ? until - now : 0, err);
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

int job_wait(struct job *job, int fd, uint64_t timeout_usec, enum job_result *ret_result,
	     struct error *err)
{
	uint64_t deadline = clock_monotonic_usec();
	int r;

	deadline = timeout_usec < USEC_INFINITY - deadline ? deadline + timeout_usec :
							     USEC_INFINITY;
	do {
		r = job->done ? 0 : step(job, fd, deadline, err);
		if (r < 0)
			return r;
		if (job->done) {
			*ret_result = job->result;
			return 0;
		}
	} while (!is_readable(fd) && clock_monotonic_usec() < deadline);
	return JOB_PENDING;
}

int job_forget(struct manager *manager, enum job_type type, const char *unit, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	int r;

	r = manager_call(manager, MANAGER_PATH, MANAGER_INTERFACE, types[type].method, &bus_error,
			 NULL, "ss", unit, "replace");
	if (r >= 0 || (type == JOB_STOP &&
		       sd_bus_error_has_name(&bus_error, "org.freedesktop.systemd1.NoSuchUnit")))
		return 0;
	return manager_error(&bus_error, r, err, "%s %s", types[type].doing, unit);
}

int job_start_and_forget(struct manager *manager, const char *unit, struct error *err)
{
	return job_forget(manager, JOB_START, unit, err);
}
