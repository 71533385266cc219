/*
 * The app's unit as init finds it and as its drop-in will make it. Private to app/init*.
 */
#pragma once

#include "app/init-adopt.h"
#include "base/text.h"
#include "unit/unit.h"

struct init_unit {
	struct unit now;
	struct unit planned; /* as far as that can be known before the manager reads it */
	struct text exec_lines; /* for the drop-in; empty: none */
	struct text directory_line;
	bool arguments_moved; /* not only the program is in the release now */
};

void init_unit_done(struct init_unit *unit);
#define _cleanup_init_unit_ _cleanup_(init_unit_done)

/* FAULT_UNIT: there is no such unit, or it cannot be loaded. */
int init_unit_look(struct init_unit *unit, struct manager *manager, const char *name,
		   struct error *err);

/*
 * Decides what of ExecStart= and WorkingDirectory= the drop-in has to say. What an earlier drop-in (old, or
 * NULL) said of them stays unless there is something new. FAULT_CONFIG: --exec-start does not go through
 * `current`.
 */
int init_unit_plan(struct init_unit *unit, struct manager *manager,
		   const struct init_options *options, const struct init_adopt *adopt,
		   const char *current, const char *old, struct error *err);

/* Adds lines of what is left to do by a person, each with "- " before and a newline behind. */
void init_unit_left_to_do(const struct init_unit *unit, const struct unit *now,
			  const struct init_options *options, const struct init_adopt *adopt,
			  const char *current, const char *drop_in, struct text *todo);
