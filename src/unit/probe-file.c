#include "unit/probe-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

#define CONTENT_MAX 65536
#define SHOWN_MAX   160
#define CLOCK_SLACK (20 * USEC_PER_MSEC) /* file times come from a clock that ticks */

static uint64_t usec_of(struct timespec time)
{
	return time.tv_sec < 0 ?
		       0 :
		       (uint64_t)time.tv_sec * USEC_PER_SEC + (uint64_t)time.tv_nsec / 1000;
}

/* Opening the path itself would wait at a pipe: looked at first, never waited for. */
static bool has_text(const char *path, const char *wanted, const char *shown, char *ret_text,
		     size_t room)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char content[CONTENT_MAX];
	char shown_text[SHOWN_MAX / 2];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)snprintf(ret_text, room, "%s cannot be opened: %s", shown,
			       strerrordesc_np(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)snprintf(ret_text, room, "%s is no regular file", shown);
		return false;
	}
	n = fd_read_full(fd, content, sizeof(content));
	if (n >= 0 && memmem(content, (size_t)n, wanted, strlen(wanted)))
		return true;
	(void)snprintf(ret_text, room, "%s does not contain \"%s\"", shown,
		       text_copy(wanted, shown_text, sizeof(shown_text)));
	return false;
}

bool probe_file_ask(const struct probe_order *order, uint64_t deadline, char *ret_text, size_t room)
{
	const struct probe_options *options = &order->options;
	const char *path = options->path ? options->path : "";
	char shown[SHOWN_MAX];
	char span[CLOCK_TEXT_MAX];
	struct stat st;
	uint64_t time;

	text_copy(path, shown, sizeof(shown));
	if (stat(path, &st) < 0) {
		(void)snprintf(ret_text, room, "%s cannot be found: %s", shown,
			       strerrordesc_np(errno));
		return false;
	}
	time = usec_of(st.st_mtim);
	if (options->fresh && time + CLOCK_SLACK < order->context.started) {
		(void)snprintf(ret_text, room, "%s is %s older than the start of the service",
			       shown, clock_format_span(order->context.started - time, span));
		return false;
	}
	if (options->match && !has_text(path, options->match, shown, ret_text, room))
		return false;
	(void)snprintf(ret_text, room, "%s is there%s%s", shown,
		       options->fresh ? ", newly written" : "",
		       options->match ? ", with the wanted text" : "");
	return true;
}
