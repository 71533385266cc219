#include "trust/metadata.h"

#include <inttypes.h>
#include <string.h>

#include "trust/expiry.h"
#include "trust/jread.h"

/* "1.0.31", "1.0": the first number must be ours, and the others must be numbers (semver.org). */
static bool is_our_spec(const char *version)
{
	return strncmp(version, "1.", 2) == 0 && version[2] != '\0' &&
	       strspn(version, "0123456789.") == strlen(version);
}

static int check_type(const json_t *body, const char *type, struct error *err)
{
	char shown[JREAD_SHOWN_MAX];
	const char *found;
	int r = jread_string(body, "_type", &found, err);

	if (r < 0)
		return r;
	if (strcmp(found, type) != 0)
		return error_set(err, FAULT_CORRUPT, "its type is \"%s\", not \"%s\"",
				 jread_show(found, shown), type);
	return 0;
}

static int check_spec(const json_t *body, struct error *err)
{
	char shown[JREAD_SHOWN_MAX];
	const char *spec;
	int r = jread_string(body, "spec_version", &spec, err);

	if (r < 0)
		return r;
	if (!is_our_spec(spec))
		return error_set(err, FAULT_CORRUPT,
				 "it is of version \"%s\" of the specification, not 1.x",
				 jread_show(spec, shown));
	return 0;
}

int metadata_read(const json_t *body, const char *type, struct metadata *ret_metadata,
		  struct error *err)
{
	struct metadata metadata;
	const char *expires;
	int r = check_type(body, type, err);

	if (r < 0)
		return r;
	r = check_spec(body, err);
	if (r < 0)
		return r;
	r = jread_integer(body, "version", 1, &metadata.version, err);
	if (r < 0)
		return r;
	r = jread_string(body, "expires", &expires, err);
	if (r < 0)
		return r;
	r = expiry_parse(expires, &metadata.expires, err);
	if (r < 0)
		return r;
	*ret_metadata = metadata;
	return 0;
}

int metadata_check_version(const struct metadata *metadata, uint64_t promised, struct error *err)
{
	if (metadata->version == promised)
		return 0;
	return error_set(err, metadata->version < promised ? FAULT_STALE : FAULT_UNTRUSTED,
			 "its version is %" PRIu64 " where %" PRIu64 " is due", metadata->version,
			 promised);
}
