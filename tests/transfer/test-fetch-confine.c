#include "transfer/fetch-confine.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "kit.h"

static bool names_are_asked_here(void)
{
	return access("/run/systemd/resolve", F_OK) == 0 ||
	       access("/run/systemd/machine", F_OK) == 0 || access("/run/nscd", F_OK) == 0 ||
	       access("/run/nslcd", F_OK) == 0 || access("/run/samba/winbindd", F_OK) == 0 ||
	       access("/var/lib/sss/pipes", F_OK) == 0 || access("/run/avahi-daemon", F_OK) == 0;
}

/* A bit for each thing that the confined process could do all the same. */
static int try_all(const char *data)
{
	const struct fetch_confine_options options = { .user = data, .file_root_fd = -1 };
	char text[FETCH_CONFINE_TEXT_MAX];
	struct error err = {};
	struct rlimit limit;
	bool asked = names_are_asked_here();
	int could = 0;

	if (fetch_confine(&options, text, &err) < 0)
		return 255;
	could |= (geteuid() == 0 || getegid() == 0) << 0;
	could |= (setresuid(0, 0, 0) == 0) << 1;
	could |= (open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0) << 2;
	could |= (kill(getppid(), 0) == 0) << 3;
	could |= (fork() >= 0 || (!asked && socket(AF_UNIX, SOCK_STREAM, 0) >= 0)) << 4;
	could |= (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_max != 0) << 5;
	could |= (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0) << 6;
#ifndef __SANITIZE_ADDRESS__
	could |= (mmap(NULL, 300 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) != MAP_FAILED)
		 << 7;
#endif
	return could;
}

static void what_is_given_away_is_gone(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(kit_in_child(try_all, "nobody"), 0);
}

static void a_user_that_is_not_there_is_nobody(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(kit_in_child(try_all, "flipslot-no-such-user"), 0);
}

/* A name that stands for root would be no confinement. */
static void root_is_not_among_the_choices(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(kit_in_child(try_all, "root"), 0);
}

static int as_somebody(const char *data)
{
	if (setresgid(12345, 12345, 12345) < 0 || setresuid(12345, 12345, 12345) < 0)
		return 254;
	return try_all(data);
}

static void without_root_it_stays_who_it_is(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(kit_in_child(as_somebody, "nobody"), 0);
}

static int say(const char *data)
{
	const struct fetch_confine_options options = { .user = "nobody", .file_root_fd = -1 };
	char text[FETCH_CONFINE_TEXT_MAX];

	if (fetch_confine(&options, text, NULL) < 0)
		return 255;
	return strstr(text, "seccomp") && strstr(text, "landlock") && strstr(text, "user ") ? 0 : 1;
}

static void it_says_what_is_in_force(void **state)
{
	assert_int_equal(kit_in_child(say, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_given_away_is_gone),
		cmocka_unit_test(a_user_that_is_not_there_is_nobody),
		cmocka_unit_test(root_is_not_among_the_choices),
		cmocka_unit_test(without_root_it_stays_who_it_is),
		cmocka_unit_test(it_says_what_is_in_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
