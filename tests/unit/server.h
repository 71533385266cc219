/*
 * A server for one test: answers each connection with the same bytes. Includes fixture.h before.
 */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

enum server_manner {
	SERVER_ANSWERS,
	SERVER_HANGS_UP, /* reads the request and closes */
	SERVER_IS_SILENT, /* reads the request and says nothing */
	SERVER_NEVER_ENDS, /* answers, and goes on with bytes */
};

struct server {
	int fd;
	unsigned int port;
	enum server_manner manner;
	const char *answer;
	pthread_t thread;
	char request[4096]; /* the last one */
};

UNUSED static void server_talk(struct server *server, int fd)
{
	size_t size = 0;
	ssize_t n;

	while ((n = recv(fd, server->request + size, sizeof(server->request) - 1 - size, 0)) > 0) {
		size += (size_t)n;
		server->request[size] = '\0';
		if (strstr(server->request, "\r\n\r\n") || size + 1 == sizeof(server->request))
			break;
	}
	if (server->manner == SERVER_IS_SILENT)
		(void)recv(fd, server->request, 1, 0); /* until the other end goes */
	if (server->manner != SERVER_ANSWERS && server->manner != SERVER_NEVER_ENDS)
		return;
	n = send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
	while (server->manner == SERVER_NEVER_ENDS && n > 0) {
		n = send(fd, "xxxxxxxx\n", 9, MSG_NOSIGNAL);
		fixture_sleep_ms(1);
	}
}

UNUSED static void *server_run(void *data)
{
	struct server *server = data;

	for (;;) {
		int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		server_talk(server, fd);
		(void)close(fd);
	}
}

/* server->manner and server->answer are set before. */
UNUSED static void server_start(struct server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->fd >= 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->fd, 8), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

UNUSED static void server_stop(struct server *server)
{
	(void)shutdown(server->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(server->thread, NULL), 0);
	(void)close(server->fd);
}

/* A port where nobody listens. */
UNUSED static unsigned int server_no_port(void)
{
	struct server server = {};

	server_start(&server);
	server_stop(&server);
	return server.port;
}
