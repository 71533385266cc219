#include "deploy/mend.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "deploy/alert.h"
#include "deploy/blocks.h"
#include "deploy/retrieval.h"
#include "deploy/soundness.h"
#include "deploy/watcher.h"
#include "install/salvage.h"
#include "install/staged.h"
#include "store/layout.h"
#include "unit/unit.h"

/* ---- the repair ---- */

/* While the release that runs is in need of its way back, that is left alone, damaged or not. > 0: MEND_NOT_NOW. */
enum { MEND_NOT_NOW = 1 };
static int check_well(struct session *session, enum slot slot, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	struct scrubbed_slot running;
	int r = session_query(session, &unit, err);

	if (r < 0)
		return r;
	if (!unit_is_running(&unit) || unit_is_looping(&unit))
		return MEND_NOT_NOW;
	if (soundness_find(session->dirfd, slot_other(slot), &running) == 0 &&
	    running.differences > 0)
		return error_set(
			err, FAULT_CORRUPT,
			"the release that runs is damaged too: it is not repaired meanwhile");
	return 0;
}

/* > 0: BLOCKS_NONE, also if what came is not what was promised. */
static int fetch_blocks(struct watcher *watcher, struct salvage *salvage, struct error *err)
{
	struct error why = {};
	int r = blocks_get(watcher, salvage, &why);

	if (r >= 0)
		return r;
	if (why.fault == FAULT_UNTRUSTED || why.fault == FAULT_CORRUPT) {
		session_tell(watcher->session, EVENT_WARNING, why.fault,
			     "%s: the whole archive is fetched", why.text);
		return BLOCKS_NONE;
	}
	*err = why;
	return r;
}

static int fetch_archive(struct watcher *watcher, struct salvage *salvage, struct error *err)
{
	struct session *session = watcher->session;
	const struct descriptor *descriptor = salvage_descriptor(salvage);
	struct stage_options options = session->options->stage;
	_cleanup_close_ int fd = -1;
	int r;

	r = retrieval_get(watcher, descriptor, &fd, err);
	if (r < 0)
		return r;
	if (descriptor->origin == ORIGIN_TARGET)
		options.archive.strip_components = session->options->source.strip_components;
	return salvage_from_archive(salvage, fd, &options, err);
}

/* What cannot be had on this disk. */
static int fetch_rest(struct watcher *watcher, struct salvage *salvage, struct error *err)
{
	int r = 0;

	if (salvage_count_wanted(salvage, NULL) > 0)
		r = fetch_blocks(watcher, salvage, err);
	return r == BLOCKS_NONE ? fetch_archive(watcher, salvage, err) : r;
}

/*
 * Of a repair that failed: what it took can be had again, and lies in nobody's way meanwhile. But what the network gave is kept for the next try, and so is
 * all of it while the slot has no seal.
 */
static void give_back(const struct session *session, enum slot slot, enum fault fault)
{
	struct descriptor descriptor;
	_cleanup_close_ int staging_fd = -1;

	if (fault != FAULT_NETWORK && seal_peek(session->dirfd, slot, &descriptor, NULL) == 0 &&
	    staged_open_dir(session->dirfd, &staging_fd, NULL) == 0)
		(void)staged_tidy(staging_fd, NULL, NULL);
}

static int repair(struct session *session, enum slot slot, struct error *err)
{
	struct watcher watcher = { .session = session, .step = STAGE_VERIFY };
	const struct stage_listener listener = { .progress = watcher_progress, .data = &watcher };
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;
	int r = salvage_new(session->dirfd, slot, &listener, &salvage, err);

	if (r == SEAL_ABSENT)
		return error_set(err, FAULT_CORRUPT, "nothing says any more what was in it");
	if (r == 0)
		r = salvage_from_slot(salvage, slot_other(slot), err);
	if (r == 0)
		r = fetch_rest(&watcher, salvage, err);
	watcher.aloof = true; /* what follows is over in a moment, and must not stop halfway */
	if (r == 0)
		r = salvage_finish(salvage, session->options->stage.reserve_bytes, err);
	return r;
}

/* The figures of the last transaction are not ours to change. */
static int try_repair(struct session *session, enum slot slot, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	uint64_t fetched = transaction->fetched;
	uint64_t requests = transaction->requests;
	int r = check_well(session, slot, err);

	if (r == 0)
		r = repair(session, slot, err);
	if (session->state.phase != session->working)
		return r; /* it is another transaction's */
	if (r < 0 && !session->stop)
		give_back(session, slot, err->fault);
	transaction->fetched = fetched;
	transaction->requests = requests;
	return r;
}

/* ---- what was found ---- */

struct case_file {
	struct session *session;
	enum slot slot;
	bool runs;
	bool cut_off; /* in its repair: it has no seal, which lies in staging/ */
	struct descriptor descriptor; /* version empty: its seal is damaged */
	struct scrubbed_slot found;
};

/* Is what was found still what is there? */
static bool is_open(struct case_file *file)
{
	const struct session *session = file->session;
	const struct scrubbed_slot *found = &file->found;

	if (found->differences == 0)
		return false;
	if (soundness_find(session->dirfd, file->slot, &file->found) == 0)
		return digest_is_null(&found->digest) ||
		       seal_peek(session->dirfd, file->slot, &file->descriptor, NULL) == 0;
	file->cut_off = !file->runs &&
			salvage_peek(session->dirfd, file->slot, &file->descriptor, NULL) == 0 &&
			digest_equal(&file->descriptor.index, &found->digest) &&
			digest_equal(&file->descriptor.index, &session->state.fallback.digest);
	return file->cut_off;
}

/* Without its seal there is no going back: that is not for long. */
static bool is_due(const struct case_file *file)
{
	const struct scrubbed_slot *found = &file->found;
	uint64_t now = clock_realtime_usec();

	return file->cut_off || found->tried == 0 || found->tried > now ||
	       now - found->tried >= MEND_PAUSE_USEC;
}

static const char *describe(const struct case_file *file, char *ret_text, size_t room)
{
	const struct scrubbed_slot *found = &file->found;

	return text_print(ret_text, room,
			  "slot %s (%s), %s, is not what was installed: %" PRIu64
			  " difference%s, the first: %s",
			  slot_name(file->slot),
			  file->descriptor.version[0] ? file->descriptor.version : "?",
			  file->runs ? "which runs" : "to which a rollback would go",
			  found->differences, found->differences == 1 ? "" : "s", found->first);
}

static void tell_damage(const struct case_file *file)
{
	char text[STATE_REASON_MAX];

	session_tell(file->session, EVENT_DAMAGED, FAULT_CORRUPT, "%s",
		     describe(file, text, sizeof(text)));
}

/* An outbox that cannot be written is told. */
static void alert(const struct case_file *file)
{
	const struct session *session = file->session;
	struct outbox_entry entry = {
		.created = clock_realtime_usec(),
		.damaged = true,
		.fault = FAULT_CORRUPT,
	};
	struct error why = {};
	char text[STATE_REASON_MAX];

	(void)text_copy(file->found.id, entry.id, sizeof(entry.id));
	(void)text_copy(file->descriptor.version, entry.to_version, sizeof(entry.to_version));
	(void)text_print(entry.reason, sizeof(entry.reason), "%s; %s",
			 describe(file, text, sizeof(text)), file->found.text);
	if (alert_raise(session, &entry, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault, "nobody will be alerted of it: %s",
			     why.text);
}

static void close_case(struct case_file *file)
{
	struct session *session = file->session;
	struct scrubbed_slot mended = { .mended = clock_realtime_usec() };
	struct descriptor descriptor;

	session_tell(session, EVENT_MENDED, FAULT_NONE,
		     "slot %s (%s) was repaired, %" PRIu64 " difference%s: it can be gone back to",
		     slot_name(file->slot), file->descriptor.version, file->found.differences,
		     file->found.differences == 1 ? "" : "s");
	mended.when = mended.mended;
	if (seal_peek(session->dirfd, file->slot, &descriptor, NULL) == 0) {
		mended.digest = descriptor.index;
		mended.installed = descriptor.installed;
	}
	soundness_keep(session->dirfd, file->slot, &mended);
}

/* 0: repaired. > 0: MEND_NOT_NOW. */
static int treat(struct case_file *file, struct error *err)
{
	const char *app = file->session->options->app;

	if (digest_is_null(&file->found.digest))
		return error_set(err, FAULT_CORRUPT, "install it again: its seal is damaged");
	if (file->runs)
		return error_set(err, FAULT_CORRUPT,
				 "install it again (`flipslot update %s`, or `flipslot install`): "
				 "what runs is not written",
				 app);
	return try_repair(file->session, file->slot, err);
}

/* What could not be done, and that somebody has heard of it. */
static void keep_open(struct case_file *file, const struct error *why)
{
	struct session *session = file->session;

	(void)text_copy(why->text, file->found.text, sizeof(file->found.text));
	file->found.tried = clock_realtime_usec();
	if (!file->runs)
		session_tell(session, EVENT_WARNING, why->fault, "slot %s is not repaired: %s",
			     slot_name(file->slot), why->text);
	if (!file->found.told)
		alert(file);
	file->found.told = true;
	soundness_keep(session->dirfd, file->slot, &file->found);
}

static void work_on(struct case_file *file)
{
	struct session *session = file->session;
	struct error why = {};
	int r;

	if (!is_open(file) || (!is_due(file) && file->found.told))
		return;
	r = treat(file, &why);
	if (session->stop || session->state.phase != session->working || r == MEND_NOT_NOW)
		return; /* something else is wanted, or it waits: it is tried again */
	if (!file->found.told)
		tell_damage(file);
	if (r == 0)
		close_case(file);
	else
		keep_open(file, &why);
}

/* Of a repair that was cut off right at its end, or that an update has made needless. */
static void drop_seal(const struct session *session, enum slot slot)
{
	struct descriptor descriptor;

	if (salvage_peek(session->dirfd, slot, &descriptor, NULL) != 0 ||
	    !digest_equal(&descriptor.index, &session->state.fallback.digest))
		(void)salvage_drop(session->dirfd, NULL);
}

void mend_run(struct session *session)
{
	enum slot current = SLOT_NONE;
	struct scrubbed scrubbed;

	if (scrubbed_load(session->dirfd, &scrubbed, NULL) < 0 ||
	    layout_current(session->dirfd, &current, NULL) != 0)
		return;
	drop_seal(session, slot_other(current));
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++) {
		struct case_file file = {
			.session = session,
			.slot = slot,
			.runs = slot == current,
			.found = scrubbed.slots[slot],
		};

		if (session->state.phase == session->working && !session->stop)
			work_on(&file);
	}
}
