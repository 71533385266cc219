/* LDFLAGS: -Wl,--wrap=key_verify */
/*
 * The whole client of TUF: the files that it asks for, of whatever role, one after the other. The parts
 * of the input are these files, the trusted root first; an empty one is not there. Who signed is not asked
 * (a signature counts that does not begin with 00), so that all that stands behind signatures is reached.
 */
#include "trust/client.h"

#include "fuzz.h"

/* The linker's seam. */
bool __wrap_key_verify(const struct key *key, const void *data, size_t size, const void *sig,
		       size_t sig_size);

bool __wrap_key_verify(const struct key *key, const void *data, size_t size, const void *sig,
		       size_t sig_size)
{
	return sig_size > 0 && *(const uint8_t *)sig != 0;
}

static int answer(struct client *client, const struct client_step *step, const uint8_t **data,
		  size_t *size, struct error *err)
{
	char *part;

	if (step->action == CLIENT_SAVE || step->action == CLIENT_REMOVE)
		return client_did(client, err);
	assert(step->name && !strchr(step->name, '/') && step->max > 0);
	part = fuzz_part(data, size);
	if (part && part[0] && strlen(part) <= step->max)
		return client_give_consume(client, part, strlen(part), err);
	free(part);
	return client_lacks(client, err);
}

static int run(struct client *client, const uint8_t **data, size_t *size, struct error *err)
{
	struct client_step step;
	int r = 0;

	for (client_next(client, &step); r == 0 && step.action != CLIENT_READY;
	     client_next(client, &step)) {
		r = answer(client, &step, data, size, err);
		if (r < 0)
			break;
	}
	return r;
}

static void search(struct client *client, const char *path, const uint8_t **data, size_t *size)
{
	struct error err = {};
	int r = client_search(client, path, &err);
	const struct found *found;

	if (r == 0)
		r = run(client, data, size, &err);
	fuzz_check(r, &err);
	found = r < 0 ? NULL : client_found(client);
	assert(!found || (strcmp(found->path, path) == 0 && hashes_known(&found->hashes)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trusted_options options = { EXPIRY_ENFORCE, 1700000000000000 };
	_cleanup_free_ char *root = fuzz_part(&data, &size);
	_cleanup_(client_freep) struct client *client = NULL;
	struct error err = {};
	int r;

	if (!root)
		return 0;
	r = client_new(&options, root, strlen(root), &client, &err);
	if (r == 0)
		r = run(client, &data, &size, &err);
	fuzz_check(r, &err);
	if (r < 0)
		return 0;
	search(client, "app/stable/any.json", &data, &size);
	search(client, "other/a", &data, &size);
	assert(client_version(client, ROOT_ROLE_ROOT, &(uint64_t){ 0 }) > 0);
	return 0;
}
