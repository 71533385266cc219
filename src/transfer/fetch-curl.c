#include "transfer/fetch-curl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"

#define FILE_MAX    (4 * 1024 * 1024) /* bytes of a PEM file */
#define BUFFER_SIZE (64 * 1024L) /* bytes that one read from a connection takes at most */

/* ---- files ---- */

/* These names are the administrator's, links among them are followed. */
static int read_pem(const char *path, struct curl_blob *ret_blob, struct error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *data = NULL;
	struct stat st;
	ssize_t n;

	if (!path)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, FAULT_CONFIG, "%s: %s", path, strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return error_set(err, FAULT_CONFIG, "%s is no PEM file", path);
	data = malloc((size_t)st.st_size + 1);
	n = data ? fd_read_full(fd, data, (size_t)st.st_size) : -1;
	if (n < 0)
		return error_errno(err, "reading %s", path);
	*ret_blob = (struct curl_blob){ .data = TAKE_PTR(data), .len = (size_t)n };
	return 0;
}

/* As c_rehash makes them: eight hexadecimal digits and a number. */
static bool is_hashed(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] >= '0' &&
	       name[9] <= '9';
}

static bool has_hashed(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	/* cppcheck-suppress readdirCalled; it is one thread's own */
	while (!found && (entry = readdir(dir)) != NULL)
		found = is_hashed(entry->d_name);
	(void)closedir(dir);
	return found;
}

/*
 * A folder with one hashed name for each certificate is by far the quicker one (measured: 2 ms of CPU
 * against 25 ms for reading all of Debian's bundle), so it is looked for first.
 */
static void find_system_certificates(struct fetch_curl *curl)
{
	static const char *const folders[] = { "/etc/ssl/certs", "/etc/pki/tls/certs" };
	static const char *const bundles[] = { "/etc/ssl/certs/ca-certificates.crt",
					       "/etc/pki/tls/certs/ca-bundle.crt",
					       "/var/lib/ca-certificates/ca-bundle.pem",
					       "/etc/ssl/cert.pem" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (has_hashed(folders[i])) {
			curl->ca_path = folders[i];
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(bundles) && !curl->ca_bundle; i++)
		if (access(bundles[i], R_OK) == 0)
			curl->ca_bundle = bundles[i];
}

int fetch_curl_init(struct fetch_curl *curl, const struct fetch_settings *settings,
		    struct error *err)
{
	int r;

	*curl = (struct fetch_curl){ .settings = settings };
	r = read_pem(settings->ca_file, &curl->ca, err);
	if (r == 0)
		r = read_pem(settings->client_certificate, &curl->certificate, err);
	if (r == 0 && settings->client_certificate)
		r = read_pem(settings->client_key ? settings->client_key :
						    settings->client_certificate,
			     &curl->key, err);
	if (r < 0)
		fetch_curl_done(curl);
	else if (!settings->ca_file)
		find_system_certificates(curl);
	return r;
}

void fetch_curl_done(struct fetch_curl *curl)
{
	free(curl->ca.data);
	free(curl->certificate.data);
	free(curl->key.data);
	*curl = (struct fetch_curl){};
}

/* ---- options ---- */

/* Sets one option if all before went well. */
#define SET(option, value)                                                \
	do {                                                              \
		if (code == CURLE_OK)                                     \
			code = curl_easy_setopt(easy, (option), (value)); \
	} while (0)

static CURLcode set_blob(CURL *easy, CURLoption option, const struct curl_blob *blob)
{
	return blob->data ? curl_easy_setopt(easy, option, blob) : CURLE_OK;
}

/* The proxy's certificate, if it is spoken to by TLS, is believed on the same grounds. */
static CURLcode set_certificates(const struct fetch_curl *curl, CURL *easy)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CAINFO, curl->ca_bundle);
	SET(CURLOPT_PROXY_CAINFO, curl->ca_bundle);
	SET(CURLOPT_CAPATH, curl->ca_path);
	SET(CURLOPT_PROXY_CAPATH, curl->ca_path);
	if (code == CURLE_OK)
		code = set_blob(easy, CURLOPT_CAINFO_BLOB, &curl->ca);
	if (code == CURLE_OK)
		code = set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, &curl->ca);
	return code;
}

static CURLcode set_protocol(const struct fetch_curl *curl, CURL *easy)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	/* "" also keeps the environment's proxy out. */
	SET(CURLOPT_PROXY, curl->settings->proxy ? curl->settings->proxy : "");
	SET(CURLOPT_USERAGENT, "flipslot/" FLIPSLOT_VERSION);
	return code;
}

static long msec(uint64_t usec)
{
	uint64_t value = usec / USEC_PER_MSEC;

	return value < 1 ? 1 : value > INT32_MAX ? INT32_MAX : (long)value;
}

static CURLcode set_all(const struct fetch_curl *curl, CURL *easy)
{
	CURLcode code = set_protocol(curl, easy);

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, msec(curl->settings->connect_usec));
	SET(CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	SET(CURLOPT_NOPROGRESS, 1L);
	if (code == CURLE_OK)
		code = set_certificates(curl, easy);
	return code;
}

CURL *fetch_curl_handle(const struct fetch_curl *curl)
{
	CURL *easy = curl_easy_init();

	if (easy && set_all(curl, easy) == CURLE_OK)
		return easy;
	curl_easy_cleanup(easy);
	return NULL;
}

CURLcode fetch_curl_aim(const struct fetch_curl *curl, CURL *easy, const char *url, bool at_home,
			const char *user, const char *password)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_USERNAME, at_home ? user : NULL);
	SET(CURLOPT_PASSWORD, at_home ? password : NULL);
	if (!curl->certificate.data)
		return code;
	SET(CURLOPT_SSLCERT_BLOB, at_home ? &curl->certificate : NULL);
	SET(CURLOPT_SSLKEY_BLOB, at_home ? &curl->key : NULL);
	SET(CURLOPT_KEYPASSWD,
	    ""); /* an encrypted key is an error, not a question at the terminal */
	return code;
}

/* ---- errors ---- */

static const struct {
	CURLcode code;
	enum fetch_class class;
} classes[] = {
	{ CURLE_URL_MALFORMAT, FETCH_CONFIG },
	{ CURLE_COULDNT_RESOLVE_HOST, FETCH_RESOLVE },
	{ CURLE_COULDNT_RESOLVE_PROXY, FETCH_RESOLVE },
	{ CURLE_COULDNT_CONNECT, FETCH_CONNECT },
	{ CURLE_OPERATION_TIMEDOUT, FETCH_CONNECT }, /* no other time limit is set */
	{ CURLE_PROXY, FETCH_CONNECT },
	{ CURLE_NO_CONNECTION_AVAILABLE, FETCH_CONNECT },
	{ CURLE_PARTIAL_FILE, FETCH_TRUNCATED },
	{ CURLE_RECV_ERROR, FETCH_RESET },
	{ CURLE_SEND_ERROR, FETCH_RESET },
	{ CURLE_GOT_NOTHING, FETCH_RESET },
	{ CURLE_HTTP2, FETCH_RESET },
	{ CURLE_HTTP2_STREAM, FETCH_RESET },
	{ CURLE_OUT_OF_MEMORY, FETCH_RESET },
	{ CURLE_PEER_FAILED_VERIFICATION, FETCH_TLS },
	{ CURLE_SSL_CERTPROBLEM, FETCH_TLS },
	{ CURLE_SSL_CIPHER, FETCH_TLS },
	{ CURLE_SSL_CACERT_BADFILE, FETCH_CONFIG },
	{ CURLE_SSL_ISSUER_ERROR, FETCH_TLS },
	{ CURLE_SSL_INVALIDCERTSTATUS, FETCH_TLS },
	{ CURLE_SSL_SHUTDOWN_FAILED, FETCH_TLS },
	{ CURLE_USE_SSL_FAILED, FETCH_TLS },
};

enum fetch_class fetch_curl_class(CURL *easy, CURLcode code)
{
	long number = 0;

	if (code == CURLE_SSL_CONNECT_ERROR) { /* a handshake that failed, or that was cut off */
		(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
		return number == ECONNRESET || number == EPIPE ? FETCH_RESET : FETCH_TLS;
	}
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].code == code)
			return classes[i].class;
	return FETCH_PROTOCOL;
}

/* What is said of a message that has these words: instead of it, or behind it. */
static const struct {
	const char *has, *say;
	bool behind;
} texts[] = {
	{ "wrong version number", "no TLS is spoken there: is it http:// in Url=?", false },
	{ "HTTP/0.9", "no HTTP is spoken there", false },
	{ "importing CA certificate", "[Source] CAFile= holds no certificate in PEM", false },
	{ "unable to get local issuer", " (an authority of your own: [Source] CAFile=)", true },
	{ "self-signed certificate", " (an authority of your own: [Source] CAFile=)", true },
	{ "self signed certificate", " (an authority of your own: [Source] CAFile=)", true },
	{ "certificate has expired", ", by the clock of this machine", true },
	{ "certificate is not yet valid", ", by the clock of this machine", true },
};

const char *fetch_curl_text(const char *message, char ret_text[static FETCH_CURL_TEXT_MAX])
{
	const char *say = "";
	bool behind = true;

	for (size_t i = 0; i < ARRAY_SIZE(texts) && !*say; i++) {
		if (strstr(message, texts[i].has)) {
			say = texts[i].say;
			behind = texts[i].behind;
		}
	}
	(void)snprintf(ret_text, FETCH_CURL_TEXT_MAX, "%.180s%s", behind ? message : "", say);
	return ret_text;
}
