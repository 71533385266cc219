#include "app/config-probe.h"

#include "base/clock.h"
#include "base/text.h"
#include "loading.h"

static void test_probes(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *config = load_text(
		scratch,
		UNIT "[Probe web]\nUrl=https://[::1]:8443/health?x=1\nKind=http\nPeriod=500ms\n"
		     "Timeout=1s\nSuccessThreshold=2\nFailureThreshold=5\nStatus=200-204 301\n"
		     "Body=ok\nHeader=Server: gw\nCAFile=/dev/null\nClass=external\nPhase=watch\n"
		     "[Probe port]\nKind=tcp\nAddress=localhost:80\nPhase=start\nLevel=wanted\n"
		     "[Probe sock]\nKind=unix\nPath=/run/gw.sock\n"
		     "[Probe more]\nKind=unix\nPath=@gw\nLevel=wanted\n"
		     "[Probe rel]\nKind=file\nPath=share/ready\nLevel=wanted\n"
		     "[Probe cmd]\nKind=exec\nCommand=bin/check --deep 'a b'\n"
		     "[Probe log]\nKind=journal\nMatch=ready (in|after) [0-9]+\nReject=panic\n"
		     "[Probe file]\nKind=file\nPath=/run/gw.ready\nMatch=yes\nFresh=yes\n"
		     "[Probe say]\nKind=notify\nMatch=serving\n");
	const struct deploy_options *deploy = config_deploy(config);
	const struct probe_options *p = deploy->probes;

	assert_int_equal(deploy->n_probes, 9);
	assert_string_equal(p[0].name, "web");
	assert_int_equal(p[0].kind, PROBE_HTTP);
	assert_string_equal(p[0].url, "https://[::1]:8443/health?x=1");
	assert_int_equal(p[0].period_usec, 500 * USEC_PER_MSEC);
	assert_int_equal(p[0].timeout_usec, USEC_PER_SEC);
	assert_int_equal(p[0].success_threshold, 2);
	assert_int_equal(p[0].failure_threshold, 5);
	assert_int_equal(p[0].n_status_ranges, 2);
	assert_int_equal(p[0].status_ranges[0][0], 200);
	assert_int_equal(p[0].status_ranges[0][1], 204);
	assert_int_equal(p[0].status_ranges[1][0], 301);
	assert_int_equal(p[0].status_ranges[1][1], 301);
	assert_string_equal(p[0].body, "ok");
	assert_string_equal(p[0].header, "Server: gw");
	assert_string_equal(p[0].ca_file, "/dev/null");
	assert_true(p[0].external && p[0].required && !p[0].in_start && p[0].in_watch);
	assert_string_equal(p[1].address, "localhost:80");
	assert_true(!p[1].required && p[1].in_start && !p[1].in_watch && !p[1].external);
	assert_int_equal(p[1].n_status_ranges, 1);
	assert_int_equal(p[2].kind, PROBE_UNIX);
	assert_string_equal(p[2].path, "/run/gw.sock");
	assert_int_equal(p[2].period_usec, 2 * USEC_PER_SEC);
	assert_int_equal(p[2].timeout_usec, 5 * USEC_PER_SEC);
	assert_int_equal(p[2].success_threshold, 1);
	assert_int_equal(p[2].failure_threshold, 3);
	assert_string_equal(p[3].path, "@gw");
	assert_string_equal(p[4].path, "share/ready");
	p += 2;
	assert_string_equal(p[3].command[0], "bin/check");
	assert_string_equal(p[3].command[2], "a b");
	assert_null(p[3].command[3]);
	assert_string_equal(p[4].match, "ready (in|after) [0-9]+");
	assert_string_equal(p[4].reject, "panic");
	assert_true(p[5].fresh && !p[6].fresh);
	assert_string_equal(p[6].match, "serving");
}

#define PROBE UNIT "[Probe p]\n"
#define TEN   "0123456789"
#define LONG  TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *text;
	const char *wanted;
} wrong_probes[] = {
	{ PROBE "Kind=errors\n", ":4: Kind=: \"errors\" is not unit, notify, http" },
	{ PROBE "Kind=htp\n", ":4: Kind=: \"htp\" is no kind of probe: did you mean http?" },
	{ PROBE "Kind=smoke\n",
	  ":4: Kind=: \"smoke\" is not unit, notify, http, tcp, unix, exec, journal, file or health" },
	{ PROBE "Level=required\n", ":4: [Probe p] has no Kind=" },
	{ PROBE "Url=http://x/\nKind=\n", ":4: [Probe p] has no Kind=" },
	{ PROBE "Kind=http\n", ":4: [Probe p] is of Kind=http: Url= is missing" },
	{ PROBE "Kind=tcp\n", ":4: [Probe p] is of Kind=tcp: Address= is missing" },
	{ PROBE "Kind=unix\n", ":4: [Probe p] is of Kind=unix: Path= is missing" },
	{ PROBE "Kind=file\n", ":4: [Probe p] is of Kind=file: Path= is missing" },
	{ PROBE "Kind=exec\n", ":4: [Probe p] is of Kind=exec: Command= is missing" },
	{ PROBE "Kind=journal\n",
	  ":4: [Probe p] is of Kind=journal: Match= or Reject= is missing" },
	{ PROBE "Url=http://x/\nKind=tcp\nAddress=x:1\n", ":4: Url= does not fit Kind=tcp" },
	{ PROBE "Kind=unit\nMatch=x\n", ":5: Match= does not fit Kind=unit" },
	{ PROBE "Kind=unit\nMach=x\n",
	  ":5: there is no key Mach= in [Probe p]: did you mean Match=?" },
	{ PROBE "Kind=journal\nMatch=a(b\n", ":5: Match=: not a regular expression: " },
	{ PROBE "Kind=journal\nReject=[\n", ":5: Reject=: not a regular expression: " },
	{ PROBE "Kind=http\nUrl=ftp://x\n",
	  ":5: Url=: \"ftp://x\" is not a URL like http://localhost:8080/health" },
	{ PROBE "Kind=http\nUrl=http:///x\n", ":5: Url=: \"http:///x\" is not a URL" },
	{ PROBE "Kind=http\nUrl=http://x:99999/\n", ":5: Url=: \"http://x:99999/\" is not" },
	{ PROBE "Kind=http\nUrl=http://x/a b\n", ":5: Url=: \"http://x/a b\" is not a URL" },
	{ PROBE "Kind=http\nUrl=http://u:p@x/\n",
	  ":5: Url=: a URL with a name and a password is not supported" },
	{ PROBE "Kind=http\nUrl=http://x/\nStatus=200-\n",
	  ":6: Status=: \"200-\" is not a status (200) or a range of them (200-299)" },
	{ PROBE "Kind=http\nUrl=http://x/\nStatus=299-200\n", ":6: Status=: \"299-200\" is" },
	{ PROBE "Kind=http\nUrl=http://x/\nStatus=20\n", ":6: Status=: \"20\" is not" },
	{ PROBE "Kind=http\nUrl=http://x/\nStatus=200 201 202 203 204 205 206 207 208\n",
	  ":6: Status=: more than 8 ranges" },
	{ PROBE "Kind=http\nUrl=http://x/\nHeader=nocolon\n",
	  ":6: Header=: \"nocolon\" is not of the form \"Name: text\"" },
	{ PROBE "Kind=http\nUrl=http://x/\nInsecure=yes\n", ":6: Insecure= is for https://" },
	{ PROBE "Kind=http\nUrl=http://x/\nCAFile=/dev/null\n", ":6: CAFile= is for https" },
	{ PROBE "Kind=http\nUrl=https://x/\nCAFile=/nonexistent\n",
	  ":6: CAFile=: there is no /nonexistent" },
	{ PROBE "Kind=http\nUrl=https://x/\nCAFile=/dev/null\nInsecure=yes\n",
	  ":7: Insecure= and CAFile= exclude each other" },
	{ PROBE "Kind=tcp\nAddress=localhost\n",
	  ":5: Address=: \"localhost\" is not of the form HOST:PORT or [IPV6]:PORT" },
	{ PROBE "Kind=tcp\nAddress=::1:80\n", ":5: Address=: \"::1:80\" is not" },
	{ PROBE "Kind=tcp\nAddress=x:0\n", ":5: Address=: \"x:0\" is not" },
	{ PROBE "Kind=unix\nPath=../gw.sock\n",
	  ":5: Path=: \"../gw.sock\" is not the path of a file: absolute, or relative to the" },
	{ PROBE "Kind=unix\nPath=/x//y\n", ":5: Path=: \"/x//y\" is not" },
	{ PROBE "Kind=file\nPath=@gw\n", ":5: Path=: @ is for sockets" },
	{ PROBE "Kind=unix\nPath=/" LONG "\n", ":5: Path=: too long for a socket" },
	{ PROBE "Kind=exec\nCommand=/bin/\n", ":5: Command=: \"/bin/\" is not the path of" },
	{ PROBE "Kind=file\nPath=/a/../b\n", ":5: Path=: \"/a/../b\" is not" },
	{ PROBE "Kind=exec\nCommand=../../bin/sh\n",
	  ":5: Command=: \"../../bin/sh\" is not the path of a program" },
	{ PROBE "Kind=exec\nCommand='x\n", ":5: Command=: \"'x\" is not a command line" },
	{ PROBE "Kind=unit\nPhase=later\n", ":5: Phase=: \"later\" is not start, watch or both" },
	{ PROBE "Kind=unit\nPeriod=1ms\n", ":5: Period=: \"1ms\" is not between 100ms and 1h" },
	{ PROBE "Kind=unit\nSuccessThreshold=46\n",
	  ":4: [Probe p] cannot pass 46 times, once in a Period=, within StartDeadline=" },
	{ PROBE "Kind=unit\nLevel=wanted\n", ": no probe can approve a release: " },
	{ PROBE "Kind=unit\nClass=external\n", ": no probe can approve a release: " },
	{ PROBE "Kind=unit\nPhase=watch\n", ": no probe can approve a release: " },
};

static void test_wrong_probes(void **state)
{
	struct scratch *scratch = *state;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(wrong_probes); i++) {
		_cleanup_free_ char *wanted = NULL;

		assert_true(asprintf(&wanted, "%s%s", CONF, wrong_probes[i].wanted) > 0);
		scratch_write(scratch, CONF, wrong_probes[i].text);
		(void)refusal(scratch, &err);
		if (strncmp(err.text, wanted, strlen(wanted)) != 0)
			assert_string_equal(err.text, wanted);
	}
}

static void test_too_many_probes(void **state)
{
	_cleanup_text_ struct text all = {};
	struct scratch *scratch = *state;
	struct error err;

	text_add(&all, UNIT);
	for (unsigned int i = 0; i < CONFIG_PROBES_MAX; i++)
		text_add(&all, "[Probe p%u]\nKind=unit\n", i);
	config_free(load_text(scratch, all.data));
	text_add(&all, "[Probe last]\nKind=unit\n");
	scratch_write(scratch, CONF, all.data);
	assert_non_null(strstr(refusal(scratch, &err), "too many probes"));
	/* few, but with long names: the state record has 255 bytes for all */
	text_done(&all);
	text_add(&all, UNIT);
	for (unsigned int i = 0; i < 8; i++)
		text_add(&all, "[Probe abcdefghijklmnopqrstuvwxyz0123%u]\nKind=unit\n", i);
	scratch_write(scratch, CONF, all.data);
	assert_non_null(strstr(refusal(scratch, &err), "too many probes"));
}

static void test_nearest(void **state)
{
	static const char *const names[] = { "Watch", "Baseline", "OnFail", "Url", NULL };

	assert_string_equal(config_key_nearest("watch", names), "Watch");
	assert_string_equal(config_key_nearest("Wacth", names), "Watch");
	assert_string_equal(config_key_nearest("Baselines", names), "Baseline");
	assert_string_equal(config_key_nearest("URI", names), "Url");
	assert_null(config_key_nearest("Weather", names));
	assert_null(config_key_nearest("", (const char *const[]){ "ab", NULL }));
	assert_null(config_key_nearest(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_probes),
		scratch_test(test_wrong_probes),
		scratch_test(test_too_many_probes),
		scratch_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
