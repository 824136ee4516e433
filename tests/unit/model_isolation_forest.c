#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "model/evaluate.h"
#include "model/fit.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define assert_near(value, expected, allowed) \
	assert_true(fabs((double)(value) - (double)(expected)) <= (allowed))

enum { N_FEATURES = 4, N_ROWS = 2000, N_ODD = 20 };

/* A ball of rows, a few far away, one constant feature, some values missing. */
struct table {
	float values[N_FEATURES][N_ROWS];
	const float *columns[N_FEATURES];
	struct mlops_matrix matrix;
};

static struct table *make_table(void)
{
	struct table *table = calloc(1, sizeof *table);
	struct mlops_rng rng = mlops_rng_start(1, MLOPS_RNG_SIMULATE, 0);

	assert_non_null(table);
	for (size_t f = 0; f < N_FEATURES; f++) {
		table->columns[f] = table->values[f];
		for (size_t r = 0; r < N_ROWS; r++) {
			double sum = 0;

			for (int i = 0; i < 6; i++)
				sum += mlops_rng_unit(&rng);
			table->values[f][r] = (float)(sum - 3 + (r < N_ODD ? 6 : 0));
			if (f == 2)
				table->values[f][r] = 17;
			else if ((r + f) % 50 == 49)
				table->values[f][r] = NAN;
		}
	}
	table->matrix = (struct mlops_matrix){ table->columns, N_FEATURES, NULL, N_ROWS };
	return table;
}

static struct mlops_model *fit(const struct mlops_matrix *matrix, const char *const *assignments,
			       unsigned threads, uint64_t seed)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_pool *pool = mlops_pool_new(threads, &error);
	struct mlops_settings settings;
	struct mlops_model *model;

	mlops_settings_default(MLOPS_ANOMALY_DETECTION, &settings);
	for (; assignments != NULL && *assignments != NULL; assignments++)
		assert_true(mlops_settings_parse(&settings, *assignments, &error));
	model = mlops_isolation_forest_fit(&settings, seed, matrix, pool, NULL, &error);
	if (model == NULL)
		fail_msg("%s", error.message);
	mlops_pool_free(pool);
	assert_true(mlops_trees_check(&model->trees, &error));
	assert_true(model->trees.exact_sums);
	return model;
}

static void assert_models_equal(const struct mlops_model *a, const struct mlops_model *b)
{
	assert_int_equal(a->trees.n_nodes, b->trees.n_nodes);
	assert_int_equal(a->trees.n_leaves, b->trees.n_leaves);
	assert_memory_equal(a->trees.nodes, b->trees.nodes, a->trees.n_nodes * sizeof *a->trees.nodes);
	assert_memory_equal(a->trees.leaf_values, b->trees.leaf_values, a->trees.n_leaves * sizeof(float));
	assert_memory_equal(&a->score_exponent, &b->score_exponent, sizeof(float));
	assert_memory_equal(&a->score_mean, &b->score_mean, sizeof(float));
	assert_memory_equal(&a->score_deviation, &b->score_deviation, sizeof(float));
	assert_memory_equal(&a->threshold_sum, &b->threshold_sum, sizeof(float));
}

static void threads_do_not_show(void **state)
{
	static const unsigned threads[] = { 2, 3, 7 };
	static const char *const settings[] = { "trees=50", "contamination=0.02", NULL };
	struct table *table = make_table();
	struct mlops_model *one = fit(&table->matrix, settings, 1, 5);
	struct mlops_model *other_seed = fit(&table->matrix, settings, 1, 6);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct mlops_model *model = fit(&table->matrix, settings, threads[i], 5);

		assert_models_equal(one, model);
		mlops_model_free(model);
	}
	assert_true(one->trees.n_nodes != other_seed->trees.n_nodes ||
		    memcmp(one->trees.nodes, other_seed->trees.nodes, one->trees.n_nodes * 8) != 0);
	mlops_model_free(one);
	mlops_model_free(other_seed);
	free(table);
}

/* Odd rows come out on top, and each tree has the shape that the paper gives it. */
static void odd_rows_stand_out(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table *table = make_table();
	struct mlops_model *model = fit(&table->matrix, NULL, 2, 0);
	struct mlops_binary_metrics metrics;
	float sums[N_ROWS], scores[N_ROWS];
	uint8_t odd[N_ROWS], decided[N_ROWS];
	double mean = 0, c = 2 * (log(255) + 0.5772156649) - 2 * 255.0 / 256;

	(void)state;
	assert_true(mlops_trees_sum(&model->trees, &table->matrix, NULL, sums, &error));
	for (size_t r = 0; r < N_ROWS; r++) {
		odd[r] = r < N_ODD;
		decided[r] = mlops_model_is_anomaly(model, sums[r]);
		scores[r] = mlops_model_anomaly_score(model, sums[r]);
		mean += (double)scores[r] / N_ROWS;
		/* decided by the sum; the score agrees unless float32 rounds it to the border */
		if (fabsf(scores[r] - 0.5f) > 1e-6f)
			assert_int_equal(decided[r], scores[r] >= 0.5f);
	}
	assert_true(mlops_evaluate_binary(scores, odd, decided, N_ROWS, false, &metrics, &error));
	assert_true(metrics.roc_auc > 0.999);
	assert_int_equal(metrics.false_negative, 0);
	assert_near(model->score_mean, mean, 1e-6);
	assert_near(model->score_exponent, -1 / (100 * c), 1e-9);
	assert_near(model->threshold_sum, 100 * c, 1e-3);
	for (size_t i = 0; i < model->trees.n_nodes; i++) {
		const struct mlops_node *node = &model->trees.nodes[i];

		if (node->word != 0)
			assert_int_not_equal(mlops_node_feature(&model->trees, node), 2);
	}
	mlops_model_free(model);
	free(table);
}

/* Half a unit beside all possible sums, and as many training rows below as asked for. */
static void contamination_is_a_share_of_the_training_rows(void **state)
{
	static const char *const settings[] = { "contamination=0.0101", "trees=64", NULL };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table *table = make_table();
	struct mlops_model *model = fit(&table->matrix, settings, 1, 3);
	float sums[N_ROWS];
	float scale = 2048; /* the largest power of two with 8 + 10.25 below 2^16 units */
	size_t anomalies = 0;

	(void)state;
	assert_true(mlops_trees_sum(&model->trees, &table->matrix, NULL, sums, &error));
	for (size_t r = 0; r < N_ROWS; r++) {
		assert_near(sums[r] * scale, rint(sums[r] * scale), 0);
		anomalies += mlops_model_is_anomaly(model, sums[r]);
	}
	/* position 0.0101 * 1999 = 20.19: the 21 smallest sums are below the quantile */
	assert_int_equal(anomalies, 21);
	assert_near(model->threshold_sum * scale - floor(model->threshold_sum * scale), 0.5, 0);
	mlops_model_free(model);
	free(table);
}

/* Two rows, one of them NaN in the feature that tells them from others. */
static void small_samples(void **state)
{
	float values[] = { 1, 2, NAN, 2 };
	const float *columns[] = { values };
	uint32_t rows[] = { 3, 0 };
	struct mlops_matrix matrix = { columns, 1, rows, 2 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_model *model = fit(&matrix, NULL, 1, 0);
	float sums[4];

	(void)state;
	assert_int_equal(model->trees.n_nodes, 300);
	assert_near(model->score_exponent, -0.01f, 0);
	matrix = (struct mlops_matrix){ columns, 1, NULL, 4 };
	assert_true(mlops_trees_sum(&model->trees, &matrix, NULL, sums, &error));
	assert_near(sums[0], 100, 0);
	assert_near(sums[2], 100, 0);
	mlops_model_free(model);
}

static void expect_error(const struct mlops_matrix *matrix, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_settings settings;

	mlops_settings_default(MLOPS_ANOMALY_DETECTION, &settings);
	assert_null(mlops_isolation_forest_fit(&settings, 0, matrix, NULL, NULL, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, message);
}

static void too_little(void **state)
{
	float constant[] = { 3, NAN, 3, 3 }, missing[] = { NAN, NAN, NAN, NAN };
	const float *columns[] = { constant, missing };
	struct mlops_matrix matrix = { columns, 2, NULL, 4 };

	(void)state;
	expect_error(&matrix, "none of the 2 features varies: there is nothing to isolate");
	matrix.n_rows = 1;
	expect_error(&matrix, "an isolation forest needs at least 2 rows, and there is 1");
	matrix.n_rows = 0;
	expect_error(&matrix, "an isolation forest needs at least 2 rows, and there are 0");
}

static bool stop_at_ten(void *context, size_t done, size_t total)
{
	atomic_size_t *calls = context;

	assert_in_range(done, 1, total);
	assert_int_equal(total, 100);
	return atomic_fetch_add(calls, 1) < 9;
}

static void progress_may_stop(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table *table = make_table();
	struct mlops_settings settings;
	atomic_size_t calls = 0;
	struct mlops_fit_progress progress = { stop_at_ten, &calls };

	(void)state;
	mlops_settings_default(MLOPS_ANOMALY_DETECTION, &settings);
	assert_null(mlops_isolation_forest_fit(&settings, 0, &table->matrix, NULL, &progress, &error));
	assert_int_equal(error.code, MLOPS_CLOSED);
	assert_int_equal(calls, 10);
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_do_not_show),
		cmocka_unit_test(odd_rows_stand_out),
		cmocka_unit_test(contamination_is_a_share_of_the_training_rows),
		cmocka_unit_test(small_samples),
		cmocka_unit_test(too_little),
		cmocka_unit_test(progress_may_stop),
	};

	return cmocka_run_group_tests_name("model_isolation_forest", tests, NULL, NULL);
}
