/*
 * An app to rebuild, with each call that changes the disk under control (../store/calls.h), and with one hand, so
 * that the N-th call is always the same. Needs in its LDFLAGS what test-rebuild-kill.c has.
 */
#pragma once

#include <pthread.h>

#include "../store/calls.h"
#include "rebuild-kit.h"

CALLS_WRAP(linkat, (int fd, const char *from, int to_fd, const char *to, int flags),
	   (fd, from, to_fd, to, flags))
CALLS_WRAP(futimens, (int fd, const struct timespec times[2]), (fd, times))
CALLS_WRAP(ftruncate, (int fd, off_t size), (fd, size))

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *data)
{
	return EAGAIN;
}

static struct digest release;

/* As check_built, but without other programs: it is called hundreds of times. */
UNUSED static void check_sealed(const struct fixture *fixture)
{
	struct descriptor descriptor;

	assert_int_equal(seal_peek(fixture->app, SLOT_A, &descriptor, NULL), 0);
	assert_true(digest_equal(&descriptor.index, &release));
	assert_int_equal(app_differences(fixture->app, SLOT_A), 0);
	assert_int_equal(app_differences(fixture->app, SLOT_B), 0);
}

static void restart(struct fixture *fixture)
{
	shell(fixture->top,
	      "rm -rf app/slots/a app/slots/a.seal app/staging; cp -a kept/* app/slots");
}

UNUSED static void prepare(struct fixture *fixture, void **state)
{
	fixture_make(fixture, state);
	shell(fixture->top, "mkdir kept; cp -a app/slots/a app/slots/a.seal kept");
	calls.unsynced = true;
	assert_int_equal(index_encode(fixture->index, NULL, NULL, &release, NULL), 0);
}

UNUSED static int act(void *data)
{
	struct fixture *fixture = data;
	size_t blocks;

	return build(fixture, &fixture->delta, &blocks, NULL);
}
