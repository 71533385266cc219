#include "deploy/way.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *way_name(enum way_kind kind)
{
	static const char *const names[WAY_MAX] = {
		[WAY_UPDATE] = "update",
		[WAY_BLOCKS] = "blocks",
		[WAY_FULL] = "full",
	};

	assert(kind < WAY_MAX);
	return names[kind];
}

/* Why the way may not be gone though it could be; NULL: it may. */
static const char *why_forbidden(const struct way_question *question, enum way_kind kind)
{
	const struct way_policy *policy = &question->policy;
	bool alone = question->costs[WAY_UPDATE].why_not && question->costs[WAY_BLOCKS].why_not;

	if (kind != WAY_FULL)
		return policy->delta == WAY_OFF ? "Delta=off" : NULL;
	if (!question->installed || policy->delta == WAY_OFF)
		return NULL;
	if (policy->delta == WAY_REQUIRE)
		return "Delta=require";
	if (alone && question->costs[kind].fetch_bytes > policy->fallback)
		return policy->fallback == 0 ? "Fallback=refuse" : "it is larger than Fallback=";
	return NULL;
}

static const char *why_not(const struct way_question *question, enum way_kind kind)
{
	const char *why = question->costs[kind].why_not;

	return why ? why : why_forbidden(question, kind);
}

static bool is_cheaper(const struct way_cost *a, const struct way_cost *b)
{
	if (a->fetch_bytes != b->fetch_bytes)
		return a->fetch_bytes < b->fetch_bytes;
	return a->requests < b->requests;
}

static bool fits(const struct way_question *question, enum way_kind kind)
{
	const struct way_cost *cost = &question->costs[kind];

	return cost->peak_bytes <= question->room_bytes &&
	       cost->peak_inodes <= question->room_inodes;
}

/* WAY_MAX: none. */
static enum way_kind find_cheapest(const struct way_question *question, bool only_fitting)
{
	enum way_kind found = WAY_MAX;

	for (enum way_kind kind = 0; kind < WAY_MAX; kind++) {
		if (why_not(question, kind) || (only_fitting && !fits(question, kind)))
			continue;
		if (found == WAY_MAX || is_cheaper(&question->costs[kind], &question->costs[found]))
			found = kind;
	}
	return found;
}

static enum way_kind find_smallest(const struct way_question *question)
{
	enum way_kind found = WAY_MAX;

	for (enum way_kind kind = 0; kind < WAY_MAX; kind++) {
		if (why_not(question, kind))
			continue;
		if (found == WAY_MAX ||
		    question->costs[kind].peak_bytes < question->costs[found].peak_bytes)
			found = kind;
	}
	return found;
}

static int refuse(const struct way_question *question, struct error *err)
{
	char text[ERROR_TEXT_MAX] = "";
	size_t used = 0;

	for (enum way_kind kind = 0; kind < WAY_MAX && used < sizeof(text); kind++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s: %s",
					 used ? "; " : "", way_name(kind), why_not(question, kind));
	return error_set(err, FAULT_CONFIG, "no way to the release is allowed (%s)", text);
}

static int lack_space(const struct way_question *question, struct error *err)
{
	enum way_kind kind = find_smallest(question);
	const struct way_cost *cost = &question->costs[kind];

	return error_set(err, FAULT_NO_SPACE,
			 "the smallest way (%s) needs %" PRIu64 " KiB and %" PRIu64
			 " inodes; there are %" PRIu64 " KiB, beside Reserve=, and %" PRIu64
			 " inodes",
			 way_name(kind), cost->peak_bytes / 1024, cost->peak_inodes,
			 question->room_bytes / 1024, question->room_inodes);
}

int way_decide(const struct way_question *question, struct way_answer *ret_answer,
	       struct error *err)
{
	struct way_answer answer = {
		.kind = find_cheapest(question, true),
		.cheapest = find_cheapest(question, false),
	};

	if (answer.cheapest == WAY_MAX)
		return refuse(question, err);
	if (answer.kind == WAY_MAX)
		return lack_space(question, err);
	*ret_answer = answer;
	return 0;
}
