#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/time.h"
#include "flow/contest.h"
#include "flow/train.h"
#include "model/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a training is made from: row i is i minutes after the first, as long as there is a time. */
struct rows {
	size_t first, n;
	const char *states;  /* letters that the text column takes in turn; NULL: no such column */
	const char *bad;     /* the class of what fails; the other is "fine" */
	bool no_time;
	const char *x;       /* the name of a number column */
};

static void draw(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
}

static struct mlops_buffer make_csv(const struct rows *rows)
{
	struct mlops_buffer csv = MLOPS_BUFFER_INIT;
	uint32_t state = 7;

	mlops_buffer_append_format(&csv, "%s%s,y%s,failure\n", rows->no_time ? "" : "time,", rows->x,
				   rows->states != NULL ? ",state" : "");
	for (size_t i = 0; i < rows->first + rows->n; i++) {
		unsigned x, y;

		draw(&state);
		x = state >> 24;
		draw(&state);
		y = state >> 24;
		if (i < rows->first)
			continue;
		if (!rows->no_time)
			mlops_buffer_append_format(&csv, "%zu,", 1700000000 + 60 * i);
		mlops_buffer_append_format(&csv, "%u,%u", x, y);
		if (rows->states != NULL)
			mlops_buffer_append_format(&csv, ",%c", rows->states[i % strlen(rows->states)]);
		mlops_buffer_append_format(&csv, ",%s\n", x + y / 4 > 220 ? rows->bad : "fine");
	}
	assert_false(csv.failed);
	return csv;
}

struct opened {
	struct mlops_buffer csv;
	struct mlops_source *source;
	struct mlops_reader *reader;
};

static struct opened open_csv(struct mlops_buffer csv)
{
	/* readers keep a pointer to them */
	static const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct opened opened = { .csv = csv };

	opened.source = mlops_source_from_memory(csv.data, csv.length, "t", &error);
	opened.reader = mlops_reader_open(opened.source, &options, &error);
	if (opened.reader == NULL)
		fail_msg("%s", error.message);
	return opened;
}

static void close_csv(struct opened *opened)
{
	mlops_reader_free(opened->reader);
	mlops_source_free(opened->source);
	mlops_buffer_release(&opened->csv);
}

/* The champion is given up by whom it is given to, so it comes from its file. */
static struct mlops_model *champion_of(void *context, struct mlops_error *error)
{
	const struct mlops_buffer *bytes = context;

	return mlops_onnx_read(bytes->data, bytes->length, "champion", error);
}

static void train(struct mlops_train_request *request, struct mlops_buffer csv, struct mlops_buffer *champion,
		  struct mlops_train_result *result)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct opened opened = open_csv(csv);

	*result = (struct mlops_train_result){ .model = NULL };
	request->reader = opened.reader;
	request->program_version = "1";
	request->min_rows = 2;
	request->refit = true;
	request->champion = champion != NULL ? champion_of : NULL;
	request->champion_context = champion;
	if (!mlops_flow_train(request, result, &error))
		fail_msg("%s", error.message);
	close_csv(&opened);
}

static struct mlops_train_request forest_request(enum mlops_kind kind)
{
	struct mlops_train_request request = { .kind = kind, .test_fraction = 0.25, .select = { .target = "failure" } };

	mlops_settings_default(kind, &request.settings);
	assert_true(mlops_settings_parse(&request.settings, "trees=8", NULL));
	return request;
}

/* The contest of a training on `later`, whose champion was trained on `earlier`. */
static struct mlops_contest contest_of(const struct rows *earlier, const struct rows *later, enum mlops_gate_rows which)
{
	struct mlops_train_request request = forest_request(MLOPS_FAILURE_PREDICTION);
	struct mlops_train_result champion, challenger;
	struct mlops_contest contest;

	train(&request, make_csv(earlier), NULL, &champion);
	request.gate_rows = which;
	train(&request, make_csv(later), &champion.bytes, &challenger);
	contest = challenger.contest;
	mlops_train_result_release(&champion);
	mlops_train_result_release(&challenger);
	return contest;
}

/* The same figures by another road: the champion on a file of only these rows, as compare judges it. */
static void expect_figures(const struct rows *earlier, const struct rows *judged, const struct mlops_contest *contest)
{
	struct mlops_train_request request = forest_request(MLOPS_FAILURE_PREDICTION);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_train_result champion;
	struct opened opened = open_csv(make_csv(judged));
	struct mlops_metrics metrics = { 0 };
	struct mlops_dataset *data;
	struct mlops_matrix matrix;

	train(&request, make_csv(earlier), NULL, &champion);
	data = mlops_flow_read_for_model(champion.model, opened.reader, &request.select, &error);
	if (data == NULL)
		fail_msg("%s", error.message);
	matrix = mlops_dataset_matrix(data, NULL, data->n_rows);
	assert_true(mlops_flow_evaluate(champion.model, &matrix, data->target, data->classes, data->n_classes, NULL, &metrics,
					&error));
	assert_int_equal(contest->rows, data->n_rows);
	assert_true(metrics.n > 5);
	assert_int_equal(contest->champion.n, metrics.n);
	for (size_t i = 0; i < metrics.n; i++)
		assert_true(fabs(metrics.items[i].value - mlops_metrics_get(&contest->champion, metrics.items[i].name)) < 1e-12);
	mlops_dataset_free(data);
	mlops_train_result_release(&champion);
	close_csv(&opened);
}

static void test_rows_that_neither_has_seen(void **state)
{
	static const struct rows earlier = { 0, 600, "cab", "out", false, "x" }, later = { 100, 600, "zcbaq", "out", false, "x" };
	/* the last quarter of later is 550 … 700; the champion knows those before 600 */
	static const struct rows unseen = { 600, 100, "zcbaq", "out", false, "x" }, all = { 550, 150, "zcbaq", "out", false, "x" };
	struct mlops_contest contest = contest_of(&earlier, &later, MLOPS_GATE_UNSEEN);

	(void)state;
	assert_string_equal(contest.obstacle, "");
	assert_true(contest.has_champion);
	assert_int_equal(contest.seen, 50);
	assert_true(!isnan(mlops_metrics_get(&contest.challenger, "average_precision")));
	expect_figures(&earlier, &unseen, &contest);

	contest = contest_of(&earlier, &later, MLOPS_GATE_ALL);
	assert_int_equal(contest.seen, 0);
	expect_figures(&earlier, &all, &contest);
	for (size_t i = 0; i < contest.challenger.n; i++)
		assert_true(contest.challenger.items[i].value ==
			    mlops_metrics_get(&contest.held_out, contest.challenger.items[i].name));

	contest = contest_of(&later, &later, MLOPS_GATE_UNSEEN);
	assert_int_equal(contest.rows, 0);
	assert_int_equal(contest.seen, 150);
}

static void test_rows_without_times(void **state)
{
	static const struct rows rows = { 0, 400, NULL, "out", true, "x" }, others = { 0, 401, NULL, "out", true, "x" };
	struct mlops_contest contest = contest_of(&rows, &rows, MLOPS_GATE_UNSEEN);

	(void)state;
	assert_int_equal(contest.rows, 0);
	assert_int_equal(contest.seen, 100);
	contest = contest_of(&rows, &rows, MLOPS_GATE_ALL);
	assert_int_equal(contest.rows, 100);
	/* nobody knows which of these were there before */
	contest = contest_of(&rows, &others, MLOPS_GATE_UNSEEN);
	assert_int_equal(contest.rows, 100);
	assert_int_equal(contest.seen, 0);
}

static void test_champions_of_other_rows(void **state)
{
	static const struct rows plain = { 0, 400, NULL, "out", false, "x" }, other = { 0, 400, NULL, "out", false, "z" };
	static const struct rows letters = { 0, 400, "ab", "out", false, "x" }, digits = { 0, 400, "12", "out", false, "x" };
	static const struct rows broken = { 0, 400, NULL, "broken", false, "x" };
	struct mlops_contest contest = contest_of(&plain, &other, MLOPS_GATE_ALL);

	(void)state;
	assert_string_equal(contest.obstacle, "it needs column \"x\", which the new model does not use");
	assert_int_equal(contest.rows, 0);
	contest = contest_of(&letters, &digits, MLOPS_GATE_ALL);
	assert_string_equal(contest.obstacle, "it takes column \"state\" for texts");
	contest = contest_of(&digits, &letters, MLOPS_GATE_ALL);
	assert_string_equal(contest.obstacle, "it takes column \"state\" for numbers");
	contest = contest_of(&plain, &broken, MLOPS_GATE_ALL);
	assert_string_equal(contest.obstacle, "failure means 'out' to it");
	/* more columns than the champion needs are no obstacle */
	contest = contest_of(&plain, &letters, MLOPS_GATE_ALL);
	assert_string_equal(contest.obstacle, "");
	assert_int_equal(contest.rows, 100);
}

static void test_another_kind(void **state)
{
	static const struct rows rows = { 0, 400, NULL, "out", false, "x" };
	struct mlops_train_request request = forest_request(MLOPS_FAILURE_PREDICTION);
	struct mlops_train_result champion, challenger;

	(void)state;
	train(&request, make_csv(&rows), NULL, &champion);
	request = forest_request(MLOPS_ANOMALY_DETECTION);
	train(&request, make_csv(&rows), &champion.bytes, &challenger);
	assert_string_equal(challenger.contest.obstacle, "its kind is failure_prediction");
	mlops_train_result_release(&challenger);
	mlops_train_result_release(&champion);

	/* an Isolation Forest learns no labels: rows that it has seen judge it too */
	train(&request, make_csv(&rows), NULL, &champion);
	train(&request, make_csv(&rows), &champion.bytes, &challenger);
	assert_string_equal(challenger.contest.obstacle, "");
	assert_int_equal(challenger.contest.rows, 100);
	assert_int_equal(challenger.contest.seen, 0);
	assert_true(!isnan(mlops_metrics_get(&challenger.contest.champion, "average_precision")));
	mlops_train_result_release(&challenger);
	mlops_train_result_release(&champion);
}

static struct mlops_buffer make_series(size_t n, unsigned minutes, const char *column)
{
	struct mlops_buffer csv = MLOPS_BUFFER_INIT;

	mlops_buffer_append_format(&csv, "time,%s\n", column);
	for (size_t i = 0; i < n; i++)
		mlops_buffer_append_format(&csv, "%zu,%.3f\n", 1700000000 + 60 * minutes * i,
					   10 + 5 * sin((double)i * 0.7) + sin((double)(i * i)));
	assert_false(csv.failed);
	return csv;
}

static struct mlops_train_request series_request(const char *length)
{
	struct mlops_train_request request = { .kind = MLOPS_TIME_SERIES_FORECAST, .test_fraction = 0.25 };
	char text[32];

	snprintf(text, sizeof text, "seq_length=%s", length);
	mlops_settings_default(request.kind, &request.settings);
	assert_true(mlops_settings_parse(&request.settings, "epochs=0", NULL));
	assert_true(mlops_settings_parse(&request.settings, text, NULL));
	return request;
}

static struct mlops_contest forecast_contest(struct mlops_buffer earlier, const char *length, struct mlops_buffer later,
					     enum mlops_gate_rows which)
{
	struct mlops_train_request request = series_request(length);
	struct mlops_train_result champion, challenger;
	struct mlops_contest contest;

	train(&request, earlier, NULL, &champion);
	request = series_request("12");
	request.gate_rows = which;
	train(&request, later, &champion.bytes, &challenger);
	contest = challenger.contest;
	mlops_train_result_release(&champion);
	mlops_train_result_release(&challenger);
	return contest;
}

static void test_windows(void **state)
{
	struct mlops_contest contest =
		forecast_contest(make_series(380, 1, "v"), "20", make_series(400, 1, "v"), MLOPS_GATE_UNSEEN);

	(void)state;
	assert_string_equal(contest.obstacle, "");
	assert_int_equal(contest.rows, 20);
	assert_int_equal(contest.seen, 80);
	assert_true(!isnan(mlops_metrics_get(&contest.challenger, "mae")));
	assert_true(!isnan(mlops_metrics_get(&contest.champion, "mae")));
	/* the same windows: what needs no model is the same for both */
	assert_true(mlops_metrics_get(&contest.challenger, "naive_mae") == mlops_metrics_get(&contest.champion, "naive_mae"));
	contest = forecast_contest(make_series(380, 1, "v"), "20", make_series(400, 1, "v"), MLOPS_GATE_ALL);
	assert_int_equal(contest.rows, 100);
	assert_int_equal(contest.seen, 0);
	contest = forecast_contest(make_series(400, 1, "v"), "20", make_series(400, 1, "v"), MLOPS_GATE_UNSEEN);
	assert_int_equal(contest.rows, 0);
	assert_int_equal(contest.seen, 100);
	contest = forecast_contest(make_series(380, 1, "w"), "20", make_series(400, 1, "v"), MLOPS_GATE_UNSEEN);
	assert_string_equal(contest.obstacle, "it forecasts column \"w\"");
	contest = forecast_contest(make_series(380, 2, "v"), "20", make_series(400, 1, "v"), MLOPS_GATE_UNSEEN);
	assert_string_equal(contest.obstacle, "it steps by 2min, the rows are 1min apart");
}

static void test_learnt_until(void **state)
{
	struct mlops_model model = { .kind = MLOPS_FAILURE_PREDICTION };
	int64_t last = 5;

	(void)state;
	assert_false(mlops_flow_learnt_until(&model, &last));
	assert_true(mlops_metadata_set(&model.metadata, "data", "{\"last_time\":\"2024-01-02T03:04:05Z\"}", NULL));
	assert_true(mlops_flow_learnt_until(&model, &last));
	assert_true(last == INT64_C(1704164645000000));
	assert_true(mlops_metadata_set(&model.metadata, "data", "{\"last_time\":7}", NULL));
	assert_false(mlops_flow_learnt_until(&model, &last));
	mlops_metadata_release(&model.metadata);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_that_neither_has_seen),
		cmocka_unit_test(test_rows_without_times),
		cmocka_unit_test(test_champions_of_other_rows),
		cmocka_unit_test(test_another_kind),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_learnt_until),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
