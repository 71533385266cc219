#include <stdio.h>

#include "app/format.h"
#include "app/status-json.h"
#include "app/status-text.h"
#include "app/verbs.h"
#include "base/parse.h"

static void add_row(struct format_table *table, const struct status *status, enum slot slot)
{
	const struct status_slot *it = &status->slots[slot];
	char origin[DESCRIPTOR_ORIGIN_MAX], note[STATUS_TEXT_NOTE_MAX], size[FORMAT_MAX],
		installed[CLOCK_TEXT_MAX];

	format_table_add(
		table,
		(const char *[]){
			status->app, slot_name(slot), it->sealed ? it->descriptor.version : "-",
			it->sealed ? format_size(it->descriptor.bytes, size) : "-",
			it->sealed ? clock_format(it->descriptor.installed, installed) : "-",
			it->sealed ? descriptor_origin_text(&it->descriptor, origin) : "-",
			status_text_slot(status, slot, note) });
}

static json_t *make_object(const struct status *status)
{
	json_t *object = json_object();
	json_t *slots = json_object();

	(void)json_object_set_new(object, "app", json_string(status->app));
	(void)json_object_set_new(object, "unit", json_string(status->unit_name));
	(void)json_object_set_new(object, "root", json_string(status->root));
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		(void)json_object_set_new(slots, slot_name(slot), status_json_slot(status, slot));
	(void)json_object_set_new(object, "slots", slots);
	return object;
}

/* Fills both; what cannot be read is said, and the others are shown all the same. */
static int gather(char **apps, struct format_table *table, json_t *array)
{
	int exit_status = 0;

	for (char **app = apps; *app; app++) {
		struct error why = {};
		struct status status;

		if (status_gather(*app, &status, &why) < 0) {
			exit_status = cli_fail(&why);
			continue;
		}
		(void)json_array_append_new(array, make_object(&status));
		for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
			add_row(table, &status, slot);
		if (status.config_problem.fault != FAULT_NONE)
			exit_status = cli_fail(&status.config_problem);
	}
	return exit_status;
}

static int list(char **apps, bool json, int *ret_status, struct error *err)
{
	static const char *const head[] = { "APP",	 "SLOT",   "VERSION", "SIZE",
					    "INSTALLED", "ORIGIN", "STATE" };
	_cleanup_(format_table_freep) struct format_table *table = NULL;
	json_t *array;
	int r;

	r = format_table_new(ARRAY_SIZE(head), &table, err);
	if (r < 0)
		return r;
	format_table_add(table, head);
	array = json_array();
	*ret_status = gather(apps, table, array);
	if (json)
		return status_json_print(array, err);
	json_decref(array);
	if (!apps[0])
		printf("There is no app yet: flipslot init APP --unit UNIT makes a service one.\n");
	return format_table_print(table, stdout, err);
}

int verb_list(const struct cli_verb *verb, int argc, char **argv)
{
	_cleanup_(parse_argv_freep) char **apps = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print JSON", .flag = &json },
		{},
	};
	struct error err = {};
	char **operands;
	int r, status = 0;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (operands[0])
		r = list(operands, json, &status, &err);
	else if ((r = config_list(&apps, &err)) >= 0)
		r = list(apps, json, &status, &err);
	return r < 0 ? cli_fail(&err) : status;
}
