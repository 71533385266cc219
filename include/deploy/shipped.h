/*
 * Unit files that a release brings (Units=): systemd reads them through links that lead through `current`,
 *
 *     /etc/systemd/system/gateway.service -> ROOT/current/lib/systemd/gateway.service
 *
 * so that they flip with the slot; systemd has to be told to read them again. The links are made once, by `flipslot units APP --link`.
 * What the manager does as root stands in such a file: it is read from a sealed slot alone, and only a person makes the link.
 */
#pragma once

#include "deploy/preflight.h"
#include "deploy/session.h"
#include "unit/unit.h"

/* Does the release bring the unit of that name? */
bool shipped_has(const struct deploy_options *options, const char *unit);

/* The file's name: "gateway.service" of "lib/systemd/gateway.service". */
const char *shipped_name(const char *path);

/* The text of a unit file in the slot (malloc'ed). > 0: SHIPPED_ABSENT, it has none there that is a plain file. */
enum { SHIPPED_ABSENT = 1 };
int shipped_read(int dirfd, enum slot slot, const char *path, char **ret_text, struct error *err);

/*
 * Is the name in systemd's folder the link through `current`? ret_target (room bytes) is what it should be. > 0: SHIPPED_UNLINKED, there is nothing of
 * that name; SHIPPED_FOREIGN, something else.
 */
enum { SHIPPED_UNLINKED = 1, SHIPPED_FOREIGN = 2 };
int shipped_link(const struct deploy_options *options, const char *path, char *ret_target,
		 size_t room, struct error *err);

/*
 * systemd reads unit files before it has mounted anything: so the app's directory must be on the root file system. FAULT_CONFIG
 * says that it is not. A user's manager comes later.
 */
int shipped_check_mount(const struct deploy_options *options, struct error *err);

/* For preflight: links, files in both slots (the one that comes, and the one to come back to), the mount. */
int shipped_check(const struct deploy_options *options, const struct preflight_input *input,
		  struct preflight *preflight, struct error *err);

/*
 * What the unit will be once systemd has read the slot's file of it: *ret_unit (unit_done) has its name, search path, program, folders and user.
 * > 0: SHIPPED_ABSENT, the release does not bring it, or a drop-in says what is run: as it is loaded now, it stays.
 */
int shipped_unit(const struct deploy_options *options, int dirfd, enum slot slot,
		 const struct unit *loaded, struct unit *ret_unit, struct error *err);

/* Has systemd read them anew, if there are any. */
int shipped_reload(struct session *session, struct error *err);

/* Tells which lines of them will be others. */
void shipped_tell_difference(const struct session *session, enum slot from, enum slot to);
