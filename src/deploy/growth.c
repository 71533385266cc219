#include "deploy/growth.h"

#include "unit/memory.h"

#define MEMORY_SLACK (16ULL << 20) /* a small service may grow by that in any case */

void growth_note(struct session *session, const struct unit *unit)
{
	session->state.transaction.memory = memory_of(unit->control_group);
}

/* Wanted, not required: a release may need more by rights. Small services do not count. */
void growth_tell(struct session *session)
{
	const struct state_transaction *transaction = &session->state.transaction;
	uint64_t before = transaction->memory;
	_cleanup_unit_ struct unit unit = {};
	struct manager *manager;
	uint64_t now;

	if (before == 0 || session->options->memory_growth == 0 ||
	    session_manager(session, &manager, NULL) < 0 ||
	    unit_query(manager, session->options->unit, &unit, NULL) < 0)
		return;
	now = memory_of(unit.control_group);
	if (now <= before + MEMORY_SLACK ||
	    now <= before + before / 100 * session->options->memory_growth)
		return;
	session_tell(session, EVENT_WARNING, FAULT_NONE,
		     "%s uses %llu MiB of memory at the end of the watch window, %s used %llu "
		     "(MemoryGrowth=)",
		     transaction->release.version, (unsigned long long)(now >> 20),
		     transaction->from_version, (unsigned long long)(before >> 20));
}
