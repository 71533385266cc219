#include "app/init-text.h"

#include <string.h>

#include "app/config-alert.h"
#include "app/config-probe.h"
#include "app/config-table.h"

#define WIDTH 84 /* columns of a comment */

/* What a person gave for the key; NULL: nothing. */
static const char *given(const struct init_options *options, const struct config_key *key)
{
	const struct {
		const char *name;
		const char *value;
	} values[] = {
		{ "Unit", options->unit },
		{ "Scope", options->scope },
		{ "Root", options->root },
		{ "Watch", options->watch },
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (strcmp(key->name, values[i].name) == 0)
			return values[i].value;
	return NULL;
}

/* Words in comment lines that end before WIDTH. */
static void add_wrapped(struct text *text, const char *words)
{
	size_t column = WIDTH;

	while (*words) {
		size_t size = strcspn(words, " ");

		if (column + 1 + size > WIDTH) {
			text_add(text, "\n#");
			column = 1;
		}
		text_add(text, " %.*s", (int)size, words);
		column += 1 + size;
		words += size + (words[size] == ' ');
	}
	text_add(text, "\n");
}

static void add_help(struct text *text, const struct config_key *key)
{
	_cleanup_text_ struct text help = {};

	text_add(&help, "%s", key->help);
	if (key->range[0] && key->type == CONFIG_KEY_CHOICE)
		text_add(&help, " (%s or %s)", key->range[0], key->range[1]);
	else if (key->range[0])
		text_add(&help, " (%s to %s)", key->range[0], key->range[1]);
	text->failed |= help.failed;
	if (!help.failed)
		add_wrapped(text, help.data);
}

static void add_key(struct text *text, const struct config_key *key, const char *value)
{
	add_help(text, key);
	if (value)
		text_add(text, "%s=%s\n", key->name, value);
	else
		text_add(text, "#%s=%s\n", key->name, key->fallback ? key->fallback : "");
}

static void add_active_probes(const struct init_options *options, struct text *text)
{
	add_wrapped(text,
		    "Probes are asked after a start, and again and again in the watch window. "
		    "Without any, only systemd's own verdict counts, as with this one:");
	text_add(text, "\n[Probe unit]\nKind=unit\n");
	if (options->probe_http)
		text_add(text, "\n[Probe http]\nKind=http\nUrl=%s\n", options->probe_http);
	if (options->probe_tcp)
		text_add(text, "\n[Probe tcp]\nKind=tcp\nAddress=%s\n", options->probe_tcp);
}

void init_text_config(const struct init_options *options, struct text *text)
{
	const char *section = "";

	text_add(text,
		 "# flipslot: %s. Written by `flipslot init`; yours to edit from here on.\n"
		 "# Keys behind a # show their defaults. CONFIG.md is the manual;\n"
		 "# `flipslot config check %s` finds mistakes.\n",
		 options->app, options->app);
	for (const struct config_key *key = config_table; key->name; key++) {
		if (strcmp(section, key->section) != 0)
			text_add(text, "\n[%s]\n", key->section);
		section = key->section;
		add_key(text, key, given(options, key));
	}
	add_active_probes(options, text);
	text_add(text, "\n#[Probe NAME]\n");
	for (const struct config_key *key = config_probe_table; key->name; key++)
		add_key(text, key, NULL);
	text_add(text, "\n#[Alert NAME]\n");
	for (const struct config_key *key = config_alert_table; key->name; key++)
		add_key(text, key, NULL);
}

static void add_units(const char *app, struct text *text)
{
	text_add(text,
		 "[Unit]\n"
		 "# A failure that systemd does not restart from is told to flipslot.\n"
		 "OnFailure=flipslot-failed@%s.service\n"
		 "# At boot it is settled first which release is the current one.\n"
		 "Wants=flipslot-recover.service\n"
		 "After=flipslot-recover.service\n"
		 "# Once it runs, flipslot looks for an update (CheckOnStart=).\n"
		 "Wants=flipslot-check@%s.service\n"
		 "Before=flipslot-check@%s.service\n",
		 app, app, app);
}

void init_text_drop_in(const char *app, bool with_units, const char *directory_line,
		       const char *exec_lines, struct text *text)
{
	text_add(text, "# Written by `flipslot init %s`.\n", app);
	if (with_units)
		add_units(app, text);
	if (directory_line || exec_lines)
		text_add(text, "\n[Service]\n");
	if (directory_line)
		text_add(text,
			 "# Shows which release runs, where the program alone does not tell.\n%s",
			 directory_line);
	if (exec_lines)
		text_add(text, "# The release that `current` names.\n%s", exec_lines);
}

void init_text_lines_of(const char *file, const char *key, struct text *ret_lines)
{
	for (const char *line = file; *line;) {
		size_t size = strcspn(line, "\n");

		if (strncmp(line, key, strlen(key)) == 0)
			text_add(ret_lines, "%.*s\n", (int)size, line);
		line += size + (line[size] == '\n');
	}
}
