#include "flow/evaluate_forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of histories that are forecast at once. */
#define BATCH_VALUES ((size_t)1 << 17)

/* Sums over windows and steps, in the order of the windows. */
struct sums {
	uint64_t n, n_scaled, n_seasonal, covered;
	double absolute, squares, naive;
	double scaled, naive_scaled;
	/* on the windows that have a season before them */
	double seasonal, seasonal_scaled, model_scaled;
};

/* A window of one series: values[0 … length) is its history. */
struct window {
	const float *values;
	size_t before; /* values of the segment ahead of the window's first step */
	double scale;  /* of its series; 0: nothing moves */
};

struct evaluation {
	const struct mlops_forecaster *forecaster;
	const struct mlops_forecast_test *test;
	struct mlops_pool *pool;
	struct sums sums;
	struct window *windows; /* [batch] */
	size_t batch, n;
	float *histories, *forecast, *lower, *upper;
};

size_t mlops_flow_values_before(const struct mlops_series_set *set, const struct mlops_segment *segment, int64_t cut)
{
	int64_t step = set->every > 0 ? set->every : 1;
	int64_t ahead;

	if (cut <= segment->first_time)
		return 0;
	ahead = (cut - segment->first_time - 1) / step + 1;
	return (uint64_t)ahead < segment->length ? (size_t)ahead : segment->length;
}

static uint64_t points_before(const struct mlops_series_set *set, size_t first, size_t last, int64_t cut)
{
	uint64_t points = 0;

	for (size_t i = first; i < last; i++)
		for (size_t s = 0; s < set->items[i].n_segments; s++)
			points += mlops_flow_values_before(set, &set->items[i].segments[s], cut);
	return points;
}

/* The time of the first point of series first … last-1 that is not before time; time when there is none. */
static int64_t first_point(const struct mlops_series_set *set, size_t first, size_t last, int64_t time)
{
	int64_t found = INT64_MAX;

	for (size_t i = first; i < last; i++)
		for (size_t s = 0; s < set->items[i].n_segments; s++) {
			const struct mlops_segment *segment = &set->items[i].segments[s];
			size_t before = mlops_flow_values_before(set, segment, time);

			if (before < segment->length && mlops_segment_time(set, segment, before) < found)
				found = mlops_segment_time(set, segment, before);
		}
	return found < INT64_MAX ? found : time;
}

/* The first point that has (1 - fraction) of the points of series first … last-1 before it. */
static int64_t cut_of(const struct mlops_series_set *set, size_t first, size_t last, double fraction)
{
	int64_t low = INT64_MAX, high = INT64_MIN;
	uint64_t points = 0, wanted;

	for (size_t i = first; i < last; i++) {
		const struct mlops_series *series = &set->items[i];
		const struct mlops_segment *end = series->segments + series->n_segments - 1;

		if (series->n_segments == 0)
			continue;
		points += series->n_values;
		if (series->segments[0].first_time < low)
			low = series->segments[0].first_time;
		if (mlops_segment_time(set, end, end->length - 1) > high)
			high = mlops_segment_time(set, end, end->length - 1);
	}
	if (points == 0)
		return 0;
	wanted = points - (uint64_t)((double)points * fraction + 0.5);
	high++;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		if (points_before(set, first, last, middle) >= wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return first_point(set, first, last, low);
}

void mlops_flow_cut_series(const struct mlops_series_set *set, double fraction, int64_t *cuts)
{
	int64_t common = set->every > 0 ? cut_of(set, 0, set->n, fraction) : 0;

	for (size_t i = 0; i < set->n; i++)
		cuts[i] = set->every > 0 ? common : cut_of(set, i, i + 1, fraction);
}

/* Mean absolute step ahead of the judging part, of the whole series where nothing lies ahead of it. */
static double mean_step(const struct mlops_series_set *set, const struct mlops_series *series, const int64_t *cut)
{
	double sum = 0;
	uint64_t n = 0;

	for (size_t s = 0; s < series->n_segments; s++) {
		const struct mlops_segment *segment = &series->segments[s];
		const float *values = series->values + segment->start;
		size_t end = cut != NULL ? mlops_flow_values_before(set, segment, *cut) : segment->length;

		for (size_t i = 1; i < end; i++)
			sum += fabs((double)values[i] - (double)values[i - 1]);
		n += end > 0 ? end - 1 : 0;
	}
	if (n == 0)
		return cut != NULL ? mean_step(set, series, NULL) : 0;
	return sum / (double)n;
}

static void add_error(struct sums *sums, const struct window *window, double error, double naive)
{
	sums->n++;
	sums->absolute += fabs(error);
	sums->squares += error * error;
	sums->naive += fabs(naive);
	if (window->scale > 0) {
		sums->n_scaled++;
		sums->scaled += fabs(error) / window->scale;
		sums->naive_scaled += fabs(naive) / window->scale;
	}
}

static void add_window(struct evaluation *evaluation, const struct window *window, size_t row)
{
	const struct mlops_forecast_test *test = evaluation->test;
	struct sums *sums = &evaluation->sums;
	size_t at = row * test->steps;

	for (size_t k = 0; k < test->steps; k++) {
		double truth = (double)window->values[test->length + k];
		double error = (double)evaluation->forecast[at + k] - truth;

		add_error(sums, window, error, (double)window->values[test->length - 1] - truth);
		sums->covered += truth >= (double)evaluation->lower[at + k] && truth <= (double)evaluation->upper[at + k];
		if (test->season > 0 && window->before >= test->season) {
			/* the last value that is whole seasons before, and known */
			size_t back = (k / test->season + 1) * test->season;
			double seasonal = (double)window->values[(ptrdiff_t)(test->length + k) - (ptrdiff_t)back] - truth;

			sums->n_seasonal++;
			sums->seasonal += fabs(seasonal);
			if (window->scale > 0) {
				sums->seasonal_scaled += fabs(seasonal) / window->scale;
				sums->model_scaled += fabs(error) / window->scale;
			}
		}
	}
}

static bool flush(struct evaluation *evaluation, struct mlops_error *error)
{
	const struct mlops_forecast_test *test = evaluation->test;
	size_t own = evaluation->forecaster->length;
	struct mlops_forecast answer = {
		.forecast = evaluation->forecast, .lower = evaluation->lower, .upper = evaluation->upper,
	};

	if (evaluation->n == 0)
		return true;
	for (size_t w = 0; w < evaluation->n; w++)
		memcpy(evaluation->histories + w * own, evaluation->windows[w].values + test->length - own,
		       own * sizeof *evaluation->histories);
	if (!mlops_forecaster_extend(evaluation->forecaster, evaluation->histories, evaluation->n, test->steps,
				     MLOPS_FORECAST_LEVEL, evaluation->pool, &answer, error))
		return false;
	for (size_t w = 0; w < evaluation->n; w++)
		add_window(evaluation, &evaluation->windows[w], w);
	evaluation->n = 0;
	return true;
}

static bool add_segment(struct evaluation *evaluation, const struct mlops_series *series,
			const struct mlops_segment *segment, const int64_t *cut, double scale, struct mlops_error *error)
{
	const struct mlops_forecast_test *test = evaluation->test;
	size_t first = cut != NULL ? mlops_flow_values_before(test->set, segment, *cut) : 0;

	if (first < test->length)
		first = test->length;
	for (; first + test->steps <= segment->length; first++) {
		evaluation->windows[evaluation->n++] = (struct window){
			.values = series->values + segment->start + first - test->length, .before = first, .scale = scale,
		};
		if (evaluation->n == evaluation->batch && !flush(evaluation, error))
			return false;
	}
	return true;
}

static bool prepare(struct evaluation *evaluation, struct mlops_error *error)
{
	size_t steps = evaluation->test->steps, length = evaluation->forecaster->length;
	size_t widest = steps > length ? steps : length;

	evaluation->batch = BATCH_VALUES / widest < 32 ? 32 : BATCH_VALUES / widest;
	evaluation->windows = calloc(evaluation->batch, sizeof *evaluation->windows);
	evaluation->histories = calloc(evaluation->batch * length, sizeof *evaluation->histories);
	evaluation->forecast = calloc(evaluation->batch * steps, sizeof *evaluation->forecast);
	evaluation->lower = calloc(evaluation->batch * steps, sizeof *evaluation->lower);
	evaluation->upper = calloc(evaluation->batch * steps, sizeof *evaluation->upper);
	if (evaluation->windows == NULL || evaluation->histories == NULL || evaluation->forecast == NULL ||
	    evaluation->lower == NULL || evaluation->upper == NULL)
		return mlops_error_set_memory(error);
	return true;
}

static void add_metrics(const struct sums *sums, struct mlops_metrics *metrics)
{
	double n = (double)sums->n;

	/* what has no meaning divides by 0, and is passed over by mlops_metrics_add */
	mlops_metrics_add(metrics, "mae", sums->absolute / n);
	mlops_metrics_add(metrics, "rmse", sqrt(sums->squares / n));
	mlops_metrics_add(metrics, "mase", sums->scaled / (double)sums->n_scaled);
	mlops_metrics_add(metrics, "naive_mae", sums->naive / n);
	mlops_metrics_add(metrics, "skill", 1 - sums->scaled / sums->naive_scaled);
	mlops_metrics_add(metrics, "seasonal_mae", sums->seasonal / (double)sums->n_seasonal);
	mlops_metrics_add(metrics, "seasonal_skill", 1 - sums->model_scaled / sums->seasonal_scaled);
	mlops_metrics_add(metrics, "coverage", (double)sums->covered / n);
}

bool mlops_flow_evaluate_forecast(const struct mlops_forecaster *forecaster, const struct mlops_forecast_test *test,
				  struct mlops_pool *pool, struct mlops_metrics *metrics, uint64_t *windows,
				  struct mlops_error *error)
{
	struct evaluation evaluation = { .forecaster = forecaster, .test = test, .pool = pool };
	const struct mlops_series_set *set = test->set;
	bool ok = prepare(&evaluation, error);

	for (size_t i = 0; ok && i < set->n; i++) {
		const struct mlops_series *series = &set->items[i];
		const int64_t *cut = test->cuts != NULL ? &test->cuts[i] : NULL;
		double scale = mean_step(set, series, cut);

		for (size_t s = 0; ok && s < series->n_segments; s++)
			ok = add_segment(&evaluation, series, &series->segments[s], cut, scale, error);
	}
	ok = ok && flush(&evaluation, error);
	*windows = evaluation.sums.n / test->steps;
	if (ok && *windows == 0)
		ok = mlops_error_set(error, MLOPS_DATA,
				     "no window to judge on: nowhere do %zu values without a gap come behind %zu", test->steps,
				     test->length);
	if (ok)
		add_metrics(&evaluation.sums, metrics);
	free(evaluation.windows);
	free(evaluation.histories);
	free(evaluation.forecast);
	free(evaluation.lower);
	free(evaluation.upper);
	return ok;
}

bool mlops_forecast_loses(const struct mlops_metrics *metrics)
{
	return mlops_metrics_get(metrics, "skill") < 0 || mlops_metrics_get(metrics, "seasonal_skill") < 0;
}
