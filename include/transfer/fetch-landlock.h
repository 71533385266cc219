/*
 * Landlock (Documentation/userspace-api/landlock.rst): the helper sees of the file system what TLS, name
 * look-up and file:// need, for reading, and nothing else; it binds no TCP port, and reaches no
 * process outside by signal or abstract socket. Each as far as the kernel's Landlock goes (ABI 1:
 * files; 4: ports; 6: signals and sockets).
 */
#pragma once

#include "base/error.h"

/*
 * Opens what is to be seen, with the rights that the process still has. *ret_abi: the kernel's, 0: it
 * has no Landlock, and *ret_ruleset stays as it is. file_root_fd: a folder to be seen, or -1.
 */
int fetch_landlock_prepare(int file_root_fd, int *ret_ruleset, int *ret_abi, struct error *err);

/* From now on, for good. Needs no_new_privs. */
int fetch_landlock_enforce(int ruleset, struct error *err);
