/* LDFLAGS: -Wl,--wrap=pthread_create */
/* Which signals a thread takes, and what is said when there is none. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>

#include "check.h"
#include "no-threads.h"

static void *look(void *data)
{
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, data), 0);
	return NULL;
}

static void it_takes_no_signal_but_of_a_mapped_file(void **unused)
{
	sigset_t before, after, its;
	pthread_t thread;

	(void)unused;
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
	assert_int_equal(thread_start(&thread, look, &its), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	for (int signal = 1; signal <= SIGSYS; signal++) {
		if (signal == SIGKILL || signal == SIGSTOP)
			continue;
		assert_int_equal(sigismember(&its, signal), signal != SIGBUS);
		assert_int_equal(sigismember(&after, signal), sigismember(&before, signal));
	}
}

static void where_there_is_none_it_is_said(void **unused)
{
	pthread_t thread;

	(void)unused;
	no_threads = true;
	assert_int_equal(thread_start(&thread, look, NULL), -EAGAIN);
	no_threads = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_takes_no_signal_but_of_a_mapped_file),
		cmocka_unit_test(where_there_is_none_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
