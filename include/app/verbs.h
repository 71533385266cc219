/*
 * The verbs of the command line: verb_x() is src/app/verb-x.c, and returns the exit status. The table that names
 * them is in src/main.c, what each does in docs/CLI.md.
 */
#pragma once

#include "app/cli.h"

/* what a person wants done: handed to the worker */
int verb_install(const struct cli_verb *verb, int argc, char **argv);
int verb_switch(const struct cli_verb *verb, int argc, char **argv);
int verb_rollback(const struct cli_verb *verb, int argc, char **argv);
int verb_hold(const struct cli_verb *verb, int argc, char **argv);
int verb_unhold(const struct cli_verb *verb, int argc, char **argv);
int verb_health(const struct cli_verb *verb, int argc, char **argv);
int verb_inhibit(const struct cli_verb *verb, int argc, char **argv);
int verb_forgive(const struct cli_verb *verb, int argc, char **argv);
int verb_group(const struct cli_verb *verb, int argc, char **argv);
int verb_cancel(const struct cli_verb *verb, int argc, char **argv);
int verb_update(const struct cli_verb *verb, int argc, char **argv);

/* what a person wants to know */
int verb_check(const struct cli_verb *verb, int argc, char **argv);
int verb_plan(const struct cli_verb *verb, int argc, char **argv);
int verb_follow(const struct cli_verb *verb, int argc, char **argv);
int verb_status(const struct cli_verb *verb, int argc, char **argv);
int verb_history(const struct cli_verb *verb, int argc, char **argv);
int verb_metrics(const struct cli_verb *verb, int argc, char **argv);
int verb_report(const struct cli_verb *verb, int argc, char **argv);
int verb_events(const struct cli_verb *verb, int argc, char **argv);
int verb_list(const struct cli_verb *verb, int argc, char **argv);
int verb_doctor(const struct cli_verb *verb, int argc, char **argv);
int verb_drill(const struct cli_verb *verb, int argc, char **argv);
int verb_verify(const struct cli_verb *verb, int argc, char **argv);

/* setting up */
int verb_init(const struct cli_verb *verb, int argc, char **argv);
int verb_source(const struct cli_verb *verb, int argc, char **argv);
int verb_units(const struct cli_verb *verb, int argc, char **argv);
int verb_config_check(const struct cli_verb *verb, int argc, char **argv);
int verb_alert_test(const struct cli_verb *verb, int argc, char **argv);

/* on the publisher's machine */
int verb_key_new(const struct cli_verb *verb, int argc, char **argv);
int verb_pack(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_init(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_add(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_sign(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_withdraw(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_refresh(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_rotate(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_list(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_verify(const struct cli_verb *verb, int argc, char **argv);
int verb_repo_prune(const struct cli_verb *verb, int argc, char **argv);

/* for units */
int verb_run(const struct cli_verb *verb, int argc, char **argv);
int verb_recover(const struct cli_verb *verb, int argc, char **argv);
int verb_scrub(const struct cli_verb *verb, int argc, char **argv);
int verb_started(const struct cli_verb *verb, int argc, char **argv);
int verb_failed(const struct cli_verb *verb, int argc, char **argv);
int verb_alert_send(const struct cli_verb *verb, int argc, char **argv);
