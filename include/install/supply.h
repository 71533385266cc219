/*
 * Giving the files of a content their places in the slot: those that the survey says are to be made. They are files that
 * stay then.
 */
#pragma once

#include "base/crew.h"
#include "install/survey.h"

struct local;
struct place;

struct supply {
	int slot_fd;
	int staging_fd;
	int source_fd; /* the slot that runs; -1: none */
	struct survey *survey;
	bool reflink; /* the file system can: copies share the blocks of what they are of */
	struct local *locals[CREW_HANDS];
	struct place *places[CREW_HANDS];
};

/*
 * From where its origin says. > 0: SUPPLY_DIFFERS, the file of the running slot is not what its seal says, and *ret_why
 * (static) says how; the content is wanted then.
 */
enum { SUPPLY_DIFFERS = 1 };
int supply_local(const struct supply *supply, unsigned int hand, uint32_t content,
		 const char **ret_why, struct error *err);

/* From these bytes, which are verified. */
int supply_bytes(const struct supply *supply, uint32_t content, const void *bytes, size_t size,
		 struct error *err);

/* From staging/, where it is complete. */
int supply_staged(const struct supply *supply, uint32_t content, struct error *err);
