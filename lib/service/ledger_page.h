/*
 * What the registry's ledger says, as part of the service's own /metrics: read anew after a few seconds at the earliest, so
 * that scraping costs next to nothing however often it happens.  A registry that can't be read makes no request fail: its
 * part is left out, and one metric says so.
 */
#ifndef MLOPS_SERVICE_LEDGER_PAGE_H
#define MLOPS_SERVICE_LEDGER_PAGE_H

#include "service/served.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct mlops_ledger_page {
	pthread_mutex_t lock;
	struct mlops_buffer text;
	bool readable;
	int64_t next; /* when the ledger is to be read again, microseconds since 1970 */
};

void mlops_ledger_page_init(struct mlops_ledger_page *page);
void mlops_ledger_page_release(struct mlops_ledger_page *page);

/* Appends mlops_build_info and mlops_service_registry_readable in any case.  Any thread may call it. */
void mlops_ledger_page_write(struct mlops_ledger_page *page, const struct mlops_served_options *registry,
			     const char *program_version, int64_t now, struct mlops_buffer *out);

#endif
