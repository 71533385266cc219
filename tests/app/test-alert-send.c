/* LDFLAGS: -Wl,--wrap=post_run,--wrap=clock_realtime_usec,--wrap=clock_monotonic_usec,--wrap=usleep */
/*
 * Delivering what is in the outbox: order, retries, the same id, who is held up by whom. The clock goes on only
 * when somebody sleeps; receivers are played.
 */
#include "app/alert-send.h"

#include <fcntl.h>

#include "base/clock.h"
#include "loading.h"
#include "store/layout.h"

int __wrap_post_run(const char *helper, const struct post_order *order,
		    struct post_answer *ret_answer, struct error *err);
uint64_t __wrap_clock_realtime_usec(void);
uint64_t __wrap_clock_monotonic_usec(void);
int __wrap_usleep(useconds_t usec);

static struct {
	struct scratch *scratch;
	int dirfd;
	uint64_t now;
	uint64_t alive_from[2]; /* receivers "one" and "two" take nothing before */
	char log[65536]; /* "one:id-1:- two:id-1:+ " */
	char order[4096]; /* the last one, in words */
	void (*on_sleep)(void);
} world;

uint64_t __wrap_clock_realtime_usec(void)
{
	return world.now;
}

uint64_t __wrap_clock_monotonic_usec(void)
{
	return world.now + 5; /* another beginning */
}

int __wrap_usleep(useconds_t usec)
{
	world.now += usec;
	if (world.on_sleep)
		world.on_sleep();
	return 0;
}

static void remember(const struct post_order *order)
{
	size_t n = 0;

	world.order[0] = '\0';
	for (size_t i = 0; order->headers && order->headers[i]; i++)
		n += (size_t)snprintf(world.order + n, sizeof(world.order) - n, "%s\n",
				      order->headers[i]);
	for (size_t i = 0; order->variables && order->variables[i]; i++)
		n += (size_t)snprintf(world.order + n, sizeof(world.order) - n, "%s\n",
				      order->variables[i]);
	(void)snprintf(world.order + n, sizeof(world.order) - n, "%s\n", order->body);
}

int __wrap_post_run(const char *helper, const struct post_order *order,
		    struct post_answer *ret_answer, struct error *err)
{
	bool two = order->url && strstr(order->url, "two");
	bool alive = world.now >= world.alive_from[two];
	const char *id;

	assert_string_equal(order->user, "flipslot-alert");
	remember(order);
	id = strstr(world.order, "id-");
	(void)snprintf(world.log + strlen(world.log), sizeof(world.log) - strlen(world.log),
		       "%s:%.4s:%c ", two ? "two" : "one", id ? id : "?", alive ? '+' : '-');
	*ret_answer = (struct post_answer){ .delivered = alive };
	(void)snprintf(ret_answer->text, sizeof(ret_answer->text), alive ? "thanks" : "go away");
	return 0;
}

static int setup(void **state)
{
	_cleanup_free_ char *path = NULL;
	int r = scratch_setup(state);

	world = (typeof(world)){ .scratch = *state, .now = 1000 * USEC_PER_SEC };
	if (r < 0)
		return r;
	path = scratch_path(world.scratch, "var/lib/flipslot/gw");
	(void)mkdir(path, 0755);
	world.dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return layout_create(world.dirfd, NULL);
}

static int teardown(void **state)
{
	(void)close(world.dirfd);
	return scratch_teardown(state);
}

static struct config *two_hooks(void)
{
	return load_text(world.scratch, UNIT "[Alert one]\nKind=webhook\nUrl=http://one/\n"
					     "[Alert two]\nKind=webhook\nUrl=http://two/\n");
}

static void append(const char *id, const char *receiver)
{
	struct outbox_entry entry = { .created = 1, .outcome = OUTCOME_FAILED };

	(void)snprintf(entry.id, sizeof(entry.id), "%s", id);
	(void)snprintf(entry.receiver, sizeof(entry.receiver), "%s", receiver);
	assert_int_equal(outbox_append(world.dirfd, &entry, NULL), 0);
}

static size_t waiting(struct outbox_entry *ret_first)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;
	size_t n = 0;

	assert_int_equal(outbox_load(world.dirfd, &entries, &n, NULL), 0);
	if (n > 0)
		*ret_first = entries[0];
	return n;
}

static void send_all(struct config *config)
{
	struct error err = {};

	if (alert_send_all(config, world.dirfd, &err) != 0)
		fail_msg("%s", err.text);
}

static void test_all_are_delivered_in_order(void **state)
{
	_cleanup_(config_freep) struct config *config = two_hooks();
	struct outbox_entry first = {};

	append("id-1", "one");
	append("id-2", "one");
	append("id-1", "two");
	send_all(config);
	assert_string_equal(world.log, "one:id-1:+ one:id-2:+ two:id-1:+ ");
	assert_int_equal(waiting(&first), 0);
	world.log[0] = '\0';
	send_all(config);
	assert_string_equal(world.log, ""); /* once */
}

/* A dead one keeps its own waiting, in order, and nobody else's; the same id each time. */
static void test_a_dead_receiver(void **state)
{
	_cleanup_(config_freep) struct config *config = two_hooks();
	struct outbox_entry first = {};

	append("id-1", "one");
	append("id-2", "one");
	append("id-3", "two");
	world.alive_from[0] = world.now + 9 * USEC_PER_SEC;
	send_all(config);
	assert_string_equal(world.log, "one:id-1:- two:id-3:+ one:id-1:- one:id-1:+ one:id-2:+ ");
	assert_int_equal(waiting(&first), 0);
}

/* What it says of a receiver that stays dead, and when it gives up until the next tick. */
static void test_patience(void **state)
{
	_cleanup_(config_freep) struct config *config = two_hooks();
	uint64_t began = world.now;
	struct outbox_entry first = {};
	size_t tries;

	append("id-1", "one");
	world.alive_from[0] = UINT64_MAX;
	send_all(config);
	assert_in_range(world.now - began, 2 * 60 * USEC_PER_SEC, ALERT_SEND_PATIENCE_USEC);
	tries = strlen(world.log) / strlen("one:id-1:- ");
	assert_in_range(tries, 5, 9);
	assert_int_equal(waiting(&first), 1);
	assert_int_equal(first.attempts, tries);
	assert_string_equal(first.error, "go away");
	assert_true(first.next > world.now);
	/* before it is due a tick sends nothing */
	world.log[0] = '\0';
	world.now = first.next - ALERT_SEND_PATIENCE_USEC - USEC_PER_SEC;
	send_all(config);
	assert_string_equal(world.log, "");
	/* … and then it does */
	world.now = first.next;
	world.alive_from[0] = 0;
	send_all(config);
	assert_string_equal(world.log, "one:id-1:+ ");
}

static void one_more(void)
{
	world.on_sleep = NULL;
	append("id-9", "two");
}

static void test_what_comes_meanwhile(void **state)
{
	_cleanup_(config_freep) struct config *config = two_hooks();

	append("id-1", "one");
	world.alive_from[0] = world.now + 9 * USEC_PER_SEC;
	world.on_sleep = one_more;
	send_all(config);
	assert_string_equal(world.log, "one:id-1:- two:id-9:+ one:id-1:- one:id-1:+ ");
}

/* A clock that was far ahead once does not silence it for years. */
static void test_a_clock_that_jumps_back(void **state)
{
	_cleanup_(config_freep) struct config *config = two_hooks();
	struct outbox_entry first = {};

	append("id-1", "one");
	world.alive_from[0] = UINT64_MAX;
	world.now += 1000000 * USEC_PER_SEC;
	send_all(config);
	world.now -= 1000000 * USEC_PER_SEC;
	world.alive_from[0] = 0;
	send_all(config);
	assert_int_equal(waiting(&first), 0);
}

static void test_a_receiver_that_was_taken_out(void **state)
{
	_cleanup_(config_freep) struct config *config =
		load_text(world.scratch, UNIT "[Alert two]\nKind=webhook\nUrl=http://two/\n");
	struct outbox_entry first = {};

	append("id-1", "one");
	append("id-1", "two");
	send_all(config);
	assert_string_equal(world.log, "two:id-1:+ ");
	assert_int_equal(waiting(&first), 0);
}

/* Its secret is gone: the alert stays, and status can say why. */
static void test_a_secret_that_cannot_be_read(void **state)
{
	_cleanup_free_ char *file = scratch_path(world.scratch, "secret");
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *text = NULL;
	struct outbox_entry first = {};

	scratch_write(world.scratch, "secret", "key\n");
	assert_int_equal(chmod(file, 0600), 0);
	assert_true(asprintf(&text,
			     UNIT "[Alert one]\nKind=webhook\nUrl=http://one/\nSecretFile=%s\n",
			     file) > 0);
	config = load_text(world.scratch, text);
	append("id-1", "one");
	assert_int_equal(unlink(file), 0);
	send_all(config);
	assert_string_equal(world.log, "");
	assert_int_equal(waiting(&first), 1);
	assert_non_null(strstr(first.error, "SecretFile="));
	scratch_write(world.scratch, "secret", "key\n");
	world.now = first.next;
	send_all(config);
	assert_int_equal(waiting(&first), 1); /* others can read it */
	assert_non_null(strstr(first.error, "chmod 600"));
	assert_int_equal(chmod(file, 0600), 0);
	world.now = first.next;
	send_all(config);
	assert_int_equal(waiting(&first), 0);
	assert_non_null(strstr(world.order, "webhook-signature: v1,"));
	assert_null(strstr(world.order, "key"));
}

/* ---- what is sent ---- */

static void once(const char *section)
{
	const struct outbox_entry entry = { .id = "id-1",
					    .outcome = OUTCOME_ROLLED_BACK,
					    .from_version = "1.0",
					    .to_version = "1.1",
					    .reason = "why\nso" };
	_cleanup_free_ char *text = NULL;
	_cleanup_(config_freep) struct config *config = NULL;
	struct post_answer answer;
	size_t n = 0;

	assert_true(asprintf(&text, UNIT "[Alert one]\n%s", section) > 0);
	config = load_text(world.scratch, text);
	assert_int_equal(alert_send_once(config, config_alerts(config, &n), &entry, &answer, NULL),
			 0);
	assert_true(answer.delivered);
}

static void assert_sent(const char *word)
{
	if (!strstr(world.order, word))
		fail_msg("no \"%s\" in\n%s", word, world.order);
}

static void test_templates(void **state)
{
	once("Kind=webhook\nUrl=http://one/\n");
	assert_sent("Content-Type: application/cloudevents+json; charset=utf-8\n");
	assert_sent("webhook-id: id-1\n");
	assert_sent("webhook-timestamp: 1000\n");
	assert_sent("\"specversion\":\"1.0\"");
	assert_null(strstr(world.order, "webhook-signature"));
	assert_null(strstr(world.order, "Title:"));
	once("Kind=webhook\nUrl=http://one/\nTemplate=text\n");
	assert_sent("Content-Type: text/plain; charset=utf-8\n");
	assert_sent("Title: gw on ");
	assert_null(strstr(world.order, "specversion"));
	once("Kind=webhook\nUrl=http://one/\nTemplate=chat\n");
	assert_sent("Content-Type: application/json\n");
	assert_sent("{\"text\":\"gw on ");
	once("Kind=command\nCommand=/bin/true\n");
	assert_sent("FLIPSLOT_APP=gw\n");
	assert_sent("FLIPSLOT_EVENT_ID=id-1\n");
	assert_sent("FLIPSLOT_EVENT_TYPE=flipslot.outcome.rolled-back\n");
	assert_sent("FLIPSLOT_OUTCOME=rolled-back\n");
	assert_sent("FLIPSLOT_FAULT=\n");
	assert_sent("FLIPSLOT_REASON=why\nso\n");
	assert_sent("FLIPSLOT_TO_VERSION=1.1\n");
	assert_sent("\"specversion\":\"1.0\"");
}

static void test_pauses(void **state)
{
	for (unsigned int attempts = 1; attempts < 100; attempts++) {
		uint64_t least = alert_send_pause(attempts, UINT64_MAX);
		uint64_t most = alert_send_pause(attempts, 0);

		assert_true(least <= most && 4 * least >= 3 * most);
		assert_in_range(most, 5 * USEC_PER_SEC, 3600 * USEC_PER_SEC);
		assert_true(most >= alert_send_pause(attempts - 1, 0));
	}
	assert_int_equal(alert_send_pause(1, 0), 5 * USEC_PER_SEC);
	assert_int_equal(alert_send_pause(2, 0), 10 * USEC_PER_SEC);
	assert_int_equal(alert_send_pause(99, 0), 3600 * USEC_PER_SEC);
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(test_all_are_delivered_in_order),
		in_world(test_a_dead_receiver),
		in_world(test_patience),
		in_world(test_what_comes_meanwhile),
		in_world(test_a_clock_that_jumps_back),
		in_world(test_a_receiver_that_was_taken_out),
		in_world(test_a_secret_that_cannot_be_read),
		in_world(test_templates),
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
