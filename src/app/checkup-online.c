#include "app/checkup-online.h"

#include "app/prospect.h"
#include "base/clock.h"
#include "deploy/update.h"

#define EXPIRY_NEAR_USEC USEC_PER_DAY

static void take(void *data, const struct event *event)
{
	if (event->kind == EVENT_WARNING && event->text)
		doctor_warn(data, "%s", event->text);
}

static void look_at_expiry(const struct checkup *checkup, const struct checked *checked)
{
	uint64_t now = clock_realtime_usec();
	char span[CLOCK_TEXT_MAX];

	if (checked->expires > now && checked->expires - now < EXPIRY_NEAR_USEC)
		doctor_warn(
			checkup->tally,
			"the source's metadata expires in %s, and nothing is installed from then "
			"on: its publisher has to sign it again (`flipslot repo refresh`)",
			clock_format_span(checked->expires - now, span));
}

/* As an update would be asked for that the timer begins, or a person. */
static int judge(struct prospect *prospect, struct error *err)
{
	struct session *session = &prospect->session;
	struct state_transaction wanted = {
		.unattended = session->options->source.auto_install && !session->options->group,
	};
	int r;

	session->state.transaction = wanted; /* in memory only */
	r = prospect_assess(prospect, err);
	if (r == 0)
		r = update_judge(session, prospect->release.offer, err);
	if (r == 0 && !prospect->decided)
		return error_set(err, prospect->why.fault, "%s", prospect->why.text);
	return r;
}

static void look_at_offer(const struct checkup *checkup, struct prospect *prospect)
{
	const struct checked *checked = &prospect->session.checked;
	struct error why = {};

	if (checked->text[0])
		doctor_warn(checkup->tally, "the source was asked: %s", checked->text);
	if (!prospect->release.offer || !checked->news ||
	    prospect->session.state.phase != PHASE_IDLE)
		return; /* by TargetPattern=: of that nothing is known but its name */
	if (judge(prospect, &why) < 0)
		doctor_complain(checkup->tally, why.fault,
				"%s is offered and could not be installed: %s; after that: "
				"`flipslot plan %s`",
				checked->offer.version, why.text, checkup->app);
}

void checkup_online(const struct checkup *checkup)
{
	const struct event_listener listener = { .handle = take, .data = checkup->tally };
	_cleanup_(prospect_done) struct prospect prospect = {
		.app = checkup->app,
		.session = PROSPECT_SESSION,
	};
	struct error why = {};
	int r = prospect_ask(&prospect, checkup->options, &listener, &why);

	if (r < 0) {
		doctor_complain(
			checkup->tally, why.fault,
			"the source was asked: %s; after that: `flipslot doctor --online %s`",
			why.text, checkup->app);
		return;
	}
	look_at_expiry(checkup, &prospect.session.checked);
	if (r == SOURCE_NONE)
		doctor_warn(checkup->tally,
			    "the source offers nothing for %s: is Channel= what was published?",
			    checkup->app);
	else
		look_at_offer(checkup, &prospect);
}
