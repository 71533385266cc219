/* A system that gives no thread, while no_threads says so. Tests need -Wl,--wrap=pthread_create. */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

static bool no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *data)
{
	return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, start, data);
}
