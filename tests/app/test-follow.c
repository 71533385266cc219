/*
 * Following to the end, with a child for the worker that writes events and state, or does only one of
 * them.
 */
#include "scratch.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "app/follow.h"
#include "app/stream.h"
#include "store/layout.h"

#define ID    "11111111-1111-4111-8111-111111111111"
#define OTHER "22222222-2222-4222-8222-222222222222"

struct bench {
	int dirfd;
	char *run;
	char *shown;
	size_t size;
	FILE *out;
	struct tail *tail;
	struct display *display;
	struct follow follow;
};

static void store_state(int dirfd, enum phase phase, enum outcome outcome)
{
	const struct state state = {
		.phase = phase,
		.transaction = { .id = ID,
				 .verb = VERB_INSTALL,
				 .target = SLOT_B,
				 .release = { .version = "1.4" },
				 .began = 1,
				 .ended = 2,
				 .outcome = outcome,
				 .reason = "because" },
	};

	assert_int_equal(state_store(dirfd, &state, NULL), 0);
}

static void open_bench(struct bench *bench, const struct scratch *scratch)
{
	*bench = (struct bench){ .run = scratch_path(scratch, "run") };
	bench->dirfd = open(scratch->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(bench->dirfd >= 0);
	assert_int_equal(layout_create(bench->dirfd, NULL), 0);
	store_state(bench->dirfd, PHASE_TRIAL, OUTCOME_NONE);
	bench->out = open_memstream(&bench->shown, &bench->size);
	assert_non_null(bench->out);
	assert_int_equal(tail_new(bench->run, "gateway", TAIL_BEGIN, &bench->tail, NULL), 0);
	assert_int_equal(display_new(bench->out, DISPLAY_JSON, 0, &bench->display, NULL), 0);
	bench->follow = (struct follow){ .app = "gateway",
					 .dirfd = bench->dirfd,
					 .transaction = ID,
					 .tail = bench->tail,
					 .display = bench->display,
					 .interrupt_fd = -1 };
}

static void close_bench(struct bench *bench)
{
	display_free(bench->display);
	tail_free(bench->tail);
	assert_int_equal(fclose(bench->out), 0);
	assert_int_equal(close(bench->dirfd), 0);
	free(bench->shown);
	free(bench->run);
}

static void tell(struct stream *stream, enum event_kind kind, const char *transaction,
		 const char *text)
{
	struct event_line line = { .kind = kind,
				   .slot = SLOT_B,
				   .outcome = kind == EVENT_OUTCOME ? OUTCOME_COMMITTED :
								      OUTCOME_NONE };
	_cleanup_free_ char *json = NULL;

	(void)snprintf(line.transaction, sizeof(line.transaction), "%s", transaction);
	(void)snprintf(line.text, sizeof(line.text), "%s", text);
	assert_int_equal(event_line_encode(&line, &json, NULL), 0);
	assert_int_equal(stream_write(stream, json, NULL), 0);
}

/* What the worker does, some time after we began to follow. */
static void work(const struct bench *bench, bool events, bool ends)
{
	struct stream *stream = NULL;

	(void)usleep(300000);
	assert_int_equal(stream_new(bench->run, "gateway", &stream, NULL), 0);
	if (events) {
		tell(stream, EVENT_NOTE, OTHER, "not ours");
		tell(stream, EVENT_NOTE, ID, "ours");
	}
	if (ends)
		store_state(bench->dirfd, PHASE_IDLE, OUTCOME_COMMITTED);
	if (events) {
		tell(stream, EVENT_OUTCOME, ID, "");
		tell(stream, EVENT_NOTE, ID, "later");
	}
	stream_free(stream);
}

static pid_t start_worker(const struct bench *bench, bool events, bool ends)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	work(bench, events, ends);
	_exit(0);
}

static void reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void test_events_and_state(void **state)
{
	struct bench bench;
	struct result result;
	pid_t pid;

	open_bench(&bench, *state);
	pid = start_worker(&bench, true, true);
	assert_int_equal(follow_run(&bench.follow, &result, NULL), 0);
	reap(pid);
	assert_int_equal(result.entry.outcome, OUTCOME_COMMITTED);
	assert_int_equal(fflush(bench.out), 0);
	assert_int_equal(count(bench.shown, "\"text\":\"ours\""), 1);
	assert_int_equal(count(bench.shown, "not ours"), 0);
	assert_int_equal(count(bench.shown, "later"), 0);
	assert_int_equal(count(bench.shown, "\"event\":\"outcome\""), 1);
	close_bench(&bench);
}

/* The state record is the truth; the reader of events gets the end all the same, once. */
static void test_events_are_lost(void **state)
{
	struct bench bench;
	struct result result;
	pid_t pid;

	open_bench(&bench, *state);
	pid = start_worker(&bench, false, true);
	assert_int_equal(follow_run(&bench.follow, &result, NULL), 0);
	reap(pid);
	assert_int_equal(result.entry.outcome, OUTCOME_COMMITTED);
	assert_int_equal(fflush(bench.out), 0);
	assert_int_equal(count(bench.shown, "\"event\":\"outcome\""), 1);
	close_bench(&bench);
}

/* An event alone ends nothing. */
static void test_state_does_not_agree(void **state)
{
	_cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC);
	const uint64_t one = 1;
	struct bench bench;
	struct result result;

	open_bench(&bench, *state);
	bench.follow.interrupt_fd = fd;
	work(&bench, true, false);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(follow_run(&bench.follow, &result, NULL), FOLLOW_INTERRUPTED);
	close_bench(&bench);
}

static void test_nobody_knows_it(void **state)
{
	struct bench bench;
	struct result result;
	struct error err = {};

	open_bench(&bench, *state);
	bench.follow.transaction = OTHER;
	assert_true(follow_run(&bench.follow, &result, &err) < 0);
	assert_int_equal(err.fault, FAULT_INTERNAL);
	assert_non_null(strstr(err.text, OTHER));
	close_bench(&bench);
}

static void test_ended_long_ago(void **state)
{
	struct bench bench;
	struct result result;

	open_bench(&bench, *state);
	store_state(bench.dirfd, PHASE_IDLE, OUTCOME_FAILED);
	assert_int_equal(follow_run(&bench.follow, &result, NULL), 0);
	assert_int_equal(result.entry.outcome, OUTCOME_FAILED);
	assert_string_equal(result.entry.reason, "because");
	close_bench(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_events_and_state),	 scratch_test(test_events_are_lost),
		scratch_test(test_state_does_not_agree), scratch_test(test_nobody_knows_it),
		scratch_test(test_ended_long_ago),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
