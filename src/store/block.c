#include "store/block.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/text.h"

static int checksum(uint64_t sequence, const char *payload, size_t length,
		    char ret_hex[static DIGEST_HEX_MAX], struct error *err)
{
	_cleanup_text_ struct text text = {};
	struct digest digest;
	int r;

	text_add(&text, "%" PRIu64 "\n", sequence);
	text_add_bytes(&text, payload, length);
	r = text_check(&text, err);
	if (r == 0)
		r = digest_of(text.data, text.size, &digest, err);
	if (r == 0)
		digest_to_hex(&digest, ret_hex);
	return r;
}

int block_make(void *block, size_t size, const char *magic, uint64_t sequence, const char *payload,
	       struct error *err)
{
	size_t length = strlen(payload);
	char header[BLOCK_HEADER_MAX];
	char hex[DIGEST_HEX_MAX];
	int n;
	int r = checksum(sequence, payload, length, hex, err);

	if (r < 0)
		return r;
	n = snprintf(header, sizeof(header), "%s 1 %" PRIu64 " %zu %s\n", magic, sequence, length,
		     hex);
	if (n < 0 || (size_t)n >= sizeof(header) || size < (size_t)n || length > size - (size_t)n)
		return error_set(err, FAULT_NO_SPACE, "%zu bytes do not fit into a block of %zu",
				 length, size);
	memset(block, 0, size);
	memcpy(block, header, (size_t)n);
	memcpy((char *)block + n, payload, length);
	return 0;
}

static bool is_zero(const char *block, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (block[i] != 0)
			return false;
	return true;
}

/* Roughly what the header says: block_read() compares the whole block with what it should be then. */
static bool guess(const char *block, size_t size, const char *magic, uint64_t *ret_sequence,
		  char **ret_payload)
{
	char header[BLOCK_HEADER_MAX];
	const char *end = memchr(block, '\n', size < sizeof(header) ? size : sizeof(header) - 1);
	size_t magic_size = strlen(magic);
	char *at;
	size_t length;

	if (!end)
		return false;
	memcpy(header, block, (size_t)(end - block));
	header[end - block] = '\0';
	if (strncmp(header, magic, magic_size) != 0 || strncmp(header + magic_size, " 1 ", 3) != 0)
		return false;
	*ret_sequence = strtoull(header + magic_size + 3, &at, 10);
	length = strtoul(at, NULL, 10);
	if (length > size - (size_t)(end + 1 - block))
		return false;
	*ret_payload = strndup(end + 1, length);
	return true;
}

bool block_fetch(int fd, off_t offset, void *block, size_t size)
{
	bool done = false;

	for (int tries = 0; !done && tries < 2; tries++)
		done = fd_pread_full(fd, block, size, offset) == (ssize_t)size;
	return done;
}

int block_read(const void *block, size_t size, const char *magic, uint64_t *ret_sequence,
	       char **ret_payload, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	_cleanup_free_ char *whole = NULL;
	uint64_t sequence;
	int r;

	if (is_zero(block, size))
		return BLOCK_EMPTY;
	if (!guess(block, size, magic, &sequence, &payload))
		return BLOCK_DAMAGED;
	whole = malloc(size);
	if (!whole || !payload)
		return error_errno(err, "reading a block");
	r = block_make(whole, size, magic, sequence, payload, err);
	if (r < 0)
		return r;
	if (memcmp(whole, block, size) != 0)
		return BLOCK_DAMAGED;
	*ret_sequence = sequence;
	*ret_payload = TAKE_PTR(payload);
	return 0;
}
