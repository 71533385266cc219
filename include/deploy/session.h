/*
 * One worker at work on one app: the lock it holds, the state as it is on disk, the ways to hear of
 * requests and to tell of events. Only the modules of deploy see it.
 */
#pragma once

#include <limits.h>

#include "deploy/event.h"
#include "deploy/machine.h"
#include "deploy/options.h"
#include "store/checked.h"
#include "store/request.h"
#include "transfer/fetcher.h"
#include "unit/manager.h"
#include "unit/occupant.h"
#include "unit/ports.h"
#include "unit/unit.h"

#define SESSION_PATH_MAX 4096

/* What deploy/vacancy knows. */
struct session_vacancy {
	struct ports
		ports; /* of the release before; of a unit that was down, what probes ask and somebody else held */
	bool was_up; /* they are the release's */
	uint64_t end; /* monotonic, of waiting for them; 0: not begun */
	bool reverting; /* for which direction that is */
	uint16_t port; /* that was waited for last */
	uint64_t waited; /* usec */
	struct occupant
		holder; /* who had it at the last look, and is not the release; pid 0: nobody */
	bool is_told; /* that a process left behind is ended */
};

struct session {
	const struct deploy_options *options;
	const struct event_listener *listener;
	int dirfd; /* the app's directory */
	int lock_fd;
	int request_fd; /* inotify on the request file */
	int stop_fd; /* borrowed; -1: none */
	int wake_fd; /* epoll over both */
	struct fetcher *
		fetcher; /* between session_open_fetcher and session_drop_fetcher; otherwise NULL */
	struct manager *manager; /* NULL until session_manager */
	struct manager *own; /* NULL until session_own_manager, and where it is the same */
	struct state state; /* as it is on disk */
	char boot_id[CLOCK_BOOT_ID_MAX];
	char current_path[SESSION_PATH_MAX];
	char slot_path[SLOT_MAX][SESSION_PATH_MAX];
	bool state_lost; /* both state records were damaged, or gone: state is empty */
	bool repointed; /* `current` was put right: what systemd knows of units in the release may be old */
	bool stop; /* let go, the transaction stays as it is */
	enum phase working; /* the phase whose step runs: a request may move the state on under it */
	struct checked checked; /* as of the last look at the source */
	char check_id[STATE_ID_MAX]; /* a check was asked for; empty: none */
	bool built; /* the target slot of the transaction was built by this worker */
	bool served; /* a request was accepted by this worker */
	unsigned int imprinted; /* how often this worker has put back the unit's files */
	uint64_t job_began; /* monotonic, of the job that started the trial; 0: not by this worker */
	struct session_vacancy vacancy;
	uint64_t looked; /* monotonic, at the record of the group */
	uint64_t told; /* monotonic, of the last EVENT_PROGRESS */
};

/* > 0: SESSION_LOCKED, somebody else works on the app. The session must be closed in any case. */
enum { SESSION_LOCKED = 1 };
int session_open(struct session *session, const struct deploy_options *options,
		 const struct event_listener *listener, int stop_fd, struct error *err);
void session_close(struct session *session);

/*
 * The manager that has the unit, connected at the first call and again after session_drop_manager. That of another user
 * (Scope=user:NAME) is started first if it should be there.
 */
int session_manager(struct session *session, struct manager **ret_manager, struct error *err);
void session_drop_manager(struct session *session);

/* What that manager says of the app's unit. */
int session_query(struct session *session, struct unit *ret_unit, struct error *err);

/* The manager that has this worker and its timers: of the scope, never another user's. */
int session_own_manager(struct session *session, struct manager **ret_manager, struct error *err);

/*
 * A fetch helper that all of an update's steps share; a start of one takes longer than most of what it is asked for. If there
 * is none to be had, the steps find out for themselves.
 */
void session_open_fetcher(struct session *session);
void session_drop_fetcher(struct session *session);

/* The shared one, or one of the caller's own, which is in *ret_own, too. */
int session_fetcher(const struct session *session, struct fetcher **ret_own,
		    struct fetcher **ret_fetcher, struct error *err);

/* Does the machine, or the manager, go down? Then nobody is judged: *ret_stopping, and the session lets go. */
int session_look_for_shutdown(struct session *session, bool *ret_stopping, struct error *err);

/* Writes session->state. */
int session_store(struct session *session, struct error *err);

/* Why the transaction waits: on disk, for those who ask, and told once. */
int session_note_waiting(struct session *session, const char *why, struct error *err);

/* Goes through the machine: sets phase and its times, writes the state. *ret_told is what to tell of it. */
int session_advance(struct session *session, enum machine_event event, struct event *ret_told,
		    struct error *err);

/* The same, and tells of it at once. */
int session_enter(struct session *session, enum machine_event event, struct error *err);

/* The verdict fell: keeps fault and reason in the state, then REVERTING. */
int session_condemn(struct session *session, enum fault fault, const char *reason,
		    struct error *err);

/* Absolute path of a slot. */
const char *session_slot_path(const struct session *session, enum slot slot);

void session_tell(const struct session *session, enum event_kind kind, enum fault fault,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));
void session_tell_event(const struct session *session, struct event event);
