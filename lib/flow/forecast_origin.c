#include "flow/forecast.h"

#include "base/text.h"
#include "base/time.h"
#include "rows/series.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A duration in seconds as microseconds; 0 for what is none. */
static int64_t microseconds(const json_t *seconds)
{
	double value = json_number_value(seconds) * 1e6;

	return value >= 1 && value < 1e17 ? (int64_t)llround(value) : 0;
}

bool mlops_forecast_origin_read(const struct mlops_model *model, struct mlops_forecast_origin *origin,
				struct mlops_error *error)
{
	const char *text = mlops_metadata_get(&model->metadata, "series");
	json_t *object = text != NULL ? json_loads(text, 0, NULL) : NULL;
	const char *target = json_string_value(json_object_get(object, "target"));

	*origin = (struct mlops_forecast_origin){
		.target = target != NULL ? strdup(target) : NULL,
		.step = microseconds(json_object_get(object, "step_seconds")),
		.hold = microseconds(json_object_get(object, "hold_seconds")),
		.resampled = json_is_true(json_object_get(object, "resampled")),
	};
	json_decref(object);
	return target == NULL || origin->target != NULL || mlops_error_set_memory(error);
}

void mlops_forecast_origin_release(struct mlops_forecast_origin *origin)
{
	free(origin->target);
	origin->target = NULL;
}

/* The column that was learnt, unless the caller names one. */
static bool choose_target(const struct mlops_forecast_origin *origin, const struct mlops_reader *reader,
			  struct mlops_select_options *select, struct mlops_error *error)
{
	char name[MLOPS_TEXT_QUOTED];

	if (select->target != NULL || origin->target == NULL)
		return true;
	select->target = origin->target;
	return mlops_select_column(reader, origin->target, NULL) != MLOPS_NO_COLUMN ||
	       mlops_error_set_at(error, MLOPS_DATA, reader->name, 0,
				  "no column \"%s\", which the model has learnt; --target says which column to forecast",
				  mlops_text_mask(name, origin->target, strlen(origin->target)));
}

static bool wrong_step(const struct mlops_reader *reader, int64_t step, int64_t own, struct mlops_error *error)
{
	char rows[MLOPS_TIME_TEXT], model[MLOPS_TIME_TEXT];

	mlops_time_print_duration(rows, step);
	mlops_time_print_duration(model, own);
	return mlops_error_set_at(error, MLOPS_DATA, reader->name, 0,
				  "the model steps by %s, the rows are %s apart%s%s", model, rows,
				  step < own ? "; bring them together with --every " : "", step < own ? model : "");
}

struct mlops_series_set *mlops_flow_series_for_model(const struct mlops_model *model, struct mlops_reader *reader,
						     const struct mlops_select_options *select, int64_t every,
						     int64_t hold, struct mlops_error *error)
{
	struct mlops_forecast_origin origin;
	struct mlops_select_options options = *select;
	struct mlops_series_options series = { .every = every, .hold = hold };
	struct mlops_series_columns columns;
	struct mlops_series_set *set = NULL;

	if (!mlops_forecast_origin_read(model, &origin, error))
		return NULL;
	if (!choose_target(&origin, reader, &options, error) || !mlops_series_select(reader, &options, &columns, error))
		goto out;
	if (columns.time != MLOPS_NO_COLUMN) {
		if (every == 0 && origin.resampled)
			series.every = origin.step;
		if (hold == 0)
			series.hold = origin.hold;
	}
	set = mlops_series_read(reader, &columns, &series, error);
	if (set != NULL && origin.step > 0 && set->every > 0 && set->every != origin.step) {
		wrong_step(reader, set->every, origin.step, error);
		mlops_series_free(set);
		set = NULL;
	}
out:
	mlops_forecast_origin_release(&origin);
	return set;
}
