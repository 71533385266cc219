/* A key, a signature, a file: the three parts. */
#include "trust/minisign.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(minisign_stream_freep) struct minisign_stream *stream = NULL;
	_cleanup_free_ char *key_text = fuzz_part(&data, &size);
	_cleanup_free_ char *signature_text = fuzz_part(&data, &size);
	static struct minisign_signature signature;
	struct minisign_key key;
	struct digest digest;
	struct error err = {};
	char id[MINISIGN_ID_MAX];

	if (!signature_text ||
	    minisign_read_signature(signature_text, strlen(signature_text), &signature, &err) < 0)
		return 0;
	assert(memchr(signature.comment, '\0', sizeof(signature.comment)));
	if (minisign_read_key(key_text, strlen(key_text), &key, &err) < 0)
		return 0;
	assert(strlen(minisign_id_to_text(&key.id, id)) == MINISIGN_ID_MAX - 1);
	(void)minisign_check(&key, &signature, &err);
	if (minisign_stream_new(&key, &signature, size, &stream, &err) == 0 &&
	    minisign_stream_update(stream, data, size, &err) == 0)
		(void)minisign_stream_finish(stream, &digest, &err);
	return 0;
}
