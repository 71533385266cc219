#include <stdio.h>

#include "app/format.h"
#include "app/status-json.h"
#include "app/verbs.h"
#include "base/parse.h"

#define DEFAULT_ENTRIES 20

static void add_row(struct format_table *table, const struct history_entry *entry)
{
	char ended[CLOCK_TEXT_MAX], took[CLOCK_TEXT_MAX], versions[2 * STATE_VERSION_MAX + 8];
	char who[STATE_WHO_MAX + STATE_SIGNER_MAX + 32], reason[STATE_WHY_MAX + STATE_REASON_MAX];

	(void)snprintf(versions, sizeof(versions), "%s -> %s",
		       entry->from_version[0] ? entry->from_version : "-",
		       entry->to_version[0] ? entry->to_version : "-");
	(void)snprintf(who, sizeof(who), "%s%s%s%s", entry->who[0] ? entry->who : "-",
		       entry->trusted_by_word ? ", --trust-me" : "",
		       entry->signer[0] ? ", minisign " : "", entry->signer);
	(void)snprintf(reason, sizeof(reason), "%s%s%s", entry->why,
		       entry->why[0] && entry->reason[0] ? "; " : "", entry->reason);
	format_table_add(
		table, (const char *[]){ clock_format(entry->ended, ended), verb_name(entry->verb),
					 versions, outcome_name(entry->outcome),
					 clock_format_span(entry->ended > entry->began ?
								   entry->ended - entry->began :
								   0,
							   took),
					 who, reason });
}

static int print_table(const struct history_entry *entries, size_t n, struct error *err)
{
	static const char *const head[] = { "ENDED", "VERB", "VERSIONS", "OUTCOME",
					    "TOOK",  "WHO",  "REASON" };
	_cleanup_(format_table_freep) struct format_table *table = NULL;
	int r;

	if (n == 0)
		printf("There was no transaction yet.\n");
	r = format_table_new(ARRAY_SIZE(head), &table, err);
	if (r < 0)
		return r;
	format_table_add(table, head);
	for (size_t i = 0; i < n; i++)
		add_row(table, &entries[i]);
	return format_table_print(table, stdout, err);
}

static int print_array(const struct history_entry *entries, size_t n, struct error *err)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(array, status_json_entry(&entries[i]));
	return status_json_print(array, err);
}

static int print(const char *app, uint64_t max, bool json, int *ret_status, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ struct history_entry *entries = NULL;
	_cleanup_close_ int dirfd = -1;
	struct error problem = {};
	size_t n;
	int r;

	r = cli_open_rough(app, &config, &dirfd, &problem, err);
	if (r < 0)
		return r;
	r = history_load(dirfd, (size_t)max, &entries, &n, err);
	if (r < 0)
		return r;
	r = json ? print_array(entries, n, err) : print_table(entries, n, err);
	*ret_status = problem.fault == FAULT_NONE ? 0 : cli_fail(&problem);
	return r;
}

int verb_history(const struct cli_verb *verb, int argc, char **argv)
{
	uint64_t max = DEFAULT_ENTRIES;
	const char *number = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "number", 'n', "N", "the newest N (20)", .text = &number },
		{ "json", '\0', NULL, "print JSON", .flag = &json },
		{},
	};
	struct error err = {};
	char **operands;
	int r, status = 0;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (number && parse_u64(number, 1, HISTORY_ENTRIES, &max, &err) < 0)
		return cli_refuse(verb, "--number: %s", err.text);
	return print(operands[0], max, json, &status, &err) < 0 ? cli_fail(&err) : status;
}
