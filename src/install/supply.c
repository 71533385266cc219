#include "install/supply.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "install/attributes.h"
#include "install/local.h"
#include "install/place.h"
#include "install/staged.h"
#include "release/names.h"

static const struct index_entry *entry_at(const struct supply *supply, uint32_t number)
{
	return index_at(supply->survey->index, number);
}

/* The next file of the content that is to be made, from the i-th on; CONTENTS_NONE: no more. */
static uint32_t next_file(const struct supply *supply, uint32_t content, uint32_t *i)
{
	const struct survey *survey = supply->survey;
	uint32_t number;

	do {
		number = contents_file(survey->contents, content, (*i)++);
	} while (number != CONTENTS_NONE && survey->fates[number] != SURVEY_MAKE);
	return number;
}

static void mark_made(const struct supply *supply, uint32_t content, uint32_t number)
{
	supply->survey->fates[number] = SURVEY_KEEP;
	supply->survey->origins[content] = (struct survey_content){ SURVEY_HERE, number };
}

/* > 0: as local_copy. */
static int copy_file(const struct supply *supply, unsigned int hand, int dirfd, const char *path,
		     const struct index_entry *entry, const char **ret_why, struct error *err)
{
	_cleanup_(place_file_done) struct place_file file = { .fd = -1 };
	char shown[NAMES_SHOWN_MAX];
	int r = place_create(supply->places[hand], entry, &file, err);

	if (r < 0)
		return r;
	r = local_copy(supply->locals[hand], dirfd, path, entry, file.fd, ret_why, err);
	if (r < 0)
		return error_prefix(err, r, "%s", names_show(entry->path, shown));
	return r > 0 ? r : place_name(supply->places[hand], &file, entry, err);
}

/* > 0: as local_read. */
static int copy_short(const struct supply *supply, unsigned int hand, int dirfd, const char *path,
		      const struct index_entry *entry, const char **ret_why, struct error *err)
{
	const void *bytes;
	int r = local_read(supply->locals[hand], dirfd, path, entry, &bytes, ret_why, err);

	return r != 0 ? r : place_bytes(supply->places[hand], entry, bytes, entry->size, err);
}

/* > 0: LOCAL_DIFFERS or PLACE_NO_LINK, a copy may do. What gets the second name is what was read. */
static int make_link(const struct supply *supply, unsigned int hand, uint32_t number,
		     struct error *err)
{
	const struct index_entry *entry = entry_at(supply, number);
	_cleanup_close_ int fd = -1;
	struct digest digest;
	struct stat st;
	uint64_t size;
	int r;

	if (survey_twin(supply->survey, number) == INDEX_NONE)
		return PLACE_NO_LINK;
	fd = local_open(supply->source_fd, entry->path, &st);
	if (fd < 0 || st.st_nlink != 1 || st.st_uid != supply->survey->owner ||
	    (uint64_t)st.st_size != entry->size || !attributes_match(fd, &st, entry))
		return LOCAL_DIFFERS;
	r = local_digest(supply->locals[hand], fd, &digest, &size, err);
	if (r == 0 && (size != entry->size || !digest_equal(&digest, &entry->digest)))
		r = LOCAL_DIFFERS;
	return r != 0 ? r : place_second(supply->places[hand], fd, entry, err);
}

/* > 0: LOCAL_UNREADABLE, LOCAL_DIFFERS. */
static int make_copy(const struct supply *supply, unsigned int hand, int dirfd, const char *path,
		     const struct index_entry *entry, const char **ret_why, struct error *err)
{
	bool is_short = !supply->reflink && entry->size <= LOCAL_SHORT;
	int r = is_short ? copy_short(supply, hand, dirfd, path, entry, ret_why, err) :
			   LOCAL_SPARSE;

	return r == LOCAL_SPARSE ? copy_file(supply, hand, dirfd, path, entry, ret_why, err) : r;
}

/* > 0: as make_copy. */
static int make(const struct supply *supply, unsigned int hand, int dirfd, const char *path,
		uint32_t number, const char **ret_why, struct error *err)
{
	int r = make_link(supply, hand, number, err);

	return r <= 0 ?
		       r :
		       make_copy(supply, hand, dirfd, path, entry_at(supply, number), ret_why, err);
}

/* The other files of a content of which one is in its place. */
static int supply_rest(const struct supply *supply, unsigned int hand, uint32_t content,
		       struct error *err)
{
	const struct index_entry *first = entry_at(supply, supply->survey->origins[content].from);
	const char *why = NULL;
	char shown[NAMES_SHOWN_MAX];
	uint32_t i = 0;
	uint32_t number;
	int r = 0;

	while (r == 0 && (number = next_file(supply, content, &i)) != CONTENTS_NONE) {
		r = make(supply, hand, supply->slot_fd, first->path, number, &why, err);
		if (r == 0)
			mark_made(supply, content, number);
	}
	return r > 0 ? error_set(err, FAULT_BUSY, "%s was changed while it was copied: %s",
				 names_show(first->path, shown), why) :
		       r;
}

static int supply_from_source(const struct supply *supply, unsigned int hand, uint32_t content,
			      const char **ret_why, struct error *err)
{
	struct survey_content *origin = &supply->survey->origins[content];
	uint32_t i = 0;
	uint32_t number = next_file(supply, content, &i);
	int r = make(supply, hand, supply->source_fd,
		     index_at(supply->survey->source, origin->from)->path, number, ret_why, err);

	if (r > 0) {
		origin->origin = SURVEY_WANTED;
		return SUPPLY_DIFFERS;
	}
	if (r == 0)
		mark_made(supply, content, number);
	return r;
}

static int make_of_bytes(const struct supply *supply, unsigned int hand, uint32_t content,
			 const void *bytes, size_t size, struct error *err)
{
	uint32_t i = 0;
	uint32_t number = next_file(supply, content, &i);
	int r = place_bytes(supply->places[hand], entry_at(supply, number), bytes, size, err);

	if (r == 0)
		mark_made(supply, content, number);
	return r;
}

/* Some time has gone by since the survey read it. */
static int check_staged(const struct supply *supply, unsigned int hand, uint32_t content,
			struct error *err)
{
	const struct survey_content *origin = &supply->survey->origins[content];
	const struct index_entry *entry = contents_entry(supply->survey->contents, content);
	_cleanup_close_ int fd = -1;
	struct digest digest = {};
	struct stat st;
	uint64_t size = 0;
	int r = staged_open(supply->staging_fd, &entry->digest, O_RDONLY, &fd, err);

	if (r < 0)
		return r;
	if (r == STAGED_ABSENT || fstat(fd, &st) < 0)
		return staged_complain_of_others(entry->path, err);
	if (origin->origin == SURVEY_STRAY)
		return staged_is_as_found(&st, &supply->survey->strays[origin->from]) ?
			       0 :
			       staged_complain_of_others(entry->path, err);
	r = local_digest(supply->locals[hand], fd, &digest, &size, err);
	if (r == 0 && size == entry->size && digest_equal(&digest, &entry->digest))
		return 0;
	return r < 0 ? r : staged_complain_of_others(entry->path, err);
}

static int place_staged(const struct supply *supply, unsigned int hand, uint32_t content,
			struct error *err)
{
	_cleanup_close_ int fd = -1;
	uint32_t i = 0;
	uint32_t number = next_file(supply, content, &i);
	const struct index_entry *entry = entry_at(supply, number);
	char hex[DIGEST_HEX_MAX];
	int r = staged_open(supply->staging_fd, &entry->digest, O_RDONLY, &fd, err);

	if (r == STAGED_ABSENT)
		return staged_complain_of_others(entry->path, err);
	if (r == 0)
		r = place_move(supply->places[hand], fd, digest_to_hex(&entry->digest, hex), entry,
			       err);
	if (r == 0)
		mark_made(supply, content, number);
	return r;
}

int supply_local(const struct supply *supply, unsigned int hand, uint32_t content,
		 const char **ret_why, struct error *err)
{
	int r = 0;

	switch (supply->survey->origins[content].origin) {
	case SURVEY_WANTED:
		return 0;
	case SURVEY_HERE:
		break;
	case SURVEY_STAGING:
	case SURVEY_STRAY:
		r = check_staged(supply, hand, content, err);
		if (r == 0)
			r = place_staged(supply, hand, content, err);
		break;
	case SURVEY_EMPTY:
		r = make_of_bytes(supply, hand, content, "", 0, err);
		break;
	case SURVEY_SOURCE:
		r = supply_from_source(supply, hand, content, ret_why, err);
		break;
	}
	return r != 0 ? r : supply_rest(supply, hand, content, err);
}

int supply_bytes(const struct supply *supply, uint32_t content, const void *bytes, size_t size,
		 struct error *err)
{
	int r = make_of_bytes(supply, 0, content, bytes, size, err);

	return r < 0 ? r : supply_rest(supply, 0, content, err);
}

int supply_staged(const struct supply *supply, uint32_t content, struct error *err)
{
	int r = place_staged(supply, 0, content, err);

	return r < 0 ? r : supply_rest(supply, 0, content, err);
}
