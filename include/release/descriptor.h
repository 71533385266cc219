/*
 * What a release is, in figures and names: JSON, one object on one line, keys in the order of the struct:
 *
 *     {"app":"gateway","version":"1.4","sequence":0,"origin":"sideload","source":"<SHA-256 hex or "">",
 *      "index":"<hex>","bytes":1,"files":1,"installed":1764000000000000}
 *
 * With origin "target" there is one more: "promised":"<hex>". With origin "minisign" there is another: "signer":"<the key's id, 16 hexadecimal digits>".
 *
 * With origin "signed" there may be "blocks":{"head":N,"head_sha256":"<hex>","length":N,"sha256":"<hex>"}: the bundle without base
 * (release/bundle.h) that the release was published with, as the offer names it.
 *
 * With data of its own there is "epoch":N, with a check of its own "check":["bin/selftest",…] (docs/PUBLISHING.md). A reader ignores keys it does not know: later versions say more about a release.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "release/command.h"

#define DESCRIPTOR_MAX	       (256 * 1024) /* bytes of JSON */
#define DESCRIPTOR_VERSION_MAX 128 /* bytes with the final NUL; see descriptor_is_version */
#define DESCRIPTOR_SIGNER_MAX  17 /* a minisign key's id, with the final NUL */
#define DESCRIPTOR_ORIGIN_MAX  32 /* for people */

/* Why the device believed that these bytes are the release. */
enum origin {
	ORIGIN_SIDELOAD, /* a person gave its SHA-256 */
	ORIGIN_TRUST_ME, /* a person said --trust-me */
	ORIGIN_ADOPTED, /* an existing directory was taken over */
	ORIGIN_SIGNED, /* verified metadata of a repository named it */
	ORIGIN_MINISIGN, /* a person gave a minisign key, which signed it */
	ORIGIN_TARGET, /* verified metadata of a repository named the archive itself (TargetPattern=) */
	ORIGIN_MAX,
};

const char *descriptor_origin_name(enum origin origin);

/* Where its contents are to be had one by one. */
struct descriptor_blocks {
	struct digest blob; /* null: nowhere, and the rest says nothing */
	uint64_t length; /* of the blob */
	struct digest head_digest;
	uint64_t head;
};

struct descriptor {
	char app[65];
	char version[DESCRIPTOR_VERSION_MAX];
	uint64_t sequence; /* 0: sideloaded, not ordered */
	enum origin origin;
	char signer[DESCRIPTOR_SIGNER_MAX]; /* ORIGIN_MINISIGN: the key's id; else "" */
	struct digest source; /* SHA-256 of the archive; null if adopted */
	struct digest promised; /* ORIGIN_TARGET: how the metadata names the archive; else null */
	struct digest index; /* SHA-256 of the canonical index: names the release's content */
	struct descriptor_blocks blocks; /* ORIGIN_SIGNED; else null */
	uint64_t epoch; /* of the data that it reads and writes; 0: none was said */
	uint64_t bytes; /* of all files */
	uint64_t files; /* entries of all types */
	uint64_t installed; /* realtime usec */
	struct command check; /* that must pass before it is switched to */
};

/* The origin for people: its name, and who signed ("minisign E7620F1842B4E81F"). Returns ret_text. */
char *descriptor_origin_text(const struct descriptor *descriptor,
			     char ret_text[static DESCRIPTOR_ORIGIN_MAX]);

/* Is it a version text? 1..127 bytes of printable UTF-8 without blanks, '/' or control characters. */
bool descriptor_is_version(const char *text);

/* *ret_json is malloc'ed, ends with a newline. Numbers above INT64_MAX are FAULT_INTERNAL. */
int descriptor_encode(const struct descriptor *descriptor, char **ret_json, struct error *err);
int descriptor_decode(const char *json, size_t size, struct descriptor *ret_descriptor,
		      struct error *err);
