/*
 * The units of flipslot itself that an app needs at work: recover at each boot, and the app's timer. Private
 * to app/init*.
 */
#pragma once

#include "base/text.h"
#include "unit/manager.h"

#define INIT_RECOVER_UNIT "flipslot-recover.service"

struct init_enable {
	bool recover; /* is enabled */
	bool timer; /* is enabled, and runs once init_enable_start() went well */
};

/* "flipslot@APP.timer"; returns ret_unit. */
#define INIT_TIMER_MAX 96
char *init_enable_timer_name(const char *app, char ret_unit[static INIT_TIMER_MAX]);

/* As `systemctl enable` does. If they are not installed, nothing is done but a line added to *todo. */
int init_enable_units(struct init_enable *enable, struct manager *manager, const char *app,
		      bool with_timer, struct text *todo, struct error *err);

/* The timer begins to tick; after the manager has read what is enabled. */
int init_enable_start(const struct init_enable *enable, struct manager *manager, const char *app,
		      struct error *err);
