/* LDFLAGS: -Wl,--wrap=manager_open,--wrap=manager_free,--wrap=job_start_and_forget,--wrap=unit_query */
/*
 * From the request to the answer, with a worker that answers when systemd is asked to start it, or not. The clock is
 * real; what waits long is in the system tests.
 */
#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "app/ask.h"
#include "store/layout.h"
#include "unit/job.h"
#include "unit/unit.h"

int __wrap_manager_open(struct manager **ret_manager, struct error *err);
void __wrap_manager_free(struct manager *manager);
int __wrap_job_start_and_forget(struct manager *manager, const char *unit, struct error *err);

int __wrap_unit_query(struct manager *manager, const char *name, struct unit *ret_unit,
		      struct error *err);

static struct {
	int dirfd;
	int starts; /* how often the worker's unit was started */
	int answer_at; /* … until it answers; 0: never */
	bool accept;
	bool broken; /* systemd does not start it */
	const char *dies; /* at once, with status 3 and these words */
	char unit[96];
} worker;

int __wrap_manager_open(struct manager **ret_manager, struct error *err)
{
	(void)err;
	*ret_manager = NULL;
	return 0;
}

void __wrap_manager_free(struct manager *manager)
{
	(void)manager;
}

int __wrap_job_start_and_forget(struct manager *manager, const char *unit, struct error *err)
{
	struct request request;
	struct state state = {};

	(void)manager;
	if (worker.broken)
		return error_set(err, FAULT_UNIT, "no unit %s", unit);
	(void)snprintf(worker.unit, sizeof(worker.unit), "%s", unit);
	if (++worker.starts != worker.answer_at)
		return 0;
	assert_int_equal(request_load(worker.dirfd, &request, NULL), 0);
	memcpy(state.answered, request.id, sizeof(state.answered));
	state.accepted = worker.accept;
	(void)snprintf(state.answer, sizeof(state.answer), "%s", worker.accept ? "" : "it is held");
	return state_store(worker.dirfd, &state, err);
}

int __wrap_unit_query(struct manager *manager, const char *name, struct unit *ret_unit,
		      struct error *err)
{
	(void)manager;
	(void)err;
	assert_string_equal(name, worker.unit);
	*ret_unit = (struct unit){ .exec_main_code = CLD_EXITED, .exec_main_status = 3 };
	ret_unit->inactive_exit_usec = worker.dies ? clock_monotonic_usec() : 1;
	memcpy(ret_unit->active_state, "failed", sizeof("failed"));
	(void)snprintf(ret_unit->status_text, sizeof(ret_unit->status_text), "%s",
		       worker.dies ? worker.dies : "of yesterday");
	return 0;
}

static int open_layout(const struct scratch *scratch)
{
	int fd = open(scratch->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(layout_create(fd, NULL), 0);
	memset(&worker, 0, sizeof(worker));
	worker.dirfd = fd;
	return fd;
}

static struct request make_request(void)
{
	struct request request = { .verb = VERB_ROLLBACK, .slot = SLOT_NONE };
	struct error err = {};

	if (ask_prepare(&request, &err) < 0)
		fail_msg("%s", err.text);
	return request;
}

static void test_accepted(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	struct request request = make_request();
	struct state answer;

	worker.answer_at = 1;
	worker.accept = true;
	assert_int_equal(ask_worker("gateway", dirfd, &request, -1, &answer, NULL), 0);
	assert_string_equal(worker.unit, "flipslot@gateway.service");
	assert_true(answer.accepted);
	assert_string_equal(answer.answered, request.id);
}

static void test_refused(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	struct request request = make_request();
	struct state answer;

	worker.answer_at = 1;
	assert_int_equal(ask_worker("gateway", dirfd, &request, -1, &answer, NULL), 0);
	assert_false(answer.accepted);
	assert_string_equal(answer.answer, "it is held");
}

/* The first start may meet a worker that is just ending. */
static void test_started_again_until_answered(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	struct request request = make_request();
	struct state answer;

	worker.answer_at = 2;
	assert_int_equal(ask_worker("gateway", dirfd, &request, -1, &answer, NULL), 0);
	assert_int_equal(worker.starts, 2);
}

static void assert_withdrawn(int dirfd)
{
	struct request request;

	assert_int_equal(request_load(dirfd, &request, NULL), REQUEST_NONE);
}

static void test_no_unit(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	struct request request = make_request();
	struct error err = {};
	struct state answer;

	worker.broken = true;
	assert_true(ask_worker("gateway", dirfd, &request, -1, &answer, &err) < 0);
	assert_int_equal(err.fault, FAULT_UNIT);
	assert_non_null(strstr(err.text, "flipslot@gateway.service"));
	assert_withdrawn(dirfd);
}

static void test_a_worker_that_dies_is_not_waited_for(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	struct request request = make_request();
	uint64_t began = clock_monotonic_usec();
	struct error err = {};
	struct state answer;

	worker.dies = "there is no history";
	assert_true(ask_worker("gateway", dirfd, &request, -1, &answer, &err) < 0);
	assert_true(clock_monotonic_usec() < began + ASK_PATIENCE_USEC / 2);
	assert_int_equal(err.fault, FAULT_CONFIG);
	assert_non_null(strstr(err.text, "the worker of gateway ended at once: there is no history "
					 "(journalctl -u flipslot@gateway.service)"));
	assert_withdrawn(dirfd);
}

/* Both records damaged: the worker makes a new state, and answers there. */
static void test_a_damaged_state(void **state)
{
	static const char rubbish[] = "rubbish";
	_cleanup_close_ int dirfd = open_layout(*state);
	_cleanup_close_ int fd = openat(dirfd, LAYOUT_STATE, O_WRONLY | O_CLOEXEC);
	struct request request = make_request();
	struct state answer = {};

	assert_int_equal(state_store(dirfd, &answer, NULL), 0);
	for (off_t at = 0; at <= 8192; at += 8192)
		assert_true(pwrite(fd, rubbish, sizeof(rubbish), at) > 0);
	assert_true(state_load(dirfd, &answer, NULL) < 0);
	worker.answer_at = 2; /* a wait in between */
	worker.accept = true;
	assert_int_equal(ask_worker("gateway", dirfd, &request, -1, &answer, NULL), 0);
	assert_true(answer.accepted);
}

static void test_interrupted(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	_cleanup_close_ int fd = eventfd(1, EFD_CLOEXEC);
	struct request request = make_request();
	struct state answer;

	assert_int_equal(ask_worker("gateway", dirfd, &request, fd, &answer, NULL),
			 ASK_INTERRUPTED);
	assert_withdrawn(dirfd);
}

/* Who asked before us gets an answer before our request overwrites his. */
static void test_not_before_the_other_was_answered(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	_cleanup_close_ int fd = eventfd(1, EFD_CLOEXEC);
	struct request other = make_request(), request = make_request(), found;
	struct state answer = {};

	other.expires = clock_monotonic_usec() + ASK_PATIENCE_USEC;
	assert_int_equal(request_store(dirfd, &other, NULL), 0);
	assert_int_equal(ask_worker("gateway", dirfd, &request, fd, &answer, NULL),
			 ASK_INTERRUPTED);
	assert_int_equal(request_load(dirfd, &found, NULL), 0);
	assert_string_equal(found.id, other.id);

	memcpy(answer.answered, other.id, sizeof(other.id));
	assert_int_equal(state_store(dirfd, &answer, NULL), 0);
	worker.answer_at = 1;
	assert_int_equal(ask_worker("gateway", dirfd, &request, -1, &answer, NULL), 0);
	assert_string_equal(answer.answered, request.id);
}

/* Nobody waits for a request of before the reboot, or one that has expired. */
static void test_dead_requests_are_overwritten(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	struct request other = make_request(), request = make_request();
	struct state answer;

	other.expires = clock_monotonic_usec() - 1;
	assert_int_equal(request_store(dirfd, &other, NULL), 0);
	worker.answer_at = 1;
	assert_int_equal(ask_worker("gateway", dirfd, &request, -1, &answer, NULL), 0);

	other.expires = clock_monotonic_usec() + ASK_PATIENCE_USEC;
	other.boot_id[0] = other.boot_id[0] == 'a' ? 'b' : 'a';
	assert_int_equal(request_store(dirfd, &other, NULL), 0);
	request = make_request();
	worker.starts = 0;
	assert_int_equal(ask_worker("gateway", dirfd, &request, -1, &answer, NULL), 0);
}

static void test_who(void **state)
{
	char who[STATE_WHO_MAX];

	(void)state;
	assert_string_equal(ask_who("alice", 0, who), "alice by sudo");
	assert_string_equal(ask_who("al\nice", 0, who), "al\\x0aice by sudo");
	assert_string_equal(ask_who(NULL, 0, who), "root (uid 0)");
	assert_string_equal(ask_who("", 0, who), "root (uid 0)");
	assert_string_equal(ask_who(NULL, 4000000, who), "uid 4000000");
}

/* As a caller with PrivateTmp= sees the worker's files. */
static void test_a_file_that_the_worker_does_not_see(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_free_ char *file = scratch_path(scratch, "mine");
	_cleanup_free_ char *root = scratch_path(scratch, "root");
	struct error err = {};

	scratch_write(scratch, "mine", "x");
	assert_int_equal(ask_check_seen(file, "/", &err), 0);
	assert_int_equal(ask_check_seen(file, root, &err), 0); /* which cannot be looked at */
	scratch_mkdir(scratch, "root");
	assert_true(ask_check_seen(file, root, &err) < 0);
	assert_int_equal(err.fault, FAULT_CONFIG);
	assert_non_null(strstr(err.text, "PrivateTmp="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_accepted),
		scratch_test(test_refused),
		scratch_test(test_started_again_until_answered),
		scratch_test(test_no_unit),
		scratch_test(test_a_worker_that_dies_is_not_waited_for),
		scratch_test(test_a_damaged_state),
		scratch_test(test_interrupted),
		scratch_test(test_not_before_the_other_was_answered),
		scratch_test(test_dead_requests_are_overwritten),
		cmocka_unit_test(test_who),
		scratch_test(test_a_file_that_the_worker_does_not_see),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
