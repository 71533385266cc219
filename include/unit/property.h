/*
 * From the manager's answer to GetAll (a{sv}, org.freedesktop.systemd1(5)) to struct unit.
 */
#pragma once

#include "unit/unit.h"

/* Fills in what the answer has; < 0: errno, and what was filled in is for unit_done(). */
int property_read_all(sd_bus_message *reply, struct unit *unit);
