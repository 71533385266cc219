/*
 *     SET* ──▶ files named in settings are opened ──▶ confined ──▶ READY ──▶ serve
 *
 *     serve:  wait for orders, sockets, time ──▶ orders ──▶ held streams go on ──▶ libcurl, files
 *                  ▲                                                                   │
 *                  └──── streams that ended are dropped ◀──── too slow? too late? ◀────┘
 */
#include "transfer/fetch-helper.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "transfer/fetch-confine.h"
#include "transfer/fetch-file.h"
#include "transfer/fetch-http.h"
#include "transfer/fetch-settings.h"
#include "transfer/fetch-stream.h"

#define STREAMS_MAX 8 /* the worker has four at once; what it cancelled may still be here */
#define TICK_MSEC   250 /* how often speed and deadlines are looked at */
#define IDLE_MSEC   60000
#define HTTP_CHUNK  (16 * 1024) /* bytes: what libcurl hands over at once at most */
#define STALL_USEC  USEC_PER_SEC /* the worker kept us waiting for so long: no stream was slow */

struct slot {
	bool used;
	struct fetch_stream stream;
	struct fetch_http_job *job; /* http, https */
	int file; /* file: or -1 */
};

struct helper {
	int in, out;
	struct fetch_settings settings;
	struct fetch_http *http;
	int root_fd;
	struct pace_limit limit;
	struct slot slots[STREAMS_MAX];
	bool started;
	char orders[2 * WIRE_ORDER_MAX];
	size_t n_orders;
};

/* ---- slots ---- */

static struct slot *find_slot(struct helper *helper, uint32_t id)
{
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (helper->slots[i].used && helper->slots[i].stream.id == id)
			return &helper->slots[i];
	return NULL;
}

static void drop(struct helper *helper, struct slot *slot)
{
	fetch_http_drop(helper->http, slot->job);
	if (slot->file >= 0)
		(void)close(slot->file);
	fetch_stream_done(&slot->stream);
	*slot = (struct slot){ .file = -1 };
}

static struct slot *free_slot(struct helper *helper)
{
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (!helper->slots[i].used)
			return &helper->slots[i];
	return NULL;
}

/* ---- orders ---- */

static bool get(struct helper *helper, const struct wire_frame *frame)
{
	struct slot *slot = free_slot(helper);

	if (!slot || fetch_stream_init(&slot->stream, helper->out, frame, &helper->limit,
				       clock_monotonic_usec()) < 0)
		return false;
	slot->used = true;
	if (strncasecmp(slot->stream.url, "file:", 5) == 0)
		slot->file = fetch_file_begin(&slot->stream, helper->settings.file_root,
					      helper->root_fd);
	else
		slot->job = fetch_http_begin(helper->http, &slot->stream);
	return true;
}

static void add_credit(struct helper *helper, const struct wire_frame *frame)
{
	struct slot *slot = find_slot(helper, frame->id);
	uint64_t credit;

	memcpy(&credit, frame->payload, sizeof(credit));
	if (slot) /* it may have ended meanwhile */
		slot->stream.credit += credit;
}

static void cancel(struct helper *helper, const struct wire_frame *frame)
{
	struct slot *slot = find_slot(helper, frame->id);

	if (slot)
		fetch_stream_end(&slot->stream, FETCH_CANCELLED, 0, 0, "cancelled");
}

/* False: an order that cannot be, at this time. */
static bool obey(struct helper *helper, const struct wire_frame *frame)
{
	switch (frame->type) {
	case WIRE_SET:
		return !helper->started && fetch_settings_take(&helper->settings, frame);
	case WIRE_START:
		helper->started = true;
		return true;
	case WIRE_GET:
		return helper->started && get(helper, frame);
	case WIRE_CREDIT:
		add_credit(helper, frame);
		return helper->started;
	case WIRE_CANCEL:
		cancel(helper, frame);
		return helper->started;
	default:
		return false;
	}
}

/* Obeys the orders that are complete; START at most, since what comes after it must wait for that. */
static bool obey_all(struct helper *helper)
{
	bool was_started = helper->started;
	struct wire_frame frame;
	size_t at = 0, used;
	int r = 0;

	while (was_started == helper->started) {
		r = wire_take(helper->orders + at, helper->n_orders - at, WIRE_ORDER_MAX, &frame,
			      &used);
		if (r != 0)
			break;
		if (!obey(helper, &frame))
			return false;
		at += used;
	}
	helper->n_orders -= at;
	memmove(helper->orders, helper->orders + at, helper->n_orders);
	return r >= 0;
}

/* Reads what is there. False: the end. */
static bool read_orders(struct helper *helper)
{
	ssize_t n = read(helper->in, helper->orders + helper->n_orders,
			 sizeof(helper->orders) - helper->n_orders);

	if (n <= 0)
		return false;
	helper->n_orders += (size_t)n;
	return obey_all(helper);
}

/* ---- start ---- */

static int prepare(struct helper *helper, char *ret_text, struct error *err)
{
	const struct fetch_settings *settings = &helper->settings;
	struct fetch_confine_options options = { .user = settings->user };
	int r;

	if (!settings->user)
		return error_set(err, FAULT_INTERNAL, "no user to become");
	pace_limit_init(&helper->limit, settings->rate_limit, clock_monotonic_usec());
	r = fetch_http_new(settings, &helper->http, err);
	if (r >= 0 && settings->file_root)
		r = fetch_file_open_root(settings->file_root, &helper->root_fd, err);
	if (r < 0)
		return r;
	options.file_root_fd = helper->root_fd;
	return fetch_confine(&options, ret_text, err);
}

static bool start(struct helper *helper)
{
	struct wire_end end = { .class = FETCH_CONNECT };
	char text[FETCH_CONFINE_TEXT_MAX];
	struct error err = {};
	size_t size;

	if (prepare(helper, text, &err) >= 0)
		return wire_write(helper->out, WIRE_READY, 0, text, strlen(text), NULL, 0) == 0;
	size = strlen(err.text);
	(void)wire_write(helper->out, WIRE_END, 0, &end, sizeof(end), err.text,
			 size < WIRE_TEXT_MAX ? size : WIRE_TEXT_MAX);
	return false;
}

/* ---- service ---- */

/* How long nothing need be done, unless something happens. */
static int time_to_wait(struct helper *helper, uint64_t now)
{
	int msec = IDLE_MSEC;
	uint64_t wait;

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		const struct slot *slot = &helper->slots[i];

		if (!slot->used)
			continue;
		if (slot->file >= 0 && !slot->stream.held)
			return 0;
		msec = msec < TICK_MSEC ? msec : TICK_MSEC;
	}
	wait = pace_limit_wait(&helper->limit, now) / USEC_PER_MSEC + 1;
	if (msec < IDLE_MSEC && wait > 1 && wait < (uint64_t)msec)
		msec = (int)wait;
	return msec;
}

static void move(struct slot *slot, uint64_t now)
{
	if (slot->file >= 0)
		fetch_file_step(&slot->stream, slot->file, now);
	else if (slot->stream.held && fetch_stream_may_send(&slot->stream, HTTP_CHUNK, now))
		fetch_http_resume(slot->job);
}

static void end_slow(const struct fetch_settings *settings, struct fetch_stream *stream)
{
	char why[96];

	(void)snprintf(why, sizeof(why), "too slow: fewer than %" PRIu64 " bytes in %" PRIu64 " s",
		       settings->slow_bytes, (uint64_t)(settings->slow_usec / USEC_PER_SEC));
	fetch_stream_end(stream, FETCH_SLOW, 0, 0, why);
}

static void judge(const struct helper *helper, struct fetch_stream *stream, uint64_t now)
{
	const struct fetch_settings *settings = &helper->settings;

	if (stream->held)
		pace_reset(&stream->pace, now);
	if (now >= stream->want.deadline)
		fetch_stream_end(stream, FETCH_TIMEOUT, 0, 0, "not complete at its deadline");
	else if (pace_is_slow(&stream->pace, now, settings->slow_bytes, settings->slow_usec))
		end_slow(settings, stream);
}

/* False: the worker does not read any more. */
static bool tend(struct helper *helper, bool stalled)
{
	uint64_t now = clock_monotonic_usec();

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct slot *slot = &helper->slots[i];

		if (!slot->used)
			continue;
		if (stalled)
			pace_reset(&slot->stream.pace, now);
		judge(helper, &slot->stream, now);
		if (slot->stream.broken)
			return false;
		if (slot->stream.ended)
			drop(helper, slot);
	}
	return true;
}

static bool has_orders(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) > 0;
}

static void serve(struct helper *helper)
{
	for (;;) {
		uint64_t before = clock_monotonic_usec();

		fetch_http_wait(helper->http, helper->in, time_to_wait(helper, before));
		if (has_orders(helper->in) && !read_orders(helper))
			return;
		before = clock_monotonic_usec();
		for (size_t i = 0; i < STREAMS_MAX; i++)
			if (helper->slots[i].used && !helper->slots[i].stream.ended)
				move(&helper->slots[i], before);
		fetch_http_work(helper->http);
		if (!tend(helper, clock_monotonic_usec() - before > STALL_USEC))
			return;
	}
}

static void stop(struct helper *helper)
{
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (helper->slots[i].used)
			drop(helper, &helper->slots[i]);
	fetch_http_free(helper->http);
	if (helper->root_fd >= 0)
		(void)close(helper->root_fd);
	fetch_settings_done(&helper->settings);
}

int fetch_helper_main(void)
{
	static struct helper helper = { .in = STDIN_FILENO, .out = STDOUT_FILENO, .root_fd = -1 };
	bool good = true;

	(void)prctl(PR_SET_NAME, "flipslot-fetch", 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	fd_close_all_but(NULL, 0);
	for (size_t i = 0; i < STREAMS_MAX; i++)
		helper.slots[i].file = -1;
	while (good && !helper.started)
		good = read_orders(&helper);
	good = good && start(&helper) && obey_all(&helper);
	if (good)
		serve(&helper);
	stop(&helper);
	return good ? 0 : 1;
}
