#include "unit/probe-port.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "base/text.h"
#include "unit/probe-socket.h"

#define ADDRESS_MAX 256

static bool is_here(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "::1") == 0;
}

/* "HOST", "[IPV6]", with or without ":PORT", of "https://HOST:PORT/…", as HOST:PORT. False: no such thing. */
static bool take_authority(const char *url, char ret_address[static ADDRESS_MAX])
{
	const char *host = strstr(url, "://");
	size_t size;

	if (!host)
		return false;
	host += 3;
	size = strcspn(host, "/?#");
	if (size == 0 || size >= ADDRESS_MAX - 5)
		return false;
	(void)snprintf(ret_address, ADDRESS_MAX, "%.*s", (int)size, host);
	if (host[size - 1] == ']' || !memchr(host, ':', size))
		(void)snprintf(ret_address + size, ADDRESS_MAX - size, ":%s",
			       strncasecmp(url, "https:", 6) == 0 ? "443" : "80");
	return true;
}

uint16_t probe_port(const struct probe_options *options)
{
	char address[ADDRESS_MAX], host[ADDRESS_MAX], port[16];
	uint64_t number;

	if (options->kind == PROBE_TCP && options->address)
		(void)text_copy(options->address, address, sizeof(address));
	else if (options->kind != PROBE_HTTP || !options->url ||
		 !take_authority(options->url, address))
		return 0;
	if (!probe_socket_split(address, host, sizeof(host), port, sizeof(port)) ||
	    !is_here(host) || parse_u64(port, 1, UINT16_MAX, &number, NULL) < 0)
		return 0;
	return (uint16_t)number;
}
