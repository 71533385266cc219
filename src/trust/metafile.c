#include "trust/metafile.h"

#include <inttypes.h>

#include "trust/jread.h"

static int read_hashes(const json_t *object, struct metafile *metafile, struct error *err)
{
	json_t *hashes;
	int r;

	metafile->has_hashes = json_object_get(object, "hashes") != NULL;
	if (!metafile->has_hashes)
		return 0;
	r = jread_object(object, "hashes", &hashes, err);
	if (r < 0)
		return r;
	return hashes_read(hashes, &metafile->hashes, err);
}

static int read_members(const json_t *object, struct metafile *metafile, struct error *err)
{
	int r = jread_integer(object, "version", 1, &metafile->version, err);

	if (r < 0)
		return r;
	metafile->has_length = json_object_get(object, "length") != NULL;
	if (metafile->has_length) {
		r = jread_integer(object, "length", 0, &metafile->length, err);
		if (r < 0)
			return r;
	}
	return read_hashes(object, metafile, err);
}

int metafile_read(const json_t *meta, const char *name, struct metafile *ret_metafile,
		  struct error *err)
{
	struct metafile metafile = {};
	char shown[JREAD_SHOWN_MAX];
	json_t *object;
	int r = jread_object(meta, name, &object, err);

	if (r < 0)
		return r;
	r = read_members(object, &metafile, err);
	if (r < 0)
		return error_prefix(err, r, "\"%s\"", jread_show(name, shown));
	*ret_metafile = metafile;
	return 0;
}

int metafile_check(const struct metafile *metafile, const void *data, size_t size,
		   struct error *err)
{
	if (metafile->has_length && metafile->length != size)
		return error_set(err, FAULT_UNTRUSTED,
				 "it has %zu bytes where %" PRIu64 " are listed", size,
				 metafile->length);
	if (metafile->has_hashes)
		return hashes_check(&metafile->hashes, data, size, err);
	return 0;
}
