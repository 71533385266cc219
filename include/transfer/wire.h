/*
 * What goes over the two pipes between the worker and its fetch helper: frames of a header and a
 * payload, in the machine's own byte order (both ends are one program). docs/TRANSFER.md draws it.
 *
 *     worker → helper                         helper → worker
 *     SET    a setting: id is its key         READY  once: what the helper gave away, as text
 *     START  no more settings                 HEAD   struct wire_head: the body begins
 *     GET    struct wire_get, URL             DATA   bytes of the body
 *     CREDIT so many more bytes may be sent   END    struct wire_end, text: exactly one for each GET
 *     CANCEL not wanted any more
 *
 * Of each id (given by the worker, rising): [HEAD DATA*] END. END of id 0: the helper cannot start.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define WIRE_ORDER_MAX \
	4096 /* bytes with the header: PIPE_BUF, so an order is written whole or not */
#define WIRE_ANSWER_MAX (64 * 1024) /* bytes with the header */
#define WIRE_TEXT_MAX	256 /* bytes of text behind struct wire_end, or in READY */

#define WIRE_UNKNOWN UINT64_MAX

enum wire_type {
	WIRE_SET = 1,
	WIRE_START,
	WIRE_GET,
	WIRE_CREDIT,
	WIRE_CANCEL,
	WIRE_READY,
	WIRE_HEAD,
	WIRE_DATA,
	WIRE_END,
};

struct wire_header {
	uint32_t type;
	uint32_t id;
	uint32_t size; /* of the payload */
};

struct wire_get {
	uint64_t first; /* of the range */
	uint64_t length; /* of the range; 0: the whole file */
	uint64_t cap; /* most bytes of body */
	uint64_t deadline; /* CLOCK_MONOTONIC usec, or UINT64_MAX */
};

struct wire_head {
	uint64_t length; /* of the body, or WIRE_UNKNOWN */
};

struct wire_end {
	uint32_t class; /* enum fetch_class */
	uint32_t http_status; /* 0: none */
	uint64_t retry_after; /* seconds, 0: not said */
};

struct wire_frame {
	uint32_t type, id;
	const void *payload; /* lent: into the bytes given */
	size_t size;
};

/*
 * Takes the first frame of the bytes. 0: *ret_frame, and the bytes that it takes in *ret_used. > 0:
 * WIRE_PARTIAL, more bytes are needed. < 0 (-EBADMSG): its payload has not a size that it may have
 * (max: WIRE_ORDER_MAX or WIRE_ANSWER_MAX), or there is no such type.
 */
enum { WIRE_PARTIAL = 1 };
int wire_take(const void *bytes, size_t size, size_t max, struct wire_frame *ret_frame,
	      size_t *ret_used);

/*
 * Writes a frame of one payload in two parts (the second may be NULL), all or nothing on a pipe where
 * it has at most PIPE_BUF bytes: 0, or -1 with errno set (EAGAIN: no room).
 */
int wire_write(int fd, enum wire_type type, uint32_t id, const void *payload, size_t size,
	       const void *more, size_t more_size);
