#include "app/config-probe-value.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "app/config-key.h"
#include "base/parse.h"
#include "base/text.h"
#include "unit/probe.h"

#define BLANKS	" \t"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static int refuse(const char *value, const char *wanted, struct error *err)
{
	char shown[96];

	return error_set(err, FAULT_CONFIG, "\"%s\" is not %s",
			 text_escape(value, strlen(value), shown, sizeof(shown)), wanted);
}

int config_probe_value_kind(void *object, const char *value, struct error *err)
{
	struct probe_options *probe = object;
	const char *names[PROBE_CONFIGURABLE_MAX + 1] = {};
	const char *nearest;
	enum probe_kind kind = probe_kind_from_name(value);

	if (kind < PROBE_CONFIGURABLE_MAX) {
		probe->kind = kind;
		return 0;
	}
	for (unsigned int i = 0; i < PROBE_CONFIGURABLE_MAX; i++)
		names[i] = probe_kind_name((enum probe_kind)i);
	nearest = config_key_nearest(value, names);
	if (nearest)
		return error_set(err, FAULT_CONFIG, "\"%s\" is no kind of probe: did you mean %s?",
				 value, nearest);
	return refuse(value, "unit, notify, http, tcp, unix, exec, journal, file or health", err);
}

/* The next word of a list with the separators between; false at its end. */
static bool next_word(const char **list, const char *separators, char *ret_word, size_t room)
{
	size_t size;

	*list += strspn(*list, separators);
	size = strcspn(*list, separators);
	if (size == 0)
		return false;
	ret_word[0] = '\0';
	if (size < room) {
		memcpy(ret_word, *list, size);
		ret_word[size] = '\0';
	}
	*list += size;
	return true;
}

int config_probe_value_phase(void *object, const char *value, struct error *err)
{
	struct probe_options *probe = object;
	const char *at = value;
	char word[16];

	probe->in_start = false;
	probe->in_watch = false;
	while (next_word(&at, BLANKS ",", word, sizeof(word))) {
		if (strcmp(word, "start") == 0)
			probe->in_start = true;
		else if (strcmp(word, "watch") == 0)
			probe->in_watch = true;
		else
			return refuse(value, "start, watch or both", err);
	}
	if (!probe->in_start && !probe->in_watch)
		return refuse(value, "start, watch or both", err);
	return 0;
}

/* 1..65535, and nothing else. */
static bool is_port(const char *text)
{
	uint64_t port;

	return parse_u64(text, 1, 65535, &port, NULL) == 0;
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. */
static bool is_authority(const char *text, bool needs_port)
{
	bool bracket = text[0] == '[';
	size_t size = bracket ? strspn(text + 1, LETTERS ":.%") : strspn(text, LETTERS "-._");

	if (size == 0 || (bracket && text[1 + size] != ']'))
		return false;
	text += size + (bracket ? 2 : 0);
	return text[0] == ':' ? is_port(text + 1) : !text[0] && !needs_port;
}

int config_probe_value_url(void *object, const char *value, struct error *err)
{
	static const char wanted[] = "a URL like http://localhost:8080/health";
	const char *rest = strncmp(value, "http://", 7) == 0  ? value + 7 :
			   strncmp(value, "https://", 8) == 0 ? value + 8 :
								NULL;
	_cleanup_free_ char *authority = NULL;

	if (!rest)
		return refuse(value, wanted, err);
	authority = strndup(rest, strcspn(rest, "/?#"));
	if (!authority)
		return error_errno(err, "reading the configuration");
	if (strchr(authority, '@'))
		return error_set(err, FAULT_CONFIG,
				 "a URL with a name and a password is not supported");
	if (!is_authority(authority, false) || strpbrk(value, BLANKS "\"<>\\^`{|}#"))
		return refuse(value, wanted, err);
	for (const char *c = value; *c; c++)
		if (*c & 0x80)
			return refuse(value, "a URL of ASCII characters", err);
	return 0;
}

static int take_range(const char *word, unsigned int range[2], struct error *err)
{
	static const char wanted[] = "a status (200) or a range of them (200-299)";
	const char *dash = strchr(word, '-');
	char first[16];
	uint64_t least;
	uint64_t most;

	text_copy(word, first, sizeof(first));
	if (dash)
		first[dash - word] = '\0';
	if (parse_u64(first, 100, 599, &least, NULL) < 0 ||
	    parse_u64(dash ? dash + 1 : first, 100, 599, &most, NULL) < 0 || least > most)
		return refuse(word, wanted, err);
	range[0] = (unsigned int)least;
	range[1] = (unsigned int)most;
	return 0;
}

int config_probe_value_status(void *object, const char *value, struct error *err)
{
	struct probe_options *probe = object;
	const char *at = value;
	char word[16];

	probe->n_status_ranges = 0;
	while (next_word(&at, BLANKS, word, sizeof(word))) {
		int r;

		if (probe->n_status_ranges == PROBE_STATUS_RANGES)
			return error_set(err, FAULT_CONFIG, "more than %d ranges",
					 PROBE_STATUS_RANGES);
		r = take_range(word, probe->status_ranges[probe->n_status_ranges], err);
		if (r < 0)
			return r;
		probe->n_status_ranges++;
	}
	return 0;
}

/* A field name is a token of RFC 9110. */
int config_probe_value_header(void *object, const char *value, struct error *err)
{
	size_t size = strspn(value, LETTERS "!#$%&'*+-.^_`|~");

	if (size == 0 || value[size] != ':')
		return refuse(value, "of the form \"Name: text\"", err);
	return 0;
}

/* A file that is not there would condemn every release. */
int config_probe_value_ca_file(void *object, const char *value, struct error *err)
{
	struct stat st;

	if (value[0] != '/' || !parse_is_tidy_path(value + 1))
		return refuse(value, "the absolute path of a file", err);
	if (stat(value, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_set(err, FAULT_CONFIG, "there is no %s", value);
	return 0;
}

int config_probe_value_address(void *object, const char *value, struct error *err)
{
	if (!is_authority(value, true))
		return refuse(value, "of the form HOST:PORT or [IPV6]:PORT", err);
	return 0;
}

int config_probe_value_path(void *object, const char *value, struct error *err)
{
	if (!parse_is_tidy_path(value[0] == '/' ? value + 1 : value))
		return refuse(value, "the path of a file: absolute, or relative to the release",
			      err);
	return 0;
}

int config_probe_value_command(void *object, const char *value, struct error *err)
{
	_cleanup_(parse_argv_freep) char **argv = NULL;
	struct probe_options *probe = object;
	int r = parse_argv(value, &argv, err);

	if (r < 0)
		return r;
	if (!parse_is_tidy_path(argv[0][0] == '/' ? argv[0] + 1 : argv[0]))
		return refuse(argv[0],
			      "the path of a program: absolute, or relative to the release", err);
	parse_argv_free(probe->command);
	probe->command = TAKE_PTR(argv);
	return 0;
}
