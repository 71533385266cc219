#include "deploy/accord.h"

#include <string.h>

#include "base/text.h"
#include "deploy/ending.h"
#include "deploy/mailbox.h"

#define LOOK_PERIOD_USEC (300 * USEC_PER_MSEC)

/* The record, opened and, for who wants to write, locked. */
struct record {
	int dirfd, lock_fd;
	struct group group;
};

static void record_done(struct record *record)
{
	cleanup_close(&record->lock_fd);
	cleanup_close(&record->dirfd);
}

bool accord_is_bound(const struct session *session)
{
	return session->state.transaction.group[0] != '\0';
}

/* A record of another round says nothing of ours: then it is for none. */
static void lose(struct group *group)
{
	*group = (struct group){ .verdict = GROUP_NONE, .fault = FAULT_BUSY };
	(void)text_copy("its record is of another round", group->reason, sizeof(group->reason));
}

static int open_record(const struct session *session, bool lock, struct record *ret_record,
		       struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct group *group = &ret_record->group;
	int r;

	*ret_record = (struct record){ .dirfd = -1, .lock_fd = -1 };
	r = group_open_dir(session->options->groups, transaction->group, &ret_record->dirfd, err);
	if (r == 0 && lock)
		r = group_lock(ret_record->dirfd, &ret_record->lock_fd, err);
	if (r == 0)
		r = group_load(ret_record->dirfd, group, err);
	if (r < 0)
		return r;
	if (r > 0 || strcmp(group->round, transaction->round) != 0 ||
	    !group_find(group, session->options->app))
		lose(group);
	return 0;
}

int accord_note(struct session *session, enum group_step step, struct group *ret_group,
		struct error *err)
{
	_cleanup_(record_done) struct record record = { .dirfd = -1, .lock_fd = -1 };
	int r;

	if (!accord_is_bound(session))
		return 0;
	r = open_record(session, true, &record, err);
	if (r >= 0 && group_advance(&record.group, session->options->app, step))
		r = group_store(record.dirfd, &record.group, err);
	/* commit point of the group, where this was the last one to pass */
	if (r < 0)
		return r;
	*ret_group = record.group;
	return 0;
}

static int veto_of(struct session *session, const char *culprit, enum fault fault,
		   const char *reason, struct error *err)
{
	_cleanup_(record_done) struct record record = { .dirfd = -1, .lock_fd = -1 };
	int r;

	r = open_record(session, true, &record, err);
	if (r < 0)
		return r;
	if (group_veto(&record.group, culprit, fault, reason))
		return group_store(record.dirfd, &record.group, err);
	return record.group.verdict == GROUP_ALL ? ACCORD_ALL : 0;
}

int accord_veto(struct session *session, enum fault fault, const char *reason, struct error *err)
{
	if (!accord_is_bound(session))
		return 0;
	return veto_of(session, session->options->app, fault, reason, err);
}

/* "group shop: web: HTTP 500 …" */
static void explain(const struct session *session, const struct group *group, char *ret_text,
		    size_t room)
{
	(void)text_print(ret_text, room, "group %s: %s%s%s", session->state.transaction.group,
			 group->culprit, group->culprit[0] ? ": " : "", group->reason);
}

int accord_join(struct session *session, struct error *err)
{
	char reason[STATE_REASON_MAX];
	struct group group;
	int r;

	if (!accord_is_bound(session))
		return 0;
	r = accord_note(session, GROUP_JOINED, &group, err);
	if (r < 0 || group.verdict != GROUP_NONE)
		return r;
	explain(session, &group, reason, sizeof(reason));
	r = ending_end(session, OUTCOME_REFUSED, group.fault, reason, err);
	return r < 0 ? r : ACCORD_ENDED;
}

/* ---- waiting ---- */

/* Why it waits is on disk, for those who ask. */
static int note_waiting(struct session *session, const struct group *group, struct error *err)
{
	const struct group_member *behind = NULL;
	char why[STATE_REASON_MAX];

	for (enum group_step step = GROUP_STAGED; !behind && step <= GROUP_PASSED; step++)
		behind = group_find_behind(group, step);
	if (!behind)
		return 0;
	(void)snprintf(why, sizeof(why), "waits for group %s: %s is %s",
		       session->state.transaction.group, behind->app,
		       group_step_name(behind->step));
	return session_note_waiting(session, why, err);
}

/* Who was never asked, or cannot answer, keeps the others waiting for a while only. */
static int look_for_absent(struct session *session, const struct group *group, struct error *err)
{
	const struct group_member *absent = group_find_behind(group, GROUP_JOINED);
	uint64_t now = clock_realtime_usec();
	int r;

	if (!absent || now < group->began || now - group->began < GROUP_JOIN_USEC)
		return 0;
	r = veto_of(session, absent->app, FAULT_BUSY, "it did not take part within 10min", err);
	return r < 0 ? r : 0;
}

int accord_wait_for_turn(struct session *session, struct error *err)
{
	struct group group;
	int r;

	if (!accord_is_bound(session))
		return 0;
	r = accord_note(session, GROUP_STAGED, &group, err);
	if (r < 0 || group_may_switch(&group, session->options->app))
		return r;
	while (r == 0 && !group_may_switch(&group, session->options->app)) {
		r = note_waiting(session, &group, err);
		if (r >= 0)
			r = look_for_absent(session, &group, err);
		if (r >= 0)
			r = mailbox_pause(session, LOOK_PERIOD_USEC, err);
		if (r == 0)
			r = accord_note(session, GROUP_STAGED, &group, err);
	}
	return r < 0 ? r : ACCORD_WAIT;
}

int accord_pass(struct session *session, struct error *err)
{
	struct group group;
	int r;

	if (!accord_is_bound(session))
		return 0;
	r = accord_note(session, GROUP_PASSED, &group, err);
	if (r < 0 || group.verdict == GROUP_ALL)
		return r;
	r = note_waiting(session, &group, err);
	return r < 0 ? r : ACCORD_WAIT;
}

/* ---- the others ---- */

int accord_look(struct session *session, struct error *err)
{
	_cleanup_(record_done) struct record record = { .dirfd = -1, .lock_fd = -1 };
	enum phase phase = session->state.phase;
	uint64_t now = clock_monotonic_usec();
	char reason[STATE_REASON_MAX];
	int r;

	if (!accord_is_bound(session) || phase == PHASE_IDLE || phase == PHASE_REVERTING ||
	    now - session->looked < LOOK_PERIOD_USEC)
		return 0;
	session->looked = now;
	r = open_record(session, false, &record, err);
	if (r < 0 || record.group.verdict != GROUP_NONE)
		return r;
	explain(session, &record.group, reason, sizeof(reason));
	if (phase == PHASE_STAGING || phase == PHASE_STAGED)
		return ending_end(session, OUTCOME_FAILED, record.group.fault, reason, err);
	return session_condemn(session, record.group.fault, reason, err);
}

int accord_resume(struct session *session, enum resume_verdict *verdict, char *reason, size_t room,
		  struct error *err)
{
	_cleanup_(record_done) struct record record = { .dirfd = -1, .lock_fd = -1 };
	enum phase phase = session->state.phase;
	int r;

	if (!accord_is_bound(session) || phase == PHASE_REVERTING)
		return 0;
	if (*verdict != RESUME_GO_ON) {
		r = accord_veto(session, FAULT_UNHEALTHY, reason, err);
		if (r == ACCORD_ALL)
			*verdict = RESUME_GO_ON;
		return r < 0 ? r : 0;
	}
	r = open_record(session, false, &record, err);
	if (r < 0 || record.group.verdict != GROUP_NONE)
		return r;
	explain(session, &record.group, reason, room);
	*verdict = phase == PHASE_STAGING || phase == PHASE_STAGED ? RESUME_FAIL : RESUME_REVERT;
	return 0;
}

bool accord_is_spared(const struct session *session)
{
	_cleanup_(record_done) struct record record = { .dirfd = -1, .lock_fd = -1 };

	return accord_is_bound(session) && open_record(session, false, &record, NULL) >= 0 &&
	       record.group.verdict == GROUP_NONE && record.group.culprit[0] &&
	       strcmp(record.group.culprit, session->options->app) != 0;
}
