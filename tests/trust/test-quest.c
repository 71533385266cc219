/* A search and a listing through one door; what each finds is tested with itself. */
#include "trust/quest.h"

#include "trust/jread.h"

#include "sign.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct targets *make(bool delegates)
{
	_cleanup_(jread_freep) json_t *keys = sign_keys(4);
	_cleanup_(jread_freep) json_t *who = sign_role("4", 1);
	_cleanup_(signers_freep) struct signers *signers = NULL;
	const struct metafile promised = { .version = 1 };
	struct targets *targets;
	char *text;

	text = sign_consume(
		sign_targets_body(1,
				  json_pack("{s{sis{ss}}}", delegates ? "other" : "d/a-1", "length",
					    7, "hashes", "sha256", HEX),
				  delegates ? json_pack("{sOs[{sss[s]sis[s]}]}", "keys", keys,
							"roles", "name", "r", "keyids", "k4",
							"threshold", 1, "paths", "d/*") :
					      NULL),
		"4");
	assert_int_equal(signers_read(keys, who, &signers, NULL), 0);
	assert_int_equal(targets_read(signers, &promised, text, strlen(text), &targets, NULL), 0);
	free(text);
	return targets;
}

/* Both ask for the role r, and get it. */
static void bring(struct quest *quest)
{
	assert_int_equal(quest_next(quest, NULL), QUEST_NEED);
	assert_string_equal(quest_role(quest), "r");
	assert_string_equal(quest_signers(quest)->list[0].keyid, "k4");
	quest_enter_consume(quest, make(false));
	assert_int_equal(quest_next(quest, NULL), QUEST_END);
}

static void what_was_looked_for(void **state)
{
	_cleanup_(targets_freep) struct targets *top = make(true);
	_cleanup_(listing_freep) struct listing *listing = NULL;
	_cleanup_(found_freep) struct found *found = NULL;
	struct quest *quest;
	size_t n;

	assert_int_equal(quest_new_search(top, "d/a-1", &quest, NULL), 0);
	bring(quest);
	assert_int_equal(quest_take(quest, true, &found, &listing, NULL), 0);
	assert_string_equal(found->file, "d/" HEX ".a-1");
	assert_string_equal(found->role, "r");
	assert_null(listing);
	quest_free(quest);

	assert_int_equal(quest_new_listing(top, "d/a-*", &quest, NULL), 0);
	bring(quest);
	assert_int_equal(quest_take(quest, true, &found, &listing, NULL), 0);
	assert_string_equal(listing_names(listing, &n)->path, "d/a-1");
	assert_int_equal(n, 1);
	assert_non_null(found); /* of before */
	quest_free(quest);

	assert_int_equal(quest_new_search(top, "nothing", &quest, NULL), 0);
	assert_int_equal(quest_next(quest, NULL), QUEST_END);
	assert_int_equal(quest_take(quest, true, &found, &listing, NULL), 0);
	assert_null(found);
	assert_non_null(listing);
	quest_free(quest);
	quest_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
