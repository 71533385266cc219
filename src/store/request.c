#include "store/request.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "store/fields.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/record.h"

#define R(kind, member) FIELD(struct request, kind, #member, member)

static const struct field fields[] = {
	R(FIELD_TEXT, id),
	R(FIELD_TEXT, boot_id),
	R(FIELD_U64, expires),
	R(FIELD_VERB, verb),
	R(FIELD_SLOT, slot),
	R(FIELD_TEXT, version),
	R(FIELD_TEXT, source),
	R(FIELD_DIGEST, source_digest),
	R(FIELD_UINT, strip_components),
	R(FIELD_BOOL, trust_me),
	R(FIELD_TEXT, signer),
	R(FIELD_BOOL, start),
	R(FIELD_BOOL, now),
	R(FIELD_BOOL, no_way_back),
	R(FIELD_U64, epoch),
	R(FIELD_BOOL, force),
	R(FIELD_U64, sequence),
	R(FIELD_U64, until),
	R(FIELD_TEXT, group),
	R(FIELD_TEXT, round),
	R(FIELD_TEXT, why),
	R(FIELD_TEXT, who),
};

/* RFC 9562, 5.4: version 4, variant 10. */
int request_new_id(char ret_id[static STATE_ID_MAX], struct error *err)
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return error_errno(err, "getting random bytes");
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	(void)snprintf(ret_id, STATE_ID_MAX,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		       b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		       b[13], b[14], b[15]);
	return 0;
}

int request_lock(int dirfd, uint64_t timeout_usec, int *ret_lock_fd, struct error *err)
{
	return lock_wait(dirfd, LAYOUT_REQUEST, timeout_usec, ret_lock_fd, err);
}

int request_store(int dirfd, const struct request *request, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	int r = fields_write(fields, ARRAY_SIZE(fields), request, RECORD_PAYLOAD_MAX, &payload,
			     err);

	return r < 0 ? error_prefix(err, r, LAYOUT_REQUEST) :
		       record_store(dirfd, LAYOUT_REQUEST, payload, err);
}

int request_load(int dirfd, struct request *ret_request, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	struct request request = {};
	int r = record_load(dirfd, LAYOUT_REQUEST, &payload, NULL, err);

	if (r == RECORD_EMPTY)
		return REQUEST_NONE;
	if (r < 0)
		return r;
	r = fields_read(fields, ARRAY_SIZE(fields), payload, &request, err);
	if (r < 0)
		return error_prefix(err, r, LAYOUT_REQUEST);
	if (request.verb == VERB_NONE)
		return REQUEST_NONE;
	*ret_request = request;
	return 0;
}

bool request_is_expired(const struct request *request, const char *boot_id, uint64_t monotonic_usec)
{
	return strcmp(request->boot_id, boot_id) != 0 || monotonic_usec >= request->expires;
}
