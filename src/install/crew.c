#include "install/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

struct crew {
	const struct crew_job *job;
	atomic_size_t next;
	atomic_bool stop;
};

struct hand {
	struct crew *crew;
	unsigned int number;
	int result;
	struct error err;
};

static void *work(void *data)
{
	struct hand *hand = data;
	struct crew *crew = hand->crew;

	while (!atomic_load(&crew->stop)) {
		size_t i = atomic_fetch_add(&crew->next, 1);

		if (i >= crew->job->count)
			break;
		hand->result = crew->job->work(crew->job->data, hand->number, i, &hand->err);
		if (hand->result < 0)
			atomic_store(&crew->stop, true);
	}
	return NULL;
}

/* Signals are for the threads that were there before. */
static bool start(pthread_t *ret_thread, struct hand *hand)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGBUS);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(ret_thread, NULL, work, hand);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r == 0;
}

int crew_run(const struct crew_job *job, struct error *err)
{
	struct crew crew = { .job = job };
	struct hand hands[CREW_HANDS] = { { .crew = &crew }, { .crew = &crew, .number = 1 } };
	pthread_t thread;
	bool helped = job->count > 1 && start(&thread, &hands[1]);

	(void)work(&hands[0]);
	if (helped)
		(void)pthread_join(thread, NULL);
	for (size_t i = 0; i < CREW_HANDS; i++) {
		if (hands[i].result >= 0)
			continue;
		if (err)
			*err = hands[i].err;
		return hands[i].result;
	}
	return 0;
}
