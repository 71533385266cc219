/*
 * A slot is one fetch from fetcher_open until its END has come:
 *
 *     inbox   open: frames go there            NULL   closed by the consumer: CANCEL was sent,
 *                                                     frames are dropped until END
 */
#include "transfer/fetcher.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "transfer/fetch-process.h"
#include "transfer/wire.h"

#define SLOTS_MAX    (2 * FETCHER_FETCHES_MAX) /* closed ones included */
#define START_USEC   (10 * USEC_PER_SEC) /* until READY */
#define CLOSE_USEC   (5 * USEC_PER_SEC) /* from CANCEL to END */
#define GRACE_USEC   USEC_PER_SEC /* the helper itself notices first that a fetch is late */
#define GRACE_MSEC   200 /* for the exit status of one that hung up */
#define READS_MAX    16 /* in one dispatch */
#define ANSWERS_ROOM (2 * WIRE_ANSWER_MAX)

struct slot {
	uint32_t id; /* 0: free */
	struct inbox *inbox;
	uint64_t deadline; /* of the fetch, or of the end after CANCEL */
	uint64_t heard; /* when it last came on, or could not */
	uint64_t unheard; /* bytes since then: too few to be called that */
};

struct fetcher {
	const char *helper;
	const struct fetch_settings *settings;
	struct fetch_process process;
	unsigned int starts; /* that were not our own will */
	uint64_t started; /* when */
	bool ready;
	bool stale; /* a name was not found: resolv.conf may be another one by now */
	struct error refusal; /* fault NONE: none */
	char confinement[WIRE_TEXT_MAX];
	uint32_t last_id;
	uint64_t dispatched; /* when last */
	bool excused; /* nobody was judged then */
	struct slot slots[SLOTS_MAX];
	char answers[ANSWERS_ROOM];
	size_t n_answers;
};

/* ---- the process ---- */

static void end_all(struct fetcher *fetcher, const char *text)
{
	bool refused = fetcher->refusal.fault != FAULT_NONE;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		if (fetcher->slots[i].inbox)
			inbox_fail(fetcher->slots[i].inbox, refused ? FETCH_CONFIG : FETCH_HELPER,
				   refused ? fetcher->refusal.text : text);
		fetcher->slots[i] = (struct slot){};
	}
}

static void stop(struct fetcher *fetcher, int grace_msec, char *ret_how)
{
	fetch_process_end(&fetcher->process, grace_msec, ret_how);
	fetcher->n_answers = 0;
	fetcher->ready = false;
	fetcher->stale = false;
}

/* It did what cannot be, or did not do what must be. */
static void condemn(struct fetcher *fetcher, const char *what)
{
	char how[FETCH_PROCESS_TEXT_MAX];
	char text[FETCH_TEXT_MAX];

	stop(fetcher, 0, how);
	(void)snprintf(text, sizeof(text), "the fetch helper %s", what);
	end_all(fetcher, text);
}

static void bury(struct fetcher *fetcher)
{
	char how[FETCH_PROCESS_TEXT_MAX];
	char text[FETCH_TEXT_MAX];

	stop(fetcher, GRACE_MSEC, how);
	(void)snprintf(text, sizeof(text), "the fetch helper %s", how[0] ? how : "hung up");
	end_all(fetcher, text);
}

/* > 0: START_NOBODY, which may be another time; err says why. */
enum { START_NOBODY = 1 };
static int start(struct fetcher *fetcher, struct error *err)
{
	int r;

	if (fetcher->refusal.fault != FAULT_NONE)
		return error_set(err, fetcher->refusal.fault, "%s", fetcher->refusal.text);
	if (fetcher->starts >= FETCHER_STARTS_MAX)
		return error_set(err, FAULT_NETWORK, "the fetch helper ended unasked %u times",
				 fetcher->starts);
	r = fetch_process_start(fetcher->helper, &fetcher->process, err);
	if (r != 0)
		return r == FETCH_PROCESS_NOBODY ? START_NOBODY : r;
	fetcher->starts++;
	fetcher->started = clock_monotonic_usec();
	/* What a helper that died at once does not take, is noticed when its answers end. */
	if (fetch_settings_send(fetcher->settings, fetcher->process.orders) == 0)
		(void)wire_write(fetcher->process.orders, WIRE_START, 0, NULL, 0, NULL, 0);
	return 0;
}

int fetcher_new(const char *helper, const struct fetch_settings *settings,
		struct fetcher **ret_fetcher, struct error *err)
{
	_cleanup_(fetcher_freep) struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
	int r;

	if (!fetcher)
		return error_code(err, -ENOMEM, "preparing to fetch");
	fetcher->helper = helper;
	fetcher->settings = settings;
	fetcher->process = FETCH_PROCESS_NONE;
	r = fetch_settings_check(settings, err);
	if (r >= 0)
		r = start(fetcher, err);
	if (r < 0)
		return r;
	*ret_fetcher = TAKE_PTR(fetcher);
	return 0;
}

void fetcher_free(struct fetcher *fetcher)
{
	char how[FETCH_PROCESS_TEXT_MAX];

	if (!fetcher)
		return;
	for (size_t i = 0; i < SLOTS_MAX; i++)
		assert(!fetcher->slots[i].inbox);
	fetch_process_end(&fetcher->process, 0, how);
	free(fetcher);
}

/* ---- frames ---- */

static struct slot *find_slot(struct fetcher *fetcher, uint32_t id)
{
	for (size_t i = 0; id > 0 && i < SLOTS_MAX; i++)
		if (fetcher->slots[i].id == id)
			return &fetcher->slots[i];
	return NULL;
}

static const char *take_ready(struct fetcher *fetcher, const struct wire_frame *frame)
{
	if (fetcher->ready)
		return "was ready twice";
	fetcher->ready = true;
	(void)text_escape(frame->payload, frame->size, fetcher->confinement,
			  sizeof(fetcher->confinement));
	return NULL;
}

/* Its settings are of no use, as another start will not change: "ca.pem: No such file". */
static const char *take_refusal(struct fetcher *fetcher, const struct wire_frame *frame)
{
	const size_t skip = sizeof(struct wire_end);
	char text[WIRE_TEXT_MAX];

	(void)text_escape((const char *)frame->payload + skip, frame->size - skip, text,
			  sizeof(text));
	(void)error_set(&fetcher->refusal, FAULT_CONFIG, "the fetch helper cannot work: %s", text);
	return "cannot work";
}

/* Bytes count as soon as they are as many as the helper would not call slow. */
static void hear(const struct fetcher *fetcher, struct slot *slot, const struct wire_frame *frame)
{
	slot->unheard += frame->type == WIRE_DATA ? frame->size : 0;
	if (frame->type == WIRE_DATA && slot->unheard < fetcher->settings->slow_bytes)
		return;
	slot->unheard = 0;
	slot->heard = clock_monotonic_usec();
}

static const char *take_answer(struct fetcher *fetcher, struct slot *slot,
			       const struct wire_frame *frame)
{
	const struct fetch_result *result;
	const char *wrong;

	hear(fetcher, slot, frame);
	if (!slot->inbox) {
		if (frame->type == WIRE_END)
			*slot = (struct slot){};
		return NULL;
	}
	wrong = inbox_take(slot->inbox, frame);
	if (wrong)
		return wrong;
	result = inbox_result(slot->inbox);
	if (result && result->class == FETCH_RESOLVE)
		fetcher->stale = true;
	if (result)
		*slot = (struct slot){};
	return NULL;
}

/* NULL, or what was wrong with it, for a sentence "the fetch helper …". */
static const char *take(struct fetcher *fetcher, const struct wire_frame *frame)
{
	struct slot *slot;

	if (frame->type == WIRE_READY)
		return take_ready(fetcher, frame);
	if (!fetcher->ready)
		return frame->type == WIRE_END && frame->id == 0 ? take_refusal(fetcher, frame) :
								   "answered before it was ready";
	slot = find_slot(fetcher, frame->id);
	return slot ? take_answer(fetcher, slot, frame) : "answered what was not asked";
}

/* All frames that are complete. False: that was the end of this helper. */
static bool take_all(struct fetcher *fetcher)
{
	struct wire_frame frame;
	const char *wrong = NULL;
	size_t at = 0, used;
	int r = 0;

	while (!wrong) {
		r = wire_take(fetcher->answers + at, fetcher->n_answers - at, WIRE_ANSWER_MAX,
			      &frame, &used);
		if (r != 0)
			break;
		wrong = take(fetcher, &frame);
		at += used;
	}
	if (wrong || r < 0) {
		condemn(fetcher, wrong ? wrong : "sent a malformed answer");
		return false;
	}
	fetcher->n_answers -= at;
	memmove(fetcher->answers, fetcher->answers + at, fetcher->n_answers);
	return true;
}

/* Reads and takes what is there, once. True: there may be more. */
static bool read_answers(struct fetcher *fetcher)
{
	ssize_t n = read(fetcher->process.answers, fetcher->answers + fetcher->n_answers,
			 ANSWERS_ROOM - fetcher->n_answers);

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		bury(fetcher);
		return false;
	}
	fetcher->n_answers += (size_t)n;
	return take_all(fetcher);
}

/* ---- time ---- */

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/*
 * How long a fetch may be silent at most, with a helper that obeys: connecting and slowness at each
 * redirect, and a frame's worth of bytes under the limit of speed.
 */
static uint64_t longest_silence(const struct fetcher *fetcher)
{
	const struct fetch_settings *settings = fetcher->settings;
	uint64_t hop = add(settings->connect_usec, settings->slow_usec);
	uint64_t silence;

	if (settings->redirects > 1000 || hop > USEC_INFINITY / 2000)
		return USEC_INFINITY;
	silence = (settings->redirects + 1) * hop + 10 * USEC_PER_SEC;
	if (settings->rate_limit > 0)
		silence +=
			SLOTS_MAX * (uint64_t)WIRE_ANSWER_MAX * USEC_PER_SEC / settings->rate_limit;
	return silence;
}

static uint64_t slot_deadline(const struct fetcher *fetcher, const struct slot *slot)
{
	uint64_t late = add(slot->deadline, GRACE_USEC);
	uint64_t silent = USEC_INFINITY;

	if (slot->inbox && inbox_is_waiting(slot->inbox))
		silent = add(slot->heard, longest_silence(fetcher));
	return late < silent ? late : silent;
}

uint64_t fetcher_deadline(const struct fetcher *fetcher)
{
	uint64_t first = USEC_INFINITY;

	if (!fetch_process_is_there(&fetcher->process))
		return first;
	if (!fetcher->ready)
		first = fetcher->started + START_USEC;
	for (size_t i = 0; i < SLOTS_MAX; i++) {
		uint64_t deadline = USEC_INFINITY;

		if (fetcher->slots[i].id > 0)
			deadline = slot_deadline(fetcher, &fetcher->slots[i]);
		first = deadline < first ? deadline : first;
	}
	return first;
}

/* What is late although the helper should have said so. */
static void judge_time(struct fetcher *fetcher, uint64_t now)
{
	if (fetcher_deadline(fetcher) > now)
		return;
	for (size_t i = 0; i < SLOTS_MAX; i++)
		if (fetcher->slots[i].inbox && fetcher->slots[i].deadline <= now)
			inbox_fail(fetcher->slots[i].inbox, FETCH_TIMEOUT,
				   "not complete at its deadline");
	condemn(fetcher, fetcher->ready ? "hangs" : "did not get ready");
}

/* ---- waiting ---- */

int fetcher_fd(const struct fetcher *fetcher)
{
	return fetch_process_is_there(&fetcher->process) ? fetcher->process.answers : -1;
}

void fetcher_dispatch(struct fetcher *fetcher)
{
	uint64_t before = fetcher->dispatched;

	for (int i = 0; i < READS_MAX && fetch_process_is_there(&fetcher->process); i++)
		if (!read_answers(fetcher))
			break;
	fetcher->dispatched = clock_monotonic_usec();
	/* If it was us who did not look for a while, the helper gets its chance now, once. */
	fetcher->excused = !fetcher->excused && fetcher->dispatched - before >= GRACE_USEC / 2;
	if (fetch_process_is_there(&fetcher->process) && !fetcher->excused)
		judge_time(fetcher, fetcher->dispatched);
}

static int msec_until(uint64_t until)
{
	uint64_t now = clock_monotonic_usec();
	uint64_t msec;

	if (until <= now)
		return 0;
	msec = (until - now) / USEC_PER_MSEC + 1;
	return msec < 3600000 ? (int)msec : 3600000;
}

void fetcher_wait(struct fetcher *fetcher, uint64_t until)
{
	uint64_t deadline = fetcher_deadline(fetcher);
	struct pollfd pollfd = { .fd = fetcher_fd(fetcher), .events = POLLIN };

	(void)poll(&pollfd, 1, msec_until(deadline < until ? deadline : until));
	fetcher_dispatch(fetcher);
}

const char *fetcher_confinement(const struct fetcher *fetcher)
{
	return fetcher->confinement;
}

/* ---- orders ---- */

/* On a pipe, an order is written whole or not at all. Not at all: the helper does not read. */
static void order(struct fetcher *fetcher, enum wire_type type, uint32_t id, const void *payload,
		  size_t size, const void *more, size_t more_size)
{
	if (wire_write(fetcher->process.orders, type, id, payload, size, more, more_size) == 0)
		return;
	if (errno == EPIPE)
		bury(fetcher);
	else
		condemn(fetcher, "does not take orders");
}

static bool is_full(const struct fetcher *fetcher)
{
	unsigned int open = 0, used = 0;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		open += fetcher->slots[i].inbox != NULL;
		used += fetcher->slots[i].id > 0;
	}
	return open >= FETCHER_FETCHES_MAX || used >= SLOTS_MAX;
}

static bool is_idle(const struct fetcher *fetcher)
{
	for (size_t i = 0; i < SLOTS_MAX; i++)
		if (fetcher->slots[i].id > 0)
			return false;
	return true;
}

/* There is a helper, if need be another one. > 0: START_NOBODY. */
static int ensure(struct fetcher *fetcher, struct error *err)
{
	char how[FETCH_PROCESS_TEXT_MAX];

	if (fetch_process_is_there(&fetcher->process) && fetcher->stale && is_idle(fetcher)) {
		stop(fetcher, 0, how);
		fetcher->starts--;
	}
	return fetch_process_is_there(&fetcher->process) ? 0 : start(fetcher, err);
}

int fetcher_open(struct fetcher *fetcher, const char *url, const struct wire_get *get,
		 struct inbox *inbox, uint32_t *ret_id, struct error *err)
{
	struct slot *slot = fetcher->slots;
	struct error why = {};
	uint32_t id;
	int r;

	if (is_full(fetcher))
		return FETCHER_FULL;
	r = ensure(fetcher, &why);
	if (r < 0)
		return error_set(err, why.fault, "%s", why.text);
	if (r == START_NOBODY) { /* as a helper that died at once: tried again in the same way */
		*ret_id = ++fetcher->last_id;
		inbox_fail(inbox, FETCH_HELPER, why.text);
		return 0;
	}
	while (slot->id > 0)
		slot++;
	id = ++fetcher->last_id;
	*slot = (struct slot){ id, inbox, get->deadline, clock_monotonic_usec(), 0 };
	*ret_id = id;
	/* If this fails, the inbox has its end. */
	order(fetcher, WIRE_GET, id, get, sizeof(*get), url, strlen(url));
	return 0;
}

void fetcher_credit(struct fetcher *fetcher, uint32_t id)
{
	struct slot *slot = find_slot(fetcher, id);
	uint64_t credit = slot && slot->inbox ? inbox_credit(slot->inbox) : 0;

	if (credit == 0)
		return;
	slot->heard = clock_monotonic_usec();
	order(fetcher, WIRE_CREDIT, id, &credit, sizeof(credit), NULL, 0);
}

void fetcher_close(struct fetcher *fetcher, uint32_t id)
{
	struct slot *slot = find_slot(fetcher, id);

	if (!slot)
		return;
	slot->inbox = NULL;
	slot->deadline = clock_monotonic_usec() + CLOSE_USEC;
	order(fetcher, WIRE_CANCEL, id, NULL, 0, NULL, 0);
}
