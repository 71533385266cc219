#include "deploy/astray.h"

#include <string.h>

#include "base/text.h"
#include "unit/exec.h"
#include "unit/unitfile.h"

/* Another user's files are not looked at. False: it goes through `current`, or cannot be asked. */
static bool find(struct session *session, char *ret_text, size_t room)
{
	_cleanup_unit_ struct unit unit = {};
	const char *file;

	if (session_query(session, &unit, NULL) < 0 || strcmp(unit.load_state, "loaded") != 0 ||
	    exec_goes_through(&unit, session->current_path))
		return false;
	file = unit.is_owned ? NULL : unitfile_of_exec_start(&unit);
	(void)text_print(ret_text, room,
			 "ExecStart= of %.80s does not go through %.120s any more%s%.150s",
			 unit.name, session->current_path, file ? ": it is set in " : "",
			 file ? file : "");
	return true;
}

bool astray_is(struct session *session)
{
	_cleanup_unit_ struct unit unit = {};

	return session_query(session, &unit, NULL) == 0 &&
	       (strcmp(unit.load_state, "loaded") != 0 ||
		!exec_goes_through(&unit, session->current_path));
}

void astray_blame(struct session *session, char *reason, size_t room)
{
	char text[512];

	if (find(session, text, sizeof(text)))
		text_append(reason, room, "; %s", text);
}

void astray_warn(struct session *session)
{
	char text[512];

	if (find(session, text, sizeof(text)))
		session_tell(session, EVENT_WARNING, FAULT_UNIT,
			     "%s; the next start will run something else", text);
}
