#include "flow/compare.h"

#include "flow/evaluate_forecast.h"
#include "flow/forecast.h"

#include <jansson.h>
#include <math.h>

static const char *const metric_names[] = {
	"accuracy", "roc_auc", "average_precision", "precision", "recall", "f1", "macro_f1", "brier", "log_loss",
	"positive_rate", "anomaly_rate", "out_of_bag_accuracy", "mae", "rmse", "mase", "naive_mae", "skill", "seasonal_mae",
	"seasonal_skill", "coverage",
};

/* Two forecasters on the same windows: as much history as the longer one needs, as many steps as both were fitted on. */
static bool judge_forecast(const struct mlops_model *model, const struct mlops_model *other, struct mlops_reader *reader,
			   const struct mlops_select_options *select, struct mlops_pool *pool,
			   struct mlops_metrics *metrics, uint64_t *rows, uint64_t *windows, struct mlops_error *error)
{
	const struct mlops_forecaster *a = model->forecaster, *b = other->forecaster;
	struct mlops_series_set *set = mlops_flow_series_for_model(model, reader, select, 0, 0, error);
	struct mlops_forecast_test test = {
		.set = set, .length = a->length > b->length ? a->length : b->length,
		.steps = a->horizon < b->horizon ? a->horizon : b->horizon,
		.season = a->season > b->season ? a->season : b->season,
	};
	bool ok;

	if (set == NULL)
		return false;
	ok = mlops_flow_evaluate_forecast(a, &test, pool, metrics, windows, error);
	*rows = set->counts.rows;
	mlops_series_free(set);
	return ok;
}

static bool judge(const struct mlops_model *model, struct mlops_reader *reader, const struct mlops_select_options *select,
		  struct mlops_pool *pool, struct mlops_metrics *metrics, uint64_t *rows, struct mlops_error *error)
{
	struct mlops_dataset *data = mlops_flow_read_for_model(model, reader, select, error);
	struct mlops_matrix matrix;
	bool ok;

	if (data == NULL)
		return false;
	matrix = mlops_dataset_matrix(data, NULL, data->n_rows);
	ok = mlops_flow_evaluate(model, &matrix, data->target, data->classes, data->n_classes, pool, metrics, error);
	*rows = data->n_rows;
	mlops_dataset_free(data);
	return ok;
}

bool mlops_flow_compare(const struct mlops_model *first, struct mlops_reader *first_reader,
			const struct mlops_model *second, struct mlops_reader *second_reader,
			const struct mlops_select_options *select, struct mlops_pool *pool,
			struct mlops_comparison *comparison, struct mlops_error *error)
{
	uint64_t second_rows = 0;

	*comparison = (struct mlops_comparison){ 0 };
	if (first->kind != second->kind)
		return mlops_error_set(error, MLOPS_DATA, "%s and %s can't be compared", mlops_kind_name(first->kind),
				       mlops_kind_name(second->kind));
	if (first->kind == MLOPS_TIME_SERIES_FORECAST) {
		if (!judge_forecast(first, second, first_reader, select, pool, &comparison->first, &comparison->rows,
				    &comparison->judged, error) ||
		    !judge_forecast(second, first, second_reader, select, pool, &comparison->second, &second_rows,
				    &comparison->judged, error))
			return false;
	} else if (!judge(first, first_reader, select, pool, &comparison->first, &comparison->rows, error) ||
		   !judge(second, second_reader, select, pool, &comparison->second, &second_rows, error)) {
		return false;
	}
	if (first->kind != MLOPS_TIME_SERIES_FORECAST)
		comparison->judged = comparison->rows;
	if (comparison->rows != second_rows)
		return mlops_error_set(error, MLOPS_IO, "the input changed between two readings: %llu rows, then %llu",
				       (unsigned long long)comparison->rows, (unsigned long long)second_rows);
	return true;
}

bool mlops_metrics_read(const char *json, struct mlops_metrics *metrics, struct mlops_error *error)
{
	json_error_t problem;
	json_t *object = json_loads(json, 0, &problem);

	if (!json_is_object(object)) {
		json_decref(object);
		return mlops_error_set(error, MLOPS_DATA, "the ledger's metrics are not a JSON object");
	}
	for (size_t i = 0; i < sizeof metric_names / sizeof *metric_names; i++) {
		json_t *value = json_object_get(object, metric_names[i]);

		if (json_is_number(value))
			mlops_metrics_add(metrics, metric_names[i], json_number_value(value));
	}
	json_decref(object);
	return true;
}

void mlops_metrics_subtract(const struct mlops_metrics *first, const struct mlops_metrics *second,
			    struct mlops_metrics *difference)
{
	for (size_t i = 0; i < first->n; i++) {
		double other = mlops_metrics_get(second, first->items[i].name);

		if (!isnan(other))
			mlops_metrics_add(difference, first->items[i].name, other - first->items[i].value);
	}
}
