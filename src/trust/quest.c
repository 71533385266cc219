#include "trust/quest.h"

#include <errno.h>
#include <stdlib.h>

struct quest { /* one of the two */
	struct search *search;
	struct listing *listing;
	bool found;
};

static int new (struct quest **ret_quest, struct error *err)
{
	*ret_quest = calloc(1, sizeof(**ret_quest));
	return *ret_quest ? 0 : error_code(err, -ENOMEM, "searching a target");
}

int quest_new_search(const struct targets *top, const char *path, struct quest **ret_quest,
		     struct error *err)
{
	_cleanup_(quest_freep) struct quest *quest = NULL;
	int r = new (&quest, err);

	if (r >= 0)
		r = search_new(top, path, &quest->search, err);
	if (r >= 0)
		*ret_quest = TAKE_PTR(quest);
	return r;
}

int quest_new_listing(const struct targets *top, const char *pattern, struct quest **ret_quest,
		      struct error *err)
{
	_cleanup_(quest_freep) struct quest *quest = NULL;
	int r = new (&quest, err);

	if (r >= 0)
		r = listing_new(top, pattern, &quest->listing, err);
	if (r >= 0)
		*ret_quest = TAKE_PTR(quest);
	return r;
}

void quest_free(struct quest *quest)
{
	if (!quest)
		return;
	search_free(quest->search);
	listing_free(quest->listing);
	free(quest);
}

int quest_next(struct quest *quest, struct error *err)
{
	int r = quest->search ? search_next(quest->search, err) : listing_next(quest->listing, err);

	if (r < 0)
		return r;
	quest->found = quest->search && r == SEARCH_FOUND;
	return r == (quest->search ? (int)SEARCH_NEED : (int)LISTING_NEED) ? QUEST_NEED : QUEST_END;
}

const char *quest_role(const struct quest *quest)
{
	return quest->search ? search_role(quest->search) : listing_role(quest->listing);
}

const struct signers *quest_signers(const struct quest *quest)
{
	return quest->search ? search_signers(quest->search) : listing_signers(quest->listing);
}

void quest_enter_consume(struct quest *quest, struct targets *targets)
{
	if (quest->search)
		search_enter_consume(quest->search, targets);
	else
		listing_enter_consume(quest->listing, targets);
}

int quest_take(struct quest *quest, bool consistent, struct found **ret_found,
	       struct listing **ret_listing, struct error *err)
{
	const struct search *search = quest->search;

	if (!search) {
		listing_free(*ret_listing);
		*ret_listing = TAKE_PTR(quest->listing);
		return 0;
	}
	found_free(TAKE_PTR(*ret_found));
	return quest->found ? found_new(search_path(search), search_role(search),
					search_file(search), consistent, ret_found, err) :
			      0;
}
