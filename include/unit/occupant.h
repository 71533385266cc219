/*
 * Processes that use a directory, by what /proc shows of them: who still runs what a switch has replaced
 * (KillMode=process leaves processes behind; another instance of a template was not restarted).
 */
#pragma once

#include "unit/unit.h"

#define OCCUPANT_MAX 16

struct occupant {
	pid_t pid;
	char comm[80]; /* printable */
	char service[UNIT_NAME_MAX]; /* whose cgroup it is in, or empty */
	bool ours; /* of the unit, or of another instance of its template */
	bool own; /* of the unit itself: in its cgroup */
};

struct occupants {
	struct occupant list[OCCUPANT_MAX]; /* ours first */
	size_t n; /* of the list */
	size_t n_ours;
	bool managed; /* unit/holder.h: by a service manager, too */
};

/*
 * path is absolute, without links. Of ours, what proof_find would find counts; of all others, program, working
 * directory and root. This process does not count, nor one that is gone meanwhile.
 */
int occupant_find(const struct unit *unit, const char *path, struct occupants *ret_occupants,
		  struct error *err);

/* Calls for each process that there is, in no order. */
int occupant_each(void (*look)(void *data, pid_t pid), void *data, struct error *err);

/* Who that is, whatever he uses. > 0: OCCUPANT_GONE. */
enum { OCCUPANT_GONE = 1 };
int occupant_of(const struct unit *unit, pid_t pid, struct occupant *ret_occupant);

/* One more: ours first, the others as long as there is room. */
void occupant_add(struct occupants *occupants, const struct occupant *occupant);

/* "4711 (run), 4712 (sh)" of the first n. Returns ret_text. */
char *occupant_describe(const struct occupants *occupants, size_t n, char *ret_text, size_t room);
