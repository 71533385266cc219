#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#include "base/fd.h"
#include "base/bulk.h"
#include "base/text.h"
#include "deploy/landlord.h"
#include "deploy/session.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/revive.h"

static int watch_requests(struct session *session, struct error *err)
{
	char path[64];

	session->request_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (session->request_fd < 0)
		return error_errno(err, "watching for requests");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/" LAYOUT_REQUEST, session->dirfd);
	if (inotify_add_watch(session->request_fd, path, IN_MODIFY | IN_CLOSE_WRITE) < 0)
		return error_errno(err, "watching %s/" LAYOUT_REQUEST, session->options->root);
	return 0;
}

static int watch_fd(int epoll_fd, int fd, struct error *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_errno(err, "waiting for events");
	return 0;
}

static int make_wake_fd(struct session *session, struct error *err)
{
	int r;

	session->wake_fd = epoll_create1(EPOLL_CLOEXEC);
	if (session->wake_fd < 0)
		return error_errno(err, "waiting for events");
	r = watch_fd(session->wake_fd, session->request_fd, err);
	if (r < 0)
		return r;
	return watch_fd(session->wake_fd, session->stop_fd, err);
}

static int make_paths(struct session *session, struct error *err)
{
	const char *root = session->options->root;

	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++) {
		int n = snprintf(session->slot_path[slot], SESSION_PATH_MAX, "%s/%s", root,
				 slot_dir_name(slot));
		if (n >= SESSION_PATH_MAX)
			return error_set(err, FAULT_CONFIG, "Root= is too long: %.60s…", root);
	}
	(void)snprintf(session->current_path, SESSION_PATH_MAX, "%s/" LAYOUT_CURRENT, root);
	return 0;
}

/* Nothing was ever stored, and yet a release is there: the file was removed, or made anew. */
static bool is_forgotten(const struct session *session)
{
	const struct state *state = &session->state;
	enum slot current = SLOT_NONE;

	return state->phase == PHASE_IDLE && !state->transaction.id[0] && !state->answered[0] &&
	       digest_is_null(&state->good.digest) &&
	       layout_current(session->dirfd, &current, NULL) == 0;
}

/* Damaged beyond its spare, or gone, the state starts anew; resume_settle mends it from the seals. */
static int load_state(struct session *session, struct error *err)
{
	struct error damage = {};
	int r = state_load(session->dirfd, &session->state, &damage);

	if (r < 0 && damage.fault != FAULT_CORRUPT)
		return error_set(err, damage.fault, "%s", damage.text);
	if (r < 0) {
		session->state = (struct state){ .phase = PHASE_IDLE };
		session->state_lost = true;
		session_tell(session, EVENT_WARNING, FAULT_CORRUPT, "%s", damage.text);
	} else if (r == STATE_TORN) {
		session_tell(
			session, EVENT_WARNING, FAULT_CORRUPT,
			"the newest state record of %s is damaged; the one before it was taken",
			session->options->app);
	}
	session->state_lost = session->state_lost || is_forgotten(session);
	return 0;
}

int session_open(struct session *session, const struct deploy_options *options,
		 const struct event_listener *listener, int stop_fd, struct error *err)
{
	int r;

	*session = (struct session){
		.options = options,
		.listener = listener,
		.dirfd = -1,
		.lock_fd = -1,
		.request_fd = -1,
		.stop_fd = stop_fd,
		.wake_fd = -1,
	};
	r = make_paths(session, err);
	if (r < 0)
		return r;
	r = clock_boot_id(session->boot_id, err);
	if (r < 0)
		return r;
	r = fd_open_dir(AT_FDCWD, options->root, &session->dirfd, err);
	if (r == 0)
		bulk_settle(session->dirfd);
	if (r < 0)
		return error_prefix(err, r, "%s (was `flipslot init %s` run?)", options->app,
				    options->app);
	r = revive_lock(session->dirfd, err);
	if (r == 0)
		r = lock_take(session->dirfd, LAYOUT_LOCK, &session->lock_fd, err);
	if (r < 0)
		return r;
	if (r == LOCK_TAKEN)
		return SESSION_LOCKED;
	r = layout_tidy(session->dirfd, err);
	if (r == 0)
		r = revive_files(session->dirfd, err);
	if (r < 0)
		return r;
	r = load_state(session, err);
	if (r < 0)
		return r;
	r = watch_requests(session, err);
	if (r < 0)
		return r;
	return make_wake_fd(session, err);
}

void session_open_fetcher(struct session *session)
{
	const struct deploy_options *options = session->options;

	if (!session->fetcher && options->source.url)
		(void)fetcher_new(options->helper, &options->source.fetch, &session->fetcher, NULL);
}

void session_drop_fetcher(struct session *session)
{
	fetcher_free(TAKE_PTR(session->fetcher));
}

int session_fetcher(const struct session *session, struct fetcher **ret_own,
		    struct fetcher **ret_fetcher, struct error *err)
{
	const struct deploy_options *options = session->options;
	int r = 0;

	if (!session->fetcher)
		r = fetcher_new(options->helper, &options->source.fetch, ret_own, err);
	if (r == 0)
		*ret_fetcher = session->fetcher ? session->fetcher : *ret_own;
	return r;
}

void session_close(struct session *session)
{
	session_drop_fetcher(session);
	cleanup_close(&session->wake_fd);
	cleanup_close(&session->request_fd);
	manager_free(session->manager);
	manager_free(session->own);
	cleanup_close(&session->lock_fd);
	bulk_settle(-1);
	cleanup_close(&session->dirfd);
}

int session_own_manager(struct session *session, struct manager **ret_manager, struct error *err)
{
	if (!session->options->user)
		return session_manager(session, ret_manager, err);
	if (!session->own) {
		int r = manager_open(&session->own, err);

		if (r < 0)
			return r;
	}
	*ret_manager = session->own;
	return 0;
}

/* At boot the worker may be there first; and a manager that has ended takes the service with it. */
static int open_owner(struct session *session, struct error *err)
{
	struct manager *own;
	int r = session_own_manager(session, &own, err);

	if (r < 0)
		return r;
	r = landlord_start(session->options->user, own, session->wake_fd, err);
	if (r < 0)
		return r;
	return manager_open_of(session->options->user, &session->manager, err);
}

int session_manager(struct session *session, struct manager **ret_manager, struct error *err)
{
	int r = 0;

	if (!session->manager && session->options->user)
		r = open_owner(session, err);
	else if (!session->manager)
		r = manager_open(&session->manager, err);
	if (r < 0)
		return r;
	*ret_manager = session->manager;
	return 0;
}

void session_drop_manager(struct session *session)
{
	manager_free(session->manager);
	session->manager = NULL;
}

int session_query(struct session *session, struct unit *ret_unit, struct error *err)
{
	struct manager *manager;
	int r = session_manager(session, &manager, err);

	return r < 0 ? r : unit_query(manager, session->options->unit, ret_unit, err);
}

int session_look_for_shutdown(struct session *session, bool *ret_stopping, struct error *err)
{
	struct manager *manager;
	int r = session_manager(session, &manager, err);

	if (r == 0)
		r = manager_is_stopping(manager, ret_stopping, err);
	if (r == 0 && *ret_stopping)
		session->stop = true;
	return r;
}

int session_store(struct session *session, struct error *err)
{
	int r = state_store(session->dirfd, &session->state, err);

	if (r < 0)
		return error_prefix(err, r, "writing the state of %s", session->options->app);
	return 0;
}

int session_note_waiting(struct session *session, const char *why, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;

	if (strcmp(transaction->reason, why) == 0)
		return 0;
	(void)text_copy(why, transaction->reason, sizeof(transaction->reason));
	session_tell(session, EVENT_NOTE, FAULT_NONE, "%s", why);
	return session_store(session, err);
}

int session_advance(struct session *session, enum machine_event event, struct event *ret_told,
		    struct error *err)
{
	struct state *state = &session->state;
	struct state_transaction *transaction = &state->transaction;
	struct event told = { .kind = EVENT_PHASE, .from = state->phase };
	enum phase next = machine_next(state->phase, event);
	uint64_t now = clock_realtime_usec();
	int r;

	assert(next != PHASE_MAX);
	if (state->phase != PHASE_IDLE && now > transaction->phase_began)
		told.duration_usec = now - transaction->phase_began;
	state->phase = next;
	transaction->phase_began = now;
	transaction->phase_began_monotonic = clock_monotonic_usec();
	transaction->attempts = 0;
	(void)text_copy(session->boot_id, transaction->boot_id, sizeof(transaction->boot_id));
	r = session_store(session, err);
	if (r < 0)
		return r;
	*ret_told = told;
	return 0;
}

int session_enter(struct session *session, enum machine_event event, struct error *err)
{
	struct event told;
	int r;

	r = session_advance(session, event, &told, err);
	if (r < 0)
		return r;
	session_tell_event(session, told);
	return 0;
}

int session_condemn(struct session *session, enum fault fault, const char *reason,
		    struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;

	transaction->fault = fault;
	(void)text_copy(reason, transaction->reason, sizeof(transaction->reason));
	return session_enter(session, MACHINE_BAD, err);
}

const char *session_slot_path(const struct session *session, enum slot slot)
{
	assert(slot == SLOT_A || slot == SLOT_B);
	return session->slot_path[slot];
}

void session_tell_event(const struct session *session, struct event event)
{
	event.app = session->options->app;
	event.unit = session->options->unit;
	event.state = &session->state;
	session->listener->handle(session->listener->data, &event);
}

void session_tell(const struct session *session, enum event_kind kind, enum fault fault,
		  const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)text_hide_logins(text);
	session_tell_event(session, (struct event){ .kind = kind, .fault = fault, .text = text });
}
