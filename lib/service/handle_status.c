#include "service/routes.h"

#include "metrics/exposition.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

void mlops_handle_health(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			 struct mlops_http_answer *answer)
{
	(void)service;
	(void)request;
	(void)name;
	mlops_buffer_append_string(&answer->body, "ok\n");
}

void mlops_handle_ready(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			struct mlops_http_answer *answer)
{
	struct mlops_served_set *set = mlops_served_take(service->served);

	(void)request;
	(void)name;
	if (set->n > 0)
		mlops_buffer_append_string(&answer->body, "ready\n");
	else
		mlops_http_problem(answer, 503, "no model is loaded: the registry has no champion yet "
						"(mlops-registry promote, then mlops-reload)");
	mlops_served_drop(service->served, set);
}

void mlops_handle_openapi(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			  struct mlops_http_answer *answer)
{
	(void)request;
	(void)name;
	mlops_openapi_write(service->options.program_version, &answer->body);
}

enum { NAME, VERSION, KIND };

/* A family with a sample a model. */
static void write_models(const struct mlops_served_set *set, const char *family, enum mlops_metric_type type,
			 const char *help, size_t labels_used, double (*value)(struct mlops_served_model *model),
			 struct mlops_buffer *out)
{
	mlops_exposition_family(out, family, type, help);
	for (size_t i = 0; i < set->n; i++) {
		const struct mlops_version *version = &set->models[i]->version;
		char number[16];
		struct mlops_label labels[] = {
			[NAME] = { "model", version->name },
			[VERSION] = { "version", number },
			[KIND] = { "kind", version->kind },
		};

		snprintf(number, sizeof number, "%u", version->version);
		mlops_exposition_sample(out, family, labels, labels_used, value(set->models[i]));
	}
}

static double one(struct mlops_served_model *model)
{
	(void)model;
	return 1;
}

static double rows(struct mlops_served_model *model)
{
	return (double)atomic_load(&model->rows);
}

static double positives(struct mlops_served_model *model)
{
	return (double)atomic_load(&model->positives);
}

/* Anomaly scores and failure probabilities; forecasts, and more than two classes, have none. */
static void write_scores(const struct mlops_served_set *set, struct mlops_buffer *out)
{
	static const char *const ends[MLOPS_SCORE_TENTHS] = { "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "+Inf" };

	mlops_exposition_family(out, "mlops_service_score", MLOPS_HISTOGRAM,
				"Anomaly scores or failure probabilities answered by the version that is loaded.");
	for (size_t i = 0; i < set->n; i++) {
		struct mlops_served_model *model = set->models[i];
		char number[16];
		struct mlops_label labels[] = { { "model", model->version.name }, { "version", number }, { "le", NULL } };
		uint64_t rows_so_far = 0;
		double sum = 0;

		if (model->model->kind == MLOPS_TIME_SERIES_FORECAST || model->model->n_classes > 2)
			continue;
		snprintf(number, sizeof number, "%u", model->version.version);
		for (size_t t = 0; t < MLOPS_SCORE_TENTHS; t++) {
			uint64_t count = atomic_load(&model->tenths[t]);

			rows_so_far += count;
			/* each counts as the middle of its tenth */
			sum += (double)count * ((double)t + 0.5) / MLOPS_SCORE_TENTHS;
			labels[2].value = ends[t];
			mlops_exposition_sample(out, "mlops_service_score_bucket", labels, 3, (double)rows_so_far);
		}
		mlops_exposition_sample(out, "mlops_service_score_sum", labels, 2, sum);
		mlops_exposition_sample(out, "mlops_service_score_count", labels, 2, (double)rows_so_far);
	}
}

static void write_gauge(struct mlops_buffer *out, const char *name, const char *help, double value)
{
	mlops_exposition_family(out, name, MLOPS_GAUGE, help);
	mlops_exposition_sample(out, name, NULL, 0, value);
}

/* Resident pages by /proc, for getrusage only knows the peak; 0 when it can't be read. */
static double resident_bytes(void)
{
	char text[128];
	unsigned long size, resident = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	return sscanf(text, "%lu %lu", &size, &resident) == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void write_process(const struct mlops_service *service, struct mlops_buffer *out)
{
	struct rusage usage = { .ru_utime = { 0, 0 } };

	getrusage(RUSAGE_SELF, &usage);
	mlops_exposition_family(out, "process_cpu_seconds_total", MLOPS_COUNTER, "User and system time.");
	mlops_exposition_sample(out, "process_cpu_seconds_total", NULL, 0,
				seconds(usage.ru_utime) + seconds(usage.ru_stime));
	write_gauge(out, "process_resident_memory_bytes", "Resident memory.", resident_bytes());
	write_gauge(out, "process_start_time_seconds", "When the service started.", (double)service->started / 1e6);
}

static void write_requests(const struct mlops_service *service, struct mlops_buffer *out)
{
	const char *methods[MLOPS_MOST_ROUTES], *paths[MLOPS_MOST_ROUTES];
	size_t n;
	const struct mlops_route *all = mlops_routes(&n);

	for (size_t i = 0; i < n; i++) {
		methods[i] = all[i].method;
		paths[i] = all[i].path;
	}
	mlops_request_metrics_write(&service->metrics, methods, paths, n, out);
}

static void write_jobs(const struct mlops_service *service, struct mlops_buffer *out)
{
	struct mlops_job_counts counts;
	struct mlops_label state = { "state", "running" };

	mlops_jobs_count(service->jobs, &counts);
	mlops_exposition_family(out, "mlops_service_jobs", MLOPS_GAUGE,
				"Trainings that were asked for: those that run, and those that have ended since the start.");
	mlops_exposition_sample(out, "mlops_service_jobs", &state, 1, (double)counts.running);
	state.value = "finished";
	mlops_exposition_sample(out, "mlops_service_jobs", &state, 1, (double)counts.finished);
	state.value = "failed";
	mlops_exposition_sample(out, "mlops_service_jobs", &state, 1, (double)counts.failed);
}

void mlops_handle_metrics(struct mlops_service *service, const struct mlops_http_request *request, const char *name,
			  struct mlops_http_answer *answer)
{
	struct mlops_buffer *out = &answer->body;
	struct mlops_served_set *set = mlops_served_take(service->served);

	(void)request;
	(void)name;
	answer->content_type = MLOPS_EXPOSITION_TYPE;
	mlops_ledger_page_write(&service->ledger, &service->options.served, service->options.program_version,
				service->options.now(), out);
	write_models(set, "mlops_service_model_info", MLOPS_GAUGE, "What is loaded.", 3, one, out);
	write_models(set, "mlops_service_rows_total", MLOPS_COUNTER, "Rows answered by the version that is loaded.", 2,
		     rows, out);
	write_models(set, "mlops_service_positive_rows_total", MLOPS_COUNTER, "Anomalies and failures among them.", 2,
		     positives, out);
	write_scores(set, out);
	mlops_served_drop(service->served, set);
	write_gauge(out, "mlops_service_reload_last_success", "1 if the last reload went well.",
		    atomic_load(&service->reload_ok) ? 1 : 0);
	write_gauge(out, "mlops_service_reload_last_success_timestamp_seconds", "When one last did; 0: never.",
		    (double)atomic_load(&service->reload_success) / 1e6);
	write_gauge(out, "mlops_service_reload_duration_seconds", "How long the last one took.",
		    (double)atomic_load(&service->reload_duration) / 1e6);
	write_jobs(service, out);
	write_requests(service, out);
	write_process(service, out);
}
