#include "publish/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "publish/bodies.h"
#include "publish/document.h"
#include "publish/repo.h"
#include "release/offer.h"
#include "release/pieces.h"
#include "trust/client.h"

#define FILE_MAX   512
#define TARGET_MAX (64U << 20)

struct auditing {
	int dirfd;
	struct client *client;
	struct audit_result result;
};

static void auditing_done(const struct auditing *auditing)
{
	client_free(auditing->client);
}

/* ---- the client ---- */

static int fetch(const struct auditing *auditing, const struct client_step *step, struct error *err)
{
	char file[FILE_MAX];
	char *data;
	size_t size;
	int r;

	(void)snprintf(file, sizeof(file), REPO_METADATA_DIR "/%.300s", step->name);
	r = fd_read_file(auditing->dirfd, file, step->max, &data, &size, err);
	if (r == FD_ABSENT)
		return client_lacks(auditing->client, err);
	return r < 0 ? r : client_give_consume(auditing->client, data, size, err);
}

/* There is no store: every audit is the first refresh of a new device. */
static int drive(const struct auditing *auditing, struct error *err)
{
	struct client_step step;
	int r = 0;

	for (client_next(auditing->client, &step); r >= 0 && step.action != CLIENT_READY;
	     client_next(auditing->client, &step)) {
		if (step.action == CLIENT_FETCH)
			r = fetch(auditing, &step, err);
		else if (step.action == CLIENT_LOAD)
			r = client_lacks(auditing->client, err);
		else
			r = client_did(auditing->client, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int refresh(struct auditing *auditing, const char *root, uint64_t now, struct error *err)
{
	const struct trusted_options options = { .policy = EXPIRY_ENFORCE, .reference = now };
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = fd_read_file(root ? AT_FDCWD : auditing->dirfd,
			     root ? root : REPO_METADATA_DIR "/1.root.json", CLIENT_ROOT_MAX, &data,
			     &size, err);

	if (r == FD_ABSENT)
		return error_set(err, FAULT_CONFIG, "there is no %s",
				 root ? root : REPO_METADATA_DIR "/1.root.json");
	if (r == 0)
		r = client_new(&options, data, size, &auditing->client, err);
	if (r == 0)
		r = drive(auditing, err);
	if (r < 0)
		return r;
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		auditing->result.version[role] =
			client_version(auditing->client, role, &auditing->result.expires[role]);
	return 0;
}

/* ---- blobs ---- */

/* One piece of the file is what the offer says. */
static int check_piece(int fd, uint8_t *buffer, const struct offer *offer, size_t i,
		       struct digester *whole, struct error *err)
{
	uint64_t left = offer->full_length - i * PIECES_SIZE;
	size_t size = left < PIECES_SIZE ? (size_t)left : PIECES_SIZE;
	ssize_t n = fd_pread_full(fd, buffer, size, (off_t)(i * PIECES_SIZE));
	struct digest digest;
	int r;

	if (n < 0)
		return error_errno(err, "reading");
	if ((size_t)n != size)
		return error_set(err, FAULT_CORRUPT, "cut short");
	r = digest_of(buffer, size, &digest, err);
	if (r < 0)
		return r;
	if (!digest_equal(&digest, &offer->pieces[i]))
		return error_set(err, FAULT_CORRUPT, "piece %zu is not what was published", i);
	return digester_update(whole, buffer, size, err);
}

static int check_bytes(int fd, const struct offer *offer, struct error *err)
{
	_cleanup_(digester_freep) struct digester *whole = NULL;
	_cleanup_free_ uint8_t *buffer = malloc(PIECES_SIZE);
	struct digest digest;
	int r = buffer ? digester_new(&whole, err) : error_errno(err, "reading");

	if (r == 0)
		r = digester_reset(whole, err);
	for (size_t i = 0; r == 0 && i < offer->n_pieces; i++)
		r = check_piece(fd, buffer, offer, i, whole, err);
	if (r == 0)
		r = digester_finish(whole, &digest, err);
	if (r < 0)
		return r;
	if (!digest_equal(&digest, &offer->full))
		return error_set(err, FAULT_CORRUPT, "not what was published");
	if (fd_pread_full(fd, buffer, 1, (off_t)offer->full_length) != 0)
		return error_set(err, FAULT_CORRUPT, "too long");
	return 0;
}

static int check_blob(struct auditing *auditing, const struct offer *offer, struct error *err)
{
	_cleanup_close_ int fd = -1;
	char hex[DIGEST_HEX_MAX];
	char file[FILE_MAX];
	int r;

	(void)snprintf(file, sizeof(file), REPO_BLOBS_DIR "/%s", digest_to_hex(&offer->full, hex));
	fd = fd_open_beneath(auditing->dirfd, file, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, FAULT_CORRUPT, "%s is missing", file);
	if (fd < 0)
		return error_errno(err, "opening %s", file);
	r = check_bytes(fd, offer, err);
	auditing->result.bytes += offer->full_length;
	return r < 0 ? error_prefix(err, r, "%s", file) : 0;
}

/* ---- targets ---- */

static int check_offer(struct auditing *auditing, const char *path, const char *data, size_t size,
		       struct error *err)
{
	_cleanup_(offer_freep) struct offer *offer = NULL;
	char own[FILE_MAX];
	int r = offer_decode(data, size, &offer, err);

	if (r == 0)
		r = offer_path(offer->app, offer->channel, offer->arch, own, sizeof(own), err);
	if (r < 0)
		return r;
	if (strcmp(own, path) != 0)
		return error_set(err, FAULT_CORRUPT, "it is the offer of %s", own);
	auditing->result.offers++;
	r = check_blob(auditing, offer, err);
	return r < 0 ? r :
		       audit_bundles_run(auditing->dirfd, offer, &auditing->result.bundles, err);
}

/* Two slashes and .json: an offer; what else is published there is just a file. */
static bool is_offer(const char *path)
{
	const char *slash = strchr(path, '/');
	const char *second = slash ? strchr(slash + 1, '/') : NULL;
	size_t size = strlen(path);

	return second && !strchr(second + 1, '/') && size > 5 &&
	       strcmp(path + size - 5, ".json") == 0;
}

static int check_target(struct auditing *auditing, const char *path, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	const struct found *found;
	char file[FILE_MAX];
	size_t size = 0;
	int r = client_search(auditing->client, path, err);

	if (r == 0)
		r = drive(auditing, err);
	if (r < 0)
		return r;
	found = client_found(auditing->client);
	if (!found)
		return error_set(err, FAULT_CORRUPT, "is not found by a search");
	(void)snprintf(file, sizeof(file), REPO_TARGETS_DIR "/%.400s", found->file);
	r = fd_read_file(auditing->dirfd, file, TARGET_MAX, &data, &size, err);
	if (r == FD_ABSENT)
		return error_set(err, FAULT_CORRUPT, "%s is missing", file);
	if (r == 0 && size != found->length)
		return error_set(err, FAULT_CORRUPT, "%s has %zu bytes, not %" PRIu64, file, size,
				 found->length);
	if (r == 0)
		r = hashes_check(&found->hashes, data, size, err);
	auditing->result.targets++;
	return r < 0 || !is_offer(path) ? r : check_offer(auditing, path, data, size, err);
}

/* What the client has just verified, to know the names in it. */
static int read_targets(struct auditing *auditing, json_t **ret_document, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	char file[FILE_MAX];
	size_t size;
	int r;

	(void)snprintf(file, sizeof(file), REPO_METADATA_DIR "/%" PRIu64 ".targets.json",
		       auditing->result.version[ROOT_ROLE_TARGETS]);
	r = fd_read_file(auditing->dirfd, file, DOCUMENT_MAX, &data, &size, err);
	if (r == FD_ABSENT)
		return error_set(err, FAULT_CORRUPT, "%s is missing", file);
	return r < 0 ? r : document_parse(data, size, ret_document, err);
}

/* Which version the snapshot gives for the targets. */
static int find_targets(struct auditing *auditing, struct error *err)
{
	_cleanup_(jread_freep) json_t *snapshot = NULL;
	_cleanup_free_ char *data = NULL;
	char file[FILE_MAX];
	size_t size;
	int r;

	(void)snprintf(file, sizeof(file), REPO_METADATA_DIR "/%" PRIu64 ".snapshot.json",
		       auditing->result.version[ROOT_ROLE_SNAPSHOT]);
	r = fd_read_file(auditing->dirfd, file, DOCUMENT_MAX, &data, &size, err);
	if (r == FD_ABSENT)
		return error_set(err, FAULT_CORRUPT, "%s is missing", file);
	if (r == 0)
		r = document_parse(data, size, &snapshot, err);
	if (r == 0)
		auditing->result.version[ROOT_ROLE_TARGETS] =
			bodies_meta_version(document_body(snapshot), "targets.json");
	return r;
}

static int check_targets(struct auditing *auditing, struct error *err)
{
	_cleanup_(jread_freep) json_t *document = NULL;
	const char *path;
	json_t *target;
	int r = find_targets(auditing, err);

	if (r == 0)
		r = read_targets(auditing, &document, err);
	if (r < 0)
		return r;
	auditing->result.expires[ROOT_ROLE_TARGETS] = document_expires(document);
	json_object_foreach(json_object_get(document_body(document), "targets"), path, target) {
		r = check_target(auditing, path, err);
		if (r < 0)
			return error_prefix(err, r, "%.200s", path);
	}
	return 0;
}

int audit_run(int dirfd, const char *root, uint64_t now, struct audit_result *ret_result,
	      struct error *err)
{
	_cleanup_(auditing_done) struct auditing auditing = { .dirfd = dirfd };
	int r = refresh(&auditing, root, now, err);

	if (r == 0)
		r = check_targets(&auditing, err);
	if (r == 0)
		*ret_result = auditing.result;
	return r;
}
