/*
 * What holds for all fetches of one helper, and how it gets there: one order SET for each that is given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "transfer/wire.h"

#define FETCH_SETTINGS_USER "flipslot-fetch" /* nobody where that user does not exist */

struct fetch_settings { /* strings: NULL: not given */
	const char *user; /* who the helper becomes where it is started by root */
	const char *ca_file; /* PEM, instead of the system's certificates */
	const char *client_certificate; /* PEM, with its chain; may have the key in it */
	const char *client_key; /* PEM, not encrypted; NULL: in client_certificate */
	const char *
		proxy; /* [SCHEME://][USER:PASSWORD@]HOST[:PORT]; NULL: none. No variable is looked at */
	const char *file_root; /* absolute: the only folder that file:// URLs may name files in */
	uint64_t rate_limit; /* bytes per second, all fetches together; 0: none */
	uint64_t connect_usec; /* name, connection and TLS, together */
	uint64_t slow_usec, slow_bytes; /* fewer bytes than that in such a time: given up */
	uint64_t redirects; /* at most */
};

/* user as above; 15 s to connect; 1 KiB in 30 s; 5 redirects. */
void fetch_settings_init(struct fetch_settings *settings);

/* What cannot be sent is said by FAULT_CONFIG. */
int fetch_settings_check(const struct fetch_settings *settings, struct error *err);

/* Writes the orders SET. -1 with errno set. */
int fetch_settings_send(const struct fetch_settings *settings, int fd);

/* The other end: a frame SET. False: no memory, or not of that form. Strings are malloc'ed. */
bool fetch_settings_take(struct fetch_settings *settings, const struct wire_frame *frame);
void fetch_settings_done(struct fetch_settings *settings); /* only after fetch_settings_take */
