#include "unit/exitcode.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* What systemd exits with in the place of a program that it could not set up. NULL: the name says it. */
static const struct {
	int status;
	const char *name;
	const char *words;
} statuses[] = {
	{ 200, "CHDIR",
	  "its working directory is missing, may not be entered, or is hidden by the unit's own "
	  "sandbox (InaccessiblePaths= and the like)" },
	{ 201, "NICE", NULL },
	{ 202, "FDS", NULL },
	{ 203, "EXEC",
	  "could not be executed: no such file, not executable, for another machine, its "
	  "interpreter is missing, or it is hidden by the unit's own sandbox (InaccessiblePaths=, "
	  "NoExecPaths= and the like)" },
	{ 204, "MEMORY", NULL },
	{ 205, "LIMITS", NULL },
	{ 206, "OOM_ADJUST", NULL },
	{ 207, "SIGNAL_MASK", NULL },
	{ 208, "STDIN", NULL },
	{ 209, "STDOUT", NULL },
	{ 210, "CHROOT", "its root directory could not be entered" },
	{ 211, "IOPRIO", NULL },
	{ 212, "TIMERSLACK", NULL },
	{ 213, "SECUREBITS", NULL },
	{ 214, "SETSCHEDULER", NULL },
	{ 215, "CPUAFFINITY", NULL },
	{ 216, "GROUP", "its group does not exist or may not be taken" },
	{ 217, "USER", "its user does not exist or may not be taken" },
	{ 218, "CAPABILITIES", NULL },
	{ 219, "CGROUP", NULL },
	{ 220, "SETSID", NULL },
	{ 221, "CONFIRM", NULL },
	{ 222, "STDERR", NULL },
	{ 224, "PAM", NULL },
	{ 225, "NETWORK", NULL },
	{ 226, "NAMESPACE",
	  "its sandbox could not be made: a path that its unit names is missing, or leads through "
	  "a link" },
	{ 227, "NO_NEW_PRIVILEGES", NULL },
	{ 228, "SECCOMP", NULL },
	{ 229, "SELINUX_CONTEXT", NULL },
	{ 230, "PERSONALITY", NULL },
	{ 231, "APPARMOR", NULL },
	{ 232, "ADDRESS_FAMILIES", NULL },
	{ 233, "RUNTIME_DIRECTORY", NULL },
	{ 235, "CHOWN", NULL },
	{ 236, "SMACK_PROCESS_LABEL", NULL },
	{ 237, "KEYRING", NULL },
	{ 238, "STATE_DIRECTORY", "its state directory could not be made" },
	{ 239, "CACHE_DIRECTORY", "its cache directory could not be made" },
	{ 240, "LOGS_DIRECTORY", "its log directory could not be made" },
	{ 241, "CONFIGURATION_DIRECTORY", NULL },
	{ 242, "NUMA_POLICY", NULL },
	{ 243, "CREDENTIALS", "its credentials could not be set up" },
	{ 244, "BPF", NULL },
};

/* What the program itself, or who was to execute it, says by custom. */
static const char *customary_words(int status)
{
	switch (status) {
	case 126:
		return " (a shell's word for: cannot be executed)";
	case 127:
		return " (a shell's word for: command not found; the loader's for: a shared library "
		       "is missing)";
	default:
		return "";
	}
}

static void explain_status(int status, char *ret_text, size_t room)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		if (statuses[i].status != status)
			continue;
		(void)snprintf(ret_text, room, "%s (%d/%s)",
			       statuses[i].words ? statuses[i].words :
						   "systemd could not set it up",
			       status, statuses[i].name);
		return;
	}
	(void)snprintf(ret_text, room, "exited with status %d%s", status, customary_words(status));
}

char *exitcode_explain(int code, int status, char *ret_text, size_t room)
{
	const char *name = sigabbrev_np(status);

	switch (code) {
	case CLD_EXITED:
		explain_status(status, ret_text, room);
		break;
	case CLD_KILLED:
		(void)snprintf(ret_text, room, "was killed by signal %d (%s)", status,
			       name ? name : "?");
		break;
	case CLD_DUMPED:
		(void)snprintf(ret_text, room, "crashed with signal %d (%s)", status,
			       name ? name : "?");
		break;
	default:
		(void)snprintf(ret_text, room, "ended in a way unknown (%d, %d)", code, status);
		break;
	}
	return ret_text;
}
