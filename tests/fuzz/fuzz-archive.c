/* An archive whose digest was right, of whatever kind; its index is one that is taken as an index too. */
#include "release/archive.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct archive_options options = {
		.max_bytes = 8 << 20,
		.max_files = 500,
		.max_depth = 20,
		.max_ratio = 1000,
	};
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_close_ int fd = fuzz_file(data, size);
	struct error err = {};
	int r;

	if (pieces_new(fd, NULL, 1 << 24, NULL, NULL, &pieces, &err) < 0)
		return 0;
	r = archive_scan(pieces, &options, NULL, NULL, &index, &err);
	fuzz_check(r, &err);
	assert(r < 0 || index_count(index) > 0);
	return 0;
}
