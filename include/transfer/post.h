/*
 * One message to one receiver, by a child that may do nothing else: `HELPER post-helper` is started with the
 * order on its standard input (fields, base/text.h), gives its rights away and then either sends the message by
 * HTTP or becomes the command that takes it (transfer/post-helper.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define POST_ORDER_MAX	 32768 /* bytes */
#define POST_BODY_MAX	 8192
#define POST_LINE_MAX	 2048 /* a URL, a header, a word of a command, a variable; with the NUL */
#define POST_LINES_MAX	 32 /* headers; words; variables */
#define POST_TEXT_MAX	 200
#define POST_TIMEOUT_MAX (3600 * 1000000ULL)

struct post_order {
	const char *user; /* to become, where the caller is root; no such user: nobody */
	const char *url; /* http:// or https://; NULL: command */
	const char *const *headers; /* "Name: value"; NULL-terminated, or NULL */
	const char *const *command; /* words, the first one is the program, absolute */
	const char *const *variables; /* of the command: "NAME=value"; all that there are, but PATH */
	const char *body; /* of the request; standard input of the command */
	uint64_t timeout_usec; /* at most POST_TIMEOUT_MAX */
};

struct post_answer {
	bool delivered; /* the server said 2xx, the command exited with 0 */
	char text[POST_TEXT_MAX]; /* what the receiver said, for a person; no path of the URL in it */
};

/* Waits for the answer, at most the timeout and a little. A receiver that does not answer is no error. */
int post_run(const char *helper, const struct post_order *order, struct post_answer *ret_answer,
	     struct error *err);
