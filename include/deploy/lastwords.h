/*
 * What a service said last before it ended with a status that says little ("exited with status 1").
 */
#pragma once

#include "deploy/session.h"

#define LASTWORDS_MAX 120 /* bytes of the line that are shown */

/*
 * Appends `, and said last: "LINE"` to a reason that says so, if the journal has a line of the invocation under trial. It is asked for
 * when the service is back, and so costs it nothing; nobody waits for it where worker after worker has died.
 */
void lastwords_append(struct session *session, char *reason, size_t room);
