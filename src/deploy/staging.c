#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/scope.h"
#include "base/text.h"
#include "deploy/accord.h"
#include "deploy/ending.h"
#include "deploy/preflight.h"
#include "deploy/staging.h"
#include "deploy/switching.h"
#include "deploy/update.h"
#include "install/scrub.h"
#include "unit/unit.h"

/* A complete slot is there already when the last worker died between the seal and the state. */
static bool is_staged_already(const struct session *session)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct descriptor descriptor;

	return seal_peek(session->dirfd, transaction->target, &descriptor, NULL) == 0 &&
	       !digest_is_null(&transaction->source_digest) &&
	       digest_equal(&descriptor.source, &transaction->source_digest) &&
	       strcmp(descriptor.version, transaction->release.version) == 0 &&
	       descriptor.installed >= transaction->began;
}

static int on_read(void *data, uint64_t done, uint64_t total, struct error *err)
{
	return watcher_progress(data, STAGE_VERIFY, done, total, err);
}

static int is_up(struct session *session, bool *ret_up, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	int r = session_query(session, &unit, err);

	if (r < 0)
		return r;
	*ret_up = unit_is_running(&unit);
	return 0;
}

/* The same archive, under the same version, is what is known good and current. */
static bool is_current_already(const struct session *session)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct descriptor descriptor;

	return transaction->origin != SLOT_NONE &&
	       seal_peek(session->dirfd, transaction->origin, &descriptor, NULL) == 0 &&
	       !digest_is_null(&transaction->source_digest) &&
	       digest_equal(&descriptor.source, &transaction->source_digest) &&
	       strcmp(descriptor.version, transaction->release.version) == 0 &&
	       digest_equal(&descriptor.index, &session->state.good.digest);
}

/* Nothing to do: it is current, it is up, and every byte is still what was installed, as far as it can be read. */
static int is_running_already(struct watcher *watcher, bool *ret_running, struct error *err)
{
	struct session *session = watcher->session;
	uint64_t differences = 0;
	bool up = false;
	int r;

	*ret_running = false;
	if (!is_current_already(session))
		return 0;
	r = is_up(session, &up, err);
	if (r < 0 || !up)
		return r;
	r = scrub_slot(session->dirfd, session->state.transaction.origin, NULL, on_read, watcher,
		       &differences, NULL);
	if (r < 0 && (session->stop || session->state.phase != session->working))
		return r;
	*ret_running = r == 0 && differences == 0;
	return 0;
}

static int open_source(const char *path, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, FAULT_CONFIG, "%s is not there any more", path);
	if (fd < 0)
		return error_errno(err, "opening %s", path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "opening %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, FAULT_CONFIG, "%s is not a regular file", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/*
 * With --trust-me nobody said the digest: it is what the first read finds, and holds from then on, also
 * after a restart. Without it a digest of zeroes is none, and staging refuses.
 */
static int find_digest(struct watcher *watcher, struct error *err)
{
	struct session *session = watcher->session;
	struct state_transaction *transaction = &session->state.transaction;
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!transaction->trust_me || !digest_is_null(&transaction->source_digest))
		return 0;
	r = open_source(transaction->source, &fd, err);
	if (r < 0)
		return r;
	r = pieces_new(fd, NULL, session->options->stage.max_archive_bytes, on_read, watcher,
		       &pieces, err);
	if (r < 0)
		return r;
	transaction->source_digest = *pieces_digest(pieces);
	return session_store(session, err);
}

static int stage(struct watcher *watcher, struct descriptor *ret_descriptor, struct error *err)
{
	const struct session *session = watcher->session;
	const struct state_transaction *transaction = &session->state.transaction;
	const struct stage_listener listener = { .progress = watcher_progress, .data = watcher };
	struct stage_options options = session->options->stage;
	struct descriptor descriptor = { .source = transaction->source_digest,
					 .epoch = transaction->epoch };
	_cleanup_close_ int fd = -1;
	int r;

	r = open_source(transaction->source, &fd, err);
	if (r < 0)
		return r;
	options.archive.strip_components = transaction->strip_components;
	descriptor.origin = transaction->trust_me  ? ORIGIN_TRUST_ME :
			    transaction->signer[0] ? ORIGIN_MINISIGN :
						     ORIGIN_SIDELOAD;
	(void)text_copy(transaction->signer, descriptor.signer, sizeof(descriptor.signer));
	(void)text_copy(session->options->app, descriptor.app, sizeof(descriptor.app));
	(void)text_copy(transaction->release.version, descriptor.version,
			sizeof(descriptor.version));
	r = stage_archive(session->dirfd, transaction->target, fd, &options, &listener, &descriptor,
			  err);
	if (r < 0)
		return r;
	watcher->session->built = true;
	*ret_descriptor = descriptor;
	return 0;
}

/*
 * What the slot, or the network, stood in the way of is `failed`; what was found out before the slot was
 * touched is `refused`.
 */
static int end_badly(struct session *session, const struct watcher *watcher,
		     const struct error *cause, struct error *err)
{
	bool again = session->state.transaction.attempts > 0; /* it had been all right before */
	bool failed = watcher->touched || again || cause->fault == FAULT_NETWORK;

	if (session->stop || session->state.phase != session->working)
		return 0;
	return ending_end(session, failed ? OUTCOME_FAILED : OUTCOME_REFUSED, cause->fault,
			  cause->text, err);
}

static int take_over(struct session *session, const struct descriptor *descriptor,
		     struct error *err)
{
	session->state.transaction.release.digest = descriptor->index;
	return session_enter(session, MACHINE_STAGED, err);
}

static int end_untouched(struct session *session, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	char reason[STATE_REASON_MAX];
	struct group group;
	int r = accord_note(session, GROUP_PASSED, &group, err);

	if (r < 0)
		return r;
	transaction->release.digest = session->state.good.digest;
	(void)snprintf(reason, sizeof(reason),
		       "%s runs already and is known good: nothing was touched",
		       transaction->release.version);
	return ending_commit(session, reason, err);
}

/* MaxBytesPerDay= is used up: the transaction stays as it is, and the timer's worker goes on with it another day. */
static int wait_for_tomorrow(struct session *session, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;

	transaction->attempts = 0;
	session->stop = true;
	(void)snprintf(transaction->reason, sizeof(transaction->reason),
		       "MaxBytesPerDay= is used up: it goes on tomorrow");
	session_tell(session, EVENT_NOTE, FAULT_NONE, "%s (`flipslot cancel %s` ends it)",
		     transaction->reason, session->options->app);
	return session_store(session, err);
}

/* Whoever asks for what is current already, is not told that all is well when nothing runs. */
static int require_up(struct session *session, struct error *err)
{
	const char *unit = session->options->unit;
	char systemctl[SCOPE_COMMAND_MAX];
	bool up;
	int r = is_up(session, &up, err);

	if (r < 0 || up)
		return r;
	return error_set(err, FAULT_UNIT,
			 "%s is current and known good, but %s does not run: %s start %s",
			 session->state.transaction.release.version, unit,
			 scope_systemctl_of(session->options->user, systemctl), unit);
}

static int run_update(struct watcher *watcher, struct error *err)
{
	struct session *session = watcher->session;
	struct error cause = {};
	int r;

	r = update_stage(watcher, &cause);
	if (r == UPDATE_NOTHING && require_up(session, &cause) < 0)
		return end_badly(session, watcher, &cause, err);
	if (r < 0 && watcher->exhausted)
		return wait_for_tomorrow(session, err);
	if (r < 0)
		return end_badly(session, watcher, &cause, err);
	if (r == UPDATE_NOTHING)
		return end_untouched(session, err);
	return session_enter(session, MACHINE_STAGED, err);
}

static int run_install(struct watcher *watcher, struct error *err)
{
	struct session *session = watcher->session;
	struct descriptor descriptor;
	struct error cause = {};
	bool running;
	int r;

	r = find_digest(watcher, &cause);
	if (r >= 0)
		r = is_running_already(watcher, &running, &cause);
	if (r < 0)
		return end_badly(session, watcher, &cause, err);
	if (running)
		return end_untouched(session, err);
	if (is_staged_already(session) &&
	    seal_peek(session->dirfd, session->state.transaction.target, &descriptor, err) == 0)
		return take_over(session, &descriptor, err);
	r = stage(watcher, &descriptor, &cause);
	if (r < 0)
		return end_badly(session, watcher, &cause, err);
	return take_over(session, &descriptor, err);
}

static int run(struct watcher *watcher, struct error *err)
{
	struct session *session = watcher->session;
	bool go;
	int r = switching_preflight(session, SLOT_NONE, &go, err);

	if (r < 0 || !go)
		return r;
	return session->state.transaction.verb == VERB_UPDATE ? run_update(watcher, err) :
								run_install(watcher, err);
}

int staging_run(struct session *session, struct error *err)
{
	struct watcher watcher = { .session = session, .step = STAGE_VERIFY };
	int r;

	session->state.transaction.reason[0] = '\0';
	r = accord_join(session, err);
	if (r != 0)
		return r < 0 ? r : 0;
	/* it gets ready while the machine is looked at */
	if (session->state.transaction.verb == VERB_UPDATE)
		session_open_fetcher(session);
	r = run(&watcher, err);
	session_drop_fetcher(session);
	return r;
}
