#include "app/config.h"
#include "app/errand.h"
#include "app/round.h"
#include "app/verbs.h"
#include "base/parse.h"
#include "base/text.h"
#include "release/descriptor.h"

/* Releases with a descriptor are asked for by number, those that are plain targets have a version only. */
static int take_wish(const char *app, const char *to, struct request *request, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	int r;

	if (!to)
		return 0;
	r = cli_load(app, &config, err);
	if (r < 0)
		return r;
	if (!config_deploy(config)->source.target_pattern) {
		r = parse_u64(to, 1, INT64_MAX, &request->sequence, err);
		return r < 0 ? error_prefix(err, r, "--to") : 0;
	}
	if (!descriptor_is_version(to))
		return error_set(err, FAULT_CONFIG, "--to: it is a version that is wanted");
	(void)text_copy(to, request->version, sizeof(request->version));
	return 0;
}

int verb_update(const struct cli_verb *verb, int argc, char **argv)
{
	const char *to = NULL, *group = NULL;
	bool start = false, now = false, one_way = false, force = false, no_follow = false,
	     if_all = false, json = false;
	const struct cli_option options[] = {
		{ "to", '\0', "SEQ",
		  "only if the release with this sequence is what is offered; with "
		  "TargetPattern=: this version",
		  .text = &to },
		{ "group", '\0', "NAME",
		  "all members of the group, as one; with APP: it as a part of the group",
		  .text = &group },
		{ "start", '\0', NULL, "go on although the unit is not running", .flag = &start },
		{ "now", '\0', NULL, "wait for no window and no inhibitor", .flag = &now },
		{ "force", '\0', NULL, "empty the other slot although old processes still use it",
		  .flag = &force },
		{ "accept-no-rollback", '\0', NULL, "although the data could not be taken back",
		  .flag = &one_way },
		{ "if-all", '\0', NULL,
		  "with --group: only if a timer may, and there is something for all members",
		  .flag = &if_all },
		{ "no-follow", '\0', NULL, "return once the worker has accepted",
		  .flag = &no_follow },
		{ "json", '\0', NULL, "print events as lines of JSON", .flag = &json },
		{},
	};
	struct request request = { .verb = VERB_UPDATE, .slot = SLOT_NONE };
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (!operands[0] && !group)
		return cli_refuse(verb, "APP is missing");
	if (if_all && (operands[0] || to || now || one_way || start || force))
		return cli_refuse(verb, "--if-all is for --group NAME alone, as timers do it");
	if (!operands[0] && to)
		return cli_refuse(verb, "--to is of one app: flipslot update APP --to … --group %s",
				  group);
	if (operands[0] && take_wish(operands[0], to, &request, &err) < 0)
		return cli_fail(&err);
	request.start = start;
	request.no_way_back = one_way;
	request.now = now;
	request.force = force;
	if (!operands[0])
		return round_run(&(struct round_errand){ .verb = verb,
							 .name = group,
							 .json = json,
							 .no_follow = no_follow,
							 .if_all = if_all },
				 &request);
	if (group && round_take_part(group, operands[0], &request, &err) < 0)
		return cli_fail(&err);
	return errand_run(
		&(struct errand){
			.verb = verb, .app = operands[0], .json = json, .no_follow = no_follow },
		&request);
}
