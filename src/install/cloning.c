#include "install/cloning.h"

#include <stdlib.h>

#include "base/bulk.h"

#define LARGE   \
	(1024 * \
	 1024) /* bytes of a file that is begun with, lest one hand waits for it at the end */

struct cloning {
	const struct supply *supply;
	struct meter *meter;
	struct crew *crew;
	uint32_t *contents;
	size_t count;
	struct cloning_finding *findings; /* of each content; why is NULL: all is well */
	size_t n_findings; /* at its front, after the end */
};

/* In the order of their first files, large ones before all others. */
static void collect(struct cloning *cloning, bool large)
{
	const struct survey *survey = cloning->supply->survey;

	for (uint32_t n = 0; n < index_count(survey->index); n++) {
		uint32_t content = contents_of(survey->contents, n);

		if (content == CONTENTS_NONE ||
		    (index_at(survey->index, n)->size >= LARGE) != large ||
		    survey->origins[content].origin == SURVEY_WANTED ||
		    contents_file(survey->contents, content, 0) != n)
			continue;
		cloning->contents[cloning->count++] = content;
	}
}

static int clone_content(void *data, unsigned int hand, size_t i, struct error *err)
{
	const struct cloning *cloning = data;
	uint32_t content = cloning->contents[i];
	struct cloning_finding finding = {
		.number = cloning->supply->survey->origins[content].from,
	};
	int r = supply_local(cloning->supply, hand, content, &finding.why, err);

	if (r == SUPPLY_DIFFERS)
		cloning->findings[i] = finding;
	return r < 0 ? r : 0;
}

static int begin(struct cloning *cloning, uint64_t bytes, struct error *err)
{
	struct crew_job job = { .work = clone_content, .data = cloning, .from_both_ends = true };
	int r;

	collect(cloning, true);
	collect(cloning, false);
	job.count = cloning->count;
	r = meter_begin(cloning->meter, STAGE_CLONE, bytes, err);
	return r < 0 ? r : crew_new(&job, &cloning->crew, err);
}

int cloning_new(const struct supply *supply, struct meter *meter, uint64_t bytes,
		struct cloning **ret_cloning, struct error *err)
{
	_cleanup_(cloning_freep) struct cloning *cloning = calloc(1, sizeof(*cloning));
	size_t n = contents_count(supply->survey->contents) + 1;
	int r;

	if (!cloning)
		return error_errno(err, "cloning files");
	cloning->supply = supply;
	cloning->meter = meter;
	cloning->contents = bulk_alloc(n, sizeof(*cloning->contents));
	cloning->findings = bulk_alloc(n, sizeof(*cloning->findings));
	if (!cloning->contents || !cloning->findings)
		return error_errno(err, "cloning files");
	r = begin(cloning, bytes, err);
	if (r == 0)
		*ret_cloning = TAKE_PTR(cloning);
	return r;
}

void cloning_free(struct cloning *cloning)
{
	if (!cloning)
		return;
	if (cloning->crew)
		meter_stop(cloning->meter);
	crew_free(cloning->crew);
	bulk_free(cloning->contents);
	bulk_free(cloning->findings);
	free(cloning);
}

static void gather_findings(struct cloning *cloning)
{
	for (size_t i = 0; i < cloning->count; i++)
		if (cloning->findings[i].why)
			cloning->findings[cloning->n_findings++] = cloning->findings[i];
}

int cloning_step(struct cloning *cloning, struct error *err)
{
	int r = crew_step(cloning->crew, err);

	if (r == 0)
		return 0;
	crew_free(TAKE_PTR(cloning->crew));
	gather_findings(cloning);
	if (r > 0)
		r = meter_end(cloning->meter, err);
	return r < 0 ? r : CLONING_DONE;
}

size_t cloning_findings(const struct cloning *cloning, const struct cloning_finding **ret_findings)
{
	*ret_findings = cloning->findings;
	return cloning->n_findings;
}
