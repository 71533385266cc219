/*
 * Ownership in one word: a variable marked _cleanup_x_ gives its value back when it leaves scope;
 * TAKE_PTR and TAKE_FD hand the value over and leave nothing behind.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static inline void cleanup_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define _cleanup_free_	   _cleanup_(cleanup_free)
#define _cleanup_close_	   _cleanup_(cleanup_close)
#define _cleanup_fclose_   _cleanup_(cleanup_fclose)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

/* Defines x_freep() for _cleanup_(x_freep); x_free() must accept NULL. */
#define CLEANUP_DEFINE(type, func)           \
	static inline void func##p(type **p) \
	{                                    \
		func(*p);                    \
	}                                    \
	struct cleanup_define_##func##_needs_a_semicolon

#define TAKE_PTR(p)                 \
	({                          \
		typeof(p) _t = (p); \
		(p) = NULL;         \
		_t;                 \
	})

#define TAKE_FD(fd)            \
	({                     \
		int _t = (fd); \
		(fd) = -1;     \
		_t;            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
