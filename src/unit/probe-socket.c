#include "unit/probe-socket.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define SHOWN_MAX 200

static inline void cleanup_addresses(struct addrinfo **addresses)
{
	if (*addresses)
		freeaddrinfo(*addresses);
}

bool probe_socket_split(const char *address, char *ret_host, size_t host_room, char *ret_port,
			size_t port_room)
{
	const char *colon = strrchr(address, ':');
	const char *host = address;
	size_t size;

	if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) >= port_room ||
	    colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return false;
	size = (size_t)(colon - address);
	if (address[0] == '[') {
		if (size < 3 || address[size - 1] != ']')
			return false;
		host++;
		size -= 2;
	} else if (memchr(address, ':', size)) {
		return false;
	}
	if (size == 0 || size >= host_room)
		return false;
	memcpy(ret_host, host, size);
	ret_host[size] = '\0';
	text_copy(colon + 1, ret_port, port_room);
	return true;
}

/* 0, or the errno of the failure. */
static int wait_for_connection(int fd, uint64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	uint64_t now = clock_monotonic_usec();
	socklen_t size = sizeof(int);
	int code = 0;
	int n;

	n = now < deadline ? poll(&poll_fd, 1, (int)((deadline - now) / USEC_PER_MSEC) + 1) : 0;
	if (n == 0)
		return ETIMEDOUT;
	if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0)
		return errno;
	return code;
}

/* EAGAIN is a unix socket's word for: its backlog is full. */
static int try_connect(const struct sockaddr *address, socklen_t size, uint64_t deadline)
{
	_cleanup_close_ int fd = -1;

	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, address, size) == 0)
		return 0;
	return errno == EINPROGRESS ? wait_for_connection(fd, deadline) : errno;
}

static bool explain(int code, const char *place, char *ret_text, size_t room)
{
	char shown[SHOWN_MAX];

	text_copy(place, shown, sizeof(shown));
	switch (code) {
	case 0:
		(void)snprintf(ret_text, room, "%s accepts connections", shown);
		break;
	case ECONNREFUSED:
		(void)snprintf(ret_text, room, "connection refused at %s", shown);
		break;
	case ETIMEDOUT:
		(void)snprintf(ret_text, room, "no connection to %s in time", shown);
		break;
	case ENOENT:
		(void)snprintf(ret_text, room, "there is no socket %s", shown);
		break;
	case EAGAIN:
		(void)snprintf(ret_text, room, "%s accepts no more connections: its queue is full",
			       shown);
		break;
	default:
		(void)snprintf(ret_text, room, "no connection to %s: %s", shown,
			       strerrordesc_np(code));
		break;
	}
	return code == 0;
}

bool probe_socket_ask_tcp(const struct probe_order *order, uint64_t deadline, char *ret_text,
			  size_t room)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	const char *address = order->options.address ? order->options.address : "";
	_cleanup_(cleanup_addresses) struct addrinfo *addresses = NULL;
	char host[NI_MAXHOST];
	char port[8];
	int code = EINVAL;
	int r;

	if (!probe_socket_split(address, host, sizeof(host), port, sizeof(port))) {
		(void)snprintf(ret_text, room, "Address= is not HOST:PORT");
		return false;
	}
	r = getaddrinfo(host, port, &hints, &addresses);
	if (r != 0) {
		(void)snprintf(ret_text, room, "%.*s cannot be resolved: %s", SHOWN_MAX, host,
			       gai_strerror(r));
		return false;
	}
	for (const struct addrinfo *at = addresses; at && code != 0; at = at->ai_next)
		code = try_connect(at->ai_addr, at->ai_addrlen, deadline);
	return explain(code, address, ret_text, room);
}

bool probe_socket_ask_unix(const struct probe_order *order, uint64_t deadline, char *ret_text,
			   size_t room)
{
	const char *path = order->options.path ? order->options.path : "";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(path);

	if (size == 0 || size >= sizeof(address.sun_path)) {
		(void)snprintf(ret_text, room, "Path= is empty or longer than %zu bytes",
			       sizeof(address.sun_path) - 1);
		return false;
	}
	memcpy(address.sun_path, path, size);
	if (path[0] == '@') /* abstract: its length counts, not a NUL at its end */
		address.sun_path[0] = '\0';
	size += offsetof(struct sockaddr_un, sun_path) + (path[0] != '@');
	return explain(try_connect((const struct sockaddr *)&address, (socklen_t)size, deadline),
		       path, ret_text, room);
}
