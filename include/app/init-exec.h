/*
 * The command lines of a unit, as far as init must understand and write them (systemd.service(5),
 * "Command lines"). Private to app/init*.
 */
#pragma once

#include <sys/stat.h>

#include "base/text.h"
#include "unit/unit.h"

#define INIT_EXEC_PREFIX_MAX 8 /* "-", ":", "+", "!", "!!" in any combination, and a NUL */

/* "-:" and so on before a command's path; "@" is not among them: it follows from path and argv[0]. */
struct init_exec_prefix {
	char text[INIT_EXEC_PREFIX_MAX];
};

/* Asks the manager for the prefixes of the n merged ExecStart= lines. */
int init_exec_prefixes(struct manager *manager, const char *unit, struct init_exec_prefix *ret,
		       size_t n, struct error *err);

/*
 * One command as a line of a unit file says it, without "ExecStart=": words quoted where needed, % doubled.
 * $ stays as it is: in what the manager tells, $VARIABLES are not replaced yet.
 */
void init_exec_add_line(struct text *text, const struct unit_exec *exec, const char *prefix);

/* A path as a value of a unit file: % doubled. */
void init_exec_add_path(struct text *text, const char *path);

/*
 * Sets ret_unit's ExecStart= to what a line written by a person means, as far as that can be known before the
 * manager reads it. FAULT_CONFIG if it is no single line with a command.
 */
int init_exec_parse(const char *line, struct unit *unit, struct error *err);

/*
 * The word with the part of it that names the directory `dir` replaced by `to`: at its begin, or behind one of
 * = : , and quotes ("--config=/opt/gw/x"); also where a link leads to the directory. *ret_word is
 * malloc'ed. > 0: INIT_EXEC_SAME, it does not name it.
 */
enum { INIT_EXEC_SAME = 1 };
int init_exec_redirect(const char *word, const struct stat *dir, const char *to, char **ret_word,
		       struct error *err);

/* Is it a program that runs what it is given, and shows no file of that while it runs: python3, node, sh? */
bool init_exec_is_interpreter(const char *path);
