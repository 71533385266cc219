#include "unit/unitfile.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	_cleanup_unit_ struct unit unit = {};
	bool whole = false;

	assert(unitfile_take(text, &unit, &whole, NULL) == 0);
	for (size_t i = 0; i < unit.n_exec_start; i++)
		assert(unit.exec_start[i].argv[0]);
	if (unit.n_exec_start > 0 || unit.user[0])
		assert(unitfile_sets(text, unit.user[0] ? "User" : "ExecStart"));
	return 0;
}
