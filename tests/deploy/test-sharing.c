/* Whose service may share its files with the release before: Dedupe=hardlink. */
#include "deploy/sharing.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "../base/check.h"

static struct preflight asked(enum dedupe dedupe, const char *user, bool dynamic,
			      uint64_t capabilities)
{
	const struct deploy_options options = { .dedupe = dedupe };
	struct unit unit = {
		.name = "gateway.service",
		.dynamic_user = dynamic,
		.ambient_capabilities = capabilities,
	};
	const struct preflight_input input = {};
	struct preflight preflight = {};

	(void)snprintf(unit.user, sizeof(unit.user), "%s", user);
	assert_int_equal(sharing_check(&options, &input, &unit, NULL, &preflight, NULL), 0);
	return preflight;
}

static void who_cannot_write_to_it_may(void **state)
{
	assert_int_equal(asked(DEDUPE_HARDLINK, "gateway", false, 0).n_findings, 0);
	assert_int_equal(asked(DEDUPE_HARDLINK, "", true, 0).n_findings, 0);
	assert_int_equal(
		asked(DEDUPE_HARDLINK, "gateway", false, 1ULL << CAP_NET_BIND_SERVICE).n_findings,
		0);
}

static void check_refused(struct preflight preflight, const char *why)
{
	assert_int_equal(preflight.n_findings, 1);
	assert_int_equal(preflight.findings[0].fault, FAULT_CONFIG);
	assert_non_null(strstr(preflight.findings[0].text, why));
	assert_non_null(strstr(preflight.findings[0].text, "gateway.service"));
}

static void who_can_may_not(void **state)
{
	check_refused(asked(DEDUPE_HARDLINK, "", false, 0), "runs as root");
	check_refused(asked(DEDUPE_HARDLINK, "root", false, 0), "runs as root");
	check_refused(asked(DEDUPE_HARDLINK, "0", false, 0), "runs as root");
	check_refused(asked(DEDUPE_HARDLINK, "gateway", false, 1ULL << CAP_DAC_OVERRIDE),
		      "AmbientCapabilities=");
	check_refused(asked(DEDUPE_HARDLINK, "gateway", false, 1ULL << CAP_SETFCAP),
		      "AmbientCapabilities=");
	check_refused(asked(DEDUPE_HARDLINK, "gateway", false, 1ULL << CAP_FOWNER),
		      "AmbientCapabilities=");
}

static void nobody_is_asked_otherwise(void **state)
{
	assert_int_equal(asked(DEDUPE_AUTO, "", false, 0).n_findings, 0);
	assert_int_equal(asked(DEDUPE_COPY, "", false, 0).n_findings, 0);
	assert_int_equal(asked(DEDUPE_REFLINK, "", false, 0).n_findings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_cannot_write_to_it_may),
		cmocka_unit_test(who_can_may_not),
		cmocka_unit_test(nobody_is_asked_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
