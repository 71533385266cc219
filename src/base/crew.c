#include "base/crew.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/thread.h"

struct hand {
	struct crew *crew;
	unsigned int number;
	size_t taken; /* things that it has begun */
	int result;
	struct error err;
};

struct crew {
	struct crew_job job;
	atomic_size_t taken; /* things that were begun */
	atomic_bool stop;
	struct hand hands[CREW_HANDS];
	bool is_helped;
	pthread_t helper;
};

/* taken: how many were before, by either hand. From both ends each hand counts its own; together they are no more than there are. */
static size_t choose(struct hand *hand, size_t taken)
{
	const struct crew_job *job = &hand->crew->job;
	size_t own = hand->taken++;

	if (!job->from_both_ends)
		return taken;
	return hand->number == 0 ? own : job->count - 1 - own;
}

/* False: there is nothing more to do. */
static bool do_one(struct hand *hand)
{
	struct crew *crew = hand->crew;
	size_t taken;
	size_t i;

	if (atomic_load(&crew->stop))
		return false;
	taken = atomic_fetch_add(&crew->taken, 1);
	if (taken >= crew->job.count)
		return false;
	i = choose(hand, taken);
	hand->result = crew->job.work(crew->job.data, hand->number, i, &hand->err);
	if (hand->result < 0)
		atomic_store(&crew->stop, true);
	return hand->result >= 0;
}

static void *help(void *data)
{
	while (do_one(data))
		;
	return NULL;
}

int crew_new(const struct crew_job *job, struct crew **ret_crew, struct error *err)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return error_errno(err, "working with two hands");
	crew->job = *job;
	for (unsigned int i = 0; i < CREW_HANDS; i++)
		crew->hands[i] = (struct hand){ .crew = crew, .number = i };
	crew->is_helped = job->count > 1 && thread_start(&crew->helper, help, &crew->hands[1]) == 0;
	*ret_crew = crew;
	return 0;
}

static void dismiss(struct crew *crew)
{
	if (crew->is_helped)
		(void)pthread_join(crew->helper, NULL);
	crew->is_helped = false;
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	atomic_store(&crew->stop, true);
	dismiss(crew);
	free(crew);
}

int crew_step(struct crew *crew, struct error *err)
{
	if (do_one(&crew->hands[0]))
		return 0;
	dismiss(crew);
	for (size_t i = 0; i < CREW_HANDS; i++) {
		if (crew->hands[i].result >= 0)
			continue;
		if (err)
			*err = crew->hands[i].err;
		return crew->hands[i].result;
	}
	return CREW_DONE;
}

int crew_run(const struct crew_job *job, struct error *err)
{
	_cleanup_(crew_freep) struct crew *crew = NULL;
	int r = crew_new(job, &crew, err);

	while (r == 0) {
		assert(crew);
		r = crew_step(crew, err);
	}
	return r < 0 ? r : 0;
}
