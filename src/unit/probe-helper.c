#include "unit/probe-helper.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/confine.h"
#include "base/clock.h"
#include "base/fd.h"
#include "unit/complaint.h"
#include "unit/filter.h"
#include "unit/probe-exec.h"
#include "unit/probe-file.h"
#include "unit/probe-health.h"
#include "unit/probe-http.h"
#include "unit/probe-journal.h"
#include "unit/probe-order.h"
#include "unit/probe-socket.h"

#define PROBE_USER	  "flipslot-probe"
#define MEBI		  (1024 * 1024ULL)
#define OVERTIME_SEC	  5 /* to end by itself, should nobody else do it */
#define DESCRIPTORS	  64
#define DESCRIPTORS_MANY  16384 /* the journal's files are all open at once */
#define ADDRESS_SPACE	  (512 * MEBI)
#define ADDRESS_SPACE_ANY 0

enum identity {
	OF_PROBES, /* a user of its own */
	OF_APP, /* what the app may reach, it may reach */
	OF_NOBODY_ELSE, /* stays root, without capabilities: makes one call to the manager */
};

static const struct kind {
	enum identity identity;
	enum filter_sockets sockets;
	unsigned int descriptors;
	uint64_t address_space;
	bool (*ask)(const struct probe_order *order, uint64_t deadline, char *ret_text,
		    size_t room);
	void (*prepare)(void); /* loads what can only be loaded unconfined */
} kinds[PROBE_KIND_MAX] = {
	[PROBE_HTTP] = { OF_PROBES, FILTER_NETWORK, DESCRIPTORS, ADDRESS_SPACE, probe_http_ask,
			 probe_http_prepare },
	[PROBE_TCP] = { OF_PROBES, FILTER_NETWORK, DESCRIPTORS, ADDRESS_SPACE,
			probe_socket_ask_tcp },
	[PROBE_UNIX] = { OF_APP, FILTER_UNIX, DESCRIPTORS, ADDRESS_SPACE, probe_socket_ask_unix },
	[PROBE_FILE] = { OF_APP, FILTER_NO_SOCKETS, DESCRIPTORS, ADDRESS_SPACE, probe_file_ask },
	[PROBE_JOURNAL] = { OF_PROBES, FILTER_NO_SOCKETS, DESCRIPTORS_MANY, ADDRESS_SPACE_ANY,
			    probe_journal_ask },
	[PROBE_HEALTH] = { OF_PROBES, FILTER_NO_SOCKETS, DESCRIPTORS_MANY, ADDRESS_SPACE_ANY,
			   probe_health_ask },
	[PROBE_ERRORS] = { OF_PROBES, FILTER_NO_SOCKETS, DESCRIPTORS_MANY, ADDRESS_SPACE_ANY,
			   complaint_ask },
	[PROBE_LAST] = { OF_PROBES, FILTER_NO_SOCKETS, DESCRIPTORS_MANY, ADDRESS_SPACE_ANY,
			 complaint_ask_last },
	[PROBE_EXEC] = { OF_NOBODY_ELSE, FILTER_UNIX, DESCRIPTORS, ADDRESS_SPACE, probe_exec_ask },
};

static int become(enum identity identity, const struct probe_context *context, struct error *err)
{
	static const char *const journal[] = { "systemd-journal", "adm", NULL };
	static const char *const none[] = { NULL };

	switch (identity) {
	case OF_APP:
		return confine_become(context->user, context->group, NULL, err);
	case OF_NOBODY_ELSE:
		return confine_become("", "", none, err);
	default:
		return confine_become(confine_user_or_nobody(PROBE_USER), "", journal, err);
	}
}

/* Relative paths are meant in the slot, which root may enter, or else the app. */
static void enter(const char *slot_path)
{
	if (slot_path && slot_path[0])
		(void)!chdir(slot_path);
}

/* Gives away what the kind does not need. */
static int confine(const struct kind *kind, const struct probe_context *context, struct error *err)
{
	const char *slot = kind->identity == OF_APP ? context->slot_path : NULL;
	int r;

	r = confine_limits(&(struct confine_limits){ .descriptors = kind->descriptors,
						     .address_space = kind->address_space },
			   err);
	if (r < 0)
		return r;
	if (chdir("/") < 0)
		return error_errno(err, "entering /");
	enter(slot);
	r = become(kind->identity, context, err);
	if (r < 0)
		return r;
	enter(slot);
	return filter_install(kind->sockets, err);
}

static int read_order(struct probe_order *ret_order, struct error *err)
{
	static char text[PROBE_ORDER_MAX + 1];
	ssize_t n = fd_read_full(STDIN_FILENO, text, sizeof(text));

	if (n < 0)
		return error_errno(err, "reading orders");
	if (n > PROBE_ORDER_MAX || memchr(text, '\0', (size_t)n))
		return error_set(err, FAULT_CORRUPT, "orders of another form");
	text[n] = '\0';
	return probe_order_read(text, ret_order, err);
}

static int ask(const struct probe_order *order, uint64_t began, bool *ret_passed, char *ret_text,
	       size_t room, struct error *err)
{
	const struct kind *kind = &kinds[order->options.kind];
	uint64_t timeout = order->options.timeout_usec;
	int r;

	if (!kind->ask)
		return error_set(err, FAULT_INTERNAL, "kind %s is not asked in a child",
				 probe_kind_name(order->options.kind));
	if (kind->prepare)
		kind->prepare();
	r = confine(kind, &order->context, err);
	if (r < 0)
		return r;
	*ret_passed = kind->ask(order,
				timeout < USEC_INFINITY - began ? began + timeout : USEC_INFINITY,
				ret_text, room);
	return 0;
}

static int answer(bool passed, const char *text)
{
	char line[PROBE_ANSWER_MAX];

	probe_order_write_answer(passed, text, line);
	return fd_write_full(STDOUT_FILENO, line, strlen(line)) < 0 ? 1 : 0;
}

int probe_helper_main(void)
{
	_cleanup_(probe_order_done) struct probe_order order = {};
	uint64_t began = clock_monotonic_usec();
	char text[PROBE_TEXT_MAX] = "";
	struct error err = {};
	bool passed = false;
	int r;

	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = read_order(&order, &err);
	if (r >= 0) {
		uint64_t seconds = order.options.timeout_usec / USEC_PER_SEC;

		(void)alarm(seconds < 86400 ? (unsigned int)seconds + OVERTIME_SEC : 86400);
		r = ask(&order, began, &passed, text, sizeof(text), &err);
	}
	if (r < 0)
		(void)snprintf(text, sizeof(text), "could not be asked: %.*s",
			       (int)sizeof(text) - 32, err.text);
	return answer(passed && r >= 0, text);
}
