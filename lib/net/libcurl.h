/*
 * The HTTP client's library, loaded when a request is to be made and not before: it brings thirty libraries along, and loading
 * them takes longer than scoring a small file.
 */
#ifndef MLOPS_NET_LIBCURL_H
#define MLOPS_NET_LIBCURL_H

#include "base/error.h"

/* Its macros that check types know only calls by name. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* Every function that is called. */
#define MLOPS_LIBCURL_FUNCTIONS(use) \
	use(curl_easy_cleanup) use(curl_easy_getinfo) use(curl_easy_init) use(curl_easy_perform) use(curl_easy_reset) \
		use(curl_easy_setopt) use(curl_easy_strerror) use(curl_global_cleanup) use(curl_global_init) \
			use(curl_slist_append) use(curl_slist_free_all)

#define MLOPS_LIBCURL_MEMBER(name) __typeof__(&name) name;

struct mlops_libcurl {
	MLOPS_LIBCURL_FUNCTIONS(MLOPS_LIBCURL_MEMBER)
};

/* It stays loaded.  MLOPS_CONFIG where it is not installed. */
bool mlops_libcurl_load(struct mlops_libcurl *libcurl, struct mlops_error *error);

#endif
