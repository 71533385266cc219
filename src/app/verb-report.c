#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/ticket.h"
#include "app/verbs.h"
#include "base/fd.h"

#define FILE_NAME_MAX 160

static void default_name(const char *app, char ret_name[static FILE_NAME_MAX])
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm) || strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm) == 0)
		(void)snprintf(when, sizeof(when), "now");
	(void)snprintf(ret_name, FILE_NAME_MAX, "flipslot-report-%s-%s.txt", app, when);
}

/* For the caller's eyes alone, until he gives it away. */
static int write_file(const char *name, const struct text *text, struct error *err)
{
	_cleanup_close_ int fd =
		open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fd_write_full(fd, text->data, text->size) < 0)
		return error_errno(err, "writing %s (-o FILE says another one, -o - the terminal)",
				   name);
	printf("%s\n", name);
	return 0;
}

static int report(const char *app, const char *name, struct error *err)
{
	_cleanup_text_ struct text text = {};
	char own[FILE_NAME_MAX];
	int r = ticket_write(app, &text, err);

	if (r < 0)
		return r;
	if (!name) {
		default_name(app, own);
		name = own;
	}
	if (strcmp(name, "-") != 0)
		return write_file(name, &text, err);
	(void)fputs(text.data, stdout);
	return 0;
}

int verb_report(const struct cli_verb *verb, int argc, char **argv)
{
	const char *name = NULL;
	const struct cli_option options[] = {
		{ "output", 'o', "FILE",
		  "where to, - for the terminal; a new file here if not given", .text = &name },
		{},
	};
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	return report(operands[0], name, &err) < 0 ? cli_fail(&err) : 0;
}
