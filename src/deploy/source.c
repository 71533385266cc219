#include "deploy/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/fd.h"
#include "base/text.h"
#include "deploy/data.h"
#include "deploy/refresh.h"
#include "install/seal.h"
#include "store/durable.h"
#include "store/layout.h"
#include "transfer/download.h"

#define OFFER_FILE     "offer.json" /* in trust/: the offer that was verified last */
#define TIMESYNC_CLOCK "/var/lib/systemd/timesync/clock" /* its mtime: a time that has passed */
#define CLOCK_SLACK \
	(24 * 60 * 60 * USEC_PER_SEC) /* behind that time a clock may be, and not be said */

void source_release_done(struct source_release *release)
{
	offer_free(release->offer);
	plain_free(release->plain);
	*release = (struct source_release){};
}

/* The latest time that is known to have passed: a device without a clock wakes up in 1970. */
static uint64_t time_floor(const struct checked *checked)
{
	uint64_t latest = FLIPSLOT_BUILD_TIME * USEC_PER_SEC;
	struct stat st;

	if (stat(TIMESYNC_CLOCK, &st) == 0 && st.st_mtim.tv_sec > 0 &&
	    (uint64_t)st.st_mtim.tv_sec * USEC_PER_SEC > latest)
		latest = (uint64_t)st.st_mtim.tv_sec * USEC_PER_SEC;
	return checked->verified > latest ? checked->verified : latest;
}

static int open_trust(struct session *session, int *ret_fd, struct error *err)
{
	int r = fd_open_dir(session->dirfd, LAYOUT_TRUST, ret_fd, err);

	if (r < 0)
		return error_set(
			err, FAULT_CONFIG,
			"%s has no trusted root.json: `flipslot init %s --source URL --root-json FILE`",
			session->options->app, session->options->app);
	return 0;
}

static int make_client(struct session *session, int trust_fd, uint64_t reference,
		       struct client **ret_client, struct error *err)
{
	const struct trusted_options options = {
		.policy = session->options->source.expiry,
		.reference = reference,
	};
	_cleanup_free_ char *root = NULL;
	size_t size;
	int r;

	r = fd_read_file(trust_fd, "root.json", CLIENT_ROOT_MAX, &root, &size, err);
	if (r < 0)
		return r;
	if (r == FD_ABSENT)
		return error_set(err, FAULT_CONFIG, "%s/" LAYOUT_TRUST "/root.json is missing",
				 session->options->root);
	return client_new(&options, root, size, ret_client, err);
}

/* The bytes of a target: from the last time if they are still the ones, else from the repository. */
static int get_target(const struct refresh *refresh, const struct found *found, void **ret_data,
		      size_t *ret_size, struct error *err)
{
	_cleanup_text_ struct text path = {};
	_cleanup_free_ char *cached = NULL;
	_cleanup_free_ void *data = NULL;
	size_t size;
	int r;

	if (found->length > OFFER_MAX)
		return error_set(err, FAULT_CORRUPT, "%s: longer than %d bytes", found->path,
				 OFFER_MAX);
	r = fd_read_file(refresh->store_fd, OFFER_FILE, OFFER_MAX, &cached, &size, NULL);
	if (r == 0 && size == found->length &&
	    hashes_check(&found->hashes, cached, size, NULL) == 0) {
		*ret_data = TAKE_PTR(cached);
		*ret_size = size;
		return 0;
	}
	text_add(&path, "targets/%s", found->file);
	r = text_check(&path, err);
	if (r < 0)
		return r;
	r = refresh_get(refresh, path.data, (size_t)found->length, &data, &size, err);
	if (r < 0)
		return r;
	if (r > 0 || size != found->length)
		return error_set(err, FAULT_UNTRUSTED, "%s/%s: %s", refresh->url, path.data,
				 r == DOWNLOAD_ABSENT ?
					 "the metadata promises it, the server lacks it" :
					 "not as long as the metadata says");
	r = hashes_check(&found->hashes, data, size, err);
	if (r < 0)
		return error_prefix(err, r, "%s/%s", refresh->url, path.data);
	r = durable_replace(refresh->store_fd, OFFER_FILE, data, size, 0644, err);
	if (r < 0)
		return r;
	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

/* > 0: SOURCE_NONE */
static int find_offer(struct session *session, const struct refresh *refresh, struct client *client,
		      const char *arch, struct offer **ret_offer, struct error *err)
{
	const struct source_options *source = &session->options->source;
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_free_ void *data = NULL;
	char path[256];
	size_t size = 0;
	int r;

	r = offer_path(session->options->app, source->channel, arch, path, sizeof(path), err);
	if (r >= 0)
		r = client_search(client, path, err);
	if (r >= 0)
		r = refresh_run(refresh, client, err);
	if (r < 0)
		return r;
	if (!client_found(client))
		return SOURCE_NONE;
	r = get_target(refresh, client_found(client), &data, &size, err);
	if (r >= 0)
		r = offer_decode(data, size, &offer, err);
	if (r < 0)
		return r;
	if (strcmp(offer->app, session->options->app) != 0 || strcmp(offer->arch, arch) != 0 ||
	    strcmp(offer->channel, source->channel) != 0)
		return error_set(err, FAULT_UNTRUSTED, "%s: it speaks of %s/%s/%s", path,
				 offer->app, offer->channel, offer->arch);
	*ret_offer = TAKE_PTR(offer);
	return 0;
}

static int find_release(struct session *session, const struct refresh *refresh,
			struct client *client, const char *version,
			struct source_release *ret_release, struct error *err)
{
	const struct source_options *source = &session->options->source;
	struct utsname name;
	int r;

	if (uname(&name) < 0)
		return error_errno(err, "asking what machine this is");
	if (source->target_pattern) {
		const struct pick_wish wish = {
			.pattern = source->target_pattern,
			.machine = name.machine,
			.version = version,
			.strip_components = source->strip_components,
		};

		r = pick_plain(refresh, client, &wish, &ret_release->plain, err);
		return r == PICK_NONE ? SOURCE_NONE : r;
	}
	r = find_offer(session, refresh, client, name.machine, &ret_release->offer, err);
	if (r == SOURCE_NONE)
		r = find_offer(session, refresh, client, "any", &ret_release->offer, err);
	return r;
}

/* When the first of the roles ends; 0: not known. */
static uint64_t find_expiry(const struct client *client)
{
	uint64_t first = 0;

	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		uint64_t expires = 0;

		if (client_version(client, role, &expires) > 0 && expires > 0 &&
		    (first == 0 || expires < first))
			first = expires;
	}
	return first;
}

static int look(struct session *session, const struct refresh *refresh, uint64_t reference,
		const char *version, struct source_release *ret_release, struct error *err)
{
	_cleanup_(client_freep) struct client *client = NULL;
	int r;

	r = make_client(session, refresh->store_fd, reference, &client, err);
	if (r >= 0)
		r = refresh_run(refresh, client, err);
	if (r >= 0)
		r = find_release(session, refresh, client, version, ret_release, err);
	if (r < 0)
		return r;
	session->checked.expires = find_expiry(client);
	(void)text_copy(client_notes(client), session->checked.text, sizeof(session->checked.text));
	return r;
}

/* What the slot in use holds, if it is a target of a repository. */
static bool find_running_target(const struct session *session, struct descriptor *ret_running)
{
	enum slot current;

	return layout_current(session->dirfd, &current, NULL) >= 0 && current != SLOT_NONE &&
	       seal_peek(session->dirfd, current, ret_running, NULL) == 0 &&
	       ret_running->origin == ORIGIN_TARGET;
}

/* A file that has no version but its hash is neither newer nor older than any other. */
static bool is_older(const struct plain *plain, const struct descriptor *running)
{
	char name[STATE_VERSION_MAX];

	return plain->ordered &&
	       strcmp(running->version, plain_name(&running->promised, name)) != 0 &&
	       target_pattern_compare(plain->version, running->version) < 0;
}

bool source_is_older(const struct session *session, const struct plain *plain,
		     struct descriptor *ret_running)
{
	return find_running_target(session, ret_running) && is_older(plain, ret_running);
}

/* Of a target the file is known, not yet what is in it: the seal says from which file that came. */
static bool is_news(const struct session *session, const struct source_release *release)
{
	const struct digest *good = &session->state.good.digest;
	struct descriptor running = {};

	if (release->offer)
		return !digest_equal(&release->offer->index, good);
	if (!find_running_target(session, &running))
		return true;
	if (digest_equal(&running.promised, &release->plain->promised))
		return !digest_equal(&running.index, good);
	return !is_older(release->plain, &running);
}

static void describe(const struct session *session, const struct source_release *release,
		     struct checked *checked)
{
	const char *version;

	assert(release->offer || release->plain);
	version = release->offer ? release->offer->version : release->plain->version;
	checked->offer.digest = release->offer ? release->offer->index : release->plain->promised;
	(void)text_copy(version, checked->offer.version, sizeof(checked->offer.version));
	checked->offer.sequence = release->offer ? release->offer->sequence : 0;
	checked->min_sequence = release->offer ? release->offer->min_sequence : 0;
	checked->news = is_news(session, release);
}

static int remember(struct session *session, const char *id, uint64_t reference, int result,
		    const struct source_release *release, const struct error *why,
		    struct error *err)
{
	struct checked *checked = &session->checked;

	(void)text_copy(id, checked->id, sizeof(checked->id));
	checked->when = clock_realtime_usec();
	checked->fault = result < 0 ? why->fault : FAULT_NONE;
	if (result < 0) {
		(void)text_copy(why->text, checked->text, sizeof(checked->text));
		if (checked->offer.sequence > 0) /* of a target, digest is not what `good` has */
			checked->news =
				!digest_equal(&checked->offer.digest, &session->state.good.digest);
		return checked_store(session->dirfd, checked, err);
	}
	/* a clock that ran ahead is not believed for good because expired metadata was used */
	if (reference > checked->verified &&
	    (session->options->source.expiry != EXPIRY_WARN || !checked->text[0]))
		checked->verified = reference;
	checked->offer = (struct state_release){};
	checked->offer.sequence = checked->min_sequence = 0;
	checked->news = false;
	if (result == 0)
		describe(session, release, checked);
	return checked_store(session->dirfd, checked, err);
}

static void tell(const struct session *session)
{
	const struct checked *checked = &session->checked;

	if (checked->fault != FAULT_NONE)
		session_tell(session, EVENT_CHECK, checked->fault, "%s", checked->text);
	else if (digest_is_null(&checked->offer.digest))
		session_tell(session, EVENT_CHECK, FAULT_NONE, "the source offers nothing for %s",
			     session->options->app);
	else if (checked->offer.sequence == 0)
		session_tell(session, EVENT_CHECK, FAULT_NONE, "%s %s", checked->offer.version,
			     checked->news ? "is there to be installed" :
					     "is the newest there: nothing to install");
	else
		session_tell(session, EVENT_CHECK, FAULT_NONE, "%s (sequence %llu) %s",
			     checked->offer.version, (unsigned long long)checked->offer.sequence,
			     checked->news ? "is there to be installed" :
					     "is the newest, and runs");
}

/*
 * A clock that was not set yet: what depends on it (certificates, above all) fails until it is, and each
 * tick tries again.
 */
static void say_clock(uint64_t floor, struct error *why, struct checked *checked)
{
	uint64_t now = clock_realtime_usec();
	char shown[CLOCK_TEXT_MAX];
	char passed[CLOCK_TEXT_MAX];
	struct error said = *why;
	size_t used = strlen(checked->text);

	if (now + CLOCK_SLACK >= floor)
		return;
	clock_format(now, shown);
	clock_format(floor, passed);
	if (why->fault == FAULT_NETWORK || why->fault == FAULT_STALE)
		(void)error_set(
			why, said.fault,
			"%s; the clock says %s, though %s has passed: waiting for it to be set",
			said.text, shown, passed);
	else if (why->fault == FAULT_NONE)
		(void)snprintf(checked->text + used, sizeof(checked->text) - used,
			       "the clock says %s, though %s has passed\n", shown, passed);
}

static int refresh_by(struct session *session, struct fetcher *fetcher, uint64_t reference,
		      const char *version, struct source_release *ret_release, struct error *err)
{
	struct refresh refresh = { .fetcher = fetcher, .url = session->options->source.url };
	_cleanup_close_ int trust_fd = -1;
	int r;

	r = open_trust(session, &trust_fd, err);
	if (r < 0)
		return r;
	refresh.store_fd = trust_fd;
	return look(session, &refresh, reference, version, ret_release, err);
}

int source_refresh(struct session *session, const char *request_id, const char *version,
		   struct source_release *ret_release, struct error *err)
{
	const struct source_options *source = &session->options->source;
	_cleanup_(fetcher_freep) struct fetcher *own = NULL;
	struct fetcher *fetcher = NULL;
	_cleanup_source_release_ struct source_release release = {};
	struct error why = {};
	uint64_t reference, floor;
	int found;
	int r;

	if (!source->url)
		return error_set(err, FAULT_CONFIG,
				 "%s names no source ([Source] Url=): `flipslot source %s URL "
				 "--root-json FILE` sets one",
				 session->options->conf_file, session->options->app);
	r = checked_load(session->dirfd, &session->checked, err);
	if (r < 0)
		return r;
	floor = time_floor(&session->checked);
	reference = expiry_reference(source->expiry, clock_realtime_usec(), floor);
	found = session_fetcher(session, &own, &fetcher, &why);
	if (found >= 0)
		found = refresh_by(session, fetcher, reference, version, &release, &why);
	say_clock(floor, &why, &session->checked);
	r = remember(session, request_id, reference, found, &release, &why, err);
	if (r < 0)
		return r;
	tell(session);
	if (found < 0)
		return error_set(err, why.fault, "%s", why.text);
	*ret_release = release;
	release = (struct source_release){};
	return found;
}

/* What was verified last; NULL: nothing, or it cannot be read. */
static struct offer *load_offer(int dirfd)
{
	struct offer *offer = NULL;
	_cleanup_close_ int trust_fd = -1;
	_cleanup_free_ char *json = NULL;
	size_t size;

	if (fd_open_dir(dirfd, LAYOUT_TRUST, &trust_fd, NULL) == 0 &&
	    fd_read_file(trust_fd, OFFER_FILE, OFFER_MAX, &json, &size, NULL) == 0)
		(void)offer_decode(json, size, &offer, NULL);
	return offer;
}

bool source_is_one_way(const struct deploy_options *options, int dirfd,
		       const struct digest *offered)
{
	_cleanup_(offer_freep) struct offer *offer = load_offer(dirfd);
	struct descriptor running;
	enum slot current;

	return offer && digest_equal(&offer->index, offered) && !data_is_kept(options) &&
	       layout_current(dirfd, &current, NULL) == 0 &&
	       seal_peek(dirfd, current, &running, NULL) == 0 && offer->epoch > running.epoch;
}

bool source_bars(int dirfd, const struct descriptor *descriptor, char *ret_why, size_t room)
{
	_cleanup_(offer_freep) struct offer *offer = NULL;
	const struct offer_withdrawn *withdrawn;

	if (descriptor->origin != ORIGIN_SIGNED)
		return false;
	offer = load_offer(dirfd);
	if (!offer)
		return false;
	withdrawn = offer_find_withdrawn(offer, &descriptor->index);
	if (withdrawn)
		(void)snprintf(ret_why, room, "%s was withdrawn by its publisher: %s",
			       descriptor->version, withdrawn->why);
	else if (descriptor->sequence < offer->min_sequence)
		(void)snprintf(
			ret_why, room,
			"%s (sequence %llu) may not run any more: its publisher asks for %llu at least",
			descriptor->version, (unsigned long long)descriptor->sequence,
			(unsigned long long)offer->min_sequence);
	return withdrawn || descriptor->sequence < offer->min_sequence;
}
