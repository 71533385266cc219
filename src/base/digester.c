#include "base/digester.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/digest.h"

struct digester {
	EVP_MD *md; /* fetched once: a look-up by name for each of many small files is what costs */
	EVP_MD_CTX *context;
};

static int fail(struct error *err)
{
	return error_set(err, FAULT_INTERNAL, "libcrypto failed at SHA-256");
}

int digester_new(struct digester **ret_digester, struct error *err)
{
	_cleanup_(digester_freep) struct digester *digester = calloc(1, sizeof(*digester));
	int r;

	if (!digester)
		return error_errno(err, "SHA-256");
	digester->md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	digester->context = EVP_MD_CTX_new();
	if (!digester->md || !digester->context)
		return fail(err);
	r = digester_reset(digester, err);
	if (r < 0)
		return r;
	*ret_digester = TAKE_PTR(digester);
	return 0;
}

void digester_free(struct digester *digester)
{
	if (!digester)
		return;
	EVP_MD_CTX_free(digester->context);
	EVP_MD_free(digester->md);
	free(digester);
}

int digester_reset(struct digester *digester, struct error *err)
{
	return EVP_DigestInit_ex2(digester->context, digester->md, NULL) == 1 ? 0 : fail(err);
}

int digester_update(struct digester *digester, const void *data, size_t size, struct error *err)
{
	return EVP_DigestUpdate(digester->context, data, size) == 1 ? 0 : fail(err);
}

int digester_finish(struct digester *digester, struct digest *ret_digest, struct error *err)
{
	struct digest digest;

	if (EVP_DigestFinal_ex(digester->context, digest.bytes, NULL) != 1)
		return fail(err);
	*ret_digest = digest;
	return 0;
}
