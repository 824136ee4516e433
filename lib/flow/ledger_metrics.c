#include "flow/ledger_metrics.h"

#include "check/rule.h"
#include "flow/compare.h"
#include "metrics/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const failure_reasons[] = {
	"insufficient_data", "invalid_data", "database", "registry", "quality_gate", "internal", "signal",
};

/* Everything about one name. */
struct subject {
	const char *name;
	char *model;                             /* the label: name, or what stands ahead of the sensor */
	const char *sensor;                      /* "" where it is no sensor's own */
	const struct mlops_run_summary *summary; /* NULL: never trained, never validated */
	const struct mlops_version *champion;    /* NULL: none */
	struct mlops_metrics figures;            /* the champion's */
	double last_accuracy;                    /* of the last version trained */
	struct mlops_checks checks;
	bool checked;
	struct mlops_decision_list decisions;    /* the gate's last one, or none */
};

struct page {
	struct mlops_version_list versions;
	struct mlops_run_summary_list summaries;
	struct mlops_reload_list reloads;
	size_t n;
	struct subject *subjects; /* by name */
	struct mlops_buffer *out;
};

static double seconds(int64_t microseconds)
{
	return (double)microseconds / 1e6;
}

/* The label values of a sensor's own model: NAME.SENSOR has each byte of the sensor's name, or '_' in its place. */
static bool set_labels(struct subject *subject, struct mlops_error *error)
{
	const char *sensor = subject->summary == NULL ? NULL : subject->summary->sensor;
	size_t length = strlen(subject->name), behind = sensor == NULL ? 0 : strlen(sensor);

	subject->sensor = "";
	if (behind > 0 && length > behind + 1 && subject->name[length - behind - 1] == '.') {
		subject->sensor = sensor;
		length -= behind + 1;
	}
	subject->model = strndup(subject->name, length);
	return subject->model != NULL || mlops_error_set_memory(error);
}

static bool read_accuracy(struct subject *subject, struct mlops_error *error)
{
	struct mlops_metrics figures = { 0 };

	subject->last_accuracy = NAN;
	if (subject->summary == NULL || subject->summary->metrics == NULL)
		return true;
	if (!mlops_metrics_read(subject->summary->metrics, &figures, error))
		return false;
	subject->last_accuracy = mlops_metrics_get(&figures, "accuracy");
	return true;
}

static bool fill(struct mlops_store *store, struct subject *subject, struct mlops_error *error)
{
	if (!set_labels(subject, error) || !read_accuracy(subject, error))
		return false;
	if (subject->champion != NULL && !mlops_metrics_read(subject->champion->metrics, &subject->figures, error))
		return false;
	if (!mlops_store_decisions(store, subject->name, 1, &subject->decisions, error))
		return false;
	return subject->summary == NULL || !subject->summary->validated ||
	       mlops_store_last_checks(store, subject->name, &subject->checks, &subject->checked, error);
}

/* Merges what has runs with what has versions; both are in the order of their names. */
static bool gather(struct page *page, struct mlops_store *store, struct mlops_error *error)
{
	const struct mlops_run_summary_list *summaries = &page->summaries;
	const struct mlops_version_list *versions = &page->versions;
	size_t s = 0, v = 0;

	page->subjects = calloc(summaries->n + versions->n + 1, sizeof *page->subjects);
	if (page->subjects == NULL)
		return mlops_error_set_memory(error);
	while (s < summaries->n || v < versions->n) {
		int order = s == summaries->n ? 1
			    : v == versions->n ? -1
					       : strcmp(summaries->items[s].name, versions->items[v].name);
		struct subject *subject = &page->subjects[page->n++];

		subject->checks.last_time = INT64_MIN;
		subject->name = order <= 0 ? summaries->items[s].name : versions->items[v].name;
		if (order <= 0)
			subject->summary = &summaries->items[s++];
		while (v < versions->n && strcmp(versions->items[v].name, subject->name) == 0) {
			if (versions->items[v].champion)
				subject->champion = &versions->items[v];
			v++;
		}
		if (!fill(store, subject, error))
			return false;
	}
	return true;
}

enum { MODEL, SENSOR, OTHER, LABELS };

static void sample(const struct page *page, const char *family, const struct subject *subject, const char *label,
		   const char *text, double value)
{
	const struct mlops_label labels[LABELS] = {
		[MODEL] = { "model", subject->model }, [SENSOR] = { "sensor", subject->sensor }, [OTHER] = { label, text },
	};

	mlops_exposition_sample(page->out, family, labels, label == NULL ? OTHER : LABELS, value);
}

/* A family with a sample at most of each name; false from value: it does not apply. */
struct family {
	const char *name;
	const char *help;
	bool (*value)(const struct subject *subject, double *value);
};

static void write_families(const struct page *page, const struct family *families, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		mlops_exposition_family(page->out, families[i].name, MLOPS_GAUGE, families[i].help);
		for (size_t j = 0; j < page->n; j++) {
			double value;

			if (families[i].value(&page->subjects[j], &value))
				sample(page, families[i].name, &page->subjects[j], NULL, NULL, value);
		}
	}
}

static bool is_kind(const struct subject *subject, const char *kind)
{
	return subject->champion != NULL && strcmp(subject->champion->kind, kind) == 0;
}

/* A failure_prediction is nothing without labels, so that an unknown accuracy is to be seen; anomalies need none. */
static bool accuracy(const struct subject *subject, double *value)
{
	*value = mlops_metrics_get(&subject->figures, "accuracy");
	return is_kind(subject, "failure_prediction") || !isnan(*value);
}

static bool anomaly_rate(const struct subject *subject, double *value)
{
	*value = mlops_metrics_get(&subject->figures, "anomaly_rate");
	return is_kind(subject, "anomaly_detection") && !isnan(*value);
}

/* Against the value a season before, or against the last value where the series has no season. */
static bool forecast_skill(const struct subject *subject, double *value)
{
	*value = mlops_metrics_get(&subject->figures, "seasonal_skill");
	if (isnan(*value))
		*value = mlops_metrics_get(&subject->figures, "skill");
	return is_kind(subject, "time_series_forecast");
}

static bool size_bytes(const struct subject *subject, double *value)
{
	if (subject->champion != NULL)
		*value = (double)subject->champion->size;
	return subject->champion != NULL;
}

static bool created(const struct subject *subject, double *value)
{
	if (subject->champion != NULL)
		*value = seconds(subject->champion->created);
	return subject->champion != NULL;
}

static bool is_trained(const struct subject *subject)
{
	return subject->summary != NULL && subject->summary->started > 0;
}

static bool last_accuracy(const struct subject *subject, double *value)
{
	*value = subject->last_accuracy;
	return !isnan(*value);
}

#define TIME_OF(member) \
	static bool when_##member(const struct subject *subject, double *value) \
	{ \
		if (is_trained(subject)) \
			*value = seconds(subject->summary->member); \
		return is_trained(subject); \
	}
TIME_OF(started)
TIME_OF(ended)
TIME_OF(succeeded)
TIME_OF(broke)

static bool has_ended(const struct subject *subject)
{
	return is_trained(subject) && subject->summary->finished + subject->summary->failed > 0;
}

static bool last_success(const struct subject *subject, double *value)
{
	*value = has_ended(subject) && subject->summary->ok ? 1 : 0;
	return has_ended(subject);
}

static bool duration(const struct subject *subject, double *value)
{
	if (is_trained(subject))
		*value = seconds(subject->summary->duration);
	return is_trained(subject) && subject->summary->duration >= 0;
}

static bool data_rows(const struct subject *subject, double *value)
{
	*value = (double)subject->checks.rows;
	return subject->checked;
}

static bool faulty_rows(const struct subject *subject, double *value)
{
	*value = (double)subject->checks.invalid_rows;
	return subject->checked;
}

static bool last_sample(const struct subject *subject, double *value)
{
	*value = seconds(subject->checks.last_time);
	return subject->checked && subject->checks.last_time != INT64_MIN;
}

static bool last_validation(const struct subject *subject, double *value)
{
	*value = subject->summary != NULL && subject->summary->valid ? 1 : 0;
	return subject->summary != NULL && subject->summary->validated;
}

static const struct family model_families[] = {
	{ "mlops_model_accuracy", "Share of held-out rows that the champion gets right.", accuracy },
	{ "mlops_model_anomaly_rate", "Share of held-out rows that the champion calls anomalies.", anomaly_rate },
	{ "mlops_model_forecast_skill",
	  "1 - error / error of repeating the value a season before (without a season: the last one); 0 is no better.",
	  forecast_skill },
	{ "mlops_model_size_bytes", "Size of the champion's file.", size_bytes },
	{ "mlops_model_created_timestamp_seconds", "When the champion was registered.", created },
	{ "mlops_training_last_run_accuracy", "Accuracy of the last version trained, promoted or not.", last_accuracy },
	{ "mlops_training_last_start_timestamp_seconds", "When a training last began; 0: never.", when_started },
	{ "mlops_training_last_completion_timestamp_seconds", "When one last ended, well or not; 0: never.", when_ended },
	{ "mlops_training_last_success_timestamp_seconds", "When one last ended well; 0: never.", when_succeeded },
	{ "mlops_training_last_failure_timestamp_seconds", "When one last failed; 0: never.", when_broke },
	{ "mlops_training_last_run_success", "1 if the last training that ended did so well.", last_success },
	{ "mlops_training_duration_seconds", "How long the last training took that ended.", duration },
};

static const struct family data_families[] = {
	{ "mlops_data_rows", "Rows that the last validation looked at.", data_rows },
	{ "mlops_data_faulty_rows", "Rows among them with at least one fault.", faulty_rows },
	{ "mlops_data_last_sample_timestamp_seconds", "Time of the latest row.", last_sample },
	{ "mlops_validation_last_run_success", "1 if the last validation found the data valid.", last_validation },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void write_info(const struct page *page)
{
	static const char name[] = "mlops_model_info";

	mlops_exposition_family(page->out, name, MLOPS_GAUGE, "The champion, for joining with other figures.");
	for (size_t i = 0; i < page->n; i++) {
		const struct subject *subject = &page->subjects[i];
		const struct mlops_version *version = subject->champion;
		char number[16];
		struct mlops_label labels[] = {
			{ "model", subject->model }, { "sensor", subject->sensor }, { "version", number },
			{ "kind", version == NULL ? NULL : version->kind }, { "run_id", version == NULL ? NULL : version->run_id },
		};

		if (version == NULL)
			continue;
		snprintf(number, sizeof number, "%u", version->version);
		mlops_exposition_sample(page->out, name, labels, COUNT(labels), 1);
	}
}

/* What is recorded under a reason that this program does not know is its own affair: "internal". */
static size_t failure_reason(const char *reason)
{
	size_t other = 0;

	for (size_t i = 0; i < COUNT(failure_reasons); i++) {
		if (reason != NULL && strcmp(failure_reasons[i], reason) == 0)
			return i;
		if (strcmp(failure_reasons[i], "internal") == 0)
			other = i;
	}
	return other;
}

static void write_failure_reasons(const struct page *page)
{
	static const char name[] = "mlops_training_last_run_failure_reason";

	mlops_exposition_family(page->out, name, MLOPS_GAUGE, "1 for why the last training failed, if it did.");
	for (size_t i = 0; i < page->n; i++) {
		const struct subject *subject = &page->subjects[i];

		if (!has_ended(subject))
			continue;
		for (size_t r = 0; r < COUNT(failure_reasons); r++) {
			bool failed = !subject->summary->ok && failure_reason(subject->summary->reason) == r;

			sample(page, name, subject, "reason", failure_reasons[r], failed ? 1 : 0);
		}
	}
}

static void write_runs(const struct page *page)
{
	static const char name[] = "mlops_training_runs_total";

	mlops_exposition_family(page->out, name, MLOPS_COUNTER, "Trainings that ended.");
	for (size_t i = 0; i < page->n; i++) {
		const struct subject *subject = &page->subjects[i];

		if (!is_trained(subject))
			continue;
		sample(page, name, subject, "outcome", "success", (double)subject->summary->finished);
		sample(page, name, subject, "outcome", "failure", (double)subject->summary->failed);
	}
}

static void write_decisions(const struct page *page)
{
	static const char name[] = "mlops_gate_last_decision";
	static const char *const decisions[] = { "PROMOTE", "HOLD", "REJECT" };

	mlops_exposition_family(page->out, name, MLOPS_GAUGE, "1 for what the gate said of the last challenger.");
	for (size_t i = 0; i < page->n; i++) {
		const struct subject *subject = &page->subjects[i];

		for (size_t d = 0; subject->decisions.n > 0 && d < COUNT(decisions); d++)
			sample(page, name, subject, "decision", decisions[d],
			       strcmp(subject->decisions.items[0].decision, decisions[d]) == 0 ? 1 : 0);
	}
}

static void write_invalid_rows(const struct page *page)
{
	static const char name[] = "mlops_data_invalid_rows";

	mlops_exposition_family(page->out, name, MLOPS_GAUGE,
				"Rows with a fault of this kind in the last validation; a row may have several.");
	for (size_t i = 0; i < page->n; i++) {
		const struct subject *subject = &page->subjects[i];

		for (size_t r = 0; subject->checked && mlops_rule_reasons[r] != NULL; r++) {
			uint64_t rows = 0;

			for (size_t j = 0; j < subject->checks.n_reasons; j++)
				if (strcmp(subject->checks.reasons[j].reason, mlops_rule_reasons[r]) == 0)
					rows = subject->checks.reasons[j].rows;
			sample(page, name, subject, "reason", mlops_rule_reasons[r], (double)rows);
		}
	}
}

static double missing_ratio(const struct mlops_checked_column *column)
{
	return column->missing_ratio;
}

static double psi(const struct mlops_checked_column *column)
{
	return column->psi;
}

static double ks(const struct mlops_checked_column *column)
{
	return column->ks;
}

static void write_columns(const struct page *page)
{
	static const struct {
		const char *name, *help;
		double (*value)(const struct mlops_checked_column *column);
	} families[] = {
		{ "mlops_data_missing_ratio", "Share of missing values in the last validation.", missing_ratio },
		{ "mlops_data_drift_psi", "Population stability index against the reference; above 0.25 is a new population.",
		  psi },
		{ "mlops_data_drift_ks_statistic", "Largest distance between the distributions (Kolmogorov-Smirnov).", ks },
	};

	for (size_t f = 0; f < COUNT(families); f++) {
		mlops_exposition_family(page->out, families[f].name, MLOPS_GAUGE, families[f].help);
		for (size_t i = 0; i < page->n; i++) {
			const struct subject *subject = &page->subjects[i];

			for (size_t c = 0; c < subject->checks.n_columns; c++) {
				double value = families[f].value(&subject->checks.columns[c]);

				if (!isnan(value))
					sample(page, families[f].name, subject, "feature", subject->checks.columns[c].name, value);
			}
		}
	}
}

/* A service's reloads in the list: the last one first, and at most one more, the last that went the other way. */
static void write_reloads(const struct page *page)
{
	enum { OK, SUCCESS, DURATION, FAMILIES };
	static const struct {
		const char *name, *help;
	} families[FAMILIES] = {
		[OK] = { "mlops_reload_last_run_success", "1 if the service took up the champions when last told to." },
		[SUCCESS] = { "mlops_reload_last_success_timestamp_seconds", "When it last did; 0: never." },
		[DURATION] = { "mlops_reload_duration_seconds", "How long the last reload took." },
	};
	const struct mlops_reload_list *reloads = &page->reloads;

	for (size_t f = 0; f < FAMILIES; f++) {
		mlops_exposition_family(page->out, families[f].name, MLOPS_GAUGE, families[f].help);
		for (size_t i = 0; i < reloads->n;) {
			const struct mlops_reload *last = &reloads->items[i];
			const struct mlops_label label = { "service", last->service };
			int64_t succeeded = 0;
			double values[FAMILIES];

			for (; i < reloads->n && strcmp(reloads->items[i].service, last->service) == 0; i++)
				if (reloads->items[i].ok)
					succeeded = reloads->items[i].started + reloads->items[i].duration;
			values[OK] = last->ok ? 1 : 0;
			values[SUCCESS] = seconds(succeeded);
			values[DURATION] = seconds(last->duration);
			mlops_exposition_sample(page->out, families[f].name, &label, 1, values[f]);
		}
	}
}

static void write(const struct page *page, const char *program_version, int64_t now)
{
	const struct mlops_label version = { "version", program_version };
	static const char read[] = "mlops_ledger_read_timestamp_seconds";

	mlops_exposition_family(page->out, "mlops_build_info", MLOPS_GAUGE, "The program's version.");
	mlops_exposition_sample(page->out, "mlops_build_info", &version, 1, 1);
	mlops_exposition_family(page->out, read, MLOPS_GAUGE, "When the registry was looked at for what follows.");
	mlops_exposition_sample(page->out, read, NULL, 0, seconds(now));
	write_info(page);
	write_families(page, model_families, COUNT(model_families));
	write_failure_reasons(page);
	write_runs(page);
	write_decisions(page);
	write_families(page, data_families, COUNT(data_families));
	write_invalid_rows(page);
	write_columns(page);
	write_reloads(page);
}

static void release(struct page *page)
{
	for (size_t i = 0; i < page->n; i++) {
		free(page->subjects[i].model);
		mlops_checks_release(&page->subjects[i].checks);
		mlops_decision_list_release(&page->subjects[i].decisions);
	}
	free(page->subjects);
	mlops_version_list_release(&page->versions);
	mlops_run_summary_list_release(&page->summaries);
	mlops_reload_list_release(&page->reloads);
}

bool mlops_flow_metrics(struct mlops_store *store, const char *program_version, int64_t now, struct mlops_buffer *out,
			struct mlops_error *error)
{
	struct page page = { .out = out };
	size_t before = out->length;
	bool ok = mlops_store_run_summaries(store, &page.summaries, error) &&
		  mlops_store_versions(store, NULL, &page.versions, error) &&
		  mlops_store_last_reloads(store, &page.reloads, error) && gather(&page, store, error);

	if (ok)
		write(&page, program_version, now);
	if (ok && out->failed)
		ok = mlops_error_set_memory(error);
	if (!ok)
		out->length = before;
	release(&page);
	return ok;
}
