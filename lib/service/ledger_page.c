#include "service/ledger_page.h"

#include "flow/ledger_metrics.h"
#include "metrics/exposition.h"
#include "mlflow/mlflow.h"

/* Microseconds.  A locked ledger keeps its reader, and who shares a thread with it, waiting for a second: not so often. */
#define READ_AGAIN  INT64_C(5000000)
#define TRY_AGAIN  INT64_C(15000000)
#define BUSY_SECONDS 1
#define SERVER_SECONDS 2 /* for a request to an MLflow server, of which a page needs one a model: not so often, either */

void mlops_ledger_page_init(struct mlops_ledger_page *page)
{
	*page = (struct mlops_ledger_page){ .next = INT64_MIN };
	pthread_mutex_init(&page->lock, NULL);
}

void mlops_ledger_page_release(struct mlops_ledger_page *page)
{
	pthread_mutex_destroy(&page->lock);
	mlops_buffer_release(&page->text);
}

static void read_ledger(struct mlops_ledger_page *page, const struct mlops_served_options *registry,
			const char *program_version, int64_t now)
{
	struct mlops_store_options options = { .location = registry->location, .busy_seconds = BUSY_SECONDS };
	struct mlops_tracking tracking;
	struct mlops_store *store;

	if (registry->tracking != NULL) {
		tracking = *registry->tracking;
		tracking.retries = 0;
		tracking.timeout = tracking.patience = SERVER_SECONDS;
		tracking.notice = NULL;
		options.tracking = &tracking;
	}
	store = mlops_store_open(&options, NULL);

	mlops_buffer_clear(&page->text);
	page->readable = store != NULL && mlops_flow_metrics(store, program_version, now, &page->text, NULL);
	mlops_store_close(store);
	page->next = now + (page->readable && registry->tracking == NULL ? READ_AGAIN : TRY_AGAIN);
}

void mlops_ledger_page_write(struct mlops_ledger_page *page, const struct mlops_served_options *registry,
			     const char *program_version, int64_t now, struct mlops_buffer *out)
{
	static const char readable[] = "mlops_service_registry_readable";
	struct mlops_label version = { "version", program_version };

	pthread_mutex_lock(&page->lock);
	/* a clock that was set back must not stop it */
	if (now >= page->next || page->next - now > TRY_AGAIN)
		read_ledger(page, registry, program_version, now);
	if (page->readable) {
		mlops_buffer_append(out, page->text.data, page->text.length);
	} else {
		mlops_exposition_family(out, "mlops_build_info", MLOPS_GAUGE, "The program's version.");
		mlops_exposition_sample(out, "mlops_build_info", &version, 1, 1);
	}
	mlops_exposition_family(out, readable, MLOPS_GAUGE, "0 if the registry's ledger can't be read.");
	mlops_exposition_sample(out, readable, NULL, 0, page->readable ? 1 : 0);
	pthread_mutex_unlock(&page->lock);
}
