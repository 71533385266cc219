#include "app/checkup-source.h"

#include <fcntl.h>
#include <unistd.h>

#include "app/checkup-online.h"
#include "base/clock.h"
#include "store/checked.h"
#include "store/layout.h"

#define DAYS_UNSEEN 3 /* without a look at the source that went well */

static void look_at_last(const struct checkup *checkup)
{
	uint64_t now = clock_realtime_usec();
	struct checked checked;

	if (checked_load(checkup->dirfd, &checked, NULL) < 0 || checked.when == 0)
		doctor_warn(checkup->tally, "the source was never looked at: `flipslot check %s`",
			    checkup->app);
	else if (checked.fault != FAULT_NONE)
		doctor_complain(
			checkup->tally, checked.fault,
			"the last look at the source failed: %s; again: `flipslot check %s`",
			checked.text, checkup->app);
	else if (now > checked.when && now - checked.when > DAYS_UNSEEN * USEC_PER_DAY)
		doctor_warn(checkup->tally,
			    "the last look at the source was %llu days ago: is the timer at work?",
			    (unsigned long long)((now - checked.when) / USEC_PER_DAY));
}

void checkup_source(const struct checkup *checkup)
{
	bool trusted = faccessat(checkup->dirfd, LAYOUT_TRUST "/root.json", F_OK, 0) == 0;

	if (!checkup->options->source.url)
		return;
	if (!trusted)
		doctor_complain(
			checkup->tally, FAULT_UNTRUSTED,
			"there is no root of trust for %s: `flipslot source %s %s --root-json FILE`",
			checkup->options->source.url, checkup->app, checkup->options->source.url);
	if (trusted && checkup->online)
		checkup_online(checkup);
	else
		look_at_last(checkup);
}
