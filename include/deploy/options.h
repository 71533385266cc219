/*
 * What the configuration says about one app, as plain values (made by app/config, borrowed by deploy).
 */
#pragma once

#include "base/window.h"
#include "deploy/alert.h"
#include "deploy/way.h"
#include "install/rebuild.h"
#include "install/stage.h"
#include "transfer/fetch-settings.h"
#include "trust/expiry.h"
#include "unit/probe.h"

enum switch_mode {
	SWITCH_RESTART,
	SWITCH_STOP_START,
};

enum data_snapshot {
	SNAPSHOT_NONE,
	SNAPSHOT_REFLINK, /* only where blocks can be shared */
	SNAPSHOT_COPY, /* shared where that is possible, else copied */
};

struct data_options { /* [Data] */
	const char *path; /* absolute, tidy; NULL: none */
	enum data_snapshot snapshot;
	uint64_t max_copy; /* bytes */
	uint64_t timeout_usec; /* to copy, or to remove */
};

struct source_options { /* [Source]; strings borrowed */
	const char
		*url; /* where the repository is, without a slash at the end; NULL: there is none */
	const char *channel;
	const char *target_pattern; /* releases are plain target files; NULL: by descriptor */
	unsigned int strip_components; /* of those */
	enum expiry_policy expiry;
	struct fetch_settings fetch;
	bool auto_install; /* the timer installs what it finds */
	struct way_policy way; /* Delta=, Fallback= */
	uint64_t max_bytes_per_day; /* of releases that are fetched; 0: no limit */
};

struct deploy_options {
	struct source_options source;
	struct data_options data;
	const char *app;
	const char *unit; /* "gateway.service" */
	const char *user; /* in whose manager it is (manager_open_of); NULL: that of the scope */
	const char *root; /* absolute path of the app's directory, without links */
	const char *conf_file; /* for messages */
	const char *group; /* of which it is a member; NULL: none */
	unsigned int group_order; /* smaller ones are switched first */
	const char *groups; /* where the directories of groups are */
	const char *helper; /* this program, for probes */
	enum switch_mode switch_mode;
	uint64_t start_deadline_usec; /* from the job to all required start probes passed */
	uint64_t watch_usec; /* probation after that; 0: none */
	unsigned int boot_tries; /* unorderly reboots that a trial survives */
	unsigned int max_rollbacks; /* attempts at getting the old release healthy before both-bad */
	unsigned int
		memory_growth; /* per cent more than the old release used, from which on it is told; 0: never */
	unsigned int error_growth; /* the same for records of priority err in the watch window */
	bool memory_required, errors_required; /* growth condemns */
	bool baseline; /* ask the probes of the old release before the flip */
	bool keep; /* OnFail=keep: say it, do not roll back */
	struct window window; /* in which a switch may happen */
	uint64_t scrub_usec; /* how often the slots are read and compared; 0: never */
	uint64_t max_inhibit_usec; /* that processes may hold one off */
	struct stage_options stage;
	enum dedupe dedupe;
	char **shipped; /* unit files of the release that flip with it, NULL-terminated; NULL: none */
	char **siblings; /* units that are restarted with it (AlsoRestart=); as shipped */
	/* of kind exec, run before the switch; without a command it still says how long the release's own may take */
	const struct probe_options *check;
	struct probe_options *probes; /* never empty: app/config adds the unit probe */
	size_t n_probes;
	const struct alert_receiver *alerts;
	size_t n_alerts;
};
