/*
 * What a slot holds already of a release that shall be in it, and where the rest can be had on this disk. Reads, and
 * writes nothing.
 */
#pragma once

#include "base/arena.h"
#include "install/contents.h"
#include "install/stage.h"

/* What becomes of a file of the new index. */
enum survey_fate {
	SURVEY_OTHER, /* is no file */
	SURVEY_KEEP, /* is there: content, attributes, owner, and no name of it is a stranger's (the other slot's may be none) */
	SURVEY_MEND, /* the same but for mode, time or capabilities */
	SURVEY_MAKE,
};

/* Where a content is to be had, the cheapest of all places; `from` is a number in */
enum survey_origin {
	SURVEY_WANTED, /* nowhere */
	SURVEY_HERE, /* the new index: a file that stays */
	SURVEY_STAGING, /* staging/ has it, complete */
	SURVEY_STRAY, /* strays: a file of the slot that will not stay */
	SURVEY_EMPTY, /* it is empty */
	SURVEY_SOURCE, /* the index of the other slot */
};

struct survey_content {
	enum survey_origin origin;
	uint32_t from;
};

struct survey_stray {
	const char *path;
	ino_t inode;
	nlink_t names;
	uint64_t size, blocks;
	struct timespec modified;
	struct digest digest;
	bool digested;
};

struct survey {
	const struct index *index;
	const struct index *source; /* NULL: none */
	struct contents *contents; /* of index */
	unsigned char *fates; /* enum survey_fate, by number of the index */
	struct survey_content *origins; /* by content */
	struct survey_stray *strays;
	size_t n_strays;
	struct arena paths; /* of strays */
	uint64_t stay_bytes,
		stay_inodes; /* on the disk, of what stays or is moved within the slot */
	bool *strange; /* by number: what the other slot has of it has a name elsewhere */
	uid_t owner;
	bool shares; /* a file of the other slot may be one of this one, too */
};

struct survey_options {
	int slot_fd;
	int staging_fd; /* -1: there is none */
	int other_fd; /* the other slot, if a file may have the same name there, too; -1: it may not */
	uid_t owner; /* of all that may stay */
	const struct index *index; /* sorted, borrowed, as source is (NULL: none) */
	const struct index *source;
	const struct stage_listener *listener; /* STAGE_VERIFY; may be NULL */
};

int survey_run(const struct survey_options *options, struct survey **ret_survey, struct error *err);
void survey_free(struct survey *survey);
CLEANUP_DEFINE(struct survey, survey_free);

/*
 * The number in the source of the file that can get a second name as that one: of the same name there, the same content and attributes,
 * neither with more names of its own or elsewhere, nor for others to write to. INDEX_NONE: there is none.
 */
uint32_t survey_twin(const struct survey *survey, uint32_t number);

/* Does the file of that number stay (as it is, or mended)? */
bool survey_stays(const struct survey *survey, uint32_t number);
