/*
 * The verbs of flipslot: verb_x stands in src/app/verb-x.c. Nothing but this file exits.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/verbs.h"
#include "base/scope.h"
#include "base/spawner.h"
#include "deploy/data-helper.h"
#include "transfer/fetch-helper.h"
#include "transfer/post-helper.h"
#include "unit/probe-helper.h"

/* clang-format off */
static const struct cli_verb verbs[] = {
	/* name, arguments, what it does, function */
	{"install", "APP FILE --version V (--sha256 HEX | --sha256-file SUMS | --trust-me)",
	 "Put a release from an archive into the inactive slot and switch to it", verb_install},
	{"check", "APP", "Look at the source: is there something new?", verb_check},
	{"plan", "APP", "Say how an update would come, and what it would cost", verb_plan},
	{"update", "APP [--to SEQ] | --group NAME", "Install what the source offers", verb_update},
	{"switch", "APP [a|b|previous]", "Switch to the release in the other slot", verb_switch},
	{"rollback", "APP | --group NAME", "Go back to the release before, also in mid-install", verb_rollback},
	{"cancel", "APP", "Stop a transaction before it has touched the service", verb_cancel},
	{"hold", "APP --why TEXT [--until TIME]", "Let no timer change anything", verb_hold},
	{"unhold", "APP", "Lift a hold", verb_unhold},
	{"inhibit", "APP --why TEXT -- COMMAND…", "Run a command; no update switches meanwhile", verb_inhibit},
	{"health", "APP okay|waiting|error [--why TEXT]", "Said by the service: how it is", verb_health},
	{"forgive", "APP [VERSION|SEQ|DIGEST]", "Forget that a release was rolled back", verb_forgive},

	{"status", "[APP]", "What runs, what is under way, how the last transaction ended", verb_status},
	{"follow", "APP [TRANSACTION]", "Watch the transaction that is under way to its end", verb_follow},
	{"group", "NAME", "How far the members of a group are, and what was decided", verb_group},
	{"history", "APP [-n N]", "Past transactions", verb_history},
	{"list", "[APP]", "The apps and the releases in their slots", verb_list},
	{"events", "[APP]", "What happens, as lines of JSON", verb_events},
	{"report", "APP", "All about the last failure in one file, for a ticket", verb_report},
	{"metrics", "[APP]", "What node_exporter is given, in the format of Prometheus", verb_metrics},
	{"doctor", "[APP] [--online]", "What would make the next update or rollback fail, and what to do", verb_doctor},
	{"drill", "APP", "Rehearse: switch to the other slot, and back", verb_drill},
	{"verify", "APP [a|b|current|previous]", "Compare a slot with its seal, byte by byte", verb_verify},
	{"scrub", "APP", "Compare all that is in use with its seals, and see to what is damaged", verb_scrub},

	{"init", "APP --unit UNIT", "Put a service under flipslot", verb_init},
	{"source", "APP URL --root-json FILE", "Say where its releases come from, and who may sign them",
	 verb_source},
	{"units", "APP [--link|--unlink]", "Units that the release brings (Units=): show or link them", verb_units},
	{"config check", "[APP]", "Look for mistakes in the configuration", verb_config_check},
	{"alert test", "APP [NAME]", "Send a test to who is to be alerted, and tell what they say", verb_alert_test},

	/* on the publisher's machine */
	{"key new", "NAME", "Make a key: NAME.key and NAME.pub", verb_key_new},
	{"pack", "DIR -o FILE", "Pack a tree into a reproducible .tar.zst", verb_pack},
	{"repo init", "DIR", "Make a repository, a folder of static files", verb_repo_init},
	{"repo add", "DIR TREE --app APP --version V", "Publish a release", verb_repo_add},
	{"repo sign", "DIR|FILE [--key KEY]", "Sign what waits for signatures, here or elsewhere",
	 verb_repo_sign},
	{"repo withdraw", "DIR --app APP --sequence N --why TEXT",
	 "Let no device install a release, or go back to it", verb_repo_withdraw},
	{"repo refresh", "DIR", "Sign again what is about to expire; for cron", verb_repo_refresh},
	{"repo rotate", "DIR ROLE [--add LIST] [--remove LIST]", "Change the keys of a role",
	 verb_repo_rotate},
	{"repo list", "DIR", "What is published, and until when", verb_repo_list},
	{"repo verify", "DIR", "Check a repository as a device does, and every blob", verb_repo_verify},
	{"repo prune", "DIR", "Remove blobs that no offer needs any more", verb_repo_prune},

	/* for units: see units/ */
	{"run", "APP", "The worker: what flipslot@APP.service runs", verb_run},
	{"recover", "", "Settle every app after a boot: what flipslot-recover.service runs", verb_recover},
	{"started", "APP", "The app's unit was started: what flipslot-check@APP.service runs", verb_started},
	{"failed", "APP", "The app's unit has failed: what flipslot-failed@APP.service runs", verb_failed},
	{"alert send", "APP", "Deliver what is in the outbox: what flipslot-alert@APP.service runs", verb_alert_send},
};
/* clang-format on */

static int print_usage(FILE *out)
{
	(void)fprintf(out, "flipslot: A/B updates for a service, with a way back.\n\n"
			   "  flipslot [--user|--system] VERB …\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		(void)fprintf(out, "  %-15s%s\n", verbs[i].name, verbs[i].summary);
	(void)fprintf(out, "  %-15s%s\n\nMore about one of them: flipslot VERB --help\n", "version",
		      "The program's version");
	return out == stdout ? 0 : CLI_USAGE;
}

/* It may be the first word of two: "config check". */
static int refuse_word(const char *word)
{
	size_t size = strlen(word);
	unsigned int n = 0;

	(void)fprintf(stderr, "flipslot: there is no verb %s", word);
	for (size_t i = 0; size > 0 && i < ARRAY_SIZE(verbs); i++)
		if (strncmp(verbs[i].name, word, size) == 0 && verbs[i].name[size] == ' ')
			(void)fprintf(stderr, "%s%s",
				      n++ > 0 ? ", " : " alone; there is: ", verbs[i].name);
	(void)fprintf(stderr, "%s\n", n > 0 ? "" : "; see flipslot --help");
	return CLI_USAGE;
}

/* What is no verb of the table: helpers and who starts them, and what every program answers. */
static int run_special(const char *word)
{
	if (strcmp(word, "probe-helper") == 0)
		return probe_helper_main();
	if (strcmp(word, "data-helper") == 0)
		return data_helper_main();
	if (strcmp(word, "fetch-helper") == 0)
		return fetch_helper_main();
	if (strcmp(word, "post-helper") == 0)
		return post_helper_main();
	if (strcmp(word, "spawner") == 0)
		return spawner_main(STDIN_FILENO);
	if (strcmp(word, "version") == 0 || strcmp(word, "--version") == 0)
		return printf("flipslot %s\n", FLIPSLOT_VERSION) < 0;
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return print_usage(stdout);
	return refuse_word(word);
}

static int dispatch(int argc, char **argv)
{
	if (argc < 1)
		return print_usage(stderr);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		int words = cli_match(&verbs[i], argc, argv);

		if (words > 0)
			return verbs[i].run(&verbs[i], argc - words + 1, argv + words - 1);
	}
	return run_special(argv[0]);
}

/* Who is not root and has a flipslot of his own means that, unless he says so otherwise. > 0: words taken. */
static int choose_scope(int argc, char **argv, struct error *err)
{
	bool user = argc > 0 && strcmp(argv[0], "--user") == 0;
	bool system = argc > 0 && strcmp(argv[0], "--system") == 0;
	int r = 0;

	if (user || (!system && geteuid() != 0 && scope_has_user()))
		r = scope_choose_user(err);
	return r < 0 ? r : user || system;
}

int main(int argc, char **argv)
{
	struct error err = {};
	int taken;

	(void)setlocale(LC_CTYPE, "C.UTF-8"); /* whatever the caller has: output is a contract */
	(void)signal(SIGPIPE, SIG_IGN);
	taken = choose_scope(argc - 1, argv + 1, &err);
	return taken < 0 ? cli_fail(&err) : dispatch(argc - 1 - taken, argv + 1 + taken);
}
