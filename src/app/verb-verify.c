#include <stdio.h>
#include <string.h>

#include "app/display.h"
#include "app/status-json.h"
#include "app/verbs.h"
#include "base/text.h"
#include "install/scrub.h"
#include "store/layout.h"

#define DRAW_USEC (100 * USEC_PER_MSEC)

struct verifying {
	json_t *differences; /* NULL: printed as they come */
	bool terminal; /* progress is shown on stderr */
	uint64_t drawn;
};

static void take_finding(void *data, const char *path, const char *what)
{
	struct verifying *verifying = data;
	char shown[1024];

	(void)text_escape(path, strlen(path), shown, sizeof(shown));
	if (verifying->terminal)
		(void)fputs("\r\033[K", stderr);
	if (verifying->differences)
		(void)json_array_append_new(verifying->differences,
					    json_pack("{s:s, s:s}", "path", shown, "what", what));
	else
		printf("  %s: %s\n", shown, what);
}

static int show_progress(void *data, uint64_t done, uint64_t total, struct error *err)
{
	struct verifying *verifying = data;
	uint64_t now = clock_monotonic_usec();
	char bar[DISPLAY_BAR_MAX];

	(void)err;
	if (!verifying->terminal || now < verifying->drawn + DRAW_USEC)
		return 0;
	verifying->drawn = now;
	(void)fprintf(stderr, "\r\033[K  %s", display_bar(done, total, 40, bar));
	return 0;
}

static bool is_slot(const char *name)
{
	return slot_from_name(name) != SLOT_NONE || strcmp(name, "current") == 0 ||
	       strcmp(name, "previous") == 0;
}

static int choose_slot(int dirfd, const char *name, enum slot *ret_slot, struct error *err)
{
	int r;

	*ret_slot = slot_from_name(name);
	if (*ret_slot != SLOT_NONE)
		return 0;
	r = layout_current(dirfd, ret_slot, err);
	if (r < 0)
		return r;
	if (r == LAYOUT_ABSENT)
		return error_set(err, FAULT_CONFIG, "nothing is installed yet");
	if (name[0] == 'p')
		*ret_slot = slot_other(*ret_slot);
	return 0;
}

/* A slot that is being filled differs from a seal of before, if it has one. */
static int check_idle(int dirfd, enum slot slot, struct error *err)
{
	struct state state;
	int r;

	r = state_load(dirfd, &state, err);
	if (r < 0)
		return r;
	if (state.phase == PHASE_STAGING && state.transaction.target == slot)
		return error_set(err, FAULT_BUSY, "slot %s is being filled", slot_name(slot));
	return 0;
}

static int compare(int dirfd, enum slot slot, struct verifying *verifying,
		   struct descriptor *ret_descriptor, uint64_t *ret_differences, struct error *err)
{
	int r;

	r = check_idle(dirfd, slot, err);
	if (r < 0)
		return r;
	r = seal_peek(dirfd, slot, ret_descriptor, err);
	if (r == 0)
		r = scrub_slot(dirfd, slot, take_finding, show_progress, verifying, ret_differences,
			       err);
	if (verifying->terminal)
		(void)fputs("\r\033[K", stderr);
	if (r == SEAL_ABSENT)
		return error_set(err, FAULT_CORRUPT,
				 "slot %s has no seal: it is empty or half-built", slot_name(slot));
	return r;
}

static int tell(const char *app, enum slot slot, const struct descriptor *descriptor,
		uint64_t differences, struct verifying *verifying, struct error *err)
{
	if (verifying->differences)
		return status_json_print(json_pack("{s:s, s:s, s:s, s:b, s:O}", "app", app, "slot",
						   slot_name(slot), "version", descriptor->version,
						   "intact", differences == 0, "differences",
						   verifying->differences),
					 err);
	if (differences == 0)
		printf("%s: slot %s is intact: every byte of %s is as it was sealed\n", app,
		       slot_name(slot), descriptor->version);
	else
		printf("%s: slot %s is not what its seal says of %s: %llu difference%s\n"
		       "  install %s again, or another release\n",
		       app, slot_name(slot), descriptor->version, (unsigned long long)differences,
		       differences == 1 ? "" : "s", descriptor->version);
	return 0;
}

static int verify(const char *app, const char *which, struct verifying *verifying,
		  uint64_t *ret_differences, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	struct descriptor descriptor;
	enum slot slot;
	int r;

	r = cli_open(app, &config, &dirfd, err);
	if (r < 0)
		return r;
	r = choose_slot(dirfd, which, &slot, err);
	if (r < 0)
		return r;
	r = compare(dirfd, slot, verifying, &descriptor, ret_differences, err);
	if (r < 0)
		return error_prefix(err, r, "%s", app);
	return tell(app, slot, &descriptor, *ret_differences, verifying, err);
}

int verb_verify(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print JSON", .flag = &json },
		{},
	};
	struct verifying verifying = {};
	uint64_t differences = 0;
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 2, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (operands[1] && !is_slot(operands[1]))
		return cli_refuse(verb, "%s is no slot: a, b, current or previous", operands[1]);
	verifying.terminal = display_style_of(stderr, false) == DISPLAY_TERMINAL;
	verifying.differences = json ? json_array() : NULL;
	r = verify(operands[0], operands[1] ? operands[1] : "current", &verifying, &differences,
		   &err);
	json_decref(verifying.differences);
	if (r < 0)
		return cli_fail(&err);
	return differences > 0 ? fault_exit_status(FAULT_CORRUPT) : 0;
}
