/*
 * An app to rebuild, for the tests of that.
 */
#pragma once

#include "release-kit.h"

#define LARGE_SIZE 5000000 /* several blocks */

/*
 * An app whose slot b runs `running` and whose slot a holds `old`; `new` is what shall be in slot a. Kinds of
 * files: kept, changed large and small, from the running slot, renamed, twice, empty, links.
 */
#ifndef TREES
#define TREES                                                                                         \
	"mkdir -p running/d running/e old/d/gone new/d new/e new/deep/er;"                            \
	"head -c 5000000 /dev/urandom >running/large; head -c 5000 /dev/urandom >running/small;"      \
	"cp running/large new/large; printf changed | dd of=new/large bs=1 seek=4500000 "             \
	"conv=notrunc 2>/dev/null;"                                                                   \
	"head -c 5000 /dev/urandom >new/small;"                                                       \
	"echo kept >old/d/kept; cp -p old/d/kept new/d/kept; echo kept >running/d/kept;"              \
	"head -c 300000 /dev/urandom >running/e/local; cp running/e/local new/e/local;"               \
	"head -c 200000 /dev/urandom >old/d/gone/before; cp -p old/d/gone/before new/deep/er/after;"  \
	"cp running/e/local new/e/twice; cp new/small new/small-twice; : >new/empty; : >new/d/empty;" \
	"echo old >old/d/old; ln -s d/kept new/link; ln new/d/kept new/d/kept-too; ln -s x old/link;" \
	"echo exec >running/e/run; cp running/e/run new/e/run; chmod 0755 new/e/run;"                 \
	"touch -d @1000000000 new/e/run new/small"
#endif

struct fixture {
	int top;
	int app;
	struct index *running;
	struct index *index;
	struct kit_bundle delta;
	struct kit_bundle full;
	struct kit_findings findings;
	struct rebuild_listener listener;
	enum dedupe dedupe;
};

UNUSED static void fixture_done(const struct fixture *fixture)
{
	(void)close(fixture->app);
	kit_bundle_done(&fixture->delta);
	kit_bundle_done(&fixture->full);
	index_free(fixture->running);
	index_free(fixture->index);
}
#define _cleanup_fixture_ _cleanup_(fixture_done)

UNUSED static void fixture_make(struct fixture *fixture, void **state)
{
	int top = check_dirfd(state);

	*fixture = (struct fixture){ .top = top, .app = app_make(top, "app") };
	shell(top, TREES);
	kit_stage(fixture->app, SLOT_A, top, "old");
	kit_stage(fixture->app, SLOT_B, top, "running");
	assert_int_equal(layout_point_current(fixture->app, SLOT_B, NULL), 0);
	fixture->running = kit_sealed(fixture->app, SLOT_B);
	fixture->index = kit_index(top, "new");
	kit_bundle_make(&fixture->delta, top, fixture->index, "new", fixture->running, "running");
	kit_bundle_make(&fixture->full, top, fixture->index, "new", NULL, NULL);
	fixture->listener.tampered = kit_on_tampered;
	fixture->listener.data = &fixture->findings;
}

UNUSED static struct rebuild *survey(struct fixture *fixture)
{
	const struct rebuild_options options = {
		.dirfd = fixture->app,
		.target = SLOT_A,
		.source = SLOT_B,
		.source_index = fixture->running,
		.index = fixture->index,
		.dedupe = fixture->dedupe,
		.listener = &fixture->listener,
	};
	struct rebuild *rebuild = NULL;
	struct error err = {};

	if (rebuild_new(&options, &rebuild, &err) < 0)
		fail_msg("%s", err.text);
	return rebuild;
}

/* Slot a is the release, and slot b what it was. */
UNUSED static void check_built(const struct fixture *fixture)
{
	assert_int_equal(app_differences(fixture->app, SLOT_A), 0);
	assert_int_equal(app_differences(fixture->app, SLOT_B), 0);
	shell(fixture->top, "diff -r --no-dereference new app/slots/a; diff -r running app/slots/b;"
			    "test -z \"$(ls app/staging)\"");
}

UNUSED static int begin_and_clone(struct rebuild *rebuild, struct error *err)
{
	int r = rebuild_begin(rebuild, err);

	while (r == 0)
		r = rebuild_clone(rebuild, err);
	return r < 0 ? r : 0;
}

/* From the survey to the seal; *ret_blocks that were asked for. */
UNUSED static int build(struct fixture *fixture, const struct kit_bundle *kit, size_t *ret_blocks,
			struct error *err)
{
	_cleanup_(rebuild_freep) struct rebuild *rebuild = survey(fixture);
	struct descriptor descriptor = app_descriptor();
	int r = rebuild_resume(rebuild, &kit->bundle, err);

	*ret_blocks = 0;
	if (r == 0)
		r = begin_and_clone(rebuild, err);
	if (r == 0)
		r = kit_feed(rebuild, kit, ret_blocks, err);
	if (r > 0)
		r = kit_feed(rebuild, &fixture->full, ret_blocks, err);
	if (r == 0 && rebuild_count_wanted(rebuild) > 0)
		r = kit_feed(rebuild, &fixture->full, ret_blocks, err);
	return r < 0 ? r : rebuild_finish(rebuild, &descriptor, err);
}

UNUSED static void build_well(struct fixture *fixture, const struct kit_bundle *kit,
			      size_t *ret_blocks)
{
	struct error err = {};

	if (build(fixture, kit, ret_blocks, &err) != 0)
		fail_msg("%s", err.text);
	check_built(fixture);
}
