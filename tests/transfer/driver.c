/*
 * The layer transfer from a shell, for tests/system/test-transfer:
 *
 *     driver fetch    [KEY=VALUE…] URL [FIRST LENGTH]   once; bytes to stdout
 *     driver download [KEY=VALUE…] URL [FIRST LENGTH]   with retries
 *     driver parallel [KEY=VALUE…] URL SIZE N           in ranges of SIZE / N, four at a time
 *     driver lopsided [KEY=VALUE…] URL SIZE             one range is not read until the others have come
 *     driver confined                                   what a helper cannot do (exit status 0: nothing)
 *     driver fetch-helper                               the helper itself
 *
 * Keys: those of struct fetch_settings, and cap, timeout (usec), helper, pause (usec between reads),
 * attempts. The last line on stderr: "CLASS STATUS BYTES RETRY-AFTER|TEXT".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "transfer/download.h"
#include "transfer/fetch-confine.h"
#include "transfer/fetch-file.h"
#include "transfer/fetch-helper.h"

static struct fetch_settings settings;
static struct fetcher *fetcher;
static const char *helper = "/proc/self/exe";
static uint64_t cap = UINT64_MAX / 2;
static uint64_t deadline = USEC_INFINITY;
static uint64_t pause_usec;
static struct retry_policy policy;

static int fail(const struct error *err)
{
	(void)fprintf(stderr, "error %s|%s\n", fault_name(err->fault), err->text);
	return 1;
}

/* ---- settings ---- */

static const struct {
	const char *key;
	const char **text;
	uint64_t *number;
} keys[] = {
	{ "user", &settings.user, NULL },
	{ "ca_file", &settings.ca_file, NULL },
	{ "client_certificate", &settings.client_certificate, NULL },
	{ "client_key", &settings.client_key, NULL },
	{ "proxy", &settings.proxy, NULL },
	{ "file_root", &settings.file_root, NULL },
	{ "rate_limit", NULL, &settings.rate_limit },
	{ "connect_usec", NULL, &settings.connect_usec },
	{ "slow_usec", NULL, &settings.slow_usec },
	{ "slow_bytes", NULL, &settings.slow_bytes },
	{ "redirects", NULL, &settings.redirects },
	{ "helper", &helper, NULL },
	{ "cap", NULL, &cap },
	{ "timeout", NULL, &deadline },
	{ "pause", NULL, &pause_usec },
	{ "first_usec", NULL, &policy.first_usec },
	{ "patience_usec", NULL, &policy.patience_usec },
};

static bool set(const char *argument)
{
	const char *equals = strchr(argument, '=');

	for (size_t i = 0; equals && i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i].key) != (size_t)(equals - argument) ||
		    strncmp(keys[i].key, argument, (size_t)(equals - argument)) != 0)
			continue;
		if (keys[i].text)
			*keys[i].text = equals + 1;
		else
			*keys[i].number = strtoull(equals + 1, NULL, 10);
		return true;
	}
	return false;
}

/* ---- fetching ---- */

static void put(const void *data, size_t size)
{
	if (fd_write_full(STDOUT_FILENO, data, size) < 0)
		_exit(3);
	if (pause_usec > 0)
		(void)usleep((useconds_t)pause_usec);
}

static int report(const struct fetch_result *result)
{
	(void)fprintf(stderr, "confined: %s\n", fetcher_confinement(fetcher));
	(void)fprintf(stderr, "%s %u %" PRIu64 " %" PRIu64 "|%s\n", fetch_class_name(result->class),
		      result->http_status, result->bytes,
		      (uint64_t)(result->retry_after_usec / USEC_PER_SEC), result->text);
	return result->class == FETCH_OK ? 0 : 1;
}

static int run_fetch(const struct fetch_request *request)
{
	_cleanup_(fetch_freep) struct fetch *fetch = NULL;
	struct error err = {};
	char buf[50000];
	size_t n;
	int r;

	if (fetch_begin(fetcher, request, &fetch, &err) < 0)
		return fail(&err);
	while ((r = fetch_read(fetch, buf, sizeof(buf), &n)) != FETCH_END) {
		if (r == FETCH_PENDING)
			fetcher_wait(fetcher, USEC_INFINITY);
		else
			put(buf, n);
	}
	return report(fetch_result(fetch));
}

static int run_download(const struct fetch_request *request)
{
	_cleanup_(download_freep) struct download *download = NULL;
	static const char *const outcomes[] = { "", "", "end", "absent", "no-range" };
	struct error err = {};
	char buf[50000];
	size_t n;
	int r;

	if (download_new(fetcher, request, &policy, &download, &err) < 0)
		return fail(&err);
	while ((r = download_read(download, buf, sizeof(buf), &n, &err)) <= DOWNLOAD_PENDING) {
		if (r < 0)
			return fail(&err);
		if (r == DOWNLOAD_PENDING)
			fetcher_wait(fetcher, download_wake(download));
		else
			put(buf, n);
	}
	(void)fprintf(stderr, "%s\n", outcomes[r]);
	return r == DOWNLOAD_END ? 0 : 1;
}

/* ---- several at once ---- */

struct part {
	struct download *download;
	uint64_t at;
	bool ended;
};

static bool begin_part(struct part *part, const struct fetch_request *all, uint64_t first,
		       uint64_t length)
{
	struct fetch_request request = *all;
	struct error err = {};

	request.range_first = first;
	request.range_length = length;
	*part = (struct part){ .at = first };
	return download_new(fetcher, &request, &policy, &part->download, &err) == 0;
}

/* Reads what is there; false: it failed. */
static bool read_part(struct part *part)
{
	struct error err = {};
	char buf[50000];
	size_t n;
	int r = 0;

	while (!part->ended && r == 0) {
		r = download_read(part->download, buf, sizeof(buf), &n, &err);
		if (r == 0 && pwrite(STDOUT_FILENO, buf, n, (off_t)part->at) != (ssize_t)n)
			return false;
		if (r == 0)
			part->at += n;
		part->ended = r == DOWNLOAD_END;
	}
	if (r < 0)
		(void)fail(&err);
	return r == 0 || r == DOWNLOAD_PENDING || r == DOWNLOAD_END;
}

static uint64_t first_wake(struct part *const *parts, size_t n)
{
	uint64_t wake = USEC_INFINITY;

	for (size_t i = 0; i < n; i++)
		if (!parts[i]->ended && download_wake(parts[i]->download) < wake)
			wake = download_wake(parts[i]->download);
	return wake;
}

/* Until all have ended. */
static bool read_parts(struct part *const *parts, size_t n)
{
	for (;;) {
		size_t ended = 0;

		for (size_t i = 0; i < n; i++) {
			if (!read_part(parts[i]))
				return false;
			ended += parts[i]->ended;
		}
		if (ended == n)
			return true;
		fetcher_wait(fetcher, first_wake(parts, n));
	}
}

static int run_parallel(const struct fetch_request *request, uint64_t size, uint64_t n)
{
	uint64_t length = n > 0 ? size / n : 0;
	bool good = n > 0;

	for (uint64_t i = 0; good && i < n; i += FETCHER_FETCHES_MAX) {
		struct part four[FETCHER_FETCHES_MAX];
		struct part *parts[FETCHER_FETCHES_MAX];
		size_t k = 0;

		for (; good && k < FETCHER_FETCHES_MAX && i + k < n; k++) {
			uint64_t first = (i + k) * length;

			good = begin_part(&four[k], request, first,
					  i + k == n - 1 ? size - first : length);
			parts[k] = &four[k];
		}
		good = good && read_parts(parts, k);
		while (k > 0)
			download_free(four[--k].download);
	}
	return good ? 0 : 1;
}

/* The first half is begun and then left alone, until the second, in 256 ranges, has come. */
static int run_lopsided(const struct fetch_request *request, uint64_t size)
{
	struct part held, part;
	struct part *first = &held, *other = &part;
	uint64_t step = size / 512;
	bool good = begin_part(&held, request, 0, size / 2) && read_part(&held);

	for (uint64_t at = size / 2; good && at < size; at += step) {
		good = begin_part(&part, request, at, step < size - at ? step : size - at) &&
		       read_parts(&other, 1);
		download_free(part.download);
	}
	good = good && read_parts(&first, 1);
	download_free(held.download);
	return good ? 0 : 1;
}

/* ---- a helper that was taken over ---- */

static unsigned int escapes;

static void expect(const char *what, bool failed)
{
	(void)fprintf(stderr, "%s: %s\n", what, failed ? "no" : "YES");
	if (!failed)
		escapes++;
}

static bool cannot_open(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC, 0600) < 0;
}

static bool cannot_connect(int type, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0;
}

static bool cannot_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 || listen(fd, 1) < 0;
}

static void try_processes(void)
{
	char program[] = "/bin/true";
	char *const argv[] = { program, NULL };
	char memory[64];

	(void)snprintf(memory, sizeof(memory), "/proc/%d/mem", getppid());
	expect("signal the parent", kill(getppid(), 0) < 0);
	expect("signal all", kill(-1, 0) < 0);
	expect("make the kernel signal the parent", fcntl(0, F_SETOWN, getppid()) < 0);
	expect("trace the parent", ptrace(PTRACE_SEIZE, getppid(), 0, 0) < 0);
	expect("open the parent's memory", cannot_open(memory, O_RDWR));
	expect("run a program", execv(argv[0], argv) < 0);
	expect("fork", fork() < 0);
	expect("become root", setuid(0) < 0 && setresuid(0, 0, 0) < 0);
	expect("make a namespace", unshare(CLONE_NEWUSER) < 0);
}

static void try_files(const char *key)
{
	expect("open /etc/shadow", cannot_open("/etc/shadow", O_RDONLY));
	expect("open a key", cannot_open(key, O_RDONLY));
	expect("open a slot", cannot_open("/var/lib", O_RDONLY | O_DIRECTORY));
	expect("open /etc/passwd", cannot_open("/etc/passwd", O_RDONLY));
	expect("open /proc/self/maps", cannot_open("/proc/self/maps", O_RDONLY));
	expect("make a file", cannot_open("/tmp/flipslot-escaped", O_WRONLY | O_CREAT));
	expect("make a directory", mkdir("/tmp/flipslot-escaped", 0700) < 0);
	expect("remove a file", unlink(key) < 0);
	expect("chmod", chmod(key, 0666) < 0);
}

static int run_confined(const char *key)
{
	struct fetch_confine_options options = { .user = settings.user, .file_root_fd = -1 };
	char text[FETCH_CONFINE_TEXT_MAX];
	bool was_root = geteuid() == 0;
	struct error err = {};

	if (fetch_confine(&options, text, &err) < 0)
		return fail(&err);
	(void)fprintf(stderr, "confined: %s\n", text);
	try_processes();
	try_files(key);
	expect("listen", cannot_listen());
	expect("a raw socket", socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1) < 0);
	expect("a packet socket", socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) < 0);
	expect("a local datagram", cannot_connect(SOCK_DGRAM, "/run/systemd/notify"));
	if (!was_root)
		expect("a local stream", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0);
	(void)fprintf(stderr, "%u escapes\n", escapes);
	return escapes > 0;
}

/* ---- words ---- */

static int run(const char *verb, int n, char **words)
{
	struct fetch_request request = { .url = words[0], .cap = cap };
	uint64_t first = n > 1 ? strtoull(words[1], NULL, 10) : 0;
	uint64_t second = n > 2 ? strtoull(words[2], NULL, 10) : 0;

	request.deadline = deadline == USEC_INFINITY ? deadline : clock_monotonic_usec() + deadline;
	if (strcmp(verb, "parallel") == 0)
		return run_parallel(&request, first, second);
	if (strcmp(verb, "lopsided") == 0)
		return run_lopsided(&request, first);
	request.range_first = first;
	request.range_length = second;
	return strcmp(verb, "fetch") == 0 ? run_fetch(&request) : run_download(&request);
}

int main(int argc, char **argv)
{
	struct error err = {};
	struct rusage usage;
	int at = 2;
	int status;

	if (argc == 2 && strcmp(argv[1], "fetch-helper") == 0)
		return fetch_helper_main();
	(void)signal(SIGPIPE, SIG_IGN);
	fetch_settings_init(&settings);
	policy = retry_default;
	policy.first_usec = 100000;
	while (at < argc && set(argv[at]))
		at++;
	if (at >= argc)
		return 2;
	if (strcmp(argv[1], "confined") == 0)
		return run_confined(argv[at]);
	if (fetcher_new(helper, &settings, &fetcher, &err) < 0)
		return fail(&err);
	status = run(argv[1], argc - at, argv + at);
	fetcher_free(fetcher);
	if (getrusage(RUSAGE_CHILDREN, &usage) == 0 && getenv("DRIVER_USAGE"))
		(void)fprintf(stderr, "helper: %ld KiB, %ld ms\n", usage.ru_maxrss,
			      usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
				      usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000);
	return status;
}
