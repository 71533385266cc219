#include "app/look.h"

#include <inttypes.h>
#include <stdio.h>

bool look_has_news(const struct checked *checked)
{
	return checked->fault == FAULT_NONE && checked->news &&
	       !digest_is_null(&checked->offer.digest);
}

/* A release of a plain target file has no sequence. */
static const char *say_which(const struct checked *checked, char *text, size_t room)
{
	if (checked->offer.sequence > 0)
		(void)snprintf(text, room, "%s (sequence %" PRIu64 ")", checked->offer.version,
			       checked->offer.sequence);
	else
		(void)snprintf(text, room, "%s", checked->offer.version);
	return text;
}

char *look_say(const struct checked *checked, const char *app, char ret_text[static LOOK_MAX])
{
	char which[sizeof(checked->offer.version) + 40];

	say_which(checked, which, sizeof(which));
	if (checked->when == 0)
		(void)snprintf(ret_text, LOOK_MAX, "not looked at yet: flipslot check %s", app);
	else if (checked->fault != FAULT_NONE)
		(void)snprintf(ret_text, LOOK_MAX, "%s: %s", fault_name(checked->fault),
			       checked->text);
	else if (digest_is_null(&checked->offer.digest))
		(void)snprintf(ret_text, LOOK_MAX, "the source offers nothing for it");
	else if (checked->news)
		(void)snprintf(ret_text, LOOK_MAX, "%s is there: flipslot update %s", which, app);
	else if (checked->offer.sequence == 0)
		(void)snprintf(ret_text, LOOK_MAX, "%s is the newest there: nothing to install",
			       which);
	else
		(void)snprintf(ret_text, LOOK_MAX, "%s is the newest, and known good here", which);
	return ret_text;
}
