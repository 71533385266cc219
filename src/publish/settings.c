#include "publish/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/ini.h"
#include "base/parse.h"
#include "base/text.h"
#include "store/durable.h"

#define FILE_NAME "config"
#define LEAST	  (60 * USEC_PER_SEC)
#define MOST	  (36525 * USEC_PER_DAY) /* a hundred years */

static const char *const role_keys[ROOT_ROLE_MAX] = {
	[ROOT_ROLE_ROOT] = "Root",
	[ROOT_ROLE_TIMESTAMP] = "Timestamp",
	[ROOT_ROLE_SNAPSHOT] = "Snapshot",
	[ROOT_ROLE_TARGETS] = "Targets",
};

void settings_init(struct settings *ret_settings)
{
	*ret_settings = (struct settings){};
	ret_settings->expires[ROOT_ROLE_ROOT] = 365 * USEC_PER_DAY;
	ret_settings->expires[ROOT_ROLE_TARGETS] = 90 * USEC_PER_DAY;
	ret_settings->expires[ROOT_ROLE_SNAPSHOT] = 30 * USEC_PER_DAY;
	ret_settings->expires[ROOT_ROLE_TIMESTAMP] = 7 * USEC_PER_DAY;
}

void settings_done(struct settings *settings)
{
	for (size_t i = 0; i < settings->n_keys; i++)
		free(settings->keys[i].name);
	free(settings->keys);
	*settings = (struct settings){};
}

static struct settings_key *find(const struct settings *settings, const char *keyid)
{
	for (size_t i = 0; i < settings->n_keys; i++)
		if (strncmp(settings->keys[i].id, keyid, SETTINGS_ID_SIZE) == 0)
			return &settings->keys[i];
	return NULL;
}

const char *settings_find_key(const struct settings *settings, const char *keyid)
{
	const struct settings_key *key = find(settings, keyid);

	return key ? key->name : NULL;
}

int settings_add_key(struct settings *settings, const char *keyid, const char *name,
		     struct error *err)
{
	struct settings_key *key = find(settings, keyid);
	_cleanup_free_ char *copy = strdup(name);

	if (!copy)
		return error_errno(err, "remembering a key");
	if (!key) {
		key = reallocarray(settings->keys, settings->n_keys + 1, sizeof(*key));
		if (!key)
			return error_errno(err, "remembering a key");
		settings->keys = key;
		key += settings->n_keys++;
		*key = (struct settings_key){};
		(void)text_copy(keyid, key->id, sizeof(key->id));
	}
	free(key->name);
	key->name = TAKE_PTR(copy);
	return 0;
}

/* ---- reading ---- */

static int take_expires(struct settings *settings, const char *key, const char *value,
			struct error *err)
{
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		int r;

		if (strcmp(role_keys[role], key) != 0)
			continue;
		r = parse_span(value, &settings->expires[role], err);
		if (r < 0)
			return r;
		if (settings->expires[role] >= LEAST && settings->expires[role] <= MOST)
			return 0;
		return error_set(err, FAULT_CONFIG, "%s= must be from 1min to 100 years", key);
	}
	return error_set(err, FAULT_CONFIG, "there is no key %s= in [Expires]", key);
}

static int take_key(struct settings *settings, const char *key, const char *value,
		    struct error *err)
{
	if (strlen(key) != SETTINGS_ID_SIZE ||
	    strspn(key, "0123456789abcdef") != SETTINGS_ID_SIZE || value[0] == '\0')
		return error_set(err, FAULT_CONFIG,
				 "a line of [Keys] is %d digits of a key id = a file",
				 SETTINGS_ID_SIZE);
	return settings_add_key(settings, key, value, err);
}

static int on_line(void *data, const char *section, const char *key, const char *value,
		   const char *where, struct error *err)
{
	if (strcmp(section, "Expires") == 0)
		return take_expires(data, key, value, err);
	if (strcmp(section, "Keys") == 0)
		return take_key(data, key, value, err);
	return error_set(err, FAULT_CONFIG, "there is no section [%s]", section);
}

int settings_load(int dirfd, struct settings *ret_settings, struct error *err)
{
	_cleanup_(settings_done) struct settings settings;
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	settings_init(&settings);
	r = fd_read_file(dirfd, FILE_NAME, INI_FILE_MAX, &text, &size, err);
	if (r == FD_ABSENT)
		return error_set(err, FAULT_CONFIG, "there is no .flipslot-repo/" FILE_NAME);
	if (r == 0)
		r = ini_parse_text(".flipslot-repo/" FILE_NAME, text, size, on_line, &settings,
				   err);
	if (r < 0)
		return r;
	*ret_settings = settings;
	settings = (struct settings){};
	return 0;
}

/* ---- writing ---- */

int settings_save(int dirfd, const struct settings *settings, struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r;

	text_add(&text, "# The publisher's side: flipslot's docs/PUBLISHING.md\n\n[Expires]\n");
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		text_add(&text, "%s=%llus\n", role_keys[role],
			 settings->expires[role] / USEC_PER_SEC);
	text_add(&text, "\n[Keys]\n");
	for (size_t i = 0; i < settings->n_keys; i++)
		text_add(&text, "%s=%s\n", settings->keys[i].id, settings->keys[i].name);
	r = text_check(&text, err);
	return r < 0 ? r : durable_replace(dirfd, FILE_NAME, text.data, text.size, 0644, err);
}
