/*
 * The order, and what a crash leaves:
 *
 *     the slot is filled and sealed	`current` does not name it: the next run clears it
 *     the state says: known good	the same
 *     `current` names the slot		commit point: the next run finds it done
 *     the history gets its entry	else the worker or the next run writes it
 */
#include "app/init-adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "store/history.h"
#include "store/layout.h"
#include "store/request.h"

#define DEFAULT_VERSION "adopted"

void init_adopt_done(struct init_adopt *adopt)
{
	free(adopt->dir);
	if (adopt->fd >= 0)
		(void)close(adopt->fd);
	*adopt = (struct init_adopt)INIT_ADOPT_NONE;
}

static bool is_below(const char *path, const char *dir)
{
	size_t size = strlen(dir);

	return strncmp(path, dir, size) == 0 && (path[size] == '/' || !path[size]);
}

/* Is it the slot that runs, which has lost its seal? It is copied into the other one. */
static bool is_unsealed_current(const char *real, const char *root, int dirfd)
{
	struct descriptor descriptor;
	size_t size = strlen(root);
	enum slot slot;

	return dirfd >= 0 && layout_current(dirfd, &slot, NULL) == 0 && real[size] == '/' &&
	       strcmp(real + size + 1, slot_dir_name(slot)) == 0 &&
	       seal_peek(dirfd, slot, &descriptor, NULL) == SEAL_ABSENT;
}

/* Keeps the name that the person used: the unit may name the directory by the same link. */
static int open_source(struct init_adopt *adopt, const char *dir, const char *root, int dirfd,
		       struct error *err)
{
	_cleanup_free_ char *real = realpath(dir, NULL);
	size_t size = strlen(dir);

	if (dir[0] != '/')
		return error_set(err, FAULT_CONFIG, "--adopt %s: not an absolute path", dir);
	if (!real)
		return error_set(err, FAULT_CONFIG, "--adopt %s: %s", dir, strerrordesc_np(errno));
	if ((is_below(real, root) && !is_unsealed_current(real, root, dirfd)) ||
	    is_below(root, real) || !real[1])
		return error_set(err, FAULT_CONFIG, "--adopt %s: it and %s are one in the other",
				 dir, root);
	adopt->fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (adopt->fd < 0 || fstat(adopt->fd, &adopt->st) < 0)
		return error_set(err, FAULT_CONFIG, "--adopt %s: %s", dir, strerrordesc_np(errno));
	while (size > 1 && dir[size - 1] == '/')
		size--;
	adopt->dir = strndup(dir, size);
	return adopt->dir ? 0 : error_errno(err, "--adopt");
}

static int refuse_second(const struct init_options *options, const char *version, struct error *err)
{
	return error_set(
		err, FAULT_BUSY,
		"%s has a release already (%s): --adopt is for the first one; later ones go "
		"in by flipslot install %s",
		options->app, version, options->app);
}

static int check_idle(const struct init_options *options, int dirfd, struct error *err)
{
	struct state state;
	int r = state_load(dirfd, &state, err);

	if (r >= 0 && state.phase != PHASE_IDLE)
		return error_set(err, FAULT_BUSY, "an update of %s is under way (%s)", options->app,
				 phase_name(state.phase));
	return r < 0 ? r : 0;
}

/* What runs has lost its seal, so it is no release any more: what is adopted goes beside it. */
static int use_other_slot(struct init_adopt *adopt, const struct init_options *options,
			  enum slot current, int dirfd, struct error *err)
{
	adopt->slot = slot_other(current);
	return check_idle(options, dirfd, err);
}

/* What is current already: the outcome of an earlier run of the same, or a reason to refuse. */
static int look_at_release(struct init_adopt *adopt, const struct init_options *options, int dirfd,
			   struct error *err)
{
	struct descriptor descriptor = {};
	enum slot slot;
	int r = layout_current(dirfd, &slot, err);

	if (r < 0)
		return r;
	if (r == 0) {
		r = seal_peek(dirfd, slot, &descriptor, err);
		if (r == SEAL_ABSENT)
			return use_other_slot(adopt, options, slot, dirfd, err);
		if (r < 0)
			return r;
		if (descriptor.origin != ORIGIN_ADOPTED ||
		    strcmp(descriptor.version, adopt->descriptor.version) != 0)
			return refuse_second(options, descriptor.version, err);
		adopt->descriptor = descriptor;
		adopt->done = true;
		return 0;
	}
	if (faccessat(dirfd, LAYOUT_STATE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return check_idle(options, dirfd, err);
}

int init_adopt_look(struct init_adopt *adopt, const struct init_options *options, const char *root,
		    int dirfd, struct error *err)
{
	const char *version = options->version ? options->version : DEFAULT_VERSION;
	char shown[96];
	int r;

	if (!options->adopt)
		return !options->version ? 0 :
					   error_set(err, FAULT_CONFIG,
						     "--version is for --adopt: of what is it?");
	if (!descriptor_is_version(version))
		return error_set(err, FAULT_CONFIG,
				 "--version %s: at most %d bytes, without blanks and /",
				 text_escape(version, strlen(version), shown, sizeof(shown)),
				 DESCRIPTOR_VERSION_MAX - 1);
	text_copy(options->app, adopt->descriptor.app, sizeof(adopt->descriptor.app));
	text_copy(version, adopt->descriptor.version, sizeof(adopt->descriptor.version));
	adopt->descriptor.origin = ORIGIN_ADOPTED;
	adopt->slot = SLOT_A;
	r = open_source(adopt, options->adopt, root, dirfd, err);
	if (r == 0 && dirfd >= 0)
		r = look_at_release(adopt, options, dirfd, err);
	return r;
}

static int store_state(const struct init_adopt *adopt, const struct init_options *options,
		       uint64_t began, int dirfd, struct state *ret_state, struct error *err)
{
	struct state state = {};
	struct state_transaction *transaction = &state.transaction;
	int r = state_load(dirfd, &state, err);

	if (r < 0)
		return r;
	state.good.digest = adopt->descriptor.index;
	text_copy(adopt->descriptor.version, state.good.version, sizeof(state.good.version));
	*transaction = (struct state_transaction){
		.verb = VERB_INSTALL,
		.target = adopt->slot,
		.origin = SLOT_NONE,
		.release = state.good,
		.began = began,
		.phase_began = began,
		.outcome = OUTCOME_COMMITTED,
		.ended = clock_realtime_usec(),
	};
	r = request_new_id(transaction->id, err);
	if (r < 0)
		return r;
	(void)snprintf(transaction->reason, sizeof(transaction->reason), "adopted from %s",
		       adopt->dir);
	text_copy(adopt->dir, transaction->source, sizeof(transaction->source));
	text_copy(options->who ? options->who : "", transaction->who, sizeof(transaction->who));
	state_count(&state, transaction);
	r = state_store(dirfd, &state, err);
	if (r == 0)
		*ret_state = state;
	return r;
}

static int record(int dirfd, struct state *state, struct error *err)
{
	struct state_transaction *transaction = &state->transaction;
	struct history_entry entry = {
		.verb = transaction->verb,
		.outcome = transaction->outcome,
		.slot = transaction->target,
		.began = transaction->began,
		.ended = transaction->ended,
	};
	int r;

	text_copy(transaction->id, entry.id, sizeof(entry.id));
	text_copy(transaction->release.version, entry.to_version, sizeof(entry.to_version));
	text_copy(transaction->who, entry.who, sizeof(entry.who));
	text_copy(transaction->reason, entry.reason, sizeof(entry.reason));
	r = history_append(dirfd, &entry, err);
	if (r < 0)
		return r;
	transaction->recorded = true;
	return state_store(dirfd, state, err);
}

/* An earlier run may have been stopped between the commit point and the history. */
static int finish_earlier(int dirfd, struct error *err)
{
	struct state state;
	int r = state_load(dirfd, &state, err);

	if (r < 0)
		return r;
	if (state.phase != PHASE_IDLE || state.transaction.outcome == OUTCOME_NONE ||
	    state.transaction.recorded)
		return 0;
	return record(dirfd, &state, err);
}

int init_adopt_run(struct init_adopt *adopt, const struct init_options *options,
		   const struct deploy_options *deploy, int dirfd, struct error *err)
{
	uint64_t began = clock_realtime_usec();
	struct state state;
	int r;

	if (!adopt->dir)
		return 0;
	if (adopt->done)
		return finish_earlier(dirfd, err);
	r = stage_directory(dirfd, adopt->slot, adopt->fd, &deploy->stage, options->listener,
			    &adopt->descriptor, err);
	if (r < 0)
		return error_prefix(err, r, "--adopt %s", adopt->dir);
	r = store_state(adopt, options, began, dirfd, &state, err);
	if (r == 0)
		r = layout_point_current(dirfd, adopt->slot, err); /* commit point */
	return r == 0 ? record(dirfd, &state, err) : r;
}
