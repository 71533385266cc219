/*
 * doctor --online: the source is asked now. Is it reached, is its metadata valid and for how much longer, and could what it offers be
 * installed here?
 */
#pragma once

#include "app/checkup.h"

void checkup_online(const struct checkup *checkup);
