#include "trust/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A role on the way that was taken, and which of its delegations comes next. */
struct frame {
	struct delegation_role as; /* by the delegation of the frame before; none for the first */
	const struct targets *targets;
	struct targets *owned; /* the same, unless it is the top-level role */
	size_t next;
	bool looked;
};

struct listing {
	char pattern[TARGET_PATTERN_MAX];
	struct frame frames[LISTING_DEPTH_MAX + 1];
	size_t depth; /* frames in use */
	unsigned int entered;
	struct delegation_role wanted;
	struct signers *signers;
	struct listing_name *names;
	size_t n_names;
	size_t room;
};

static void forget_wanted(struct listing *listing)
{
	delegation_role_done(&listing->wanted);
	signers_free(TAKE_PTR(listing->signers));
}

static void pop(struct listing *listing)
{
	struct frame *frame = &listing->frames[--listing->depth];

	delegation_role_done(&frame->as);
	targets_free(frame->owned);
}

int listing_new(const struct targets *top, const char *pattern, struct listing **ret_listing,
		struct error *err)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing)
		return error_code(err, -ENOMEM, "listing targets");
	(void)snprintf(listing->pattern, sizeof(listing->pattern), "%s", pattern);
	listing->frames[listing->depth++] = (struct frame){ .targets = top };
	*ret_listing = listing;
	return 0;
}

void listing_free(struct listing *listing)
{
	if (!listing)
		return;
	while (listing->depth > 0)
		pop(listing);
	forget_wanted(listing);
	for (size_t i = 0; i < listing->n_names; i++)
		free(listing->names[i].path);
	free(listing->names);
	free(listing);
}

/* ---- names ---- */

/* May everybody on the way speak about it? */
static int is_entitled(const struct listing *listing, const char *path, bool *ret_is,
		       struct error *err)
{
	int r = 0;

	*ret_is = true;
	for (size_t i = 1; r >= 0 && *ret_is && i < listing->depth; i++)
		r = delegation_may_speak(listing->frames[i - 1].targets->delegation,
					 &listing->frames[i].as, path, ret_is, err);
	return r;
}

static int grow(struct listing *listing, struct error *err)
{
	size_t room = listing->room ? 2 * listing->room : 16;
	struct listing_name *names;

	if (listing->n_names == LISTING_NAMES_MAX)
		return error_set(err, FAULT_NO_SPACE, "more than %d targets match \"%s\"",
				 LISTING_NAMES_MAX, listing->pattern);
	if (listing->n_names < listing->room)
		return 0;
	names = reallocarray(listing->names, room, sizeof(*names));
	if (!names)
		return error_code(err, -ENOMEM, "listing targets");
	listing->names = names;
	listing->room = room;
	return 0;
}

static int add(struct listing *listing, const char *path, const char *version, struct error *err)
{
	struct listing_name *name;
	int r = grow(listing, err);

	if (r < 0)
		return r;
	name = &listing->names[listing->n_names];
	name->path = strdup(path);
	if (!name->path)
		return error_code(err, -ENOMEM, "listing targets");
	(void)snprintf(name->version, sizeof(name->version), "%s", version);
	listing->n_names++;
	return 0;
}

static int look(struct listing *listing, const struct frame *frame, struct error *err)
{
	const char *path;
	json_t *file;

	json_object_foreach(frame->targets->files, path, file) {
		char version[TARGET_PATTERN_VERSION_MAX];
		bool entitled;
		int r;

		if (!target_pattern_match(listing->pattern, path, version))
			continue;
		r = is_entitled(listing, path, &entitled, err);
		if (r >= 0 && entitled)
			r = add(listing, path, version, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct listing_name *one = a;
	const struct listing_name *other = b;
	int r = target_pattern_compare(other->version, one->version);

	return r != 0 ? r : strcmp(one->path, other->path);
}

static void sort(struct listing *listing)
{
	size_t kept = 0;

	if (listing->n_names > 0)
		qsort(listing->names, listing->n_names, sizeof(*listing->names), compare);
	for (size_t i = 0; i < listing->n_names; i++) {
		struct listing_name *name = &listing->names[i];

		if (kept > 0 && strcmp(listing->names[kept - 1].path, name->path) == 0)
			free(name->path);
		else
			listing->names[kept++] = *name;
	}
	listing->n_names = kept;
}

const struct listing_name *listing_names(const struct listing *listing, size_t *ret_n)
{
	*ret_n = listing->n_names;
	return listing->names;
}

/* ---- roles ---- */

static bool is_on_way(const struct listing *listing, const char *role)
{
	for (size_t i = 1; i < listing->depth; i++)
		if (strcmp(listing->frames[i].as.name, role) == 0)
			return true;
	return false;
}

static bool is_of_interest(const struct listing *listing, const struct delegation *delegation)
{
	return delegation_may_begin(delegation, &listing->wanted, listing->pattern,
				    target_pattern_prefix(listing->pattern)) &&
	       !is_on_way(listing, listing->wanted.name);
}

/* > 0: DELEGATION_END */
static int find_delegation(struct listing *listing, struct error *err)
{
	struct frame *frame = &listing->frames[listing->depth - 1];
	const struct delegation *delegation = frame->targets->delegation;
	int r = delegation ? 0 : DELEGATION_END;

	while (r == 0) {
		delegation_role_done(&listing->wanted);
		r = delegation_next_of_all(delegation, &frame->next, &listing->wanted, err);
		if (r == 0 && is_of_interest(listing, delegation))
			return 0;
	}
	return r;
}

static int want(struct listing *listing, struct error *err)
{
	const struct targets *by = listing->frames[listing->depth - 1].targets;
	int r;

	if (listing->entered == LISTING_ROLES_MAX || listing->depth > LISTING_DEPTH_MAX)
		return error_set(err, FAULT_NO_SPACE,
				 "more than %d delegated roles, or %d levels of them, might list "
				 "\"%s\": name the file without a *",
				 LISTING_ROLES_MAX, LISTING_DEPTH_MAX, listing->pattern);
	r = delegation_signers(by->delegation, &listing->wanted, &listing->signers, err);
	return r < 0 ? r : LISTING_NEED;
}

int listing_next(struct listing *listing, struct error *err)
{
	forget_wanted(listing);
	while (listing->depth > 0) {
		struct frame *frame = &listing->frames[listing->depth - 1];
		int r = frame->looked ? 0 : look(listing, frame, err);

		frame->looked = true;
		if (r >= 0)
			r = find_delegation(listing, err);
		if (r < 0)
			return r;
		if (r == 0)
			return want(listing, err);
		pop(listing);
	}
	sort(listing);
	return LISTING_END;
}

const char *listing_role(const struct listing *listing)
{
	return listing->wanted.name;
}

const struct signers *listing_signers(const struct listing *listing)
{
	return listing->signers;
}

void listing_enter_consume(struct listing *listing, struct targets *targets)
{
	listing->frames[listing->depth++] = (struct frame){
		.as = listing->wanted,
		.targets = targets,
		.owned = targets,
	};
	listing->wanted = (struct delegation_role){};
	listing->entered++;
}
