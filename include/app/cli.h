/*
 * What all verbs share: the table of verbs, the command line, saying no, exit statuses (docs/CLI.md).
 */
#pragma once

#include "app/config.h"
#include "base/error.h"

#define CLI_FORBIDDEN	1 /* only root may */
#define CLI_USAGE	2 /* the command line is wrong */
#define CLI_CANCELLED	12 /* a person stopped it: cancel, or rollback in the middle */
#define CLI_INTERRUPTED 130 /* Ctrl-C: it goes on without us */

struct cli_verb {
	const char *name; /* one word, or two with a blank */
	const char *arguments;
	const char *summary; /* one line; NULL: not shown in the list */
	int (*run)(const struct cli_verb *verb, int argc,
		   char **argv); /* argv[0] is the last word of name */
};

/* Either a flag or a text; a list of them ends with a nameless one. */
struct cli_option {
	const char *name; /* long name without the dashes */
	char letter; /* '\0': none */
	const char *value; /* what the usage calls the value; NULL: a flag */
	const char *help;
	bool *flag;
	const char **text;
};

/* How many words of the line (1 or 2) are the verb's name; 0: another verb. */
int cli_match(const struct cli_verb *verb, int argc, char **argv);

/*
 * Reads options and operands in any order ("--" ends the options). An option given twice, unknown, without its
 * value, or with one that it does not take, and too few or too many operands, are FAULT_CONFIG with one
 * line; the missing ones are called what the first words of `arguments` call them. *ret_operands is the NULL-terminated rest of argv, which was put in order.
 * > 0: CLI_HELP, --help was given.
 */
enum { CLI_HELP = 1 };
int cli_parse(const struct cli_option *options, const char *arguments, int min_operands,
	      int max_operands, int argc, char **argv, char ***ret_operands, struct error *err);

/* The same for a verb: prints its help or what is wrong. CLI_GO, or the exit status to end with. */
#define CLI_GO (-1)
int cli_begin(const struct cli_verb *verb, const struct cli_option *options, int min_operands,
	      int max_operands, int argc, char **argv, char ***ret_operands);

/* "flipslot: text" to stderr; returns the exit status of the fault. */
int cli_fail(const struct error *err);

/* "flipslot VERB: text" and where the help is, to stderr; returns CLI_USAGE. */
int cli_refuse(const struct cli_verb *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* CLI_GO if the caller is root; otherwise says so and returns CLI_FORBIDDEN. */
int cli_need_root(const struct cli_verb *verb);

/* The configuration of an app, and its directory (ret_dirfd may be NULL). No such app: FAULT_CONFIG says what to do. */
int cli_load(const char *app, struct config **ret_config, struct error *err);
int cli_open(const char *app, struct config **ret_config, int *ret_dirfd, struct error *err);

/*
 * For verbs that only look: > 0, CLI_ROUGHLY, the configuration is broken, ret_problem says how (to be told by
 * cli_fail() once what is known was shown); the app's directory could be opened all the same.
 */
enum { CLI_ROUGHLY = 1 };
int cli_open_rough(const char *app, struct config **ret_config, int *ret_dirfd,
		   struct error *ret_problem, struct error *err);

/* "flipslot@APP.service"; returns ret_unit. */
#define CLI_UNIT_MAX 96
char *cli_worker_unit(const char *app, char ret_unit[static CLI_UNIT_MAX]);
