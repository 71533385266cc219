#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What error_set() returns: only ever forwarded, but strace and a debugger should see sense. */
static int fault_to_code(enum fault fault)
{
	switch (fault) {
	case FAULT_NETWORK:
		return -EHOSTUNREACH;
	case FAULT_UNTRUSTED:
		return -EKEYREJECTED;
	case FAULT_CORRUPT:
		return -EBADMSG;
	case FAULT_STALE:
		return -ESTALE;
	case FAULT_NO_SPACE:
		return -ENOSPC;
	case FAULT_UNIT:
		return -EREMOTEIO;
	case FAULT_UNHEALTHY:
		return -EHOSTDOWN;
	case FAULT_BUSY:
		return -EBUSY;
	case FAULT_CONFIG:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static enum fault fault_of_code(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -EMLINK ? FAULT_NO_SPACE :
								       FAULT_INTERNAL;
}

/*
 * head: tail, with head cut so that the tail stays whole (it is the cause). Formatted aside first,
 * as an argument may point into the text of the same error.
 */
__attribute__((format(printf, 4, 0))) static void
set_text(struct error *err, enum fault fault, const char *tail, const char *format, va_list ap)
{
	char head[ERROR_TEXT_MAX];
	size_t tail_size = tail ? strlen(tail) + 2 : 0;
	int n = vsnprintf(head, sizeof(head), format, ap);

	if (n < 0)
		head[0] = '\0';
	(void)text_hide_logins(head);
	if (tail_size > ERROR_TEXT_MAX / 2)
		tail_size = ERROR_TEXT_MAX / 2;
	head[text_cut_point(head, sizeof(head) - 1 - tail_size)] = '\0';
	err->fault = fault;
	(void)snprintf(err->text, sizeof(err->text), "%s%s%s", head, tail ? ": " : "",
		       tail ? tail : "");
	err->text[text_cut_point(err->text, sizeof(err->text) - 1)] = '\0';
}

static const char *describe(int code)
{
	const char *text = strerrordesc_np(-code);

	if (code == -EMLINK)
		return "Too many links: the file system takes no more folders in this one, or "
		       "names of this file";
	return text ? text : "unknown error";
}

int error_set(struct error *err, enum fault fault, const char *format, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, format);
		set_text(err, fault, NULL, format, ap);
		va_end(ap);
	}
	return fault_to_code(fault);
}

int error_errno(struct error *err, const char *format, ...)
{
	int code = errno > 0 ? -errno : -EIO;
	va_list ap;

	if (err) {
		va_start(ap, format);
		set_text(err, fault_of_code(code), describe(code), format, ap);
		va_end(ap);
	}
	return code;
}

int error_code(struct error *err, int code, const char *format, ...)
{
	va_list ap;

	if (code >= 0)
		code = -EIO;
	if (err) {
		va_start(ap, format);
		set_text(err, fault_of_code(code), describe(code), format, ap);
		va_end(ap);
	}
	return code;
}

int error_prefix(struct error *err, int code, const char *format, ...)
{
	char tail[ERROR_TEXT_MAX];
	va_list ap;

	if (err) {
		text_copy(err->text, tail, sizeof(tail));
		va_start(ap, format);
		set_text(err, err->fault, tail[0] ? tail : NULL, format, ap);
		va_end(ap);
	}
	return code;
}
