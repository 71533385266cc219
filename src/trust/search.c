#include "trust/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A role on the path that was taken, and which of its delegations comes next. */
struct frame {
	const char *role; /* of `visited`, or the top-level one */
	const struct targets *targets;
	struct targets *owned; /* the same, unless it is the top-level role */
	size_t next;
	bool looked; /* asked about the target itself */
	bool cut; /* its other delegations do not count any more */
};

struct search {
	char *text;
	struct delegation_path path; /* of text */
	struct frame frames[SEARCH_ROLES_MAX + 1];
	size_t depth; /* frames in use */
	char *visited[SEARCH_ROLES_MAX]; /* roles that were entered, by whatever way */
	size_t n_visited;
	struct delegation_role wanted;
	struct signers *signers;
	struct targets_file file;
	bool found;
};

static void forget_wanted(struct search *search)
{
	delegation_role_done(&search->wanted);
	signers_free(TAKE_PTR(search->signers));
}

static void push(struct search *search, const char *role, const struct targets *targets,
		 struct targets *owned)
{
	search->frames[search->depth++] =
		(struct frame){ .role = role, .targets = targets, .owned = owned };
}

static void pop(struct search *search)
{
	targets_free(search->frames[--search->depth].owned);
}

int search_new(const struct targets *top, const char *path, struct search **ret_search,
	       struct error *err)
{
	_cleanup_(search_freep) struct search *search = calloc(1, sizeof(*search));
	int r;

	if (!search)
		return error_code(err, -ENOMEM, "searching a target");
	push(search, "targets", top, NULL);
	search->text = strdup(path);
	if (!search->text)
		return error_code(err, -ENOMEM, "searching a target");
	r = delegation_path_init(&search->path, search->text, err);
	if (r < 0)
		return r;
	*ret_search = TAKE_PTR(search);
	return 0;
}

void search_free(struct search *search)
{
	if (!search)
		return;
	while (search->depth > 0)
		pop(search);
	while (search->n_visited > 0)
		free(search->visited[--search->n_visited]);
	forget_wanted(search);
	targets_file_done(&search->file);
	free(search->text);
	free(search);
}

static bool is_visited(const struct search *search, const char *role)
{
	for (size_t i = 0; i < search->n_visited; i++)
		if (strcmp(search->visited[i], role) == 0)
			return true;
	return false;
}

/* Terminating: whatever else was still waiting is not looked at any more. */
static void cut_others(struct search *search)
{
	for (size_t i = 0; i < search->depth; i++)
		search->frames[i].cut = true;
}

/*
 * The next role that the innermost one delegates to, but none that was visited: into `wanted`. A
 * terminating delegation to a role that was visited ends the search all the same.
 */
static int find_delegation(struct search *search, struct error *err)
{
	struct frame *frame = &search->frames[search->depth - 1];
	int r = 0;

	while (r == 0 && !frame->cut && frame->targets->delegation) {
		delegation_role_done(&search->wanted);
		r = delegation_next(frame->targets->delegation, &frame->next, &search->path,
				    &search->wanted, err);
		if (r != 0)
			return r;
		if (search->wanted.terminating)
			cut_others(search);
		if (!is_visited(search, search->wanted.name))
			return 0;
	}
	return DELEGATION_END;
}

static int want(struct search *search, struct error *err)
{
	const struct targets *by = search->frames[search->depth - 1].targets;
	int r;

	if (search->n_visited == SEARCH_ROLES_MAX)
		return SEARCH_END;
	r = delegation_signers(by->delegation, &search->wanted, &search->signers, err);
	return r < 0 ? r : SEARCH_NEED;
}

int search_next(struct search *search, struct error *err)
{
	forget_wanted(search);
	while (search->depth > 0) {
		struct frame *frame = &search->frames[search->depth - 1];
		int r = TARGETS_ABSENT;

		if (!frame->looked)
			r = targets_find(frame->targets, search->path.path, &search->file, err);
		frame->looked = true;
		if (r < 0)
			return r;
		if (r == 0)
			return SEARCH_FOUND;
		r = find_delegation(search, err);
		if (r < 0)
			return r;
		if (r == 0)
			return want(search, err);
		pop(search);
	}
	return SEARCH_END;
}

const char *search_role(const struct search *search)
{
	return search->wanted.name ? search->wanted.name : search->frames[search->depth - 1].role;
}

const char *search_path(const struct search *search)
{
	return search->text;
}

const struct signers *search_signers(const struct search *search)
{
	return search->signers;
}

const struct targets_file *search_file(const struct search *search)
{
	return &search->file;
}

void search_enter_consume(struct search *search, struct targets *targets)
{
	char *role = TAKE_PTR(search->wanted.name);

	search->visited[search->n_visited++] = role;
	push(search, role, targets, targets);
}
