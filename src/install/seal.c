/*
 * slots/a.seal:
 *
 *     flipslot-seal 2 <bytes of descriptor> <bytes of packed index> <SHA-256 of both together, hex>\n
 *     <descriptor: one line of JSON (release/descriptor.h)>
 *     <index: canonical text (src/release/index.c), as one zstd frame (release/frame.h)>
 *
 * Numbers are decimal without leading zeroes. Nothing follows the index. The descriptor's "index" is the
 * SHA-256 of the index alone, unpacked. Version 1 has it as it is; it is read, and not written any more.
 */
#include "install/seal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bulk.h"
#include "base/fd.h"
#include "base/text.h"
#include "release/frame-write.h"
#include "release/frame.h"
#include "store/durable.h"

#define MAGIC	   "flipslot-seal "
#define PACKED	   2 /* the version */
#define LEVEL	   1 /* of zstd: half of it are digests */
#define HEADER_MAX 160
#define FRONT_MAX  (HEADER_MAX + DESCRIPTOR_MAX)
#define CHUNK	   (64 * 1024)

struct header {
	size_t size; /* of the line itself, newline included */
	unsigned long long version;
	uint64_t descriptor;
	uint64_t index; /* as it is in the file */
	struct digest digest;
};

void seal_done(struct seal *seal)
{
	index_free(seal->index);
	*seal = (struct seal){};
}

static int damaged(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the seal is damaged: %s", what);
}

/* ---- the first line ---- */

static int format_header(const struct header *header, char ret_line[static HEADER_MAX])
{
	char hex[DIGEST_HEX_MAX];

	return snprintf(ret_line, HEADER_MAX, MAGIC "%llu %llu %llu %s\n", header->version,
			(unsigned long long)header->descriptor, (unsigned long long)header->index,
			digest_to_hex(&header->digest, hex));
}

/* Lenient, as the line is written again and compared. */
static int parse_header(const char *bytes, size_t size, struct header *ret_header,
			struct error *err)
{
	struct header header = {};
	char line[HEADER_MAX] = "";
	char again[HEADER_MAX];
	char *end = memccpy(line, bytes, '\n', size < HEADER_MAX - 1 ? size : HEADER_MAX - 1);
	char *at;

	if (!end || strncmp(line, MAGIC, strlen(MAGIC)) != 0)
		return damaged(err, "it does not begin as a seal");
	header.size = (size_t)(end - line);
	end[-1] = '\0';
	header.version = strtoull(line + strlen(MAGIC), &at, 10);
	header.descriptor = strtoull(at, &at, 10);
	header.index = strtoull(at, &at, 10);
	if (*at != ' ' || digest_from_hex(at + 1, &header.digest, NULL) < 0)
		return damaged(err, "its first line is malformed");
	end[-1] = '\n';
	if ((size_t)format_header(&header, again) != header.size ||
	    memcmp(again, line, header.size) != 0)
		return damaged(err, "its first line is malformed");
	if (header.version < 1 || header.version > PACKED)
		return error_set(err, FAULT_CORRUPT,
				 "the seal has version %llu, and this flipslot reads 1 and %d: it "
				 "was written by a newer one",
				 header.version, PACKED);
	if (header.descriptor > DESCRIPTOR_MAX || header.index > SEAL_MAX)
		return damaged(err, "its parts are too large");
	*ret_header = header;
	return 0;
}

static int check_size(const struct header *header, uint64_t size, struct error *err)
{
	if (size != header->size + header->descriptor + header->index)
		return damaged(err, "it is truncated, or something follows it");
	return 0;
}

static int check_digest(const struct digest *is, const struct digest *should, struct error *err)
{
	return digest_equal(is, should) ? 0 : damaged(err, "its checksum differs");
}

/* ---- writing ---- */

int seal_check(const struct descriptor *descriptor, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	struct descriptor back;
	int r = descriptor_encode(descriptor, &json, err);

	return r < 0 ? r : descriptor_decode(json, strlen(json), &back, err);
}

static int pack(struct index *index, struct digest *ret_digest, struct text *packed,
		struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r = index_write(index, &text, err);

	if (r == 0)
		r = digest_of(text.data, text.size, ret_digest, err);
	if (r == 0 && text.size > SEAL_MAX)
		return error_set(err, FAULT_NO_SPACE, "the index would be larger than %llu bytes",
				 SEAL_MAX);
	return r < 0 ? r : frame_write_pack(&text, &(struct text){}, LEVEL, packed, err);
}

/* In front of the packed index there is room for all that comes before it; what is not needed of that is closed. */
static int put_front(struct text *text, size_t room, const struct descriptor *descriptor,
		     struct error *err)
{
	_cleanup_free_ char *json = NULL;
	struct header header = { .version = PACKED, .index = text->size - room };
	char line[HEADER_MAX];
	char *body;
	size_t size;
	int r = descriptor_encode(descriptor, &json, err);

	if (r < 0)
		return r;
	header.descriptor = strlen(json);
	assert(HEADER_MAX + header.descriptor <= room);
	body = text->data + room - header.descriptor;
	memcpy(body, json, header.descriptor);
	r = digest_of(body, header.descriptor + header.index, &header.digest, err);
	if (r < 0)
		return r;
	size = (size_t)format_header(&header, line);
	memmove(text->data + size, body, header.descriptor + header.index);
	memcpy(text->data, line, size);
	text->size = size + header.descriptor + header.index;
	return 0;
}

int seal_make(struct descriptor *descriptor, struct index *index, struct text *ret_seal,
	      struct error *err)
{
	_cleanup_text_ struct text text = {};
	struct descriptor complete = *descriptor;
	int r;

	if (!text_room(&text, FRONT_MAX))
		return error_code(err, -ENOMEM, "making a seal");
	text.size = FRONT_MAX;
	r = pack(index, &complete.index, &text, err);
	if (r == 0)
		r = put_front(&text, FRONT_MAX, &complete, err);
	if (r < 0)
		return r;
	*descriptor = complete;
	*ret_seal = text;
	text = (struct text){};
	return 0;
}

int seal_put(int dirfd, enum slot slot, const struct text *seal, struct error *err)
{
	int r = durable_replace(dirfd, slot_seal_name(slot), seal->data, seal->size, 0644, err);

	return r < 0 ? error_prefix(err, r, "writing the seal of slot %s", slot_name(slot)) : 0;
}

/* ---- reading ---- */

static int decode_index(const char *bytes, size_t size, struct seal *seal, struct error *err)
{
	struct digest digest;
	int r = digest_of(bytes, size, &digest, err);

	if (r == 0)
		r = check_digest(&digest, &seal->descriptor.index, err);
	return r < 0 ? r : index_decode(bytes, size, &seal->index, err);
}

static int unpack_index(const char *bytes, size_t size, struct seal *seal, struct error *err)
{
	_cleanup_frame_ struct frame frame = {};
	struct error cause = {};
	int r = frame_unpack(bytes, size, NULL, 0, SEAL_MAX, &frame, &cause);

	if (r == -ENOMEM)
		return error_code(err, r, "reading a seal");
	if (r < 0 || frame.packed != size)
		return damaged(err, "its index cannot be unpacked");
	return decode_index(frame.data, frame.size, seal, err);
}

static int decode_parts(const struct header *header, const char *bytes, struct seal *seal,
			struct error *err)
{
	const char *descriptor = bytes + header->size;
	const char *index = descriptor + header->descriptor;
	struct digest digest;
	int r = digest_of(descriptor, header->descriptor + header->index, &digest, err);

	if (r == 0)
		r = check_digest(&digest, &header->digest, err);
	if (r == 0)
		r = descriptor_decode(descriptor, header->descriptor, &seal->descriptor, err);
	if (r < 0)
		return r;
	return header->version == PACKED ? unpack_index(index, header->index, seal, err) :
					   decode_index(index, header->index, seal, err);
}

int seal_decode(const char *bytes, size_t size, struct seal *ret_seal, struct error *err)
{
	_cleanup_seal_ struct seal seal = {};
	struct header header = {};
	int r = parse_header(bytes, size, &header, err);

	if (r == 0)
		r = check_size(&header, size, err);
	if (r == 0)
		r = decode_parts(&header, bytes, &seal, err);
	if (r < 0)
		return r;
	*ret_seal = seal;
	seal.index = NULL;
	return 0;
}

int seal_load(int dirfd, enum slot slot, struct seal *ret_seal, struct error *err)
{
	_cleanup_bulk_ char *bytes = NULL;
	size_t size;
	int r = fd_read_bulk(dirfd, slot_seal_name(slot), SEAL_MAX, &bytes, &size, err);

	if (r != 0)
		return r == FD_ABSENT ? SEAL_ABSENT : r;
	r = seal_decode(bytes, size, ret_seal, err);
	return r < 0 ? error_prefix(err, r, "slot %s", slot_name(slot)) : 0;
}

/* ---- peeking ---- */

/* Digests `size` bytes from the offset on. */
static int digest_file(struct digester *digester, int fd, uint64_t offset, uint64_t size,
		       struct error *err)
{
	_cleanup_free_ char *buffer = malloc(CHUNK);

	if (!buffer)
		return error_errno(err, "reading a seal");
	while (size > 0) {
		size_t want = size < CHUNK ? (size_t)size : CHUNK;
		ssize_t n = fd_pread_full(fd, buffer, want, (off_t)offset);
		int r;

		if (n < 0)
			return error_errno(err, "reading a seal");
		if ((size_t)n < want)
			return damaged(err, "it is truncated");
		r = digester_update(digester, buffer, want, err);
		if (r < 0)
			return r;
		offset += want;
		size -= want;
	}
	return 0;
}

static int verify_file(int fd, const struct header *header, struct error *err)
{
	_cleanup_(digester_freep) struct digester *digester = NULL;
	struct digest digest;
	int r = digester_new(&digester, err);

	if (r == 0)
		r = digest_file(digester, fd, header->size, header->descriptor + header->index,
				err);
	if (r == 0)
		r = digester_finish(digester, &digest, err);
	return r < 0 ? r : check_digest(&digest, &header->digest, err);
}

static int peek_header(int fd, struct header *ret_header, struct error *err)
{
	char bytes[HEADER_MAX];
	struct stat st;
	ssize_t n = fd_pread_full(fd, bytes, sizeof(bytes), 0);
	int r;

	if (n < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "reading a seal");
	r = parse_header(bytes, (size_t)n, ret_header, err);
	return r < 0 ? r : check_size(ret_header, (uint64_t)st.st_size, err);
}

static int peek_descriptor(int fd, const struct header *header, struct descriptor *ret_descriptor,
			   struct error *err)
{
	_cleanup_free_ char *json = malloc(header->descriptor + 1);
	ssize_t n;

	if (!json)
		return error_errno(err, "reading a seal");
	n = fd_pread_full(fd, json, header->descriptor, (off_t)header->size);
	if (n < 0)
		return error_errno(err, "reading a seal");
	if ((uint64_t)n < header->descriptor)
		return damaged(err, "it is truncated");
	return descriptor_decode(json, header->descriptor, ret_descriptor, err);
}

static int peek(int fd, struct descriptor *ret_descriptor, struct error *err)
{
	struct header header = {};
	int r = peek_header(fd, &header, err);

	if (r == 0)
		r = verify_file(fd, &header, err);
	return r < 0 ? r : peek_descriptor(fd, &header, ret_descriptor, err);
}

int seal_peek(int dirfd, enum slot slot, struct descriptor *ret_descriptor, struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, slot_seal_name(slot),
					O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0 && errno == ENOENT)
		return SEAL_ABSENT;
	if (fd < 0)
		return error_errno(err, "opening the seal of slot %s", slot_name(slot));
	r = peek(fd, ret_descriptor, err);
	return r < 0 ? error_prefix(err, r, "slot %s", slot_name(slot)) : 0;
}
