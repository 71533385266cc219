#include "app/redact.h"

#include <assert.h>
#include <regex.h>
#include <string.h>

#define REMOVED	   "[removed]"
#define LINE_MAX   8192
#define GROUPS_MAX 8

/* What is found stays but for group `group`, which is replaced. */
static const struct {
	const char *pattern;
	size_t group;
} rules[] = {
	/* a unit's variables, as in its file and in systemctl show */
	{ "^[[:blank:]]*(Environment|PassEnvironment|SetCredential|LoadCredential)=(.+)$", 2 },
	/* https://user:password@host */
	{ "[a-z]+://([^/@[:space:]]+)@", 1 },
	/* Url=https://host/what may be a secret */
	{ "^[[:blank:]]*#?Url=https?://[^/[:space:]]+/(.+)$", 1 },
	/* "Authorization: Bearer x", "Authorization: Basic x" */
	{ "(authorization|cookie)\"?[[:blank:]]*[:=][[:blank:]]*(.+)$", 2 },
	/* password=x, "token": "x", --api-key x, SECRET_KEY=x */
	{ "(secret|token|passw(or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|"
	  "credentials?)[a-z0-9_-]*\"?([[:blank:]]*[:=][[:blank:]]*|[[:blank:]]+)"
	  "(\"[^\"]*\"|'[^']*'|[^[:space:],;\"']+)",
	  4 },
};

struct redact {
	regex_t patterns[ARRAY_SIZE(rules)];
	size_t n; /* that are compiled */
};

int redact_new(struct redact **ret_redact, struct error *err)
{
	_cleanup_(redact_freep) struct redact *redact = calloc(1, sizeof(*redact));

	if (!redact)
		return error_errno(err, "preparing to take secrets out");
	for (; redact->n < ARRAY_SIZE(rules); redact->n++) {
		int r = regcomp(&redact->patterns[redact->n], rules[redact->n].pattern,
				REG_EXTENDED | REG_ICASE);

		if (r != 0)
			return error_set(err, FAULT_INTERNAL, "pattern %zu is wrong", redact->n);
	}
	*ret_redact = TAKE_PTR(redact);
	return 0;
}

void redact_free(struct redact *redact)
{
	if (!redact)
		return;
	for (size_t i = 0; i < redact->n; i++)
		regfree(&redact->patterns[i]);
	free(redact);
}

/* Each place of the line that the pattern finds; the result is in line again. */
static void apply(const struct redact *redact, size_t rule, char line[static LINE_MAX])
{
	_cleanup_text_ struct text out = {};
	const char *rest = line;
	regmatch_t found[GROUPS_MAX];

	while (*rest && regexec(&redact->patterns[rule], rest, ARRAY_SIZE(found), found,
				rest == line ? 0 : REG_NOTBOL) == 0) {
		const regmatch_t *group = &found[rules[rule].group];

		assert(group->rm_so >= 0);
		text_add_bytes(&out, rest, (size_t)group->rm_so);
		text_add(&out, REMOVED);
		text_add_bytes(&out, rest + group->rm_eo, (size_t)(found[0].rm_eo - group->rm_eo));
		rest += found[0].rm_eo;
	}
	if (out.size == 0)
		return;
	text_add(&out, "%s", rest);
	(void)text_copy(out.failed ? REMOVED : out.data, line, LINE_MAX);
}

void redact_add(const struct redact *redact, const char *lines, struct text *text)
{
	char line[LINE_MAX];

	while (*lines) {
		size_t size = strcspn(lines, "\n");

		(void)snprintf(line, sizeof(line), "%.*s",
			       (int)(size < LINE_MAX ? size : LINE_MAX - 1), lines);
		for (size_t i = 0; i < redact->n; i++)
			apply(redact, i, line);
		text_add(text, "%s%s\n", line, size < LINE_MAX ? "" : " …");
		lines += size + (lines[size] == '\n');
	}
}
