#include "unit/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "unit/cgroup.h"

#define STATUS_MAX 65536

static uint64_t memory_of_process(pid_t pid)
{
	_cleanup_free_ char *status = NULL;
	const char *line;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (fd_read_file(AT_FDCWD, path, STATUS_MAX, &status, NULL, NULL) != 0)
		return 0;
	line = strstr(status, "\nRssAnon:");
	return line ? strtoull(line + strlen("\nRssAnon:"), NULL, 10) * 1024 : 0;
}

uint64_t memory_of(const char *control_group)
{
	_cleanup_free_ pid_t *pids = NULL;
	uint64_t sum = 0;
	size_t n = 0;

	if (!control_group[0] || cgroup_list(control_group, &pids, &n, NULL) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		sum += memory_of_process(pids[i]);
	return sum;
}
