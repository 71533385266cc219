#include "app/signed-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/text.h"

#define PART_SIZE (1024 * 1024) /* bytes, of one read */

/* The text of a small file; links in its name are followed, as a person expects. */
static int read_small(const char *name, char **ret_text, size_t *ret_size, struct error *err)
{
	_cleanup_free_ char *path = realpath(name, NULL);
	int r;

	if (!path)
		return error_set(err, FAULT_CONFIG, "%s: %s", name, strerrordesc_np(errno));
	r = fd_read_file(AT_FDCWD, path, MINISIGN_FILE_MAX, ret_text, ret_size, err);
	if (r == FD_ABSENT)
		return error_set(err, FAULT_CONFIG, "%s is gone", path);
	return r;
}

/* What looks like a key is one: a file of such a name can be given as ./NAME. */
static int get_key(const char *given, struct minisign_key *ret_key, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (minisign_read_key(given, strlen(given), ret_key, NULL) >= 0)
		return 0;
	r = read_small(given, &text, &size, err);
	if (r < 0)
		return error_prefix(err, r, "--minisign-key is neither a key in base64 nor a file");
	r = minisign_read_key(text, size, ret_key, err);
	return r < 0 ? error_prefix(err, r, "--minisign-key %s", given) : 0;
}

static int get_signature(const struct signed_file *input, const struct minisign_key *key,
			 struct minisign_signature *ret_signature, struct error *err)
{
	_cleanup_text_ struct text name = {};
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (input->signature)
		text_add(&name, "%s", input->signature);
	else
		text_add(&name, "%s.minisig", input->file);
	r = text_check(&name, err);
	if (r >= 0)
		r = read_small(name.data, &text, &size, err);
	if (r < 0)
		return error_prefix(err, r, "the minisign signature");
	r = minisign_read_signature(text, size, ret_signature, err);
	if (r >= 0)
		r = minisign_check(key, ret_signature, err);
	return r < 0 ? error_prefix(err, r, "%s", name.data) : 0;
}

static int open_file(const char *name, int *ret_fd, uint64_t *ret_size, struct error *err)
{
	_cleanup_free_ char *path = realpath(name, NULL);
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (path)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, FAULT_CONFIG, "%s: %s", name, strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, FAULT_CONFIG, "%s is not a regular file", name);
	*ret_size = (uint64_t)st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int read_all(int fd, struct minisign_stream *stream, struct error *err)
{
	_cleanup_free_ char *part = malloc(PART_SIZE);
	ssize_t n;

	if (!part)
		return error_code(err, -ENOMEM, "reading it");
	while ((n = fd_read_full(fd, part, PART_SIZE)) > 0) {
		int r = minisign_stream_update(stream, part, (size_t)n, err);

		if (r < 0)
			return r;
	}
	return n < 0 ? error_errno(err, "reading it") : 0;
}

static int check_content(const char *name, const struct minisign_key *key,
			 const struct minisign_signature *signature, struct digest *ret_digest,
			 struct error *err)
{
	_cleanup_(minisign_stream_freep) struct minisign_stream *stream = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t size = 0;
	int r;

	r = open_file(name, &fd, &size, err);
	if (r < 0)
		return r;
	r = minisign_stream_new(key, signature, size, &stream, err);
	if (r >= 0)
		r = read_all(fd, stream, err);
	if (r >= 0)
		r = minisign_stream_finish(stream, ret_digest, err);
	return r < 0 ? error_prefix(err, r, "%s", name) : 0;
}

int signed_file_check(const struct signed_file *input, struct signed_file_verdict *ret_verdict,
		      struct error *err)
{
	struct minisign_signature signature;
	struct minisign_key key;
	struct digest digest;
	int r;

	r = get_key(input->key, &key, err);
	if (r >= 0)
		r = get_signature(input, &key, &signature, err);
	if (r >= 0)
		r = check_content(input->file, &key, &signature, &digest, err);
	if (r < 0)
		return r;
	ret_verdict->digest = digest;
	(void)minisign_id_to_text(&key.id, ret_verdict->signer);
	(void)text_escape(signature.comment, strlen(signature.comment), ret_verdict->comment,
			  sizeof(ret_verdict->comment));
	return 0;
}
