#include "deploy/epoch.h"

#include "base/text.h"
#include "install/seal.h"

bool epoch_bars(int dirfd, enum slot from, enum slot to, char *ret_why, size_t room)
{
	struct descriptor ran, next;

	if (from == SLOT_NONE || to == SLOT_NONE || seal_peek(dirfd, from, &ran, NULL) != 0 ||
	    seal_peek(dirfd, to, &next, NULL) != 0 || next.epoch >= ran.epoch)
		return false;
	(void)text_print(ret_why, room,
			 "%.60s writes data of epoch %llu, which %.60s cannot read (it knows %llu)",
			 ran.version, (unsigned long long)ran.epoch, next.version,
			 (unsigned long long)next.epoch);
	return true;
}

bool epoch_bars_return(const struct session *session, char *ret_why, size_t room)
{
	const struct state_transaction *transaction = &session->state.transaction;

	return !transaction->data &&
	       epoch_bars(session->dirfd, transaction->target, transaction->origin, ret_why, room);
}
