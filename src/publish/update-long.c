#include "publish/update-long.h"

#include <errno.h>

#include "publish/encoder.h"
#include "publish/number.h"
#include "publish/pool.h"
#include "release/bundle.h"

struct job {
	const struct update_long *what;
	const struct suffix *suffix;
	size_t at; /* in what is made */
	struct encoder_block made;
};

struct jobs {
	struct job *list;
	size_t n;
	struct suffix *suffix; /* of the base; NULL: there is none */
	struct pool *pool;
};

static void jobs_done(const struct jobs *jobs)
{
	for (size_t i = 0; jobs->list && i < jobs->n; i++)
		free(jobs->list[i].made.data);
	free(jobs->list);
	suffix_free(jobs->suffix);
	pool_free(jobs->pool);
}

/* What comes before the block is what it is made against; but differences are looked for in the base alone. */
static int run_job(void *data, struct error *err)
{
	struct job *job = data;
	const struct update_long *what = job->what;
	size_t base_size = what->base + job->at;
	size_t rest = what->size - job->at;
	const struct encoder_base base = { what->bytes, base_size, job->suffix, base_size };

	return encoder_run(what->bytes + base_size, rest < BLOCK_SIZE ? rest : BLOCK_SIZE, job->at,
			   base_size > 0 ? &base : NULL, what->level, &job->made, err);
}

static int prepare(const struct update_long *what, struct jobs *jobs, struct error *err)
{
	int r = 0;

	jobs->n = (size_t)bundle_count_blocks(what->size);
	jobs->list = calloc(jobs->n, sizeof(*jobs->list));
	if (!jobs->list)
		return error_errno(err, "making a bundle");
	if (what->base > 0)
		r = suffix_new(what->bytes, what->base, &jobs->suffix, err);
	return r < 0 ? r : pool_new(what->threads, &jobs->pool, err);
}

static int run(const struct update_long *what, struct jobs *jobs, struct error *err)
{
	int r = prepare(what, jobs, err);

	for (size_t i = 0; r == 0 && i < jobs->n; i++) {
		jobs->list[i] =
			(struct job){ .what = what, .suffix = jobs->suffix, .at = i * BLOCK_SIZE };
		r = pool_add(jobs->pool, run_job, &jobs->list[i], err);
	}
	return r < 0 ? r : pool_work(jobs->pool, NULL, NULL, err);
}

int update_long_write(const struct update_long *what, struct text *out, struct error *err)
{
	_cleanup_(jobs_done) struct jobs jobs = {};
	int r = run(what, &jobs, err);

	if (r < 0)
		return r;
	number_put(out, what->size);
	for (size_t i = 0; i < jobs.n; i++) {
		const struct encoder_block *made = &jobs.list[i].made;
		char letter = bundle_kind_letter(made->kind);

		text_add_bytes(out, &letter, 1);
		number_put(out, made->size);
		text_add_bytes(out, made->data, made->size);
	}
	return text_check(out, err);
}
