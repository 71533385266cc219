/* LDFLAGS: -Wl,--wrap=cgroup_list */
#include "fixture.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "unit/cgroup.h"
#include "unit/job.h"
#include "base/text.h"
#include "unit/proof.h"

/* ---- processes of our own in the place of a unit's ---- */

static pid_t children[4];
static size_t n_children;

int __real_cgroup_list(const char *path, pid_t **ret_pids, size_t *ret_n, struct error *err);
int __wrap_cgroup_list(const char *path, pid_t **ret_pids, size_t *ret_n, struct error *err);

int __wrap_cgroup_list(const char *path, pid_t **ret_pids, size_t *ret_n, struct error *err)
{
	if (strcmp(path, "/test") != 0)
		return __real_cgroup_list(path, ret_pids, ret_n, err);
	*ret_pids = calloc(n_children + 1, sizeof(**ret_pids));
	memcpy(*ret_pids, children, n_children * sizeof(children[0]));
	*ret_n = n_children;
	return 0;
}

static int set_up(void **state)
{
	if (fixture_set_up(state) < 0)
		return -1;
	fixture_write("app/slots/a/file", "a", 0644);
	fixture_write("app/slots/ab/file", "ab", 0644);
	fixture_write("app/slots/b/file", "b", 0644);
	return symlink("slots/a", fixture_path("app/current"));
}

static void end_children(void)
{
	for (size_t i = 0; i < n_children; i++) {
		assert_int_equal(kill(children[i], SIGKILL), 0);
		assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
	}
	n_children = 0;
}

static int tear_down(void **state)
{
	end_children();
	return fixture_tear_down(state);
}

enum use { USE_NOTHING, USE_CWD, USE_FD, USE_MAP, USE_DELETED_MAP, USE_DELETED_FD };

struct using
{
	enum use how;
	const char *path;
};

static bool use(const void *data)
{
	const struct using *using = data;
	int fd;

	if (using->how == USE_NOTHING)
		return true;
	if (using->how == USE_CWD)
		return chdir(using->path) == 0;
	fd = open(using->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (using->how != USE_MAP && using->how != USE_DELETED_MAP)
		return true;
	return mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED && close(fd) == 0;
}

/* A child that uses the file or directory and then waits. */
static void spawn(enum use how, const char *path)
{
	pid_t pid = fixture_child(use, &(struct using){ how, path });

	assert_true(pid > 0);
	children[n_children++] = pid;
	if (how == USE_DELETED_MAP || how == USE_DELETED_FD)
		assert_int_equal(unlink(path), 0);
}

static struct unit running_unit(const char *working_directory)
{
	struct unit unit = {};

	(void)snprintf(unit.active_state, sizeof(unit.active_state), "active");
	(void)snprintf(unit.control_group, sizeof(unit.control_group), "/test");
	(void)snprintf(unit.working_directory, sizeof(unit.working_directory), "%s",
		       working_directory);
	return unit;
}

static struct proof_verdict find(const struct unit *unit)
{
	struct proof_verdict verdict = {};
	struct error err = {};

	check_ok(proof_find(unit, fixture_path("app/slots/a"), fixture_path("app/slots/b"),
			    fixture_path("app/current"), &verdict, &err),
		 &err);
	return verdict;
}

static void check_strong(const char *what, const char *path)
{
	struct unit unit = running_unit("");
	struct proof_verdict verdict = find(&unit);

	assert_string_equal(proof_name(verdict.proof), "strong");
	assert_string_equal(verdict.what, what);
	assert_string_equal(verdict.path, path);
	assert_int_equal(verdict.pid, children[n_children - 1]);
	assert_false(verdict.other_slot);
	end_children();
}

static void test_strong(void **state UNUSED)
{
	spawn(USE_NOTHING, "");
	spawn(USE_CWD, fixture_path("app/slots/a"));
	check_strong("cwd", fixture_path("app/slots/a"));
	spawn(USE_FD, fixture_path("app/slots/a/file"));
	check_strong("fd", fixture_path("app/slots/a/file"));
	spawn(USE_MAP, fixture_path("app/current/file"));
	check_strong("map", fixture_path("app/slots/a/file"));
}

/* By components: slots/ab is not slots/a. */
static void test_neighbour(void **state UNUSED)
{
	struct unit unit = running_unit("");
	struct proof_verdict verdict;

	spawn(USE_CWD, fixture_path("app/slots/ab"));
	spawn(USE_MAP, fixture_path("app/slots/ab/file"));
	verdict = find(&unit);
	assert_string_equal(proof_name(verdict.proof), "none");
	assert_false(verdict.other_slot);
}

static void test_other_slot(void **state UNUSED)
{
	struct unit unit = running_unit(fixture_path("app/current"));
	struct proof_verdict verdict;

	spawn(USE_MAP, fixture_path("app/slots/b/file"));
	verdict = find(&unit);
	assert_string_equal(proof_name(verdict.proof), "none");
	assert_true(verdict.other_slot);
	/* both at once: also found behind the first hit */
	end_children();
	spawn(USE_CWD, fixture_path("app/slots/a"));
	spawn(USE_FD, fixture_path("app/slots/b/file"));
	verdict = find(&unit);
	assert_string_equal(proof_name(verdict.proof), "strong");
	assert_true(verdict.other_slot);
}

static void test_weak(void **state UNUSED)
{
	struct unit unit = running_unit(fixture_path("app/current"));

	spawn(USE_NOTHING, "");
	assert_string_equal(proof_name(find(&unit).proof), "none"); /* nothing is run from there */
	text_copy(unit.working_directory, unit.root_directory, sizeof(unit.root_directory));
	assert_string_equal(proof_name(find(&unit).proof), "weak");
	unit = running_unit("/");
	assert_string_equal(proof_name(find(&unit).proof), "none");
	text_copy(fixture_path("app/current"), unit.root_directory, sizeof(unit.root_directory));
	(void)snprintf(unit.active_state, sizeof(unit.active_state), "failed");
	assert_string_equal(proof_name(find(&unit).proof), "none");
}

/* The slot was built anew under an old process: that one does not run the new slot. */
static void test_deleted(void **state UNUSED)
{
	struct unit unit = running_unit("");
	struct proof_verdict verdict;

	spawn(USE_DELETED_MAP, fixture_path("app/slots/a/file"));
	verdict = find(&unit);
	assert_string_equal(proof_name(verdict.proof), "none");
	assert_true(verdict.other_slot);
	/* a temporary file is no code */
	end_children();
	fixture_write("app/slots/a/temporary", "", 0644);
	spawn(USE_DELETED_FD, fixture_path("app/slots/a/temporary"));
	verdict = find(&unit);
	assert_string_equal(proof_name(verdict.proof), "none");
	assert_false(verdict.other_slot);
	/* and a file may be called so */
	end_children();
	fixture_write("app/slots/a/really (deleted)", "x", 0644);
	spawn(USE_FD, fixture_path("app/slots/a/really (deleted)"));
	check_strong("fd", fixture_path("app/slots/a/really (deleted)"));
}

static void test_gone(void **state UNUSED)
{
	struct unit unit = running_unit("");
	struct proof_verdict verdict;
	siginfo_t info;

	spawn(USE_CWD, fixture_path("app/slots/a"));
	assert_int_equal(kill(children[0], SIGKILL), 0);
	/* a zombie has nothing any more */
	assert_int_equal(waitid(P_PID, (id_t)children[0], &info, WEXITED | WNOWAIT), 0);
	verdict = find(&unit);
	assert_string_equal(proof_name(verdict.proof), "none");
	assert_int_equal(waitpid(children[0], NULL, 0), children[0]);
	verdict = find(&unit);
	assert_string_equal(proof_name(verdict.proof), "none");
	n_children = 0;
}

static void test_names(void **state UNUSED)
{
	assert_string_equal(proof_name(PROOF_WEAK), "weak");
	assert_string_equal(proof_name(PROOF_MAX), "none");
}

/* ---- units of systemd ---- */

static void check_unit(const char *service, const char *wanted, const char *what)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_(job_freep) struct job *job = NULL;
	_cleanup_unit_ struct unit unit = {};
	struct proof_verdict verdict = {};
	enum job_result result;
	struct error err = {};
	char text[4096];

	(void)snprintf(text, sizeof(text), "[Service]\n%s\n", service);
	fixture_unit(manager, "proof-a.service", text);
	check_ok(job_new(manager, JOB_RESTART, "proof-a.service", &job, &err), &err);
	check_ok(job_wait(job, -1, 60 * USEC_PER_SEC, &result, &err), &err);
	for (int i = 0; i < 3000; i++) { /* between fork and exec systemd has the program open */
		unit_done(&unit);
		check_ok(unit_query(manager, "proof-a.service", &unit, &err), &err);
		verdict = find(&unit);
		if (strcmp(proof_name(verdict.proof), wanted) == 0 &&
		    (!what || strcmp(verdict.what, what) == 0))
			break;
		fixture_sleep_ms(10);
	}
	fixture_systemctl("stop proof-a.service");
	assert_string_equal(proof_name(verdict.proof), wanted);
	if (what)
		assert_string_equal(verdict.what, what);
}

__attribute__((format(printf, 1, 2))) static const char *setting(const char *format, ...)
{
	static char text[2048];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return text;
}

static void copy_program(const char *from, const char *name)
{
	char command[512];

	(void)snprintf(command, sizeof(command), "cp %s %s", from, fixture_path(name));
	assert_int_equal(fixture_shell(command), 0);
}

static void test_unit_exe(void **state UNUSED)
{
	manager_free(fixture_manager());
	copy_program("/bin/sleep", "app/slots/a/sleep");
	check_unit(setting("ExecStart=%s 1000\n", fixture_path("app/current/sleep")), "strong",
		   "exe");
	/* in a mount namespace of its own, as another user, started by a shell from outside */
	check_unit(setting("ExecStart=%s 1000\nPrivateDevices=yes\nProtectSystem=strict\n"
			   "ProtectHome=yes\nUser=nobody\n",
			   fixture_path("app/current/sleep")),
		   "strong", "exe");
	check_unit(setting("ExecStart=/bin/sh -c '%s 1000 & wait'\n",
			   fixture_path("app/current/sleep")),
		   "strong", "exe");
}

/* Its own view of the file system: other names, the same directory. */
static void test_unit_other_view(void **state UNUSED)
{
	manager_free(fixture_manager());
	check_unit(setting("ExecStart=/bin/sleep 1000\nBindReadOnlyPaths=%s:/opt\n"
			   "WorkingDirectory=/opt\n",
			   fixture_path("app/current")),
		   "strong", "cwd");
}

static void test_unit_weak(void **state UNUSED)
{
	manager_free(fixture_manager());
	fixture_write("app/slots/a/script", "while :; do sleep 1; done\n", 0755);
	check_unit(setting("ExecStart=/bin/sh -c '. %s' \n", fixture_path("app/slots/a/script")),
		   "strong", "fd");
	check_unit(setting("ExecStart=/bin/sleep 1000 \nExecStartPre=/bin/true\n"
			   "Environment=X=%s\n",
			   fixture_path("app/current")),
		   "none", NULL);
}

#define WITH_APP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_APP(test_strong),		WITH_APP(test_neighbour),
		WITH_APP(test_other_slot),	WITH_APP(test_weak),
		WITH_APP(test_deleted),		WITH_APP(test_gone),
		cmocka_unit_test(test_names),	WITH_APP(test_unit_exe),
		WITH_APP(test_unit_other_view), WITH_APP(test_unit_weak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
