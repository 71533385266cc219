#include "unit/manager.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/text.h"

#define RETRY_PAUSE_USEC (20 * USEC_PER_MSEC)
#define READY_USEC	 (3 * USEC_PER_SEC) /* for a bus to welcome us */
#define PROPERTIES	 "org.freedesktop.DBus.Properties"
#define MEMORY_MAX	 (256ULL << 20) /* what the messages of another user's manager may make of us */

struct manager {
	sd_bus *bus;
	unsigned int generation;
	bool of_user; /* the calling user's */
	bool is_owned; /* that of `owner` */
	struct owner owner;
};

#define _cleanup_bus_ _cleanup_(sd_bus_close_unrefp)

int manager_error(const sd_bus_error *bus_error, int code, struct error *err, const char *format,
		  ...)
{
	const char *why = bus_error ? bus_error->message : NULL;
	char what[ERROR_TEXT_MAX];
	char shown[ERROR_TEXT_MAX];
	va_list ap;

	if (!why)
		why = bus_error && bus_error->name ? bus_error->name : strerrordesc_np(-code);
	if (!why)
		why = "unknown error";
	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	return error_set(err, FAULT_UNIT, "%s: %s", what,
			 text_escape(why, strlen(why), shown, sizeof(shown)));
}

/* ---- connecting ---- */

/* `direct`: the manager is at the other end, no bus between. */
static int open_address(const char *address, bool direct, sd_bus **ret_bus)
{
	_cleanup_bus_ sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, !direct);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0)
		return r;
	*ret_bus = TAKE_PTR(bus);
	return 0;
}

/* Of another user: his bus, then the private socket of his manager. */
static int open_way_to_owner(const struct owner *owner, unsigned int way, sd_bus **ret_bus)
{
	static const char *const names[] = { "bus", "systemd/private" };
	_cleanup_bus_ sd_bus *bus = NULL;
	_cleanup_close_ int fd = -1;
	int r = way < ARRAY_SIZE(names) ? owner_connect(owner, names[way], &fd) : -ENOENT;

	if (r >= 0)
		r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	if (r < 0)
		return r;
	(void)TAKE_FD(fd);
	r = sd_bus_set_bus_client(bus, way == 0);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0)
		return r;
	*ret_bus = TAKE_PTR(bus);
	return 0;
}

#define WAYS 3

/* The ways to a manager, tried in turn: the usual bus, the user's bus by its path, the private socket. */
static int open_way(const struct manager *manager, unsigned int way, sd_bus **ret_bus)
{
	char address[96] = "unix:path=/run/systemd/private";
	bool of_user = manager->of_user;

	if (manager->is_owned)
		return open_way_to_owner(&manager->owner, way, ret_bus);

	if (way == 0)
		return of_user ? sd_bus_open_user(ret_bus) : sd_bus_open_system(ret_bus);
	if (!of_user && (way == 1 || geteuid() != 0))
		return -ENOENT;
	if (of_user)
		(void)snprintf(address, sizeof(address), "unix:path=/run/user/%u/%s", geteuid(),
			       way == 1 ? "bus" : "systemd/private");
	return open_address(address, way == 2, ret_bus);
}

/*
 * A socket that systemd holds for a bus takes connections also while no bus will come: early at boot, and
 * on the way down.
 */
static int wait_until_ready(sd_bus *bus)
{
	uint64_t deadline = clock_monotonic_usec() + READY_USEC;
	int r;

	while ((r = sd_bus_is_ready(bus)) == 0) {
		uint64_t now = clock_monotonic_usec();

		if (now >= deadline)
			return -ETIMEDOUT;
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, deadline - now);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

static uint64_t call_timeout(const struct manager *manager)
{
	return manager->is_owned ? MANAGER_OWNER_TIMEOUT_USEC : MANAGER_CALL_TIMEOUT_USEC;
}

/* The manager sends no signals before somebody has asked for them. */
static int subscribe(const struct manager *manager, sd_bus *bus, sd_bus_error *bus_error)
{
	int r = sd_bus_set_method_call_timeout(bus, call_timeout(manager));

	if (r < 0)
		return r;
	r = sd_bus_call_method(bus, MANAGER_SERVICE, MANAGER_PATH, MANAGER_INTERFACE, "Subscribe",
			       bus_error, NULL, NULL);
	if (sd_bus_error_has_name(bus_error, "org.freedesktop.systemd1.AlreadySubscribed"))
		return 0;
	return r;
}

static int explain_silence(const struct manager *manager, const sd_bus_error *bus_error, int code,
			   struct error *err)
{
	const struct owner *owner = &manager->owner;
	char unit[OWNER_UNIT_MAX];

	if (!manager->is_owned)
		return manager_error(bus_error, code, err, "%s does not answer",
				     manager->of_user ? "the user's systemd" : "systemd");
	if (code == -EACCES && geteuid() != 0)
		return error_set(err, FAULT_UNIT, "only root and %s may ask the systemd of user %s",
				 owner->name, owner->name);
	return manager_error(bus_error, code, err,
			     "the systemd of user %s does not answer (`systemctl status %s`)",
			     owner->name, owner_unit(owner, unit));
}

/* The error is that of the first way: it is the one that should work. */
static int connect_manager(struct manager *manager, struct error *err)
{
	int code = 0;

	for (unsigned int way = 0; way < WAYS; way++) {
		_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
		_cleanup_bus_ sd_bus *bus = NULL;
		int r = open_way(manager, way, &bus);

		if (r >= 0)
			r = wait_until_ready(bus);
		if (r >= 0)
			r = subscribe(manager, bus, &bus_error);
		if (r >= 0) {
			manager->bus = TAKE_PTR(bus);
			return 0;
		}
		if (way == 0)
			code = explain_silence(manager, &bus_error, r, err);
	}
	return code;
}

static int open_manager(const struct manager *how, struct manager **ret_manager, struct error *err)
{
	_cleanup_(manager_freep) struct manager *manager = calloc(1, sizeof(*manager));
	int r;

	if (!manager)
		return error_code(err, -ENOMEM, "connecting to systemd");
	*manager = *how;
	r = connect_manager(manager, err);
	if (r < 0)
		return r;
	*ret_manager = TAKE_PTR(manager);
	return 0;
}

int manager_open(struct manager **ret_manager, struct error *err)
{
	return open_manager(&(struct manager){ .of_user = scope_is_user() }, ret_manager, err);
}

int manager_open_user(struct manager **ret_manager, struct error *err)
{
	return open_manager(&(struct manager){ .of_user = true }, ret_manager, err);
}

/* A message may be as long as its sender says (128 MiB in sd-bus), and there may be many of them. */
static void bound_memory(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &limit) < 0 || limit.rlim_cur <= MEMORY_MAX)
		return;
	limit.rlim_cur = MEMORY_MAX;
	(void)setrlimit(RLIMIT_DATA, &limit);
#endif
}

int manager_open_of(const char *user, struct manager **ret_manager, struct error *err)
{
	struct manager how = { .is_owned = true };
	int r;

	if (!user)
		return manager_open(ret_manager, err);
	r = owner_find(user, &how.owner, err);
	if (r < 0)
		return r;
	bound_memory();
	return open_manager(&how, ret_manager, err);
}

const struct owner *manager_owner(const struct manager *manager)
{
	return manager->is_owned ? &manager->owner : NULL;
}

void manager_free(struct manager *manager)
{
	if (!manager)
		return;
	(void)sd_bus_flush_close_unref(manager->bus);
	free(manager);
}

sd_bus *manager_bus(struct manager *manager)
{
	return manager->bus;
}

unsigned int manager_generation(const struct manager *manager)
{
	return manager->generation;
}

/* ---- coming back ---- */

static void pause_shortly(void)
{
	const struct timespec pause = { .tv_nsec = RETRY_PAUSE_USEC * 1000 };

	(void)nanosleep(&pause, NULL);
}

static int reconnect(struct manager *manager, struct error *err)
{
	uint64_t deadline = clock_monotonic_usec() + MANAGER_RETURN_USEC;
	int r;

	manager->bus = sd_bus_close_unref(manager->bus);
	manager->generation++;
	for (;;) {
		r = connect_manager(manager, err);
		if (r >= 0 || clock_monotonic_usec() >= deadline)
			return r;
		pause_shortly();
	}
}

static bool is_lost(const struct manager *manager, int code)
{
	return !manager->bus || sd_bus_is_open(manager->bus) <= 0 || code == -ENOTCONN ||
	       code == -ECONNRESET || code == -EPIPE;
}

/* The bus is there and the manager is not (it is being executed anew). */
static bool is_away(const sd_bus_error *bus_error)
{
	static const char *const names[] = {
		SD_BUS_ERROR_SERVICE_UNKNOWN,
		SD_BUS_ERROR_NAME_HAS_NO_OWNER,
		SD_BUS_ERROR_NO_REPLY,
		SD_BUS_ERROR_DISCONNECTED,
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (sd_bus_error_has_name(bus_error, names[i]))
			return true;
	return false;
}

static int call_once(sd_bus *bus, const char *const address[static 3], uint64_t timeout_usec,
		     sd_bus_error *bus_error, sd_bus_message **ret_reply, const char *types,
		     va_list ap)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	va_list copy;
	int r;

	r = sd_bus_message_new_method_call(bus, &call, MANAGER_SERVICE, address[0], address[1],
					   address[2]);
	if (r < 0)
		return r;
	(void)sd_bus_message_set_auto_start(call, false);
	va_copy(copy, ap);
	r = types ? sd_bus_message_appendv(call, types, copy) : 0;
	va_end(copy);
	if (r < 0)
		return r;
	return sd_bus_call(bus, call, timeout_usec, bus_error, ret_reply);
}

static int call_until_there(struct manager *manager, const char *const address[static 3],
			    uint64_t timeout_usec, sd_bus_error *ret_bus_error,
			    sd_bus_message **ret_reply, const char *types, va_list ap)
{
	uint64_t deadline = clock_monotonic_usec() + MANAGER_RETURN_USEC;
	int r;

	for (;;) {
		sd_bus_error_free(ret_bus_error);
		r = manager->bus ? call_once(manager->bus, address, timeout_usec, ret_bus_error,
					     ret_reply, types, ap) :
				   -ENOTCONN;
		if (r >= 0 || clock_monotonic_usec() >= deadline)
			return r;
		if (is_lost(manager, r)) {
			if (reconnect(manager, NULL) < 0)
				return -ENOTCONN;
			continue;
		}
		if (!is_away(ret_bus_error))
			return r;
		pause_shortly();
	}
}

int manager_call(struct manager *manager, const char *path, const char *interface,
		 const char *member, sd_bus_error *ret_bus_error, sd_bus_message **ret_reply,
		 const char *types, ...)
{
	const char *const address[] = { path, interface, member };
	va_list ap;
	int r;

	va_start(ap, types);
	r = call_until_there(manager, address, call_timeout(manager), ret_bus_error, ret_reply,
			     types, ap);
	va_end(ap);
	return r;
}

/* ---- questions ---- */

static int ask_whether_stopping(struct manager *manager, bool *ret_stopping, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *state;
	int r;

	r = manager_call(manager, MANAGER_PATH, PROPERTIES, "Get", &bus_error, &reply, "ss",
			 MANAGER_INTERFACE, "SystemState");
	if (r >= 0)
		r = sd_bus_message_read(reply, "v", "s", &state);
	if (r < 0)
		return manager_error(&bus_error, r, err, "asking systemd for its state");
	*ret_stopping = strcmp(state, "stopping") == 0;
	return 0;
}

int manager_is_stopping(struct manager *manager, bool *ret_stopping, struct error *err)
{
	_cleanup_(manager_freep) struct manager *system = NULL;
	int r;

	if (!manager->is_owned)
		return ask_whether_stopping(manager, ret_stopping, err);
	r = manager_open(&system, err);
	return r < 0 ? r : ask_whether_stopping(system, ret_stopping, err);
}

/* A reload that was cut off has begun: doing it again does no harm. */
static int reload(struct manager *manager, sd_bus_error *ret_bus_error, const char *types, ...)
{
	static const char *const address[] = { MANAGER_PATH, MANAGER_INTERFACE, "Reload" };
	va_list ap;
	int r;

	va_start(ap, types);
	r = call_until_there(manager, address, MANAGER_RELOAD_TIMEOUT_USEC, ret_bus_error, NULL,
			     types, ap);
	va_end(ap);
	return r;
}

int manager_reload(struct manager *manager, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	int r = reload(manager, &bus_error, NULL);

	if (r < 0)
		return manager_error(&bus_error, r, err, "reloading systemd's units");
	return 0;
}

/* ---- waiting ---- */

/* Dispatches all that is there. > 0: something was. */
static int process(sd_bus *bus)
{
	int done = 0;
	int r;

	while ((r = sd_bus_process(bus, NULL)) > 0)
		done = 1;
	return r < 0 ? r : done;
}

/* How long to wait at most: the caller's timeout, or what the bus has to do by itself. */
static uint64_t time_left(sd_bus *bus, uint64_t timeout_usec)
{
	uint64_t at = USEC_INFINITY;
	uint64_t now = clock_monotonic_usec();

	if (sd_bus_get_timeout(bus, &at) < 0 || at == USEC_INFINITY)
		return timeout_usec;
	at = at > now ? at - now : 0;
	return at < timeout_usec ? at : timeout_usec;
}

static int wait_for_events(sd_bus *bus, int fd, uint64_t timeout_usec)
{
	int events = sd_bus_get_events(bus);
	struct pollfd fds[] = {
		{ .fd = sd_bus_get_fd(bus), .events = (short)(events > 0 ? events : 0) },
		{ .fd = fd, .events = POLLIN },
	};
	uint64_t left = time_left(bus, timeout_usec);
	struct timespec limit = {
		.tv_sec = (time_t)(left / USEC_PER_SEC),
		.tv_nsec = (long)(left % USEC_PER_SEC * 1000),
	};

	if (events < 0 || fds[0].fd < 0)
		return -ENOTCONN;
	if (ppoll(fds, ARRAY_SIZE(fds), left == USEC_INFINITY ? NULL : &limit, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	return process(bus);
}

int manager_wait(struct manager *manager, int fd, uint64_t timeout_usec, struct error *err)
{
	int r = manager->bus ? process(manager->bus) : -ENOTCONN;

	if (r == 0)
		r = wait_for_events(manager->bus, fd, timeout_usec);
	if (r < 0)
		r = reconnect(manager, err);
	return r < 0 ? r : 0;
}
