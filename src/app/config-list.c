#include "app/config-list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "app/config-probe-value.h"
#include "base/cleanup.h"
#include "base/parse.h"

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Two unit files of one name would be one unit. */
static int check_twice(char **words, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(last_part(words[i]), last_part(words[n])) == 0)
			return error_set(err, FAULT_CONFIG, "\"%s\" is there twice",
					 last_part(words[n]));
	return 0;
}

int config_list_take(const char *value, int (*check)(void *, const char *word, struct error *err),
		     char ***ret_list, struct error *err)
{
	_cleanup_(parse_argv_freep) char **words = NULL;
	int r = parse_argv(value, &words, err);

	for (size_t n = 0; r == 0 && words[n]; n++) {
		if (n == CONFIG_LIST_MAX)
			return error_set(err, FAULT_CONFIG, "these are more than %d",
					 CONFIG_LIST_MAX);
		r = check(NULL, words[n], err);
		if (r == 0)
			r = check_twice(words, n, err);
	}
	if (r < 0)
		return r;
	parse_argv_free(*ret_list);
	*ret_list = TAKE_PTR(words);
	return 0;
}

#define UNIT_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@"

static bool is_unit_name(const char *name)
{
	static const char *const suffixes[] = { ".service", ".socket", ".timer",
						".path",    ".target", ".slice" };
	size_t size = strlen(name);

	if (size > 240 || strspn(name, UNIT_CHARACTERS) < size || name[0] == '.')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t tail = strlen(suffixes[i]);

		if (size > tail && strcmp(name + size - tail, suffixes[i]) == 0)
			return true;
	}
	return false;
}

int config_list_check_shipped(void *unused, const char *word, struct error *err)
{
	(void)unused;
	if (strlen(word) >= 512 || word[0] == '/' ||
	    config_probe_value_path(NULL, word, NULL) < 0 || strpbrk(word, " \t\n%"))
		return error_set(err, FAULT_CONFIG,
				 "\"%.200s\" is not the path of a file in the release, like "
				 "lib/systemd/gateway.service",
				 word);
	if (!is_unit_name(last_part(word)))
		return error_set(err, FAULT_CONFIG, "\"%.200s\" is not the name of a unit file",
				 last_part(word));
	if (strncmp(last_part(word), "flipslot", 8) == 0)
		return error_set(err, FAULT_CONFIG, "%s is a unit of flipslot itself",
				 last_part(word));
	return 0;
}
