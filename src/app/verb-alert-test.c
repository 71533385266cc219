#include <stdio.h>
#include <string.h>

#include "app/alert-send.h"
#include "app/verbs.h"
#include "store/request.h"

static int test_one(const struct config *config, const struct alert_settings *alert,
		    unsigned int *refused, struct error *err)
{
	struct outbox_entry entry = { .created = clock_realtime_usec() };
	struct post_answer answer = {};
	int r = request_new_id(entry.id, err);

	if (r == 0)
		r = alert_send_once(config, alert, &entry, &answer, err);
	if (r < 0)
		return error_prefix(err, r, "%s", alert->name);
	printf("%s: %s: %s\n", alert->name, answer.delivered ? "delivered" : "NOT delivered",
	       answer.text);
	*refused += !answer.delivered;
	return 0;
}

static int test_all(const char *app, const char *name, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	const struct alert_settings *alerts;
	unsigned int refused = 0, tried = 0;
	size_t n = 0;
	int r = cli_load(app, &config, err);

	if (r < 0)
		return r;
	alerts = config_alerts(config, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (name && strcmp(alerts[i].name, name) != 0)
			continue;
		tried++;
		r = test_one(config, &alerts[i], &refused, err);
	}
	if (r == 0 && tried == 0)
		return error_set(err, FAULT_CONFIG, "%s has no [Alert %s] in its configuration",
				 app, name ? name : "NAME");
	if (r == 0 && refused > 0)
		return error_set(err, FAULT_NETWORK,
				 "%u of %u did not get it; nothing is kept of a test", refused,
				 tried);
	return r;
}

int verb_alert_test(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 2, argc, argv, &operands);

	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	return test_all(operands[0], operands[1], &err) < 0 ? cli_fail(&err) : 0;
}
