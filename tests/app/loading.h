/*
 * Loading the configuration of the app "gw" from a scratch directory, or seeing it refused.
 */
#pragma once

#include "scratch.h"

#define CONF "etc/flipslot/gw.conf"
#define UNIT "[App]\nUnit=gw.service\n"

static inline struct config *load(const struct scratch *scratch)
{
	struct config *config = NULL;
	struct error err = {};

	if (config_load_from(&scratch->places, "gw", NULL, &config, &err) != 0)
		fail_msg("not loaded: %s", err.text);
	return config;
}

static inline struct config *load_text(const struct scratch *scratch, const char *text)
{
	scratch_write(scratch, CONF, text);
	return load(scratch);
}

/* The one line that refuses it, without the path of the scratch directory. */
static inline const char *refusal(const struct scratch *scratch, struct error *ret_err)
{
	struct config *config = NULL;
	size_t size = strlen(scratch->top) + 1;
	char *at;

	*ret_err = (struct error){};
	if (config_load_from(&scratch->places, "gw", NULL, &config, ret_err) >= 0)
		fail_msg("it was loaded");
	assert_int_equal(ret_err->fault, FAULT_CONFIG);
	while ((at = strstr(ret_err->text, scratch->top)))
		memmove(at, at + size, strlen(at + size) + 1);
	return ret_err->text;
}

static inline void check_refused(const struct scratch *scratch, const char *text,
				 const char *wanted)
{
	struct error err;

	scratch_write(scratch, CONF, text);
	assert_string_equal(refusal(scratch, &err), wanted);
}
