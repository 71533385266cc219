#include "app/alert-send.h"
#include "app/metrics.h"
#include "app/verbs.h"

static int send_all(const char *app, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	int r = cli_open(app, &config, &dirfd, err);

	if (r < 0)
		return r;
	r = alert_send_all(config, dirfd, err);
	(void)metrics_write(config, NULL); /* the worker complains */
	return r;
}

int verb_alert_send(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	return send_all(operands[0], &err) < 0 ? cli_fail(&err) : 0;
}
