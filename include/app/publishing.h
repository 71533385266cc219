/*
 * What the publisher's verbs (key, pack, repo) share: passphrases, lists of the command line, and the end of all
 * that changes a repository.
 */
#pragma once

#include "app/cli.h"
#include "publish/delta.h"
#include "publish/pack.h"
#include "publish/repo.h"

/*
 * A passphrase from the file that `data` names (its first line; NULL: none), the environment FLIPSLOT_PASSPHRASE,
 * or the terminal; none of them: FAULT_CONFIG. It is a secret_ask.
 */
int publishing_ask(void *data, const char *name, bool confirm,
		   char ret_passphrase[static SECRET_PASSPHRASE_MAX], struct error *err);

/* The folder of a file and its name there, lent (of path). */
int publishing_open_parent(const char *path, int *ret_dirfd, const char **ret_name,
			   struct error *err);

/* Opens the repository, by the clock of this machine; passphrase_file may be NULL. */
int publishing_open(const char *dir, const char *passphrase_file, struct repo **ret_repo,
		    struct error *err);

/* Publishes, prints what was done, gives the repository back: the exit status. refresh: renews what is due. */
int publishing_finish_consume(struct repo *repo, bool refresh);

int publishing_parse_role(const char *name, enum root_role *ret_role, struct error *err);

/* "root=2,targets=1": each value goes through parse to ret_values[role]. NULL is an empty list. */
typedef int (*publishing_parse)(const char *text, uint64_t *ret_value, struct error *err);
int publishing_parse_roles(const char *list, publishing_parse parse,
			   uint64_t ret_values[static ROOT_ROLE_MAX], struct error *err);
int publishing_parse_count(const char *text, uint64_t *ret_value, struct error *err);

/* --level (NULL: 19), --mtime (NULL: as they are), SOURCE_DATE_EPOCH; all cores; progress as app/packing-display.h shows it. */
int publishing_pack_options(const char *level, const char *mtime, bool allow_setuid,
			    struct pack_options *ret_options, struct error *err);

/* --deltas (NULL: 3), --no-bundle, -v. */
int publishing_delta_options(const char *deltas, bool no_bundle, bool verbose,
			     struct delta_options *ret_options, struct error *err);
