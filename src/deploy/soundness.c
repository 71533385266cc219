#include "deploy/soundness.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "install/scrub.h"
#include "release/names.h"
#include "store/layout.h"
#include "store/request.h"
#include "unit/job.h"

#define LOOK_PERIOD_USEC USEC_PER_SEC

/* ---- one slot ---- */

struct look {
	enum slot slot;
	const struct soundness_listener *listener; /* NULL: nobody listens */
	struct scrubbed_slot found;
};

static void on_finding(void *data, const char *path, const char *what)
{
	struct look *look = data;
	char shown[NAMES_SHOWN_MAX];

	if (look->found.differences++ == 0)
		(void)text_print(look->found.first, sizeof(look->found.first), "%s: %s",
				 names_show(path, shown), what);
	if (look->listener && look->listener->finding)
		look->listener->finding(look->listener->data, look->slot, path, what);
}

static int on_progress(void *data, uint64_t done, uint64_t total, struct error *err)
{
	const struct look *look = data;

	if (!look->listener || !look->listener->progress)
		return 0;
	return look->listener->progress(look->listener->data, done, total, err);
}

/* A damaged seal leaves nothing to compare with. > 0: SEAL_ABSENT. */
static int read_slot(int dirfd, struct look *look, struct error *err)
{
	struct descriptor descriptor = {};
	struct error why = {};
	uint64_t differences;
	int r = seal_peek(dirfd, look->slot, &descriptor, &why);

	if (r < 0 && why.fault == FAULT_CORRUPT) {
		on_finding(look, slot_seal_name(look->slot), why.text);
		return 0;
	}
	if (r < 0)
		return error_set(err, why.fault, "%s", why.text);
	if (r == SEAL_ABSENT)
		return r;
	look->found.digest = descriptor.index;
	look->found.installed = descriptor.installed;
	return scrub_slot(dirfd, look->slot, on_finding, on_progress, look, &differences, err);
}

int soundness_look(int dirfd, enum slot slot, const struct soundness_listener *listener,
		   struct scrubbed_slot *ret_found, struct error *err)
{
	struct look look = {
		.slot = slot,
		.listener = listener,
		.found = { .mended = ret_found->mended },
	};
	int r = read_slot(dirfd, &look, err);

	if (r != 0)
		return r;
	look.found.when = clock_realtime_usec();
	if (look.found.differences > 0)
		r = request_new_id(look.found.id, err);
	if (r == 0)
		*ret_found = look.found;
	return r;
}

/* ---- the record ---- */

/* The same bytes put there again are another slot. */
static bool is_of(const struct scrubbed_slot *found, int dirfd, enum slot slot)
{
	struct descriptor descriptor = {};
	int r = seal_peek(dirfd, slot, &descriptor, NULL);

	if (r < 0)
		return digest_is_null(&found->digest);
	return r == 0 && digest_equal(&descriptor.index, &found->digest) &&
	       descriptor.installed == found->installed;
}

void soundness_keep(int dirfd, enum slot slot, const struct scrubbed_slot *found)
{
	_cleanup_close_ int lock_fd = -1;
	struct scrubbed scrubbed;

	if (scrubbed_lock(dirfd, &lock_fd, NULL) != 0 || scrubbed_load(dirfd, &scrubbed, NULL) < 0)
		return;
	scrubbed.slots[slot] = *found;
	(void)scrubbed_store(dirfd, &scrubbed, NULL);
}

int soundness_find(int dirfd, enum slot slot, struct scrubbed_slot *ret_found)
{
	struct scrubbed scrubbed;

	if (scrubbed_load(dirfd, &scrubbed, NULL) < 0 || scrubbed.slots[slot].when == 0 ||
	    !is_of(&scrubbed.slots[slot], dirfd, slot))
		return SOUNDNESS_UNKNOWN;
	*ret_found = scrubbed.slots[slot];
	return 0;
}

static bool is_past(uint64_t when, uint64_t period_usec)
{
	uint64_t now = clock_realtime_usec();

	return when > now || now - when >= period_usec;
}

bool soundness_is_due(int dirfd, uint64_t period_usec)
{
	struct scrubbed scrubbed;

	return period_usec > 0 && scrubbed_load(dirfd, &scrubbed, NULL) == 0 &&
	       is_past(scrubbed.when, period_usec);
}

bool soundness_is_fresh(int dirfd, enum slot slot, uint64_t period_usec)
{
	struct scrubbed_slot found = {};
	struct descriptor descriptor;

	if (soundness_find(dirfd, slot, &found) == 0)
		return found.differences == 0 && !is_past(found.when, period_usec);
	return seal_peek(dirfd, slot, &descriptor, NULL) == 0 &&
	       !is_past(descriptor.installed, period_usec);
}

/* ---- all of them ---- */

struct scrubbing {
	int dirfd;
	const struct soundness_listener *listener;
	struct state state; /* as it was at the beginning */
	uint64_t looked; /* monotonic */
};

static bool is_undisturbed(const struct scrubbing *scrubbing)
{
	struct state now;

	return state_load(scrubbing->dirfd, &now, NULL) >= 0 && now.phase == PHASE_IDLE &&
	       strcmp(now.transaction.id, scrubbing->state.transaction.id) == 0;
}

static void pass_finding(void *data, enum slot slot, const char *path, const char *what)
{
	const struct scrubbing *scrubbing = data;

	if (scrubbing->listener && scrubbing->listener->finding)
		scrubbing->listener->finding(scrubbing->listener->data, slot, path, what);
}

static int pass_progress(void *data, uint64_t done, uint64_t total, struct error *err)
{
	struct scrubbing *scrubbing = data;
	uint64_t now = clock_monotonic_usec();

	if (now - scrubbing->looked >= LOOK_PERIOD_USEC) {
		scrubbing->looked = now;
		if (!is_undisturbed(scrubbing))
			return error_code(err, -ECANCELED, "a transaction is under way");
	}
	if (!scrubbing->listener || !scrubbing->listener->progress)
		return 0;
	return scrubbing->listener->progress(scrubbing->listener->data, done, total, err);
}

/* A seal that cannot be read may be that of the release to go back to. */
static bool is_of_use(const struct scrubbing *scrubbing, enum slot slot, enum slot current)
{
	const struct state *state = &scrubbing->state;
	struct descriptor descriptor;
	int r = seal_peek(scrubbing->dirfd, slot, &descriptor, NULL);

	if (slot == current)
		return r <= 0;
	if (r < 0)
		return !digest_is_null(&state->fallback.digest);
	return r == 0 && (digest_equal(&descriptor.index, &state->fallback.digest) ||
			  digest_equal(&descriptor.index, &state->good.digest));
}

/* > 0: SOUNDNESS_BUSY */
static int scrub_one(struct scrubbing *scrubbing, enum slot slot, struct scrubbed_slot *found,
		     struct error *err)
{
	const struct soundness_listener listener = {
		.finding = pass_finding,
		.progress = pass_progress,
		.data = scrubbing,
	};
	struct error why = {};
	int r = soundness_look(scrubbing->dirfd, slot, &listener, found, &why);

	if (!is_undisturbed(scrubbing) || r == SEAL_ABSENT)
		return SOUNDNESS_BUSY;
	if (r < 0)
		return error_set(err, why.fault, "slot %s: %s", slot_name(slot), why.text);
	return is_of(found, scrubbing->dirfd, slot) ? 0 : SOUNDNESS_BUSY;
}

static int scrub_all(struct scrubbing *scrubbing, struct scrubbed *scrubbed, struct error *err)
{
	enum slot current = SLOT_NONE;
	int r = 0;

	(void)layout_current(scrubbing->dirfd, &current, NULL);
	for (enum slot slot = SLOT_A; r == 0 && slot < SLOT_MAX; slot++) {
		if (is_of_use(scrubbing, slot, current))
			r = scrub_one(scrubbing, slot, &scrubbed->slots[slot], err);
		else
			scrubbed->slots[slot] = (struct scrubbed_slot){};
	}
	return r;
}

int soundness_scrub(int dirfd, const struct soundness_listener *listener, bool *ret_damaged,
		    struct error *err)
{
	struct scrubbing scrubbing = { .dirfd = dirfd, .listener = listener };
	_cleanup_close_ int lock_fd = -1;
	struct scrubbed scrubbed;
	int r = state_load(dirfd, &scrubbing.state, err);

	if (r < 0)
		return r;
	if (scrubbing.state.phase != PHASE_IDLE)
		return SOUNDNESS_BUSY;
	r = scrubbed_lock(dirfd, &lock_fd, err);
	if (r != 0)
		return r < 0 ? r : SOUNDNESS_BUSY;
	r = scrubbed_load(dirfd, &scrubbed, err);
	if (r == 0)
		r = scrub_all(&scrubbing, &scrubbed, err);
	if (r != 0)
		return r;
	scrubbed.when = clock_realtime_usec();
	*ret_damaged = false;
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		*ret_damaged |= scrubbed.slots[slot].differences > 0;
	return scrubbed_store(dirfd, &scrubbed, err);
}

bool soundness_is_told(int dirfd)
{
	struct scrubbed scrubbed;
	bool told = true;

	if (scrubbed_load(dirfd, &scrubbed, NULL) < 0)
		return true;
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		told &= scrubbed.slots[slot].differences == 0 || scrubbed.slots[slot].told;
	return told;
}

int soundness_wake(struct manager *manager, const char *app, struct error *err)
{
	char unit[128];

	(void)snprintf(unit, sizeof(unit), "flipslot-scrub@%s.service", app);
	return job_start_and_forget(manager, unit, err);
}
