/*
 * What goes on while something is packed, told by whoever does it to whoever shows it.
 */
#pragma once

#include <stdint.h>

struct progress {
	/*
	 * NULL: nobody listens. By the thread that was asked to pack. what: lasts for ever; done of total: 0 of 0 is a step of
	 * which that cannot be said.
	 */
	void (*tell)(void *data, const char *what, uint64_t done, uint64_t total);
	void *data;
};

static inline void progress_tell(const struct progress *progress, const char *what, uint64_t done,
				 uint64_t total)
{
	if (progress->tell)
		progress->tell(progress->data, what, done, total);
}
