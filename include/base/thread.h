/*
 * Threads beside the one that the process began with. Signals are that one's affair: they take none but SIGBUS, which whoever reads a mapped file
 * has to take where it happens (install/oldfile.h).
 */
#pragma once

#include <pthread.h>

/* A negative errno if there is none to be had. */
int thread_start(pthread_t *ret_thread, void *(*run)(void *data), void *data);
