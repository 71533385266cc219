#include "app/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cli.h"
#include "base/scope.h"
#include "base/text.h"
#include "store/layout.h"
#include "store/lock.h"
#include "unit/job.h"
#include "unit/unit.h"

#define POLL_USEC (50 * USEC_PER_MSEC)
#define START_USEC \
	USEC_PER_SEC /* the worker's unit is asked for again: it may have been just ending */
#define ENDS_MAX  3 /* so often it is found dead before it is given up */
#define LOCK_USEC (2 * USEC_PER_SEC)
#define TURN_USEC (10 * USEC_PER_SEC) /* for another caller's request to be answered */

static const char no_answer[] = "the worker did not answer within 30s: see %s -u %s";

char *ask_who(const char *sudo_user, unsigned int uid, char ret_who[static STATE_WHO_MAX])
{
	struct passwd entry, *user = NULL;
	char name[40], buffer[4096];

	if (sudo_user && sudo_user[0]) {
		(void)text_escape(sudo_user, strlen(sudo_user), name, sizeof(name));
		(void)snprintf(ret_who, STATE_WHO_MAX, "%s by sudo", name);
		return ret_who;
	}
	if (getpwuid_r((uid_t)uid, &entry, buffer, sizeof(buffer), &user) == 0 && user)
		(void)text_escape(user->pw_name, strlen(user->pw_name), name, sizeof(name));
	(void)snprintf(ret_who, STATE_WHO_MAX, user ? "%s (uid %u)" : "%suid %u", user ? name : "",
		       uid);
	return ret_who;
}

int ask_prepare(struct request *request, struct error *err)
{
	int r;

	r = request_new_id(request->id, err);
	if (r < 0)
		return r;
	r = clock_boot_id(request->boot_id, err);
	if (r < 0)
		return r;
	(void)ask_who(getenv("SUDO_USER"), (unsigned int)getuid(), request->who);
	return 0;
}

static int start_worker(struct manager *manager, const char *app, struct error *err)
{
	char unit[CLI_UNIT_MAX];

	return job_start_and_forget(manager, cli_worker_unit(app, unit), err);
}

int ask_start_worker(const char *app, struct error *err)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	int r;

	r = manager_open(&manager, err);
	if (r < 0)
		return r;
	return start_worker(manager, app, err);
}

/* > 0: ASK_INTERRUPTED */
static int pause_a_little(int interrupt_fd)
{
	struct pollfd poll_fd = { .fd = interrupt_fd, .events = POLLIN };

	return poll(&poll_fd, 1, (int)(POLL_USEC / USEC_PER_MSEC)) > 0 ? ASK_INTERRUPTED : 0;
}

static int lock_requests(int dirfd, int *ret_lock_fd, struct error *err)
{
	int r = request_lock(dirfd, LOCK_USEC, ret_lock_fd, err);

	if (r == LOCK_TAKEN)
		return error_set(err, FAULT_BUSY,
				 "another command holds the request file; try again");
	return r;
}

/* > 0: ASK_DAMAGED, and the worker makes a new one when it starts. */
enum { ASK_DAMAGED = 1 };
static int load_state(int dirfd, struct state *ret_state, struct error *err)
{
	struct error why = {};
	int r = state_load(dirfd, ret_state, &why);

	if (r >= 0)
		return 0;
	return why.fault == FAULT_CORRUPT ? ASK_DAMAGED : error_set(err, why.fault, "%s", why.text);
}

/* Does somebody else's request still wait for its answer? */
static int is_turn_of_another(int dirfd, const struct request *mine, struct request *ret_other,
			      struct error *err)
{
	struct error why = {};
	struct state state;
	int r;

	r = request_load(dirfd, ret_other, &why);
	if (r != 0) /* damaged: ours is written over it */
		return r > 0 || why.fault == FAULT_CORRUPT ?
			       0 :
			       error_set(err, why.fault, "%s", why.text);
	if (request_is_expired(ret_other, mine->boot_id, clock_monotonic_usec()))
		return 0;
	r = load_state(dirfd, &state, err);
	if (r != 0)
		return r < 0 ? r : 0;
	return strcmp(state.answered, ret_other->id) != 0;
}

/* One try at writing the request. > 0: another one waits for its answer. */
static int try_to_post(int dirfd, const struct request *request, struct request *ret_other,
		       struct error *err)
{
	_cleanup_close_ int lock_fd = -1;
	struct request timed = *request;
	int r;

	r = lock_requests(dirfd, &lock_fd, err);
	if (r < 0)
		return r;
	r = is_turn_of_another(dirfd, request, ret_other, err);
	if (r != 0)
		return r;
	timed.expires = clock_monotonic_usec() + ASK_PATIENCE_USEC;
	return request_store(dirfd, &timed, err);
}

static int post(int dirfd, const struct request *request, int interrupt_fd, struct error *err)
{
	uint64_t deadline = clock_monotonic_usec() + TURN_USEC;
	struct request other;
	int r;

	while ((r = try_to_post(dirfd, request, &other, err)) > 0) {
		if (clock_monotonic_usec() > deadline)
			return error_set(
				err, FAULT_BUSY,
				"the %s of %s still waits for the worker's answer; try again",
				verb_name(other.verb), other.who);
		if (pause_a_little(interrupt_fd) == ASK_INTERRUPTED)
			return ASK_INTERRUPTED;
	}
	return r;
}

/* An answer that came at the last moment counts. Errors are the caller's to tell; this is on the way out. */
static void withdraw(int dirfd, const struct request *request)
{
	_cleanup_close_ int lock_fd = -1;
	struct request now;

	if (lock_requests(dirfd, &lock_fd, NULL) < 0)
		return;
	if (request_load(dirfd, &now, NULL) != 0 || strcmp(now.id, request->id) != 0)
		return;
	now.verb = VERB_NONE;
	(void)request_store(dirfd, &now, NULL);
}

static int is_answered(int dirfd, const struct request *request, struct state *ret_state,
		       struct error *err)
{
	int r = load_state(dirfd, ret_state, err);

	if (r != 0)
		return r < 0 ? r : 0;
	return strcmp(ret_state->answered, request->id) == 0;
}

static enum fault fault_of_exit(const struct unit *unit)
{
	for (enum fault fault = FAULT_NETWORK; fault < FAULT_MAX; fault++)
		if (unit->exec_main_status == fault_exit_status(fault))
			return fault;
	return FAULT_INTERNAL;
}

/* Has it ended, since `begin`, without having come to the request? *ret_why says why. */
static bool worker_has_ended(struct manager *manager, const char *app, uint64_t begin,
			     struct error *ret_why)
{
	_cleanup_unit_ struct unit unit = {};
	char name[CLI_UNIT_MAX], text[ERROR_TEXT_MAX / 2];

	if (unit_query(manager, cli_worker_unit(app, name), &unit, NULL) < 0 ||
	    (unit.inactive_exit_usec < begin && unit.restarts == 0))
		return false;
	if (strcmp(unit.active_state, "failed") != 0 &&
	    (!unit_is_looping(&unit) || !unit.status_text[0])) /* or just being started again */
		return false;
	if (unit.status_text[0])
		(void)text_escape(unit.status_text, strlen(unit.status_text), text, sizeof(text));
	else
		(void)unit_explain(&unit, text, sizeof(text));
	(void)error_set(ret_why, fault_of_exit(&unit),
			"the worker of %s ended at once: %s (%s -u %s)", app, text,
			scope_journalctl(), name);
	return true;
}

/* Keeps the worker's unit asked for until there is an answer. > 0: answered; 0: not in time, or interrupted. */
static int wait_for_answer(struct manager *manager, const char *app, int dirfd,
			   const struct request *request, int interrupt_fd, struct state *ret_state,
			   struct error *err)
{
	uint64_t begin = clock_monotonic_usec();
	uint64_t next_start = begin;
	unsigned int ends = 0;
	struct error why = {};
	uint64_t now;
	int r;

	while ((now = clock_monotonic_usec()) < begin + ASK_PATIENCE_USEC) {
		if (now >= next_start) {
			ends += now >= begin + START_USEC &&
				worker_has_ended(manager, app, begin, &why);
			if (ends == ENDS_MAX)
				return error_set(err, why.fault, "%s", why.text);
			r = start_worker(manager, app, err);
			if (r < 0)
				return r;
			next_start = now + START_USEC;
		}
		r = is_answered(dirfd, request, ret_state, err);
		if (r != 0)
			return r;
		if (pause_a_little(interrupt_fd) == ASK_INTERRUPTED)
			return 0;
	}
	return 0;
}

/* A service's own sandbox may keep its "update now" button from writing anything. */
static int check_writable(const char *app, int dirfd, struct error *err)
{
	if (faccessat(dirfd, LAYOUT_REQUEST, W_OK, AT_EACCESS) == 0 || errno != EROFS)
		return 0;
	return error_set(err, FAULT_CONFIG,
			 "asking the worker of %s: its file request is read-only here, as under "
			 "ProtectSystem=strict: give the calling unit "
			 "ReadWritePaths=" CONFIG_ROOT "/%s/request, or call "
			 "systemd-run --pipe --wait flipslot …",
			 app, app);
}

int ask_check_seen(const char *path, const char *root, struct error *err)
{
	_cleanup_free_ char *there = NULL;
	struct stat ours, theirs;

	if (stat(path, &ours) < 0 || faccessat(AT_FDCWD, root, X_OK, 0) < 0)
		return 0; /* others say so, or nobody knows */
	if (asprintf(&there, "%s%s", root, path) < 0)
		return error_errno(err, "looking for %s", path);
	if (stat(there, &theirs) == 0 && theirs.st_dev == ours.st_dev &&
	    theirs.st_ino == ours.st_ino)
		return 0;
	return error_set(err, FAULT_CONFIG,
			 "the worker does not see %s: this command has files of its own there, as "
			 "under PrivateTmp=: put it where both look, below /var/lib say",
			 path);
}

/* The worker makes the file anew if somebody has removed it. That it does not is for who writes to it to tell. */
static int await_request(struct manager *manager, const char *app, int dirfd, int interrupt_fd,
			 struct error *err)
{
	uint64_t deadline = clock_monotonic_usec() + TURN_USEC;
	int r = 0;

	if (faccessat(dirfd, LAYOUT_REQUEST, F_OK, AT_EACCESS) < 0 && errno == ENOENT)
		r = start_worker(manager, app, err);
	while (r == 0 && faccessat(dirfd, LAYOUT_REQUEST, F_OK, AT_EACCESS) < 0 &&
	       errno == ENOENT && clock_monotonic_usec() < deadline)
		r = pause_a_little(interrupt_fd);
	return r;
}

int ask_worker(const char *app, int dirfd, const struct request *request, int interrupt_fd,
	       struct state *ret_state, struct error *err)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	char unit[CLI_UNIT_MAX];
	int r, answered;

	r = manager_open(&manager, err);
	if (r < 0)
		return r;
	r = check_writable(app, dirfd, err);
	if (r == 0)
		r = await_request(manager, app, dirfd, interrupt_fd, err);
	if (r != 0)
		return r;
	r = post(dirfd, request, interrupt_fd, err);
	if (r < 0)
		return error_prefix(err, r, "asking the worker of %s", app);
	if (r > 0)
		return r;
	answered = wait_for_answer(manager, app, dirfd, request, interrupt_fd, ret_state, err);
	if (answered > 0)
		return 0;
	withdraw(dirfd, request);
	if (is_answered(dirfd, request, ret_state, NULL) > 0)
		return 0;
	if (answered < 0)
		return answered;
	if (pause_a_little(interrupt_fd) == ASK_INTERRUPTED)
		return ASK_INTERRUPTED;
	return error_set(err, FAULT_BUSY, no_answer, scope_journalctl(),
			 cli_worker_unit(app, unit));
}
