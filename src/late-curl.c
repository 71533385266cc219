/* libcurl's functions that the program calls; src/late.h says why. */
#include <curl/curl.h>
#include <stdarg.h>

#include "late.h"

#define OPTION_KIND 10000 /* CURLOPTTYPE_…: what an option's argument is */

static struct late library = { .name = LATE_CURL };

LATE(CURLcode, curl_global_init, (long flags), flags)
LATE(void, curl_free, (void *p), p)

LATE(CURL *, curl_easy_init, (void))
LATE(void, curl_easy_cleanup, (CURL * easy), easy)
LATE(CURLcode, curl_easy_perform, (CURL * easy), easy)
LATE(CURLcode, curl_easy_pause, (CURL * easy, int mask), easy, mask)
LATE(const char *, curl_easy_strerror, (CURLcode code), code)

LATE(CURLM *, curl_multi_init, (void))
LATE(CURLMcode, curl_multi_cleanup, (CURLM * multi), multi)
LATE(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy), multi, easy)
LATE(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *easy), multi, easy)
LATE(CURLMcode, curl_multi_perform, (CURLM * multi, int *ret_running), multi, ret_running)
LATE(CURLMcode, curl_multi_poll,
     (CURLM * multi, struct curl_waitfd *more, unsigned int n, int msec, int *ret_n), multi, more,
     n, msec, ret_n)
LATE(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *ret_left), multi, ret_left)

LATE(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *text), list,
     text)
LATE(void, curl_slist_free_all, (struct curl_slist * list), list)

LATE(CURLU *, curl_url, (void))
LATE(CURLUcode, curl_url_get, (CURLU * url, CURLUPart what, char **ret, unsigned int flags), url,
     what, ret, flags)
LATE(void, curl_url_cleanup, (CURLU * url), url)
LATE(CURLUcode, curl_url_set, (CURLU * url, CURLUPart what, const char *text, unsigned int flags),
     url, what, text, flags)

/* What is set is of the kind that the option has: a long, a curl_off_t, or a pointer. */
#define KIND_OF(option) ((option) / OPTION_KIND * OPTION_KIND)
#define LATE_SETTER(type, name, handle_type, option_type)                            \
	LATE_OWN(type, name, (handle_type * handle, option_type option, ...))        \
	{                                                                            \
		va_list value;                                                       \
		type code;                                                           \
                                                                                     \
		LATE_FIND(name);                                                     \
		va_start(value, option);                                             \
		code = KIND_OF(option) == CURLOPTTYPE_LONG ?                         \
			       function(handle, option, va_arg(value, long)) :       \
		       KIND_OF(option) == CURLOPTTYPE_OFF_T ?                        \
			       function(handle, option, va_arg(value, curl_off_t)) : \
			       function(handle, option, va_arg(value, void *));      \
		va_end(value);                                                       \
		return code;                                                         \
	}

LATE_SETTER(CURLcode, curl_easy_setopt, CURL, CURLoption)
LATE_SETTER(CURLMcode, curl_multi_setopt, CURLM, CURLMoption)

LATE_OWN(CURLcode, curl_easy_getinfo, (CURL * easy, CURLINFO info, ...))
{
	va_list arguments;
	CURLcode code;

	LATE_FIND(curl_easy_getinfo);
	va_start(arguments, info);
	code = function(easy, info, va_arg(arguments, void *)); /* all of them are pointers */
	va_end(arguments);
	return code;
}
