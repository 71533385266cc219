/*
 * `repo list --json` and `repo verify --json` (docs/JSON.md). NULL: no memory.
 */
#pragma once

#include <jansson.h>

#include "publish/audit.h"
#include "publish/repo.h"
#include "release/offer.h"

json_t *repo_json_roles(const struct repo *repo);
json_t *repo_json_offer(const struct offer *offer);
json_t *repo_json_audit(const struct audit_result *result);
