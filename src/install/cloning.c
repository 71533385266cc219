#include "install/cloning.h"

#include <stdlib.h>

#define LARGE   \
	(1024 * \
	 1024) /* bytes of a file that is begun with, lest one hand waits for it at the end */

struct work {
	const struct supply *supply;
	uint32_t *contents;
	size_t count;
	struct cloning_finding *findings; /* of each content; why is NULL: all is well */
};

/* In the order of their first files, large ones before all others. */
static void collect(struct work *work, bool large)
{
	const struct survey *survey = work->supply->survey;

	for (uint32_t n = 0; n < index_count(survey->index); n++) {
		uint32_t content = contents_of(survey->contents, n);

		if (content == CONTENTS_NONE ||
		    (index_at(survey->index, n)->size >= LARGE) != large ||
		    survey->origins[content].origin == SURVEY_WANTED ||
		    contents_file(survey->contents, content, 0) != n)
			continue;
		work->contents[work->count++] = content;
	}
}

static int clone_content(void *data, unsigned int hand, size_t i, struct error *err)
{
	const struct work *work = data;
	uint32_t content = work->contents[i];
	struct cloning_finding finding = { .number = work->supply->survey->origins[content].from };
	int r = supply_local(work->supply, hand, content, &finding.why, err);

	if (r == SUPPLY_DIFFERS)
		work->findings[i] = finding;
	return r < 0 ? r : 0;
}

static int clone_all(struct cloning *cloning, const struct work *work, struct error *err)
{
	const struct crew_job job = {
		.count = work->count,
		.work = clone_content,
		.data = (void *)work,
	};
	int r = meter_begin(cloning->meter, STAGE_CLONE, cloning->bytes, err);

	if (r == 0)
		r = crew_run(&job, err);
	return r < 0 ? r : meter_end(cloning->meter, err);
}

int cloning_run(struct cloning *cloning, struct error *err)
{
	size_t n = contents_count(cloning->supply->survey->contents) + 1;
	struct work work = { .supply = cloning->supply };
	int r;

	work.contents = calloc(n, sizeof(*work.contents));
	cloning->findings = work.findings = calloc(n, sizeof(*work.findings));
	if (work.contents && work.findings) {
		collect(&work, true);
		collect(&work, false);
		r = clone_all(cloning, &work, err);
	} else {
		r = error_errno(err, "cloning files");
	}
	for (size_t i = 0; i < work.count; i++)
		if (work.findings[i].why)
			cloning->findings[cloning->n_findings++] = work.findings[i];
	free(work.contents);
	return r;
}

void cloning_done(struct cloning *cloning)
{
	free(cloning->findings);
	cloning->findings = NULL;
	cloning->n_findings = 0;
}
