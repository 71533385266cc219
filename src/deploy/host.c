#include "deploy/host.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "base/cleanup.h"

#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-"

/* ---- memory ---- */

/* Of lines "Name:   123 kB"; 0: there is none. */
static uint64_t read_meminfo(const char *name)
{
	_cleanup_fclose_ FILE *stream = fopen("/proc/meminfo", "re");
	char line[128];
	size_t size = strlen(name);

	while (stream && fgets(line, sizeof(line), stream))
		if (strncmp(line, name, size) == 0 && line[size] == ':')
			return strtoull(line + size + 1, NULL, 10) * 1024;
	return 0;
}

/* "max", or a number. */
static uint64_t read_limit_of(const char *group)
{
	_cleanup_fclose_ FILE *stream = NULL;
	char path[600];
	char line[32];

	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", group);
	stream = fopen(path, "re");
	if (!stream || !fgets(line, sizeof(line), stream) || line[0] < '0' || line[0] > '9')
		return UINT64_MAX;
	return strtoull(line, NULL, 10);
}

/* And of all that it is in. */
static uint64_t read_least_limit(char *group)
{
	uint64_t least = UINT64_MAX;
	char *slash;

	while ((slash = strrchr(group, '/'))) {
		uint64_t limit = read_limit_of(group);

		least = limit < least ? limit : least;
		*slash = '\0';
	}
	return least;
}

/* Of the unit that we are, and of its slices: MemoryMax=. */
static uint64_t read_limit(void)
{
	_cleanup_fclose_ FILE *own = fopen("/proc/self/cgroup", "re");
	char line[512];

	while (own && fgets(line, sizeof(line), own)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			return read_least_limit(line + 3);
	}
	return UINT64_MAX;
}

uint64_t host_available(void)
{
	uint64_t limit = read_limit();
	uint64_t free = read_meminfo("MemAvailable");

	if (free == 0)
		return limit;
	free += read_meminfo("SwapFree");
	return free < limit ? free : limit;
}

/* Never a path, nor a pattern. */
static bool is_name(const char *name)
{
	return name[0] && name[0] != '.' && strspn(name, NAME_BYTES) == strlen(name);
}

/* The value of `key="value"`, quotes taken off. */
static void take(const char *line, const char *key, char *ret_value, size_t room)
{
	size_t size = strlen(key);
	const char *value = line + size + 1;
	char quote = '\0';

	if (strncmp(line, key, size) != 0 || line[size] != '=')
		return;
	if (*value == '"' || *value == '\'')
		quote = *value++;
	size = strcspn(value, quote == '"' ? "\"\n" : quote ? "'\n" : " \t\r\n");
	(void)snprintf(ret_value, room, "%.*s", (int)size, value);
}

void host_os(const char *file, char *ret_id, size_t id_room, char *ret_version, size_t version_room)
{
	_cleanup_fclose_ FILE *stream = fopen(file, "re"); /* it is a link in most places */
	char line[512];

	ret_id[0] = ret_version[0] = '\0';
	while (stream && fgets(line, sizeof(line), stream)) {
		take(line, "ID", ret_id, id_room);
		take(line, "VERSION_ID", ret_version, version_room);
	}
}

static bool is_in(const char *folder, const char *name)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return false;
	return access(path, R_OK) == 0;
}

static bool is_in_any(const char *pattern, const char *name)
{
	glob_t found = {};
	bool there = false;

	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; !there && i < found.gl_pathc; i++)
			there = is_in(found.gl_pathv[i], name);
	globfree(&found);
	return there;
}

/* Folders that a file of ld.so.conf names, one on a line. */
static bool is_in_listed(const char *file, const char *name)
{
	_cleanup_fclose_ FILE *stream = fopen(file, "re");
	char line[4096];

	while (stream && fgets(line, sizeof(line), stream)) {
		line[strcspn(line, " \t\r\n#")] = '\0';
		if (line[0] == '/' && is_in(line, name))
			return true;
	}
	return false;
}

static bool is_in_listed_by_any(const char *pattern, const char *name)
{
	glob_t found = {};
	bool there = false;

	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; !there && i < found.gl_pathc; i++)
			there = is_in_listed(found.gl_pathv[i], name);
	globfree(&found);
	return there;
}

bool host_has_library(const char *soname)
{
	static const char *const folders[] = { "/lib", "/usr/lib", "/usr/local/lib", "/lib64",
					       "/usr/lib64" };
	struct utsname machine;
	char pattern[128];

	if (!is_name(soname))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (is_in(folders[i], soname))
			return true;
	if (uname(&machine) == 0) {
		(void)snprintf(pattern, sizeof(pattern), "/usr/lib/%.20s-linux-*",
			       strncmp(machine.machine, "arm", 3) == 0 ? "arm" : machine.machine);
		if (is_in_any(pattern, soname) || is_in_any(pattern + strlen("/usr"), soname))
			return true;
	}
	return is_in_listed("/etc/ld.so.conf", soname) ||
	       is_in_listed_by_any("/etc/ld.so.conf.d/*.conf", soname);
}

bool host_has_command(const char *name)
{
	static const char *const folders[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					       "/usr/bin",	  "/sbin",	    "/bin" };
	char path[4096];

	if (!is_name(name))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
			return true;
	}
	return false;
}

const char *host_glibc(void)
{
#ifdef __GLIBC__
	return gnu_get_libc_version();
#else
	return "";
#endif
}
