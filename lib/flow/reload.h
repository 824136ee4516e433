/*
 * Telling a running service to load what the registry names, until it says that it has.
 */
#ifndef MLOPS_FLOW_RELOAD_H
#define MLOPS_FLOW_RELOAD_H

#include "net/http_client.h"
#include "registry/store.h"

struct mlops_reload_request {
	const char *url;     /* of the service: http://127.0.0.1:8080 */
	const char *token;   /* SYSTEM_ADMIN_TOKEN, or NULL */
	const char *ca_file; /* of a private authority, or NULL */
	double timeout;      /* seconds for all attempts together */
	const struct mlops_version_list *versions; /* of the registry: the champions among them are what is waited for */
	int64_t (*now)(void);                      /* microseconds since 1970 */
};

struct mlops_reload_result {
	struct mlops_error error;   /* MLOPS_OK: it serves what the registry names */
	unsigned attempts;
	int64_t started, duration;  /* microseconds */
	struct mlops_buffer models; /* JSON: [{"name":…,"version":…},…] of the last answer, else empty */
};

/*
 * POST URL/models/reload, then looks whether every model of the answer that has a champion in the registry is served in that version.
 * What may pass by itself (no answer, 5xx, a reload that is going on, another version) is tried again, after 0.1
 * seconds, then twice as long each time up to 2, as long as the timeout allows.  Otherwise error is MLOPS_DENIED
 * (token), MLOPS_NEGATIVE (the service refuses a version, or keeps another one), MLOPS_UNAVAILABLE, MLOPS_DATA (the answer
 * is none of a service's) or as mlops_http_client_send has it.  Release the result.
 */
void mlops_flow_reload(struct mlops_http_client *client, const struct mlops_reload_request *request,
		       struct mlops_reload_result *result);
void mlops_reload_result_release(struct mlops_reload_result *result);

#endif
