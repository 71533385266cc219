#include "transfer/fetch-landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Of linux/landlock.h, which in older systems lacks what younger kernels know. */
#define CREATE_RULESET_VERSION (1U << 0)
#define RULE_PATH_BENEATH      1
#define FS_READ_FILE	       (1ULL << 2)
#define FS_READ_DIR	       (1ULL << 3)
#define FS_ABI_1	       ((1ULL << 13) - 1)
#define FS_ABI_2	       (1ULL << 13) /* refer */
#define FS_ABI_3	       (1ULL << 14) /* truncate */
#define FS_ABI_5	       (1ULL << 15) /* ioctl on devices */
#define NET_BIND_TCP	       (1ULL << 0)
#define SCOPE_ABSTRACT_SOCKET  (1ULL << 0)
#define SCOPE_SIGNAL	       (1ULL << 1)

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#define SYS_landlock_restrict_self  446
#endif

struct ruleset_attributes {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped; /* ABI 6 */
};

struct path_beneath {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/*
 * What OpenSSL, glibc's name look-up and its plug-ins read. A single file that is replaced (as
 * resolv.conf may be) is not seen again: a new helper sees it.
 */
static const char *const seen[] = {
	/* certificates and OpenSSL's configuration */
	"/etc/ssl/certs",
	"/etc/ssl/cert.pem",
	"/etc/ssl/openssl.cnf",
	"/etc/pki/tls/certs",
	"/etc/pki/ca-trust/extracted",
	"/etc/ca-certificates/extracted",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/var/lib/ca-certificates",
	/* names of hosts */
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/services",
	"/run/systemd/resolve",
	"/run/resolvconf",
	"/run/NetworkManager/resolv.conf",
	"/run/nscd",
	/* plug-ins */
	"/etc/ld.so.cache",
	"/lib",
	"/lib64",
	"/usr/lib",
	"/usr/lib64",
};

static int get_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static int create(int abi, int *ret_ruleset, struct error *err)
{
	struct ruleset_attributes attributes = { .handled_access_fs = FS_ABI_1 };
	size_t size = sizeof(attributes.handled_access_fs);
	long fd;

	attributes.handled_access_fs |= (abi >= 2 ? FS_ABI_2 : 0) | (abi >= 3 ? FS_ABI_3 : 0) |
					(abi >= 5 ? FS_ABI_5 : 0);
	if (abi >= 4) {
		attributes.handled_access_net = NET_BIND_TCP;
		size = offsetof(struct ruleset_attributes, scoped);
	}
	if (abi >= 6) {
		attributes.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
		size = sizeof(attributes);
	}
	fd = syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
	if (fd < 0)
		return error_errno(err, "making a Landlock ruleset");
	*ret_ruleset = (int)fd;
	return 0;
}

static int allow(int ruleset, int fd, struct error *err)
{
	struct path_beneath rule = { .allowed_access = FS_READ_FILE, .parent_fd = fd };
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed_access |= FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
		return error_errno(err, "adding a Landlock rule");
	return 0;
}

/* Links are followed: /etc/resolv.conf and /lib often are links. What is not there is not needed. */
static int allow_path(int ruleset, const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? 0 : allow(ruleset, fd, err);
}

int fetch_landlock_prepare(int file_root_fd, int *ret_ruleset, int *ret_abi, struct error *err)
{
	_cleanup_close_ int ruleset = -1;
	int abi = get_abi();
	int r = 0;

	if (abi > 0)
		r = create(abi, &ruleset, err);
	for (size_t i = 0; r == 0 && abi > 0 && i < ARRAY_SIZE(seen); i++)
		r = allow_path(ruleset, seen[i], err);
	if (r == 0 && abi > 0 && file_root_fd >= 0)
		r = allow(ruleset, file_root_fd, err);
	if (r < 0)
		return r;
	*ret_abi = abi;
	if (abi > 0)
		*ret_ruleset = TAKE_FD(ruleset);
	return 0;
}

int fetch_landlock_enforce(int ruleset, struct error *err)
{
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return error_errno(err, "entering Landlock");
	return 0;
}
