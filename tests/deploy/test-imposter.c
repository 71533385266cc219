/* LDFLAGS: -Wl,--wrap=holder_find,--wrap=proof_uses */
/* Who has answered a probe: the release, or somebody else on its port? */
#include "deploy/imposter.h"

#include "../base/check.h"
#include "unit/holder.h"
#include "unit/proof.h"

#define OLD	 100 /* processes: those of the other slot begin here, those of the judged one at NEW */
#define NEW	 200
#define FOREIGN	 300
#define INSTANCE 150 /* of its template, which nobody restarted */

static pid_t holders[4];
static char **siblings;

int __wrap_holder_find(const struct unit *unit, uint16_t port, pid_t net,
		       struct occupants *ret_holders, struct error *err);
bool __wrap_proof_uses(pid_t pid, const char *path, bool closely);

int __wrap_holder_find(const struct unit *unit, uint16_t port, pid_t net,
		       struct occupants *ret_holders, struct error *err)
{
	*ret_holders = (struct occupants){};
	for (size_t i = 0; port == 8080 && holders[i] > 0; i++) {
		const struct occupant holder = {
			.pid = holders[i],
			.comm = "node",
			.service = "web.service",
			.ours = holders[i] < FOREIGN,
			.own = holders[i] < FOREIGN && holders[i] != INSTANCE,
		};

		occupant_add(ret_holders, &holder);
	}
	return 0;
}

bool __wrap_proof_uses(pid_t pid, const char *path, bool closely)
{
	return strcmp(path, pid < NEW ? "/slots/a" : "/slots/b") == 0;
}

static struct probe_options probe = { .name = (char *)"web",
				      .kind = PROBE_HTTP,
				      .required = true,
				      .url = (char *)"http://localhost:8080/" };
static char why[256];

static int find(const struct ports *before, pid_t first, pid_t second)
{
	const struct deploy_options options = { .probes = &probe,
						.n_probes = 1,
						.siblings = siblings };
	const struct unit unit = { .name = "gw.service" };
	const struct imposter_look look = {
		.options = &options,
		.unit = &unit,
		.slot_path = "/slots/b",
		.other_path = "/slots/a",
		.before = before,
	};
	struct error err = {};

	holders[0] = first;
	holders[1] = second;
	why[0] = '\0';
	return imposter_find(&look, why, sizeof(why), &err);
}

static void the_release_itself_answers(void **unused)
{
	const struct ports before = { .list = { 8080 }, .n = 1 };

	(void)unused;
	assert_int_equal(find(&before, NEW, 0), 0);
	assert_int_equal(find(&before, OLD, NEW),
			 0); /* both: SO_REUSEPORT, or one socket handed on */
	assert_int_equal(find(&before, FOREIGN, NEW), 0);
	assert_int_equal(find(&before, INSTANCE, 0), 0);
	assert_int_equal(find(&before, 0, 0), 0); /* who cannot be seen */
}

static void old_code_does(void **unused)
{
	(void)unused;
	assert_int_equal(find(NULL, OLD, 0), IMPOSTER_FOUND);
	assert_string_equal(why,
			    "probe web is not answered by it: port 8080 is held by 100 (node) of "
			    "web.service, "
			    "which was left behind and runs the code of before");
}

static void somebody_else_does(void **unused)
{
	const struct ports before = { .list = { 80, 8080 }, .n = 2 };
	const struct ports others = { .list = { 80 }, .n = 1 };

	(void)unused;
	assert_int_equal(find(&before, FOREIGN, 0), IMPOSTER_FOUND);
	assert_string_equal(why,
			    "probe web is not answered by it: port 8080 is held by 300 (node) of "
			    "web.service");
	assert_int_equal(find(&others, FOREIGN, 0), 0); /* a proxy, as before */
	assert_int_equal(find(NULL, FOREIGN, 0), 0);
}

/* The release has moved it there. */
static void a_unit_of_also_restart_does(void **unused)
{
	const struct ports before = { .list = { 8080 }, .n = 1 };
	char *names[] = { (char[]){ "other.service" }, (char[]){ "web.service" }, NULL };

	(void)unused;
	siblings = names;
	assert_int_equal(find(&before, FOREIGN, 0), 0);
	names[1] = NULL;
	assert_int_equal(find(&before, FOREIGN, 0), IMPOSTER_FOUND);
	siblings = NULL;
}

static void what_decides_nothing_is_not_looked_at(void **unused)
{
	(void)unused;
	probe.required = false;
	assert_int_equal(find(NULL, OLD, 0), 0);
	probe.required = true;
	probe.external = true;
	assert_int_equal(find(NULL, OLD, 0), 0);
	probe.external = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_release_itself_answers),
		cmocka_unit_test(old_code_does),
		cmocka_unit_test(somebody_else_does),
		cmocka_unit_test(a_unit_of_also_restart_does),
		cmocka_unit_test(what_decides_nothing_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
