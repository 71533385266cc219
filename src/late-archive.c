/* libarchive's functions that the program calls; src/late.h says why. */
#include <archive.h>
#include <archive_entry.h>
#include <stdarg.h>
#include <stdio.h>

#include "late.h"

static struct late library = { .name = LATE_ARCHIVE };

#define OF_ARCHIVE(name) LATE(int, name, (struct archive * archive), archive)

LATE(struct archive *, archive_read_new, (void))
OF_ARCHIVE(archive_read_free)
OF_ARCHIVE(archive_read_open1)
OF_ARCHIVE(archive_read_support_filter_bzip2)
OF_ARCHIVE(archive_read_support_filter_gzip)
OF_ARCHIVE(archive_read_support_filter_xz)
OF_ARCHIVE(archive_read_support_filter_zstd)
OF_ARCHIVE(archive_read_support_format_raw)
OF_ARCHIVE(archive_read_support_format_tar)
OF_ARCHIVE(archive_read_support_format_zip_seekable)
LATE(int, archive_read_open,
     (struct archive * archive, void *data, archive_open_callback *open,
      archive_read_callback *read, archive_close_callback *close),
     archive, data, open, read, close)
LATE(int, archive_read_set_callback_data, (struct archive * archive, void *data), archive, data)
LATE(int, archive_read_set_read_callback, (struct archive * archive, archive_read_callback *read),
     archive, read)
LATE(int, archive_read_set_seek_callback, (struct archive * archive, archive_seek_callback *seek),
     archive, seek)
LATE(int, archive_read_set_skip_callback, (struct archive * archive, archive_skip_callback *skip),
     archive, skip)
LATE(int, archive_read_next_header, (struct archive * archive, struct archive_entry **ret_entry),
     archive, ret_entry)
LATE(la_int64_t, archive_read_header_position, (struct archive * archive), archive)
LATE(int, archive_read_data_block,
     (struct archive * archive, const void **ret_data, size_t *ret_size, la_int64_t *ret_offset),
     archive, ret_data, ret_size, ret_offset)

LATE(struct archive *, archive_write_new, (void))
OF_ARCHIVE(archive_write_close)
OF_ARCHIVE(archive_write_free)
OF_ARCHIVE(archive_write_set_format_pax_restricted)
LATE(int, archive_write_open,
     (struct archive * archive, void *data, archive_open_callback *open,
      archive_write_callback *write, archive_close_callback *close),
     archive, data, open, write, close)
LATE(int, archive_write_header, (struct archive * archive, struct archive_entry *entry), archive,
     entry)
LATE(la_ssize_t, archive_write_data, (struct archive * archive, const void *data, size_t size),
     archive, data, size)

OF_ARCHIVE(archive_errno)
LATE(const char *, archive_format_name, (struct archive * archive), archive)
OF_ARCHIVE(archive_filter_count)
LATE(const char *, archive_error_string, (struct archive * archive), archive)
LATE(la_int64_t, archive_filter_bytes, (struct archive * archive, int n), archive, n)

LATE_OWN(__attribute__((format(printf, 3, 4))) void, archive_set_error,
	 (struct archive * archive, int number, const char *format, ...))
{
	char text[256];
	va_list arguments;

	LATE_FIND(archive_set_error);

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	function(archive, number, "%s", text);
}

#define ENTRY_SAYS(type, name) LATE(type, name, (struct archive_entry * entry), entry)
#define ENTRY_TAKES(name) \
	LATE(void, name, (struct archive_entry * entry, const char *text), entry, text)

LATE(struct archive_entry *, archive_entry_new, (void))
ENTRY_SAYS(void, archive_entry_free)
ENTRY_SAYS(struct archive_entry *, archive_entry_clear)
ENTRY_SAYS(mode_t, archive_entry_filetype)
ENTRY_SAYS(mode_t, archive_entry_perm)
ENTRY_SAYS(const char *, archive_entry_hardlink)
ENTRY_SAYS(const char *, archive_entry_pathname)
ENTRY_SAYS(const char *, archive_entry_symlink)
ENTRY_SAYS(int, archive_entry_is_encrypted)
ENTRY_SAYS(int, archive_entry_size_is_set)
ENTRY_SAYS(int, archive_entry_xattr_reset)
ENTRY_SAYS(la_int64_t, archive_entry_size)
ENTRY_SAYS(time_t, archive_entry_mtime)
ENTRY_TAKES(archive_entry_copy_hardlink)
ENTRY_TAKES(archive_entry_copy_pathname)
ENTRY_TAKES(archive_entry_copy_symlink)
ENTRY_TAKES(archive_entry_set_gname)
ENTRY_TAKES(archive_entry_set_uname)
LATE(void, archive_entry_set_filetype, (struct archive_entry * entry, unsigned int type), entry,
     type)
LATE(void, archive_entry_set_perm, (struct archive_entry * entry, mode_t mode), entry, mode)
LATE(void, archive_entry_set_size, (struct archive_entry * entry, la_int64_t size), entry, size)
LATE(void, archive_entry_set_mtime, (struct archive_entry * entry, time_t seconds, long nsec),
     entry, seconds, nsec)
LATE(void, archive_entry_xattr_add_entry,
     (struct archive_entry * entry, const char *name, const void *value, size_t size), entry, name,
     value, size)
LATE(int, archive_entry_xattr_next,
     (struct archive_entry * entry, const char **ret_name, const void **ret_value,
      size_t *ret_size),
     entry, ret_name, ret_value, ret_size)
