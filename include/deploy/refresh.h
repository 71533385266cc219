/*
 * Drives the TUF client (trust/client.h): fetches what it asks for by the fetch helper, keeps its store in a directory.
 */
#pragma once

#include "transfer/fetcher.h"
#include "trust/client.h"

struct refresh {
	struct fetcher *fetcher; /* borrowed */
	const char *url; /* of the repository, without a slash at the end */
	int store_fd; /* the directory of trusted files, borrowed */
};

/* Until CLIENT_READY. Errors begin with role and file; FAULT_NETWORK also names the URL. */
int refresh_run(const struct refresh *refresh, struct client *client, struct error *err);

/* A small file of the repository: URL/path, at most max bytes. > 0: DOWNLOAD_ABSENT, DOWNLOAD_TOO_LONG. */
int refresh_get(const struct refresh *refresh, const char *path, size_t max, void **ret_data,
		size_t *ret_size, struct error *err);
