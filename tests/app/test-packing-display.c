#include "app/packing-display.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/check.h"

static char seen[65536];
static size_t n_seen;

/* What the terminal shows, until it shows that. */
static void wait_for(int terminal, const char *text)
{
	while (!strstr(seen, text)) {
		ssize_t n = read(terminal, seen + n_seen, sizeof(seen) - 1 - n_seen);

		assert_true(n > 0);
		n_seen += (size_t)n;
		seen[n_seen] = '\0';
	}
}

static void forget(void)
{
	n_seen = 0;
	seen[0] = '\0';
}

/* It goes on by itself, while nothing new is told; and is taken away. */
static void test_terminal(void **state)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int before = dup(STDERR_FILENO);
	int line;

	assert_true(terminal >= 0 && before >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	line = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(line >= 0);
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	assert_int_equal(dup2(line, STDERR_FILENO), STDERR_FILENO);
	packing_display_tell(NULL, "making the head", 2, 5);
	wait_for(terminal, "making the head, 40 %, ");
	forget();
	wait_for(terminal, "making the head, 40 %, ");
	packing_display_tell(NULL, "reading the bundle back", 0, 0);
	wait_for(terminal, "reading the bundle back, ");
	forget();
	packing_display_end();
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	wait_for(terminal, "\r\033[K");
	packing_display_end();
	(void)close(before);
	(void)close(line);
	(void)close(terminal);
}

/* Elsewhere nothing comes of what is over at once. */
static void test_no_terminal(void **state)
{
	int before = dup(STDERR_FILENO);
	int ends[2];

	forget();
	assert_true(before >= 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	packing_display_tell(NULL, "making the head", 2, 5);
	packing_display_end();
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	(void)close(before);
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], seen, sizeof(seen)), 0);
	(void)close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
