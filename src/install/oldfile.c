#include "install/oldfile.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install/local.h"

struct oldfile {
	char *bytes;
	size_t size;
	size_t mapped; /* whole pages; 0: nothing is mapped */
};

/* What the handler may know: the one mapping that there is. */
static struct {
	char *begin;
	size_t size;
	size_t page;
	volatile sig_atomic_t torn;
	struct sigaction before;
} guard;

/* A page of zeroes for one that is not there. What is not ours dies of it as it would have. */
static void on_bus_error(int signal, siginfo_t *info, void *context)
{
	char *at = info->si_addr;

	(void)context;
	if (info->si_code > 0 && at >= guard.begin && at < guard.begin + guard.size) {
		char *page = guard.begin + (size_t)(at - guard.begin) / guard.page * guard.page;
		const void *zeroes = mmap(page, guard.page, PROT_READ,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		guard.torn = 1;
		if (zeroes == page)
			return;
	}
	(void)sigaction(signal, &guard.before, NULL);
	if (info->si_code <= 0)
		(void)raise(signal);
}

static int guard_begin(const struct oldfile *file, struct error *err)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };

	assert(!guard.begin);
	action.sa_sigaction = on_bus_error;
	guard.begin = file->bytes;
	guard.size = file->mapped;
	guard.torn = 0;
	if (sigaction(SIGBUS, &action, &guard.before) == 0)
		return 0;
	guard.begin = NULL;
	return error_errno(err, "watching over a mapped file");
}

static void guard_end(const struct oldfile *file)
{
	if (!file->mapped || guard.begin != file->bytes)
		return;
	(void)sigaction(SIGBUS, &guard.before, NULL);
	guard.begin = NULL;
}

void oldfile_free(struct oldfile *file)
{
	if (!file)
		return;
	guard_end(file);
	if (file->mapped > 0)
		(void)munmap(file->bytes, file->mapped);
	free(file);
}

/* > 0: OLDFILE_TOO_LARGE. */
static int map(struct oldfile *file, int fd, uint64_t size, struct error *err)
{
	guard.page = (size_t)sysconf(_SC_PAGESIZE);
	if (size > SIZE_MAX / 2)
		return OLDFILE_TOO_LARGE;
	file->size = (size_t)size;
	if (size == 0)
		return 0;
	file->bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file->bytes == MAP_FAILED)
		return errno == ENOMEM ? OLDFILE_TOO_LARGE : error_errno(err, "mapping a file");
	file->mapped = (file->size + guard.page - 1) / guard.page * guard.page;
	return guard_begin(file, err);
}

int oldfile_new(int slot_fd, const struct index_entry *entry, struct oldfile **ret_file,
		const char **ret_why, struct error *err)
{
	_cleanup_(oldfile_freep) struct oldfile *file = calloc(1, sizeof(*file));
	struct stat st;
	_cleanup_close_ int fd = local_open(slot_fd, entry->path, &st);
	int r;

	if (!file)
		return error_code(err, -ENOMEM, "mapping a file");
	*ret_why = "cannot be opened";
	if (fd < 0)
		return OLDFILE_DIFFERS;
	*ret_why = "size differs";
	if ((uint64_t)st.st_size != entry->size)
		return OLDFILE_DIFFERS;
	r = map(file, fd, entry->size, err);
	if (r == 0)
		*ret_file = TAKE_PTR(file);
	return r;
}

const void *oldfile_bytes(const struct oldfile *file)
{
	return file->mapped > 0 ? file->bytes : "";
}

size_t oldfile_size(const struct oldfile *file)
{
	return file->size;
}

bool oldfile_is_whole(const struct oldfile *file)
{
	return file->mapped == 0 || !guard.torn;
}

int oldfile_verify(const struct oldfile *file, const struct index_entry *entry,
		   const char **ret_why, struct error *err)
{
	struct digest digest;
	int r = digest_of(oldfile_bytes(file), file->size, &digest, err);

	if (r < 0)
		return r;
	*ret_why = oldfile_is_whole(file) ? "content differs" : "cannot be read";
	return oldfile_is_whole(file) && digest_equal(&digest, &entry->digest) ? 0 :
										 OLDFILE_DIFFERS;
}
