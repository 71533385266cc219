/*
 * flipslot with one of its protections taken out, to see the scenarios of the field fail (tests/system/test-scenarios-control): linked
 * around the functions that protect (ld --wrap). The file /run/without names the scenario, as "s31". The program itself knows nothing
 * of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/ask.h"
#include "app/init-file.h"
#include "base/clock.h"
#include "base/text.h"
#include "deploy/data.h"
#include "deploy/epoch.h"
#include "deploy/preflight.h"
#include "deploy/reverting.h"
#include "deploy/rounds.h"
#include "deploy/shipped.h"
#include "deploy/staging.h"
#include "deploy/vacancy.h"
#include "install/scrub.h"
#include "release/pieces.h"
#include "store/checked.h"
#include "store/durable.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/sweep.h"
#include "transfer/retry.h"
#include "unit/cgroup.h"
#include "unit/exec.h"
#include "unit/job.h"
#include "unit/proof.h"
#include "unit/unit.h"

#define PATIENCE_USEC (1500 * USEC_PER_MSEC)

static char without[16];

__attribute__((constructor)) static void read_orders(void)
{
	FILE *file = fopen("/run/without", "re");

	if (!file)
		return;
	if (!fgets(without, sizeof(without), file))
		without[0] = '\0';
	without[strcspn(without, "\n")] = '\0';
	(void)fclose(file);
}

static bool is(const char *scenario)
{
	return strcmp(without, scenario) == 0;
}

#define WRAP(type, name, ...)            \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

static void begin_worker(void)
{
	if (fork() != 0)
		return;
	(void)setsid();
	(void)execl("/proc/self/exe", "flipslot", "run", "gateway", NULL);
	_exit(127);
}

/* S1, S4: the worker is a child of who asks, in the same cgroup. */
WRAP(int, job_start_and_forget, struct manager *manager, const char *unit, struct error *err)
{
	static bool started;

	if ((!is("s1") && !is("s4")) || strncmp(unit, "flipslot@", 9) != 0)
		return __real_job_start_and_forget(manager, unit, err);
	if (!started)
		begin_worker();
	started = true;
	return 0;
}

/* S5: what was asked for is under way. S17: and needs no manager. */
WRAP(int, ask_worker, const char *app, int dirfd, const struct request *request, int interrupt_fd,
     struct state *ret_state, struct error *err)
{
	struct request timed = *request;
	int r;

	if (!is("s5") && !is("s17"))
		return __real_ask_worker(app, dirfd, request, interrupt_fd, ret_state, err);
	timed.expires = clock_monotonic_usec() + ASK_PATIENCE_USEC;
	r = request_store(dirfd, &timed, err);
	if (r < 0)
		return r;
	if (is("s17"))
		begin_worker();
	else
		(void)ask_start_worker(app, NULL);
	*ret_state = (struct state){ .accepted = true };
	ret_state->transaction.verb = request->verb;
	(void)text_copy(request->id, ret_state->transaction.id, sizeof(request->id));
	return 0;
}

WRAP(int, preflight_give_up, const struct error *why, struct preflight *ret_preflight)
{
	if (!is("s17"))
		return __real_preflight_give_up(why, ret_preflight);
	*ret_preflight = (struct preflight){};
	return 0;
}

/* S3, S26: from there on no intent is recorded before the act. */
WRAP(int, state_store, int dirfd, const struct state *state, struct error *err)
{
	if ((is("s3") && state->phase == PHASE_SWITCHING) ||
	    (is("s26") && state->phase == PHASE_REVERTING))
		return 0;
	return __real_state_store(dirfd, state, err);
}

/* S6, S20, S32: what is slow has failed. */
WRAP(int, job_wait, struct job *job, int fd, uint64_t timeout_usec, enum job_result *ret_result,
     struct error *err)
{
	int r = __real_job_wait(job, fd, timeout_usec, ret_result, err);

	if (r != JOB_PENDING || (!is("s6") && !is("s20") && !is("s32")) ||
	    clock_monotonic_usec() - job_began(job) < PATIENCE_USEC / 2)
		return r;
	*ret_result = JOB_RESULT_TIMEOUT;
	return 0;
}

/* S7: what runs is replaced where it is. */
WRAP(int, staging_run, struct session *session, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;

	if (is("s7"))
		transaction->target = transaction->origin;
	return __real_staging_run(session, err);
}

/* S22: what was installed last is what runs, so the other slot is garbage. */
WRAP(int, layout_current, int dirfd, enum slot *ret_slot, struct error *err)
{
	struct state state;

	if (!is("s22") || state_load(dirfd, &state, NULL) != 0 || state.phase != PHASE_IDLE ||
	    state.transaction.outcome != OUTCOME_ROLLED_BACK)
		return __real_layout_current(dirfd, ret_slot, err);
	*ret_slot = state.transaction.target;
	return 0;
}

/* S7, S22: nobody looks at `current` again before a slot is emptied. */
WRAP(int, layout_clear_slot, int dirfd, enum slot slot, struct error *err)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!is("s7") && !is("s22"))
		return __real_layout_clear_slot(dirfd, slot, err);
	r = durable_remove(dirfd, slot_seal_name(slot), err);
	if (r == 0)
		r = layout_open_slot(dirfd, slot, &fd, err);
	return r < 0 ? r : sweep_directory(fd, err);
}

/* S24: what was there is kept, beside the slot. */
static void keep_backup(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	char backup[40], to[sizeof(backup) + sizeof(((struct dirent *)NULL)->d_name) + 1];
	const struct dirent *entry;

	(void)snprintf(backup, sizeof(backup), "../backup-%llu",
		       (unsigned long long)clock_realtime_usec());
	if (!dir || mkdirat(fd, backup, 0755) < 0)
		return;
	while ((entry = readdir(dir))) {
		(void)snprintf(to, sizeof(to), "%s/%s", backup, entry->d_name);
		(void)renameat(fd, entry->d_name, fd, to);
	}
	(void)closedir(dir);
}

WRAP(int, sweep_directory, int fd, struct error *err)
{
	if (is("s24"))
		keep_backup(fd);
	return __real_sweep_directory(fd, err);
}

/* S32: what dies has died of itself. */
WRAP(int, vacancy_wait, struct session *session, struct error *err)
{
	return is("s32_port") ? 0 : __real_vacancy_wait(session, err);
}

/* S8: what was started is what runs. */
WRAP(int, proof_find, const struct unit *unit, const char *slot_path, const char *other_path,
     const char *current_path, struct proof_verdict *ret_verdict, struct error *err)
{
	int r = __real_proof_find(unit, slot_path, other_path, current_path, ret_verdict, err);

	if (is("s8")) {
		ret_verdict->proof = PROOF_WEAK;
		ret_verdict->other_slot = false;
	}
	return r;
}

/* S9: nobody looks at ExecStart=. */
WRAP(bool, exec_goes_through, const struct unit *unit, const char *current_path)
{
	return is("s9") || __real_exec_goes_through(unit, current_path);
}

/* S10: a file of that name is ours to write. */
WRAP(int, init_file_compare, struct init_file *file, bool force, struct error *err)
{
	return __real_init_file_compare(file, force || is("s10"), err);
}

/* S11: nor at other managers. */
WRAP(int, cgroup_find_in_user_managers, const char *unit, const char *owner,
     enum cgroup_found *ret_found, char *ret_who, size_t room, struct error *err)
{
	*ret_found = CGROUP_OF_NOBODY;
	return is("s11") ? 0 :
			   __real_cgroup_find_in_user_managers(unit, owner, ret_found, ret_who,
							       room, err);
}

/* S13: code is all there is. */
WRAP(int, data_restore, struct session *session, struct error *err)
{
	return is("s13_kept") ? 0 : __real_data_restore(session, err);
}

WRAP(bool, epoch_bars, int dirfd, enum slot from, enum slot to, char *ret_why, size_t room)
{
	return !is("s13") && __real_epoch_bars(dirfd, from, to, ret_why, room);
}

/* S12, S16: systemd's own restarts are nobody's business. */
static void hide_restarts(struct unit *unit)
{
	unit->restarts = 0;
	if (strncmp(unit->sub_state, "auto-restart", strlen("auto-restart")) == 0) {
		(void)text_copy("activating", unit->active_state, sizeof(unit->active_state));
		(void)text_copy("start", unit->sub_state, sizeof(unit->sub_state));
	}
	memset(unit->invocation, 'a', sizeof(unit->invocation) - 1);
}

/* S19: who has left with 0 has not failed. */
static void hide_exit(struct unit *unit)
{
	if (strcmp(unit->active_state, "inactive") == 0)
		(void)text_copy("active", unit->active_state, sizeof(unit->active_state));
}

/* S15: what the service says of its start does not count. */
WRAP(int, unit_query, struct manager *manager, const char *name, struct unit *ret_unit,
     struct error *err)
{
	int r = __real_unit_query(manager, name, ret_unit, err);

	if (r >= 0 && (is("s12") || is("s16")))
		hide_restarts(ret_unit);
	if (r >= 0 && is("s19"))
		hide_exit(ret_unit);
	if (r >= 0 && is("s15")) {
		ret_unit->start_timeout_usec = USEC_INFINITY;
		ret_unit->status_text[0] = '\0';
	}
	return r;
}

/* S2: variables tell who is inside. */
WRAP(bool, cgroup_is_own, const char *control_group)
{
	return is("s2") ? getenv("INVOCATION_ID") != NULL : __real_cgroup_is_own(control_group);
}

/* S14: there is room. */
WRAP(int, fstatvfs, int fd, struct statvfs *buf)
{
	int r = __real_fstatvfs(fd, buf);

	if (r == 0 && is("s14"))
		buf->f_bavail = buf->f_bfree = UINT32_MAX;
	return r;
}

/* S18: what is asked for is done, whatever is there. */
WRAP(int, scrub_slot, int dirfd, enum slot slot, scrub_finding finding, pieces_progress progress,
     void *data, uint64_t *ret_differences, struct error *err)
{
	int r = __real_scrub_slot(dirfd, slot, finding, progress, data, ret_differences, err);

	if (is("s18"))
		*ret_differences = 1;
	return r;
}

/* S25: a file is what it is. */
WRAP(int, pieces_new, int fd, const struct digest *expected, uint64_t max_bytes,
     pieces_progress progress, void *data, struct pieces **ret_pieces, struct error *err)
{
	return __real_pieces_new(fd, is("s25") ? NULL : expected, max_bytes, progress, data,
				 ret_pieces, err);
}

/* S21: a file is the lock. */
WRAP(int, lock_take, int dirfd, const char *name, int *ret_fd, struct error *err)
{
	struct stat st;

	if (is("s21") && fstatat(dirfd, name, &st, 0) == 0 && st.st_size > 0)
		return LOCK_TAKEN;
	return __real_lock_take(dirfd, name, ret_fd, err);
}

/* S23: a rollback is done, and nobody looks again. */
WRAP(int, reverting_reassert, struct session *session, struct error *err)
{
	return is("s23") ? 0 : __real_reverting_reassert(session, err);
}

/* S27: what systemd has read of units stays as it is. */
WRAP(int, shipped_reload, struct session *session, struct error *err)
{
	return is("s27") ? 0 : __real_shipped_reload(session, err);
}

/* S28: every probe is about this release. */
WRAP(int, rounds_new, struct rounds **ret_rounds, const struct deploy_options *options,
     const struct judge_options *judge, struct error *err)
{
	for (size_t i = 0; is("s28") && i < options->n_probes; i++)
		options->probes[i].external = false;
	return __real_rounds_new(ret_rounds, options, judge, err);
}

/* S29: whatever failed is tried again at once, and nobody remembers having asked. */
WRAP(bool, retry_decide, const struct retry_policy *policy, unsigned int attempt,
     const struct retry_failure *failure, uint64_t seed, uint64_t *ret_delay_usec)
{
	if (!is("s29"))
		return __real_retry_decide(policy, attempt, failure, seed, ret_delay_usec);
	*ret_delay_usec = 20 * USEC_PER_MSEC;
	return attempt < 50;
}

WRAP(int, checked_load, int dirfd, struct checked *ret_checked, struct error *err)
{
	int r = __real_checked_load(dirfd, ret_checked, err);

	if (is("s29"))
		ret_checked->when = 0;
	return r;
}

/* S30: what is written takes new blocks, as anywhere else. */
WRAP(int, durable_overwrite, int fd, const void *data, size_t size, off_t offset, struct error *err)
{
	_cleanup_close_ int new_fd = -1;
	char block[16384];

	memset(block, 'x', sizeof(block));
	if (is("s30")) {
		new_fd = open("/var/lib/flipslot", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (new_fd < 0 || write(new_fd, block, sizeof(block)) != sizeof(block) ||
		    fsync(new_fd) < 0)
			return error_code(err, -ENOSPC, "writing");
	}
	return __real_durable_overwrite(fd, data, size, offset, err);
}

/* S31: the failed state stays as it is. */
WRAP(int, unit_reset_failed, struct manager *manager, const char *name, struct error *err)
{
	return is("s31") ? 0 : __real_unit_reset_failed(manager, name, err);
}
