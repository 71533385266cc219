/*
 * Files of a slot that will not stay where they are, but whose content is wanted: renamed ones, mostly.
 */
#pragma once

#include "install/survey.h"

struct local;

struct stray_options {
	int slot_fd;
	int staging_fd; /* -1: there is none */
	struct survey *survey; /* with its fates, and the origins found so far */
	const struct digest *
		found; /* by number of the index: what a file there is known to have; null: not known */
	struct local *const *hands; /* CREW_HANDS of them */
};

/*
 * Adds to the survey's strays those that have the size of a content that is still wanted, with their digests. A slot that
 * cannot be walked to its end (weird, damaged) has fewer of them; that is no error.
 */
int stray_find(const struct stray_options *options, struct error *err);
