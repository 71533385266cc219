/* The file that a drill's release writes into the data: what is refused before, and what is seen after the rollback. */
#include "app/marker.h"

#include "../base/check.h"

/* The data, and what is kept aside of it. */
struct place {
	int dirfd;
	char data[128];
	struct deploy_options options;
	struct marker marker;
};

static void prepare(struct place *place, int dirfd)
{
	*place = (struct place){
		.dirfd = dirfd,
		.options = { .conf_file = "/etc/flipslot/gw.conf" },
		.marker = { .watch_fd = -1 },
	};
	(void)snprintf(place->data, sizeof(place->data), "%s/data", check_path);
	place->options.data.path = place->data;
	place->options.data.snapshot = SNAPSHOT_COPY;
	assert_int_equal(mkdirat(dirfd, "data", 0755), 0);
	assert_int_equal(mkdirat(dirfd, "kept", 0755), 0);
}

static void begin(struct place *place)
{
	struct error err = {};

	assert_int_equal(marker_init(&place->marker, &place->options, &err), 0);
}

/* As the fault app does it. */
static void write_marker(const struct place *place)
{
	check_write(place->dirfd, "data/" MARKER_NAME ".new", "x", 1);
	assert_int_equal(renameat(place->dirfd, "data/" MARKER_NAME ".new", place->dirfd,
				  "data/" MARKER_NAME),
			 0);
}

static void roll_back(const struct place *place)
{
	assert_int_equal(renameat2(place->dirfd, "data", place->dirfd, "kept", RENAME_EXCHANGE), 0);
}

static void without_data_there_is_nothing_to_rehearse(void **state)
{
	struct error err = {};
	struct place place;

	prepare(&place, check_dirfd(state));
	place.options.data.snapshot = SNAPSHOT_NONE;
	check_error(marker_init(&place.marker, &place.options, &err), &err, FAULT_CONFIG,
		    "Snapshot=copy in [Data] of /etc/flipslot/gw.conf");
	place.options.data = (struct data_options){ .snapshot = SNAPSHOT_COPY };
	check_error(marker_init(&place.marker, &place.options, &err), &err, FAULT_CONFIG,
		    "nothing to rehearse");
	place.options.data.path = "/nonexistent/data";
	check_error(marker_init(&place.marker, &place.options, &err), &err, FAULT_CONFIG,
		    "no directory /nonexistent/data");
}

static void what_has_that_name_is_left_alone(void **state)
{
	static const char *const names[] = { "data/" MARKER_NAME, "data/" MARKER_NAME ".new" };
	struct error err = {};
	struct place place;

	prepare(&place, check_dirfd(state));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		check_write(place.dirfd, names[i], "mine", 4);
		check_error(marker_init(&place.marker, &place.options, &err), &err, FAULT_CONFIG,
			    "there already");
		assert_int_equal(unlinkat(place.dirfd, names[i], 0), 0);
	}
}

static void it_was_written_and_is_gone(void **state)
{
	struct error err = {};
	struct place place;

	prepare(&place, check_dirfd(state));
	begin(&place);
	write_marker(&place);
	roll_back(&place);
	assert_int_equal(marker_judge(&place.marker, &err), 0);
	marker_done(&place.marker);
}

static void what_is_not_as_it_should_be_is_said(void **state)
{
	struct error err = {};
	struct place place;

	prepare(&place, check_dirfd(state));
	begin(&place);
	check_write(place.dirfd, "data/another", "x", 1);
	roll_back(&place);
	check_error(marker_judge(&place.marker, &err), &err, FAULT_CONFIG, "nothing was written");
	marker_done(&place.marker);

	begin(&place);
	write_marker(&place);
	check_error(marker_judge(&place.marker, &err), &err, FAULT_UNHEALTHY, "is still there");
	assert_int_equal(unlinkat(place.dirfd, "data/" MARKER_NAME, 0), 0);
	write_marker(&place);
	assert_int_equal(unlinkat(place.dirfd, "data/" MARKER_NAME, 0), 0);
	check_error(marker_judge(&place.marker, &err), &err, FAULT_UNHEALTHY, "was not put back");
	marker_done(&place.marker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(without_data_there_is_nothing_to_rehearse),
		check_in_dir(what_has_that_name_is_left_alone),
		check_in_dir(it_was_written_and_is_gone),
		check_in_dir(what_is_not_as_it_should_be_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
