/*
 * `unit.before`:
 *
 *     flipslot-unit 1 TRANSACTION\n
 *     KIND MODE SIZE PATH\n		for each file, at most FILES_MAX; f: a file, l: a link; MODE decimal
 *     BYTES\n				SIZE of them: what is in the file, where the link leads
 */
#include "deploy/imprint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/text.h"
#include "store/durable.h"
#include "store/layout.h"
#include "unit/unitfile.h"

#define MAGIC	  "flipslot-unit 1 "
#define SIZE_MAX_ (1024 * 1024) /* of unit.before */
#define FILES_MAX 64
#define ASIDE	  ".flipslot-aside"
#define NEWS_MAX  3 /* that what was put back gives another chance */

/* A file as it was, or as it is. */
struct piece {
	const char *path;
	char kind; /* 'f', 'l'; 0: there is none */
	mode_t mode;
	size_t size;
	const char *bytes;
};

/* ---- looking ---- */

/* *ret_bytes is the caller's. */
static void look(const char *path, struct piece *ret, char **ret_bytes)
{
	struct stat st;
	ssize_t size;

	*ret = (struct piece){ .path = path };
	if (lstat(path, &st) < 0)
		return;
	ret->mode = st.st_mode & 07777;
	if (S_ISREG(st.st_mode) &&
	    fd_read_file(AT_FDCWD, path, UNITFILE_MAX, ret_bytes, &ret->size, NULL) == 0)
		ret->kind = 'f';
	if (S_ISLNK(st.st_mode) && (*ret_bytes = calloc(1, PATH_MAX))) {
		size = readlink(path, *ret_bytes, PATH_MAX - 1);
		ret->kind = size > 0 ? 'l' : 0;
		ret->size = size > 0 ? (size_t)size : 0;
	}
	ret->bytes = *ret_bytes;
}

static bool is_same(const struct piece *a, const struct piece *b)
{
	return a->kind == b->kind && a->size == b->size &&
	       (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

/* ---- keeping ---- */

static void add(struct text *text, const char *path)
{
	_cleanup_free_ char *bytes = NULL;
	struct piece piece;

	look(path, &piece, &bytes);
	if (piece.kind == 0 || strchr(path, '\n'))
		return;
	text_add(text, "%c %u %zu %s\n", piece.kind, piece.mode, piece.size, path);
	text_add_bytes(text, piece.bytes, piece.size);
	text_add(text, "\n");
}

void imprint_take(struct session *session, const struct unit *unit)
{
	_cleanup_text_ struct text text = {};
	struct error why = {};
	int r;

	if (unit->is_owned)
		return;
	text_add(&text, MAGIC "%s\n", session->state.transaction.id);
	if (unit->fragment_path[0] == '/')
		add(&text, unit->fragment_path);
	for (size_t i = 0; i < FILES_MAX - 1 && unit->drop_in_paths[i]; i++)
		add(&text, unit->drop_in_paths[i]);
	r = text_check(&text, &why);
	if (r == 0 && text.size > SIZE_MAX_)
		r = error_set(&why, FAULT_CONFIG, "they are too long");
	if (r == 0)
		r = durable_replace(session->dirfd, LAYOUT_UNIT_BEFORE, text.data, text.size, 0600,
				    &why);
	if (r < 0)
		session_tell(session, EVENT_NOTE, why.fault,
			     "the files of %s are not kept for a rollback: %s", unit->name,
			     why.text);
}

/* ---- reading what was kept ---- */

struct kept {
	struct piece pieces[FILES_MAX];
	size_t n;
};

struct reader {
	char *at, *end;
};

static bool take_line(struct reader *reader, char **ret_line)
{
	char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));

	if (!newline)
		return false;
	*newline = '\0';
	*ret_line = reader->at;
	reader->at = newline + 1;
	return true;
}

/* "KIND MODE SIZE PATH" */
static bool understand(char *line, struct piece *ret)
{
	const char *kind = strsep(&line, " ");
	const char *mode = strsep(&line, " ");
	const char *size = strsep(&line, " ");
	uint64_t bits, bytes;

	if (!line || line[0] != '/' || (strcmp(kind, "f") != 0 && strcmp(kind, "l") != 0) ||
	    parse_u64(mode, 0, 07777, &bits, NULL) < 0 ||
	    parse_u64(size, 0, SIZE_MAX_, &bytes, NULL) < 0)
		return false;
	*ret = (struct piece){ .path = line, .kind = kind[0], .mode = (mode_t)bits, .size = bytes };
	return true;
}

/* False at the end, or where it is none of ours any more. */
static bool take_piece(struct reader *reader, struct piece *ret)
{
	char *line;

	if (!take_line(reader, &line) || !understand(line, ret) ||
	    ret->size >= (size_t)(reader->end - reader->at) || reader->at[ret->size] != '\n')
		return false;
	ret->bytes = reader->at;
	reader->at += ret->size;
	*reader->at++ = '\0';
	return true;
}

/* Of this transaction; what is in *ret points into *ret_bytes, which is the caller's. */
static void open_kept(struct session *session, struct kept *ret, char **ret_bytes)
{
	char head[sizeof(MAGIC) + STATE_ID_MAX + 1];
	struct reader reader;
	size_t size = 0;

	ret->n = 0;
	(void)snprintf(head, sizeof(head), MAGIC "%s\n", session->state.transaction.id);
	if (fd_read_file(session->dirfd, LAYOUT_UNIT_BEFORE, SIZE_MAX_, ret_bytes, &size, NULL) !=
		    0 ||
	    size < strlen(head) || memcmp(*ret_bytes, head, strlen(head)) != 0)
		return;
	reader = (struct reader){ *ret_bytes + strlen(head), *ret_bytes + size };
	while (ret->n < FILES_MAX && take_piece(&reader, &ret->pieces[ret->n]))
		ret->n++;
}

/* ---- putting back ---- */

/* What was put back, or aside. */
struct work {
	struct session *session;
	unsigned int n;
	char names[STATE_REASON_MAX / 3];
};

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* The folder that holds it, made anew if it is gone: of a unit's drop-ins. */
static int open_folder(const char *path, int *ret_fd, struct error *err)
{
	char folder[PATH_MAX];
	_cleanup_close_ int above = -1;
	char *slash;
	int r;

	(void)text_copy(path, folder, sizeof(folder));
	*strrchr(folder, '/') = '\0';
	if (access(folder, F_OK) == 0 || !(slash = strrchr(folder, '/')) || slash == folder)
		return fd_open_dir(AT_FDCWD, folder, ret_fd, err);
	*slash = '\0';
	r = fd_open_dir(AT_FDCWD, folder, &above, err);
	if (r == 0)
		r = durable_mkdir(above, slash + 1, 0755, err);
	return r < 0 ? r : fd_open_dir(above, slash + 1, ret_fd, err);
}

/* What is there now, if there is room; not a link. */
static void keep_aside(int dirfd, const struct piece *now)
{
	char name[NAME_MAX + sizeof(ASIDE)];

	if (now->kind != 'f')
		return;
	(void)snprintf(name, sizeof(name), "%.*s" ASIDE, NAME_MAX - (int)sizeof(ASIDE),
		       name_of(now->path));
	(void)durable_replace(dirfd, name, now->bytes, now->size, now->mode, NULL);
}

static int put(int dirfd, const struct piece *before, struct error *err)
{
	const char *name = name_of(before->path);

	return before->kind == 'l' ? durable_symlink(dirfd, before->bytes, name, err) :
	       before->kind == 'f' ? durable_replace(dirfd, name, before->bytes, before->size,
						     before->mode, err) :
				     durable_remove(dirfd, name, err);
}

/* Makes it what it was before; kind 0: it was not there. */
static void settle(struct work *work, const struct piece *before)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int dirfd = -1;
	struct error why = {};
	struct piece now;
	int r;

	look(before->path, &now, &bytes);
	if (is_same(before, &now))
		return;
	r = open_folder(before->path, &dirfd, &why);
	if (r == 0)
		keep_aside(dirfd, &now);
	if (r == 0)
		r = put(dirfd, before, &why);
	if (r == 0)
		text_append(work->names, sizeof(work->names), "%s%s", work->n++ > 0 ? ", " : "",
			    name_of(before->path));
	session_tell(work->session, EVENT_WARNING, r < 0 ? why.fault : FAULT_UNIT,
		     r < 0 ? "%s has changed since the switch, and could not be put back: %s" :
			     "%s has changed since the switch, and was put back as it was%s",
		     before->path, why.text);
}

/* Is it in a folder where units are written by people and programs, and of this unit alone? */
static bool may_be_put_aside(const struct unit *unit, const char *path)
{
	char own[PATH_MAX];
	size_t size = strlen(scope_dir(SCOPE_UNITS));

	if (strncmp(path, scope_dir(SCOPE_UNITS), size) != 0 || path[size] != '/')
		return false;
	(void)snprintf(own, sizeof(own), "%s.d/", unit->name);
	path += size + 1;
	return strcmp(path, unit->name) == 0 || strncmp(path, own, strlen(own)) == 0;
}

static bool was_there(const struct kept *kept, const char *path)
{
	for (size_t i = 0; i < kept->n; i++)
		if (strcmp(kept->pieces[i].path, path) == 0)
			return true;
	return false;
}

/* What systemd has read since, and was not there before. */
static void settle_new(struct work *work, const struct kept *kept)
{
	_cleanup_unit_ struct unit unit = {};

	if (session_query(work->session, &unit, NULL) < 0)
		return;
	for (char **path = unit.drop_in_paths; *path; path++)
		if (!was_there(kept, *path) && may_be_put_aside(&unit, *path))
			settle(work, &(struct piece){ .path = *path });
	if (!was_there(kept, unit.fragment_path) && may_be_put_aside(&unit, unit.fragment_path))
		settle(work, &(struct piece){ .path = unit.fragment_path });
}

static void reload(struct session *session)
{
	struct manager *manager;
	struct error why = {};

	if (session_manager(session, &manager, &why) < 0 || manager_reload(manager, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault, "systemd has not read it: %s",
			     why.text);
}

bool imprint_restore(struct session *session)
{
	struct state_transaction *transaction = &session->state.transaction;
	struct work work = { .session = session };
	_cleanup_free_ char *bytes = NULL;
	struct kept kept;
	unsigned int listed;

	if (session->options->user)
		return false;
	open_kept(session, &kept, &bytes);
	for (size_t i = 0; i < kept.n; i++)
		settle(&work, &kept.pieces[i]);
	listed = work.n;
	if (listed > 0)
		reload(session);
	if (kept.n > 0)
		settle_new(&work, &kept);
	if (work.n > listed)
		reload(session);
	if (work.n == 0)
		return false;
	if (session->imprinted++ == 0)
		text_append(transaction->reason, sizeof(transaction->reason),
			    "; %s had changed, and was put back as before the switch", work.names);
	(void)session_store(session, NULL);
	return session->imprinted <= NEWS_MAX;
}
