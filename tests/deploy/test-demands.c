/* What a release asks of the machine, and of the one before it. */
#include "deploy/demands.h"

#include "../base/check.h"

static bool has(const char *name)
{
	return name[0] == 'a';
}

static int judge(const struct offer_requires *requires, const char *kernel, uint64_t memory,
		 bool installed, uint64_t sequence, struct error *err)
{
	struct offer offer = { .version = "2.0", .requires = *requires };

	return demands_judge(&offer,
			     &(struct demands_machine){ .kernel = kernel,
							.memory = memory,
							.available = UINT64_MAX,
							.installed = installed,
							.version = "1.0",
							.sequence = sequence,
							.glibc = "2.36",
							.os_id = "debian",
							.os_version = "12",
							.has_library = has,
							.has_command = has },
			     err);
}

static void nothing_is_always_there(void **unused)
{
	(void)unused;
	assert_int_equal(judge(&(struct offer_requires){}, "3.2", 0, true, 0, NULL), 0);
}

static void what_is_missing_is_named(void **unused)
{
	static const struct {
		struct offer_requires requires;
		const char *says; /* NULL: it is there */
	} rows[] = {
		{ { .kernel = "5.10" }, NULL },
		{ { .kernel = "6.1" }, NULL },
		{ { .kernel = "6.1.1" }, "requires Linux 6.1.1; this one is 6.1.0-17-amd64" },
		{ { .kernel = "10.0" }, "requires Linux 10.0" },
		{ { .memory = 512 << 20 }, NULL },
		{ { .memory = (512 << 20) + 1 }, "requires 512 MiB of memory" },
		{ { .from = 5 }, NULL },
		{ { .from = 6 }, "of sequence 6 or later, and 1.0 has 5" },
		{ { .glibc = "2.4" }, NULL },
		{ { .glibc = "2.37" }, "requires glibc 2.37; this one is 2.36" },
		{ { .os = "debian" }, NULL },
		{ { .os = "debian:11" }, NULL },
		{ { .os = "debian:13" }, "requires debian:13; this is debian:12" },
		{ { .os = "deb" }, "requires deb; this is debian:12" },
		{ { .libraries = "a.so.1  ab.so.2" }, NULL },
		{ { .libraries = "a.so.1 b.so.1 c.so" },
		  "libraries that this machine lacks: b.so.1 c.so" },
		{ { .commands = "git" }, "commands that this machine lacks: git" },
		{ { .commands = "git", .glibc = "3", .from = 9 },
		  "requires glibc 3; this one is 2.36; 2.0 can only come over" },
		{ { .unknown = "gpu" }, "requires \"gpu\", which this flipslot does not know" },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = {};
		int r = judge(&rows[i].requires, "6.1.0-17-amd64", 512 << 20, true, 5, &err);

		assert_int_equal(r == 0, !rows[i].says);
		if (rows[i].says && (!strstr(err.text, rows[i].says) || err.fault != FAULT_CONFIG))
			fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].says);
	}
}

/* A first installation stands on nothing; what was sideloaded is of no known sequence. */
static void stepping_stones(void **unused)
{
	struct error err = {};

	(void)unused;
	assert_int_equal(judge(&(struct offer_requires){ .from = 5 }, "6", 1, false, 0, NULL), 0);
	assert_true(judge(&(struct offer_requires){ .from = 5 }, "6", 1, true, 0, &err) < 0);
	assert_non_null(strstr(err.text, "no known sequence"));
}

/* An update that would be killed for want of memory is refused instead. */
static void many_files_need_memory(void **unused)
{
	const struct offer offer = { .version = "2.0", .files = 50000, .bytes = 1 << 30 };
	struct demands_machine machine = {
		.kernel = "6.1",
		.version = "1.0",
		.os_id = "debian",
		.os_version = "12",
		.glibc = "2.36",
	};
	struct error err = {};

	(void)unused;
	machine.available = demands_memory(offer.files, offer.bytes, false);
	assert_true(machine.available > 50000 * 900);
	assert_int_equal(demands_judge(&offer, &machine, NULL), 0);
	machine.available--;
	check_error(demands_judge(&offer, &machine, &err), &err, FAULT_CONFIG,
		    "2.0 has 50000 entries, for which 64 MiB of memory must be free");
	machine.spills = true; /* files have what is more than a process may have of its own */
	assert_int_equal(demands_judge(&offer, &machine, NULL), 0);
	machine.available = 24 << 20;
	assert_int_equal(demands_judge(&offer, &machine, NULL), 0);
}

/* A service of a few files is updated with 6 MiB. */
static void what_is_small_needs_little(void **unused)
{
	(void)unused;
	assert_true(demands_memory(5, 600000, true) < 10 << 20);
	assert_int_equal(demands_memory(5, 600000, true), demands_memory(5, 600000, false));
	assert_int_equal(demands_memory(0, 8 << 20, true), demands_memory(0, 1ULL << 40, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_always_there),
		cmocka_unit_test(many_files_need_memory),
		cmocka_unit_test(what_is_small_needs_little),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(stepping_stones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
