/*
 * The drop-in of the app's unit: a file of root's in /etc/systemd/system, or of a user's own flipslot in his folder. For
 * Scope=user:NAME it is a file of that user's in his home, where it concerns him alone (one in /etc/systemd/user would change
 * the units of that name of all users): a child that has become him reads and writes it, so that root opens nothing of
 * his, and he can read and change it like all his units. Private to app/init*.
 */
#pragma once

#include "app/init-file.h"
#include "app/init-unit.h"
#include "unit/owner.h"

struct init_drop_in {
	struct init_file file;
	bool is_owned;
	struct owner owner;
	bool is_needed; /* it has something to say */
};

void init_drop_in_done(struct init_drop_in *drop_in);

/* Reads what is there. user: of Scope=user:NAME, or NULL. */
int init_drop_in_read(struct init_drop_in *drop_in, const char *user,
		      const struct init_options *options, struct error *err);

/* Composes what it shall say, and compares it with what is there, as init_file_compare. */
int init_drop_in_plan(struct init_drop_in *drop_in, const struct init_options *options,
		      const struct init_unit *unit, struct error *err);

/* As init_file_write and init_file_restore. */
int init_drop_in_write(const struct init_drop_in *drop_in, struct error *err);
int init_drop_in_restore(const struct init_drop_in *drop_in, struct error *err);
