/*
 * libcurl and libarchive bring four dozen other libraries along, and most of our processes call
 * neither: half of the CPU time of `flipslot status` or of a look at a repository went into loading them. So
 * the program is not linked with them. The functions of theirs that it calls are defined here, and
 * each finds the library's own when it is called for the first time. A library that is not there
 * ends the process, as it would have at its start.
 *
 * Who confines itself calls one of them before: afterwards no file may be opened any more.
 */
#pragma once

struct late {
	const char *name; /* soname */
	void *handle; /* NULL: not loaded yet */
};

void *late_find(struct late *library, const char *symbol);

/*
 * Defines the library's function of that name. Ours has another one in C: the headers of different
 * releases do not agree on const and on the names of parameters.
 */
#define LATE_OWN(type, name, params)            \
	type late_##name params __asm__(#name); \
	type late_##name params
#define LATE_FIND(name)                       \
	static typeof(late_##name) *function; \
                                              \
	if (!function)                        \
	*(void **)&function = late_find(&library, #name)

/* The same, for one that is only passed on. */
#define LATE(type, name, params, ...)         \
	LATE_OWN(type, name, params)          \
	{                                     \
		LATE_FIND(name);              \
		return function(__VA_ARGS__); \
	}
