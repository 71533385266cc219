/*
 * minisign: files that Debian's minisign 0.11 made, files that we sign here, and what is neither.
 */
#include "trust/minisign.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/text.h"

#include "../base/check.h"

/* minisign -G -W; -S -H and -S -l over "hello, slot\n", -t 'gateway 1.4' */
#define KEY_ID	   "4301C332C1215DD0"
#define KEY_LINE   "RWTQXSHBMsMBQygAd4vpJREDAXGwaVjX5fEnYfodp0nmWuAv6AKusw2L"
#define KEY_FILE   "untrusted comment: minisign public key " KEY_ID "\n" KEY_LINE "\n"
#define FILE_BYTES "hello, slot\n"
#define FIRST_LINE "untrusted comment: signature from minisign secret key\n"
#define THIRD_LINE "trusted comment: gateway 1.4\n"
#define PRE_LINE                                                                                 \
	"RUTQXSHBMsMBQ/vn14a7U+C9YkyB+hGMZ12AcKphJOMN/vIfXWg8yD62q/DFI1S6VI5XQhNmxyV4XvLS/HRHiC" \
	"z2WBIs/i3tTwM=\n"
#define PRE_GLOBAL                                                                             \
	"RD+C3R/RbSDmnlkmfHrGs6HWrMo+iR/OhnHlZQkP19v6ntzIB9Vy2tFp55HtR7wVkfD+2qyYFoMdBrTdodMe" \
	"Cg==\n"
#define OLD_LINE                                                                                 \
	"RWTQXSHBMsMBQ8RsM52AAuSlc9WLGUBj+qKfbCrWLCxURixCm3Y5rmyvs8TAXO5CKatjdSk/7KKJCHuA3QV/Ky" \
	"3TonqZX0UNXgI=\n"
#define OLD_GLOBAL                                                                             \
	"JL0oCG5r81XEbXPRS6WLY3YSkr0P5KUL6ACeA6Dv0wDNQFnE6LBRTxmcW9lJrPXYCw3uIh93Vexhkpfdg8am" \
	"Bw==\n"
#define PREHASHED FIRST_LINE PRE_LINE THIRD_LINE PRE_GLOBAL
#define LEGACY	  FIRST_LINE OLD_LINE THIRD_LINE OLD_GLOBAL

static struct minisign_signature sig; /* of the last verify() */
static struct error why;

/* Everything that signed_file does, from memory; `file` in parts of `part` bytes. */
static int verify(const char *key_text, const char *sig_text, const char *file, size_t part)
{
	_cleanup_(minisign_stream_freep) struct minisign_stream *stream = NULL;
	struct minisign_key key;
	struct digest digest, wanted;
	size_t size = strlen(file);
	int r;

	why = (struct error){};
	r = minisign_read_key(key_text, strlen(key_text), &key, &why);
	if (r >= 0)
		r = minisign_read_signature(sig_text, strlen(sig_text), &sig, &why);
	if (r >= 0)
		r = minisign_check(&key, &sig, &why);
	if (r >= 0)
		r = minisign_stream_new(&key, &sig, size, &stream, &why);
	for (size_t at = 0; r >= 0 && at < size; at += part)
		r = minisign_stream_update(stream, file + at, size - at < part ? size - at : part,
					   &why);
	if (r >= 0)
		r = minisign_stream_finish(stream, &digest, &why);
	if (r >= 0) {
		assert_int_equal(digest_of(file, size, &wanted, NULL), 0);
		assert_true(digest_equal(&digest, &wanted));
	}
	return r;
}

static void what_minisign_made(void **state)
{
	struct minisign_key key;
	char id[MINISIGN_ID_MAX];

	for (size_t part = 1; part < 20; part++) {
		assert_int_equal(verify(KEY_FILE, PREHASHED, FILE_BYTES, part), 0);
		assert_true(sig.prehashed);
		assert_int_equal(verify(KEY_FILE, LEGACY, FILE_BYTES, part), 0);
		assert_false(sig.prehashed);
	}
	assert_string_equal(sig.comment, "gateway 1.4");
	assert_int_equal(verify(KEY_LINE, PREHASHED, FILE_BYTES, 99), 0);
	assert_int_equal(minisign_read_key(KEY_LINE, strlen(KEY_LINE), &key, NULL), 0);
	assert_string_equal(minisign_id_to_text(&key.id, id), KEY_ID);
}

/* As an editor or a mail leaves them. */
static void ends_of_lines(void **state)
{
	static const char *const files[] = { PREHASHED, LEGACY };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_text_ struct text crlf = {};

		for (const char *c = files[i]; *c; c++)
			text_add(&crlf, *c == '\n' ? "\r\n" : "%c", *c);
		assert_int_equal(verify(KEY_FILE, crlf.data, FILE_BYTES, 99), 0);
		crlf.data[crlf.size - 2] = '\0'; /* no end at all */
		assert_int_equal(verify(KEY_FILE, crlf.data, FILE_BYTES, 99), 0);
	}
}

static void another_file(void **state)
{
	static const char *const files[] = { "hello, slot", "hello, slot\n\n", "Hello, slot\n",
					     "" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		check_error(verify(KEY_FILE, PREHASHED, files[i], 99), &why, FAULT_UNTRUSTED,
			    "not the file that key " KEY_ID " has signed");
		check_error(verify(KEY_FILE, LEGACY, files[i], 99), &why, FAULT_UNTRUSTED,
			    "not the file that key " KEY_ID " has signed");
	}
}

static void no_key(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"RWTQ",
		"untrusted comment: x\n",
		"untrusted comment: x",
		"RWTQXSHBMsMBQygAd4vpJREDAXGwaVjX5fEnYfodp0nmWuAv6AKusw2=", /* a byte short */
		"RUTQXSHBMsMBQygAd4vpJREDAXGwaVjX5fEnYfodp0nmWuAv6AKusw2L", /* "ED" */
		"RWTQXSHBMsMBQygAd4vpJREDAXGwaVjX5fEnYfodp0nmWuAv6AKusw2 ",
		" " KEY_LINE,
		KEY_LINE " ",
		KEY_LINE "AAAA",
		"trusted comment: x\n" KEY_LINE "\n",
		"untrusted comment: x\n\n" KEY_LINE "\n",
	};
	struct minisign_key key;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why = (struct error){};
		check_error(minisign_read_key(bad[i], strlen(bad[i]), &key, &why), &why,
			    FAULT_CORRUPT, bad[i][0] ? "not a minisign public key" : "nothing");
	}
	check_error(minisign_read_key(KEY_FILE KEY_LINE, strlen(KEY_FILE KEY_LINE), &key, &why),
		    &why, FAULT_CORRUPT, "something follows");
}

static void no_signature(void **state)
{
	static const struct {
		const char *text, *word;
	} bad[] = {
		{ "", "nothing" },
		{ KEY_FILE, "line 2" },
		{ PRE_LINE THIRD_LINE PRE_GLOBAL, "line 1" },
		{ FIRST_LINE, "line 2" },
		{ FIRST_LINE PRE_LINE, "line 3" },
		{ FIRST_LINE PRE_LINE THIRD_LINE, "line 4" },
		{ FIRST_LINE PRE_LINE PRE_GLOBAL THIRD_LINE, "line 3" },
		{ FIRST_LINE "\n" PRE_LINE THIRD_LINE PRE_GLOBAL, "line 2" },
		{ FIRST_LINE " " PRE_LINE THIRD_LINE PRE_GLOBAL, "line 2" },
		{ FIRST_LINE "A" PRE_LINE THIRD_LINE PRE_GLOBAL, "line 2" },
		{ PREHASHED "x", "follows" },
		{ PREHASHED "\n", "follows" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_error(verify(KEY_LINE, bad[i].text, FILE_BYTES, 99), &why, FAULT_CORRUPT,
			    bad[i].word);
}

/* One way to write each byte: bits that base64 does not use must be zero, and '=' stands where it must. */
static void base64_is_strict(void **state)
{
	static const char *const lines[] = {
		"z2WBIs/i3tTwN=\n",   "z2WBIs/i3tTwM\n",  "z2WBIs/i3tTwM==\n", "z2WBIs/i3tTw==\n",
		"z2WBIs/i3t\tTwM=\n", "z2WBIs/i3t=wM=\n", "z2WBIs_i3tTwM=\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_text_ struct text text = {};

		text_add(&text, FIRST_LINE "%.*s%s" THIRD_LINE PRE_GLOBAL,
			 (int)(strlen(PRE_LINE) - strlen("z2WBIs/i3tTwM=\n")), PRE_LINE, lines[i]);
		check_error(verify(KEY_LINE, text.data, FILE_BYTES, 99), &why, FAULT_CORRUPT,
			    "line 2");
	}
}

static void sizes_are_bounded(void **state)
{
	static char text[MINISIGN_FILE_MAX + 2];
	struct minisign_signature signature;
	struct minisign_key key;
	_cleanup_text_ struct text longer = {};

	memset(text, 'a', sizeof(text) - 1);
	check_error(minisign_read_key(text, MINISIGN_FILE_MAX + 1, &key, &why), &why, FAULT_CORRUPT,
		    "more than");
	check_error(minisign_read_signature(text, MINISIGN_FILE_MAX + 1, &signature, &why), &why,
		    FAULT_CORRUPT, "more than");
	memcpy(text, KEY_FILE, sizeof(KEY_FILE)); /* with its NUL */
	check_error(minisign_read_key(text, sizeof(KEY_FILE), &key, &why), &why, FAULT_CORRUPT,
		    "NUL");
	text_add(&longer, FIRST_LINE PRE_LINE "trusted comment: %0*d\n" PRE_GLOBAL,
		 MINISIGN_COMMENT_MAX, 1);
	check_error(verify(KEY_LINE, longer.data, FILE_BYTES, 99), &why, FAULT_CORRUPT,
		    "the trusted comment is longer");
}

/* ---- signed here ---- */

struct signer {
	EVP_PKEY *pkey;
	unsigned char id[8];
};

static void add_base64(struct text *text, const unsigned char *bytes, size_t size)
{
	unsigned char line[128];

	assert_true(EVP_EncodeBlock(line, bytes, (int)size) > 0);
	text_add(text, "%s\n", (const char *)line);
}

static void sign(const struct signer *signer, const void *data, size_t size,
		 unsigned char ret_sig[static 64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 64;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, signer->pkey), 1);
	assert_int_equal(EVP_DigestSign(ctx, ret_sig, &n, data, size), 1);
	EVP_MD_CTX_free(ctx);
}

static char *make_key(const struct signer *signer)
{
	unsigned char bytes[42] = "Ed";
	size_t n = 32;
	struct text text = {};

	memcpy(bytes + 2, signer->id, 8);
	assert_int_equal(EVP_PKEY_get_raw_public_key(signer->pkey, bytes + 10, &n), 1);
	add_base64(&text, bytes, sizeof(bytes));
	return text_take(&text);
}

/* kind: "ED" or "Ed", or what there is not; the global signature is over `vouched`. */
static char *make_signature(const struct signer *signer, const char *kind, const char *file,
			    const char *comment, const char *vouched)
{
	unsigned char bytes[74], global[64], hash[64], whole[64 + 256];
	size_t n = strlen(vouched);
	struct text text = {};

	memcpy(bytes, kind, 2);
	memcpy(bytes + 2, signer->id, 8);
	assert_int_equal(EVP_Digest(file, strlen(file), hash, NULL, EVP_blake2b512(), NULL), 1);
	if (kind[1] == 'D')
		sign(signer, hash, sizeof(hash), bytes + 10);
	else
		sign(signer, file, strlen(file), bytes + 10);
	memcpy(whole, bytes + 10, 64);
	assert_true(n < sizeof(whole) - 64);
	(void)snprintf((char *)whole + 64, sizeof(whole) - 64, "%s", vouched);
	sign(signer, whole, 64 + n, global);
	text_add(&text, "untrusted comment: \n");
	add_base64(&text, bytes, sizeof(bytes));
	text_add(&text, "trusted comment: %s\n", comment);
	add_base64(&text, global, sizeof(global));
	return text_take(&text);
}

static struct signer new_signer(unsigned char number)
{
	unsigned char seed[32] = { number };
	struct signer signer = {
		.pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed)),
		.id = { number, 2, 3, 4, 5, 6, 7, 0xff },
	};

	assert_non_null(signer.pkey);
	return signer;
}

static void check_one(const struct signer *by, const struct signer *key, const char *kind,
		      const char *comment, const char *vouched, enum fault fault, const char *word)
{
	_cleanup_free_ char *signature = make_signature(by, kind, "a file", comment, vouched);
	_cleanup_free_ char *public = make_key(key);
	int r = verify(public, signature, "a file", 3);

	if (!word) {
		assert_int_equal(r, 0);
		assert_string_equal(sig.comment, comment);
	} else {
		check_error(r, &why, fault, word);
	}
}

static void what_was_signed_here(void **state)
{
	struct signer one = new_signer(1), two = new_signer(2), thief = new_signer(3);

	thief.id[0] = 1; /* the id of the first, which is only a name */
	check_one(&one, &one, "ED", "c", "c", 0, NULL);
	check_one(&one, &one, "Ed", "c", "c", 0, NULL);
	check_one(&one, &one, "ED", "", "", 0, NULL);
	check_one(&one, &one, "ED", "\x1b[31m \xff", "\x1b[31m \xff", 0, NULL);
	check_one(&one, &one, "ED", "c", "d", FAULT_UNTRUSTED, "trusted comment is not signed");
	check_one(&one, &one, "Ed", "c", "", FAULT_UNTRUSTED, "trusted comment is not signed");
	check_one(&two, &one, "ED", "c", "c", FAULT_UNTRUSTED,
		  "by key FF07060504030202, the key that was given is FF07060504030201");
	check_one(&thief, &one, "ED", "c", "c", FAULT_UNTRUSTED, "not signed by key");
	check_one(&one, &one, "Ex", "c", "c", FAULT_CORRUPT, "unknown kind");
	check_one(&one, &one, "eD", "c", "c", FAULT_CORRUPT, "unknown kind");
	EVP_PKEY_free(one.pkey);
	EVP_PKEY_free(two.pkey);
	EVP_PKEY_free(thief.pkey);
}

/* The two kinds must not be taken for each other: the hash of a file is a file, too. */
static void kinds_are_not_mixed(void **state)
{
	_cleanup_text_ struct text swapped = {};

	text_add(&swapped, FIRST_LINE "RW%s" THIRD_LINE PRE_GLOBAL, &PRE_LINE[2]);
	check_error(verify(KEY_LINE, swapped.data, FILE_BYTES, 99), &why, FAULT_UNTRUSTED,
		    "not the file");
}

static void a_legacy_file_is_bounded(void **state)
{
	_cleanup_(minisign_stream_freep) struct minisign_stream *stream = NULL;
	struct minisign_stream *none = NULL;
	struct minisign_key key;

	assert_int_equal(minisign_read_key(KEY_LINE, strlen(KEY_LINE), &key, NULL), 0);
	assert_int_equal(minisign_read_signature(LEGACY, strlen(LEGACY), &sig, NULL), 0);
	check_error(minisign_stream_new(&key, &sig, MINISIGN_LEGACY_MAX + 1, &none, &why), &why,
		    FAULT_NO_SPACE, "minisign -S -H");
	assert_null(none);
	assert_int_equal(minisign_stream_new(&key, &sig, 4, &stream, NULL), 0);
	assert_int_equal(minisign_stream_update(stream, "abc", 3, NULL), 0);
	check_error(minisign_stream_update(stream, "de", 2, &why), &why, FAULT_CORRUPT, "grew");
}

/* Every byte of a signature that is changed is noticed, but in the comment that nobody signed. */
static void every_byte_counts(void **state)
{
	char text[] = PREHASHED;

	for (size_t i = strlen("untrusted comment: signature from minisign secret key"); text[i];
	     i++) {
		char was = text[i];

		if (i == strlen(text) - 1)
			break; /* the last newline need not be there */
		text[i] = was == 'B' ? 'C' : 'B';
		if (verify(KEY_LINE, text, FILE_BYTES, 99) >= 0)
			fail_msg("byte %zu does not count", i);
		text[i] = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_minisign_made),  cmocka_unit_test(ends_of_lines),
		cmocka_unit_test(another_file),	       cmocka_unit_test(no_key),
		cmocka_unit_test(no_signature),	       cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(sizes_are_bounded),   cmocka_unit_test(what_was_signed_here),
		cmocka_unit_test(kinds_are_not_mixed), cmocka_unit_test(a_legacy_file_is_bounded),
		cmocka_unit_test(every_byte_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
