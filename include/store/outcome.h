/*
 * How a transaction ended. The names are a contract: seen in the journal, the history and JSON.
 */
#pragma once

enum outcome {
	OUTCOME_NONE,
	OUTCOME_COMMITTED,
	OUTCOME_REFUSED,
	OUTCOME_CANCELLED,
	OUTCOME_FAILED,
	OUTCOME_FAILED_FIRST,
	OUTCOME_ROLLED_BACK,
	OUTCOME_ROLLED_BACK_UNHEALTHY,
	OUTCOME_BOTH_BAD,
	OUTCOME_MAX,
};

const char *outcome_name(enum outcome outcome); /* "committed", "rolled-back", … */
enum outcome outcome_from_name(const char *name);
