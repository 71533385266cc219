#include "transfer/fetch-class.h"

#include <assert.h>

static const char *const names[FETCH_CLASS_MAX] = {
	[FETCH_OK] = "ok",
	[FETCH_ABSENT] = "absent",
	[FETCH_STATUS] = "status",
	[FETCH_NO_RANGE] = "no-range",
	[FETCH_TOO_LONG] = "too-long",
	[FETCH_TRUNCATED] = "truncated",
	[FETCH_RESOLVE] = "resolve",
	[FETCH_CONNECT] = "connect",
	[FETCH_RESET] = "reset",
	[FETCH_TIMEOUT] = "timeout",
	[FETCH_SLOW] = "slow",
	[FETCH_TLS] = "tls",
	[FETCH_REDIRECT] = "redirect",
	[FETCH_ENCODED] = "encoded",
	[FETCH_PROTOCOL] = "protocol",
	[FETCH_LOCAL] = "local",
	[FETCH_CONFIG] = "config",
	[FETCH_HELPER] = "helper",
	[FETCH_CANCELLED] = "cancelled",
};

const char *fetch_class_name(enum fetch_class class)
{
	assert(class < FETCH_CLASS_MAX);
	return names[class];
}
