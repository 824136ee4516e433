#include "flow/contest.h"

#include "base/text.h"
#include "base/time.h"
#include "flow/forecast.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_CLASS UINT32_MAX

/* Always true: that the champion can't be judged is an answer, too. */
__attribute__((format(printf, 2, 3)))
static bool obstruct(struct mlops_contest *contest, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(contest->obstacle, sizeof contest->obstacle, format, arguments);
	va_end(arguments);
	return true;
}

static json_t *data_of(const struct mlops_model *model)
{
	const char *data = mlops_metadata_get(&model->metadata, "data");

	return data != NULL ? json_loads(data, 0, NULL) : NULL;
}

bool mlops_flow_learnt_until(const struct mlops_model *model, int64_t *last)
{
	json_t *data = data_of(model);
	const char *text = json_string_value(json_object_get(data, "last_time"));
	bool known = text != NULL && mlops_time_parse(text, strlen(text), NULL, last);

	json_decref(data);
	return known;
}

static bool learnt_from(const struct mlops_model *model, const char *sha256)
{
	json_t *data = data_of(model);
	const char *text = json_string_value(json_object_get(data, "sha256"));
	bool same = text != NULL && strcmp(text, sha256) == 0;

	json_decref(data);
	return same;
}

/* The rows as the champion takes them. */
struct view {
	const float **columns; /* [n_features] */
	float **recoded;       /* [n_features]: columns that had to be made; else NULL */
	size_t n_features;
	uint32_t *codes;       /* the target in the champion's classes; NULL: as it is */
	uint32_t *rows;        /* those that judge; NULL: as they are */
	struct mlops_matrix matrix;
};

static void release_view(struct view *view)
{
	for (size_t f = 0; view->recoded != NULL && f < view->n_features; f++)
		free(view->recoded[f]);
	free(view->recoded);
	free(view->columns);
	free(view->codes);
	free(view->rows);
}

/* code[i] of from's text i in the order of to; NO_CLASS where to lacks it.  Returns whether all stay as they are. */
static bool match_texts(char *const *from, size_t n_from, char *const *to, size_t n_to, uint32_t *code)
{
	bool same = true;

	for (size_t i = 0; i < n_from; i++) {
		code[i] = NO_CLASS;
		for (size_t j = 0; j < n_to && code[i] == NO_CLASS; j++)
			if (strcmp(from[i], to[j]) == 0)
				code[i] = (uint32_t)j;
		same = same && code[i] == i;
	}
	return same;
}

/* A column of categories in the champion's codes; what it does not know is missing. */
static bool take_categories(struct view *view, size_t f, const struct mlops_dataset *data, size_t column,
			    const struct mlops_feature *wanted, struct mlops_error *error)
{
	const struct mlops_feature *feature = &data->features[column];
	uint32_t code[MLOPS_MAX_CATEGORIES];
	const float *values = data->columns[column];
	float *recoded;

	if (match_texts(feature->categories, feature->n_categories, wanted->categories, wanted->n_categories, code))
		return true;
	recoded = view->recoded[f] = reallocarray(NULL, data->n_rows, sizeof *recoded);
	if (recoded == NULL)
		return mlops_error_set_memory(error);
	for (size_t r = 0; r < data->n_rows; r++)
		recoded[r] = isnan(values[r]) || code[(size_t)values[r]] == NO_CLASS ? NAN : (float)code[(size_t)values[r]];
	view->columns[f] = recoded;
	return true;
}

static bool take_features(struct view *view, const struct mlops_model *champion, const struct mlops_dataset *data,
			  struct mlops_contest *contest, struct mlops_error *error)
{
	char name[MLOPS_TEXT_QUOTED];

	view->n_features = champion->trees.n_features;
	view->columns = calloc(view->n_features + 1, sizeof *view->columns);
	view->recoded = calloc(view->n_features + 1, sizeof *view->recoded);
	if (view->columns == NULL || view->recoded == NULL)
		return mlops_error_set_memory(error);
	if (champion->features == NULL)
		return obstruct(contest, "its file does not say what its columns are called");
	for (size_t f = 0; f < view->n_features; f++) {
		const struct mlops_feature *wanted = &champion->features[f];
		size_t column = 0;

		mlops_text_mask(name, wanted->name, strlen(wanted->name));
		while (column < data->n_features && strcmp(data->features[column].name, wanted->name) != 0)
			column++;
		if (column == data->n_features)
			return obstruct(contest, "it needs column \"%s\", which the new model does not use", name);
		if ((wanted->categories == NULL) != (data->features[column].categories == NULL))
			return obstruct(contest, "it takes column \"%s\" for %s", name,
					wanted->categories == NULL ? "numbers" : "texts");
		view->columns[f] = data->columns[column];
		if (wanted->categories != NULL && !take_categories(view, f, data, column, wanted, error))
			return false;
	}
	return true;
}

static bool take_classes(struct view *view, const struct mlops_model *champion, const struct mlops_dataset *data,
			 struct mlops_contest *contest, struct mlops_error *error)
{
	uint32_t code[MLOPS_MAX_CLASSES];
	char name[MLOPS_TEXT_QUOTED];

	if (champion->kind != MLOPS_FAILURE_PREDICTION)
		return true;
	if (data->n_classes == 2 && champion->n_classes == 2 && strcmp(data->classes[1], champion->classes[1]) != 0)
		return obstruct(contest, "failure means '%s' to it",
				mlops_text_mask(name, champion->classes[1], strlen(champion->classes[1])));
	if (match_texts(data->classes, data->n_classes, champion->classes, champion->n_classes, code))
		return true;
	view->codes = reallocarray(NULL, data->n_rows, sizeof *view->codes);
	if (view->codes == NULL)
		return mlops_error_set_memory(error);
	for (size_t r = 0; r < data->n_rows; r++) {
		view->codes[r] = code[data->target[r]];
		if (view->codes[r] == NO_CLASS)
			return obstruct(contest, "it does not know the class '%s'",
					mlops_text_mask(name, data->classes[data->target[r]],
							strlen(data->classes[data->target[r]])));
	}
	return true;
}

/* The rows that the champion has not learnt from, as far as anybody knows. */
static bool choose_rows(struct view *view, const struct mlops_contest_sides *sides, const struct mlops_dataset *data,
			const struct mlops_matrix *matrix, struct mlops_contest *contest, struct mlops_error *error)
{
	size_t n = 0;
	int64_t last;

	view->matrix = (struct mlops_matrix){ view->columns, view->n_features, matrix->rows, matrix->n_rows };
	if (sides->rows == MLOPS_GATE_ALL || contest->kind == MLOPS_ANOMALY_DETECTION)
		return true;
	if (data->times == NULL || !mlops_flow_learnt_until(sides->champion, &last)) {
		if (learnt_from(sides->champion, data->sha256))
			view->matrix.n_rows = 0;
		return true;
	}
	view->rows = reallocarray(NULL, matrix->n_rows + 1, sizeof *view->rows);
	if (view->rows == NULL)
		return mlops_error_set_memory(error);
	for (size_t r = 0; r < matrix->n_rows; r++) {
		uint32_t row = matrix->rows != NULL ? matrix->rows[r] : (uint32_t)r;

		if (data->times[row] != MLOPS_TIME_MISSING && data->times[row] > last)
			view->rows[n++] = row;
	}
	view->matrix.rows = view->rows;
	view->matrix.n_rows = n;
	return true;
}

/* Figures of the champion; what is wrong with the rows for it is an obstacle. */
static bool judge_champion(const struct view *view, const struct mlops_contest_sides *sides, const struct mlops_dataset *data,
			   struct mlops_contest *contest, struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	const uint32_t *target = view->codes != NULL ? view->codes : data->target;

	if (mlops_flow_evaluate(sides->champion, &view->matrix, target, data->classes, data->n_classes, sides->pool,
				&contest->champion, &trouble))
		return true;
	if (trouble.code == MLOPS_DATA)
		return obstruct(contest, "%s", trouble.message);
	return mlops_error_set(error, trouble.code, "%s", trouble.message);
}

bool mlops_contest_rows(const struct mlops_contest_sides *sides, const struct mlops_dataset *data,
			const struct mlops_matrix *matrix, const struct mlops_metrics *own, struct mlops_contest *contest,
			struct mlops_error *error)
{
	struct view view = { .columns = NULL };
	struct mlops_matrix challenger = *matrix;
	bool ok;

	contest->kind = sides->challenger->kind;
	contest->has_champion = true;
	if (sides->champion->kind != contest->kind)
		return obstruct(contest, "its kind is %s", mlops_kind_name(sides->champion->kind));
	ok = take_features(&view, sides->champion, data, contest, error) &&
	     (contest->obstacle[0] != '\0' || take_classes(&view, sides->champion, data, contest, error)) &&
	     (contest->obstacle[0] != '\0' || choose_rows(&view, sides, data, matrix, contest, error));
	if (ok && contest->obstacle[0] == '\0') {
		contest->rows = view.matrix.n_rows;
		contest->seen = matrix->n_rows - view.matrix.n_rows;
		challenger.rows = view.matrix.rows;
		challenger.n_rows = view.matrix.n_rows;
		if (contest->seen == 0)
			contest->challenger = *own;
		else if (contest->rows > 0)
			ok = mlops_flow_evaluate(sides->challenger, &challenger, data->target, data->classes, data->n_classes,
						 sides->pool, &contest->challenger, error);
		ok = ok && (contest->rows == 0 || judge_champion(&view, sides, data, contest, error));
	}
	release_view(&view);
	return ok;
}

/* Is the champion about this column, at these steps? */
static bool suits(const struct mlops_model *champion, const struct mlops_series_set *set, struct mlops_contest *contest,
		  struct mlops_error *error)
{
	struct mlops_forecast_origin origin;
	char name[MLOPS_TEXT_QUOTED], own[MLOPS_TIME_TEXT], rows[MLOPS_TIME_TEXT];

	if (!mlops_forecast_origin_read(champion, &origin, error))
		return false;
	if (origin.target != NULL && strcmp(origin.target, set->column) != 0) {
		obstruct(contest, "it forecasts column \"%s\"", mlops_text_mask(name, origin.target, strlen(origin.target)));
	} else if (origin.step > 0 && set->every > 0 && origin.step != set->every) {
		mlops_time_print_duration(own, origin.step);
		mlops_time_print_duration(rows, set->every);
		obstruct(contest, "it steps by %s, the rows are %s apart", own, rows);
	}
	mlops_forecast_origin_release(&origin);
	return true;
}

/* Where judging begins behind what the champion has learnt from; NULL with a full memory. */
static int64_t *later_cuts(const struct mlops_forecast_test *test, int64_t last, bool *later)
{
	int64_t *cuts = reallocarray(NULL, test->set->n + 1, sizeof *cuts);

	*later = false;
	for (size_t i = 0; cuts != NULL && i < test->set->n; i++) {
		cuts[i] = test->cuts != NULL && test->cuts[i] > last ? test->cuts[i] : last + 1;
		*later = *later || cuts[i] == last + 1;
	}
	return cuts;
}

/* False with MLOPS_OK: there is no window. */
static bool judge_windows(const struct mlops_model *model, const struct mlops_forecast_test *test, struct mlops_pool *pool,
			  struct mlops_metrics *metrics, uint64_t *windows, struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;

	if (mlops_flow_evaluate_forecast(model->forecaster, test, pool, metrics, windows, &trouble))
		return true;
	if (trouble.code != MLOPS_DATA)
		mlops_error_set(error, trouble.code, "%s", trouble.message);
	return false;
}

bool mlops_contest_windows(const struct mlops_contest_sides *sides, const struct mlops_forecast_test *test,
			   uint64_t windows, struct mlops_contest *contest, struct mlops_error *error)
{
	const struct mlops_forecaster *champion = sides->champion->forecaster;
	struct mlops_forecast_test common = *test;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	int64_t *cuts = NULL;
	bool later = false;
	uint64_t both = 0;
	int64_t last;

	contest->kind = MLOPS_TIME_SERIES_FORECAST;
	contest->has_champion = true;
	if (champion == NULL)
		return obstruct(contest, "its kind is %s", mlops_kind_name(sides->champion->kind));
	if (!suits(sides->champion, test->set, contest, error))
		return false;
	if (contest->obstacle[0] != '\0')
		return true;
	if (champion->length > common.length)
		common.length = champion->length;
	if (champion->horizon < common.steps)
		common.steps = champion->horizon;
	if (champion->season > common.season)
		common.season = champion->season;
	if (sides->rows == MLOPS_GATE_UNSEEN && test->set->every > 0 && mlops_flow_learnt_until(sides->champion, &last)) {
		common.cuts = cuts = later_cuts(test, last, &later);
		if (cuts == NULL)
			return mlops_error_set_memory(error);
	} else if (sides->rows == MLOPS_GATE_UNSEEN && learnt_from(sides->champion, test->set->sha256)) {
		contest->seen = windows;
		return true;
	}
	if (judge_windows(sides->challenger, &common, sides->pool, &contest->challenger, &both, &trouble) &&
	    judge_windows(sides->champion, &common, sides->pool, &contest->champion, &both, &trouble))
		contest->rows = both;
	contest->seen = later && windows > both ? windows - both : 0;
	free(cuts);
	return trouble.code == MLOPS_OK || mlops_error_set(error, trouble.code, "%s", trouble.message);
}
