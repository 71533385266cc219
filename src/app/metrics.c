#include "app/metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "store/durable.h"

#define NAME_PREFIX "flipslot_"
#define LABEL_MAX   1024

/* One family while it is written: its head comes with its first sample. */
struct page {
	struct text *text;
	const struct family *family;
	bool headed;
};

struct label {
	const char *key, *value;
};

struct family {
	const char *name; /* without the prefix */
	const char *type, *help;
	void (*add)(struct page *page, const struct status *status);
};

/* ---- samples ---- */

static void add_label(struct text *text, const char *key, const char *value)
{
	char safe[LABEL_MAX];

	text_add(text, "%s=\"", key);
	(void)text_escape(value, strlen(value), safe, sizeof(safe));
	for (const char *c = safe; *c; c++)
		text_add(text, "%s%c", *c == '\\' || *c == '"' ? "\\" : "", *c);
	text_add(text, "\"");
}

/* Labels end with a key that is NULL. */
static void begin_sample(struct page *page, const struct status *status, const struct label *labels)
{
	const struct family *family = page->family;
	char uid[16];

	if (!page->headed)
		text_add(page->text, "# HELP " NAME_PREFIX "%s %s\n# TYPE " NAME_PREFIX "%s %s\n",
			 family->name, family->help, family->name, family->type);
	page->headed = true;
	text_add(page->text, NAME_PREFIX "%s{", family->name);
	add_label(page->text, "app", status->app);
	if (scope_is_user()) {
		(void)snprintf(uid, sizeof(uid), "%u", (unsigned int)getuid());
		text_add(page->text, ",");
		add_label(page->text, "user", uid);
	}
	for (; labels && labels->key; labels++) {
		text_add(page->text, ",");
		add_label(page->text, labels->key, labels->value);
	}
	text_add(page->text, "} ");
}

static void add_number(struct page *page, const struct status *status, const struct label *labels,
		       uint64_t value)
{
	begin_sample(page, status, labels);
	text_add(page->text, "%" PRIu64 "\n", value);
}

static void add_labelled_seconds(struct page *page, const struct status *status,
				 const struct label *labels, uint64_t usec)
{
	begin_sample(page, status, labels);
	text_add(page->text, "%" PRIu64 ".%06" PRIu64 "\n", (uint64_t)(usec / USEC_PER_SEC),
		 (uint64_t)(usec % USEC_PER_SEC));
}

static void add_seconds(struct page *page, const struct status *status, uint64_t usec)
{
	add_labelled_seconds(page, status, NULL, usec);
}

/* ---- what runs, and what is under way ---- */

static void add_info(struct page *page, const struct status *status)
{
	const bool known = status->current != SLOT_NONE;
	const char *version = known ? status->slots[status->current].descriptor.version : "";

	add_number(page, status,
		   (const struct label[]){ { "unit", status->unit_name },
					   { "slot", known ? slot_name(status->current) : "" },
					   { "version", version },
					   { "good_version", status->state.good.version },
					   { "flipslot_version", FLIPSLOT_VERSION },
					   {} },
		   1);
}

static void add_phase(struct page *page, const struct status *status)
{
	for (enum phase phase = 0; phase < PHASE_MAX; phase++)
		add_number(page, status,
			   (const struct label[]){ { "phase", phase_name(phase) }, {} },
			   status->state.phase == phase);
}

static void add_phase_start(struct page *page, const struct status *status)
{
	if (status->state.phase != PHASE_IDLE)
		add_seconds(page, status, status->state.transaction.phase_began);
}

static void add_probation_end(struct page *page, const struct status *status)
{
	if (status->state.phase == PHASE_WATCHING)
		add_seconds(page, status,
			    status->state.transaction.phase_began + status->watch_usec);
}

static void add_rollback(struct page *page, const struct status *status)
{
	add_number(page, status, NULL, status_rollback_slot(status) != SLOT_NONE);
}

static void add_bad(struct page *page, const struct status *status)
{
	uint64_t n = 0;

	while (n < STATE_BAD_MAX && !digest_is_null(&status->state.bad[n].digest))
		n++;
	add_number(page, status, NULL, n);
}

static void add_config_broken(struct page *page, const struct status *status)
{
	add_number(page, status, NULL, status->config_problem.fault != FAULT_NONE);
}

/* ---- what has ended ---- */

static void add_transactions(struct page *page, const struct status *status)
{
	for (enum outcome outcome = OUTCOME_NONE + 1; outcome < OUTCOME_MAX; outcome++)
		add_number(page, status,
			   (const struct label[]){ { "outcome", outcome_name(outcome) }, {} },
			   status->state.totals.ended[outcome - 1]);
}

static void add_downtime(struct page *page, const struct status *status)
{
	add_seconds(page, status, status->state.totals.downtime);
}

static void add_fetched(struct page *page, const struct status *status)
{
	add_number(page, status, NULL, status->state.totals.fetched);
}

static void add_requests(struct page *page, const struct status *status)
{
	add_number(page, status, NULL, status->state.totals.requests);
}

static void add_last(struct page *page, const struct status *status)
{
	const struct history_entry *entry = &status->last.entry;

	if (status->last_known)
		add_number(page, status,
			   (const struct label[]){ { "verb", verb_name(entry->verb) },
						   { "outcome", outcome_name(entry->outcome) },
						   { "fault", entry->fault == FAULT_NONE ?
								      "" :
								      fault_name(entry->fault) },
						   { "from_version", entry->from_version },
						   { "to_version", entry->to_version },
						   {} },
			   1);
}

static void add_last_end(struct page *page, const struct status *status)
{
	if (status->last_known)
		add_seconds(page, status, status->last.entry.ended);
}

static void add_last_duration(struct page *page, const struct status *status)
{
	const struct history_entry *entry = &status->last.entry;

	if (status->last_known)
		add_seconds(page, status,
			    entry->ended > entry->began ? entry->ended - entry->began : 0);
}

static void add_last_downtime(struct page *page, const struct status *status)
{
	if (status->last_known && status->last.entry.downtime > 0)
		add_seconds(page, status, status->last.entry.downtime);
}

/* ---- what the slots are ---- */

static void add_scrub_period(struct page *page, const struct status *status)
{
	add_seconds(page, status, status->scrub_usec);
}

/* What is of no use to anybody is not read either: deploy/soundness.h. */
static bool is_read(const struct status_slot *it)
{
	return it->current || it->good || it->fallback || it->verified > 0;
}

static void add_slots_read(struct page *page, const struct status *status)
{
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		if (is_read(&status->slots[slot]))
			add_labelled_seconds(page, status,
					     (const struct label[]){ { "slot", slot_name(slot) },
								     {} },
					     status->slots[slot].verified);
}

static void add_slots_installed(struct page *page, const struct status *status)
{
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		if (is_read(&status->slots[slot]) && status->slots[slot].sealed)
			add_labelled_seconds(page, status,
					     (const struct label[]){ { "slot", slot_name(slot) },
								     {} },
					     status->slots[slot].descriptor.installed);
}

static void add_differences(struct page *page, const struct status *status)
{
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		if (status->slots[slot].verified > 0)
			add_number(page, status,
				   (const struct label[]){ { "slot", slot_name(slot) }, {} },
				   status->slots[slot].differences);
}

/* ---- what may grow stale ---- */

static void add_held(struct page *page, const struct status *status)
{
	add_number(page, status, NULL, state_is_held(&status->state, status->now));
}

static void add_hold_start(struct page *page, const struct status *status)
{
	if (state_is_held(&status->state, status->now))
		add_seconds(page, status, status->state.hold.since);
}

static void add_hold_end(struct page *page, const struct status *status)
{
	if (state_is_held(&status->state, status->now) && status->state.hold.until > 0)
		add_seconds(page, status, status->state.hold.until);
}

static void add_check(struct page *page, const struct status *status)
{
	if (status->has_source)
		add_seconds(page, status, status->checked.when);
}

static void add_check_success(struct page *page, const struct status *status)
{
	if (status->has_source)
		add_seconds(page, status, status->checked.verified);
}

static void add_check_failed(struct page *page, const struct status *status)
{
	if (status->has_source)
		add_number(page, status, NULL, status->checked.fault != FAULT_NONE);
}

static void add_available(struct page *page, const struct status *status)
{
	if (status->has_source)
		add_number(page, status, NULL, status->checked.news);
}

static void add_expiry(struct page *page, const struct status *status)
{
	if (status->has_source && status->checked.expires > 0)
		add_seconds(page, status, status->checked.expires);
}

static void add_waiting(struct page *page, const struct status *status)
{
	add_number(page, status, NULL, status->alerts.waiting);
}

static void add_oldest(struct page *page, const struct status *status)
{
	if (status->alerts.waiting > 0)
		add_seconds(page, status, status->alerts.oldest);
}

static void add_dropped(struct page *page, const struct status *status)
{
	add_number(page, status, NULL, status->alerts.dropped);
}

static void add_written(struct page *page, const struct status *status)
{
	add_seconds(page, status, status->now);
}

static const struct family families[] = {
	{ "app_info", "gauge", "Which release an app has: always 1.", add_info },
	{ "phase", "gauge", "1 for the phase that the app is in, 0 for the others.", add_phase },
	{ "phase_start_timestamp_seconds", "gauge",
	  "When the phase of the transaction under way began.", add_phase_start },
	{ "probation_end_timestamp_seconds", "gauge",
	  "When the watch window of the release on probation ends.", add_probation_end },
	{ "rollback_possible", "gauge", "Whether the release before is there to go back to.",
	  add_rollback },
	{ "bad_releases", "gauge", "Releases that are remembered as bad.", add_bad },
	{ "config_broken", "gauge", "Whether the configuration has a mistake.", add_config_broken },
	{ "transactions_total", "counter", "Transactions, by how they ended.", add_transactions },
	{ "downtime_seconds_total", "counter",
	  "From the end of the old release to the first passed start probes, of all transactions.",
	  add_downtime },
	{ "fetched_bytes_total", "counter", "Bytes of releases that were fetched.", add_fetched },
	{ "fetch_requests_total", "counter", "Requests that were made for them.", add_requests },
	{ "last_transaction_info", "gauge", "How the last transaction ended: always 1.", add_last },
	{ "last_transaction_end_timestamp_seconds", "gauge", "When it ended.", add_last_end },
	{ "last_transaction_duration_seconds", "gauge", "How long it took, with its watch window.",
	  add_last_duration },
	{ "last_transaction_downtime_seconds", "gauge", "How long the service was away in it.",
	  add_last_downtime },
	{ "slot_installed_timestamp_seconds", "gauge", "When what is in the slot was put there.",
	  add_slots_installed },
	{ "slot_read_timestamp_seconds", "gauge",
	  "When the slot was last read whole and compared with its seal; 0: not since it was put there.",
	  add_slots_read },
	{ "slot_read_differences", "gauge", "Differences that were found then; 0: it is intact.",
	  add_differences },
	{ "scrub_period_seconds", "gauge", "How often the slots shall be read; 0: never.",
	  add_scrub_period },
	{ "held", "gauge", "Whether a person holds the app where it is.", add_held },
	{ "hold_start_timestamp_seconds", "gauge", "Since when.", add_hold_start },
	{ "hold_end_timestamp_seconds", "gauge", "Until when, if that was said.", add_hold_end },
	{ "last_check_timestamp_seconds", "gauge", "When the source was looked at last; 0: never.",
	  add_check },
	{ "last_check_success_timestamp_seconds", "gauge",
	  "When the metadata of the source was verified last; 0: never.", add_check_success },
	{ "last_check_failed", "gauge", "Whether the last look at the source failed.",
	  add_check_failed },
	{ "update_available", "gauge", "Whether the source offers what is not installed.",
	  add_available },
	{ "metadata_expiry_timestamp_seconds", "gauge",
	  "When the first role of the verified metadata expires.", add_expiry },
	{ "alerts_waiting", "gauge", "Alerts in the outbox that nobody has taken yet.",
	  add_waiting },
	{ "alerts_oldest_timestamp_seconds", "gauge", "When the oldest of them was made.",
	  add_oldest },
	{ "alerts_dropped", "gauge",
	  "Alerts that were lost in a full outbox since the receiver took one.", add_dropped },
	{ "written_timestamp_seconds", "gauge", "When these metrics were made.", add_written },
};

void metrics_render(const struct status *statuses, size_t n, struct text *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct page page = { .text = text, .family = &families[i] };

		for (size_t j = 0; j < n; j++)
			families[i].add(&page, &statuses[j]);
	}
}

/* ---- the file ---- */

static int open_dir(const struct config *config, int *ret_fd, struct error *err)
{
	const char *dir = config_metrics_dir(config);

	*ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *ret_fd < 0 ? error_errno(err, "opening %s", dir) : 0;
}

/* Metrics of several users may be read from one folder. */
static void file_name(const char *app, char *ret_name, size_t room)
{
	if (scope_is_user())
		(void)snprintf(ret_name, room, "flipslot-%u-%s.prom", (unsigned int)getuid(), app);
	else
		(void)snprintf(ret_name, room, "flipslot-%s.prom", app);
}

static int publish(const struct config *config, const struct text *text, struct error *err)
{
	const char *app = config_deploy(config)->app;
	_cleanup_close_ int dirfd = -1;
	char name[128];
	int r = open_dir(config, &dirfd, err);

	if (r < 0)
		return r;
	file_name(app, name, sizeof(name));
	/* once more: another app's worker may just have tidied up */
	if (durable_publish(dirfd, name, text->data, text->size, 0644, NULL) == 0)
		return 0;
	r = durable_publish(dirfd, name, text->data, text->size, 0644, err);
	return r < 0 ? error_prefix(err, r, "%s", config_metrics_dir(config)) : 0;
}

int metrics_write(const struct config *config, struct error *err)
{
	_cleanup_text_ struct text text = {};
	struct status status;
	int r;

	if (!config_metrics_dir(config))
		return 0;
	r = status_gather_disk(config_deploy(config)->app, &status, err);
	if (r < 0)
		return r;
	metrics_render(&status, 1, &text);
	r = text_check(&text, err);
	return r < 0 ? r : publish(config, &text, err);
}

void metrics_tidy(const struct config *config)
{
	_cleanup_close_ int dirfd = -1;

	if (config_metrics_dir(config) && open_dir(config, &dirfd, NULL) == 0)
		(void)durable_tidy(dirfd, NULL);
}
