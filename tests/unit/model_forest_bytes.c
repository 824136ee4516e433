/* The same rows, settings and seed give the same model file, byte for byte, whatever build of the kernels
 * grows it and however many threads there are. */
#include "base/rng.h"
#include "kernel/table.h"
#include "model/fit.h"
#include "model/onnx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_FEATURES = 16, MOST_ROWS = 36000 };

struct table {
	float values[N_FEATURES][MOST_ROWS];
	uint32_t classes[MOST_ROWS];
	const float *columns[N_FEATURES];
	struct mlops_matrix matrix;
	uint32_t n_classes;
};

/* Values of each kind: all different, few, one, many equal ones among others, few large ones; a third of the
 * features has missing values, one nothing else. */
static float draw_value(struct mlops_rng *rng, size_t feature, float hidden)
{
	float x = (float)mlops_rng_unit(rng);

	if (feature == 15 || (feature % 3 == 2 && mlops_rng_below(rng, 8) == 0))
		return NAN;
	switch (feature % 5) {
	case 0:
		return hidden + x;
	case 1:
		return (float)mlops_rng_below(rng, 2 + (uint32_t)feature);
	case 2:
		return mlops_rng_below(rng, 3) > 0 ? 1 : x;
	case 3:
		return x > 0.99f ? x * 1e6f : x - hidden;
	default:
		return feature == 4 ? -3.5f : floorf(x * 300);
	}
}

/* The class tells from hidden features and from what is missing, with one in twenty wrong. */
static struct table *make_table(size_t n_rows, uint32_t n_classes)
{
	struct table *table = calloc(1, sizeof *table);
	struct mlops_rng rng = mlops_rng_start(8, MLOPS_RNG_SIMULATE, n_classes);

	assert_non_null(table);
	table->n_classes = n_classes;
	for (size_t r = 0; r < n_rows; r++) {
		float hidden = (float)mlops_rng_unit(&rng) * 2;
		uint32_t class;

		for (size_t f = 0; f < N_FEATURES; f++)
			table->values[f][r] = draw_value(&rng, f, hidden);
		class = (hidden > 1.3f) + (isnan(table->values[2][r]) ? 1u : 0u);
		if (mlops_rng_below(&rng, 20) == 0)
			class = mlops_rng_below(&rng, n_classes);
		table->classes[r] = class < n_classes ? class : n_classes - 1;
	}
	/* however few rows there are, two classes */
	table->classes[0] = 0;
	table->classes[1] = 1;
	for (size_t f = 0; f < N_FEATURES; f++)
		table->columns[f] = table->values[f];
	table->matrix = (struct mlops_matrix){ table->columns, N_FEATURES, NULL, n_rows };
	return table;
}

static void name_parts(struct mlops_model *model, uint32_t n_classes)
{
	static char names[N_FEATURES][8], class_names[4][8];
	static char *classes[4] = { class_names[0], class_names[1], class_names[2], class_names[3] };
	struct mlops_feature features[N_FEATURES] = { { .name = names[0] } };
	struct mlops_error error = MLOPS_ERROR_INIT;

	for (size_t f = 0; f < N_FEATURES; f++) {
		snprintf(names[f], sizeof names[f], "f%zu", f);
		features[f].name = names[f];
	}
	for (size_t k = 0; k < 4; k++)
		snprintf(class_names[k], sizeof class_names[k], "c%zu", k);
	assert_true(mlops_model_set_features(model, features, N_FEATURES, &error));
	if (model->kind == MLOPS_FAILURE_PREDICTION)
		assert_true(mlops_model_set_classes(model, classes, n_classes, &error));
}

/* The file of a model; *nodes: how many it has. */
static struct mlops_buffer fit(enum mlops_kind kind, const char *const *assignments,
			       const struct table *table, unsigned threads, size_t *nodes)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_pool *pool = mlops_pool_new(threads, &error);
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_settings settings;
	struct mlops_forest_report report;
	struct mlops_model *model;

	mlops_settings_default(kind, &settings);
	for (; *assignments != NULL; assignments++)
		assert_true(mlops_settings_parse(&settings, *assignments, &error));
	if (kind == MLOPS_ANOMALY_DETECTION)
		model = mlops_isolation_forest_fit(&settings, 5, &table->matrix, pool, NULL, &error);
	else
		model = mlops_random_forest_fit(&settings, 5, &table->matrix, table->classes,
						table->n_classes, pool, NULL, &report, &error);
	if (model == NULL)
		fail_msg("%s", error.message);
	*nodes = model->trees.n_nodes;
	name_parts(model, table->n_classes);
	assert_true(mlops_onnx_write(model, &bytes, &error));
	/* what else the fit tells goes behind the file */
	if (kind == MLOPS_FAILURE_PREDICTION) {
		mlops_buffer_append(&bytes, (const char *)report.out_of_bag,
				    table->matrix.n_rows * table->n_classes * sizeof(float));
		mlops_buffer_append(&bytes, (const char *)report.impurity_importance,
				    N_FEATURES * sizeof(double));
		mlops_forest_report_release(&report);
	}
	mlops_model_free(model);
	mlops_pool_free(pool);
	return bytes;
}

static void expect_same(enum mlops_kind kind, const char *const *assignments, const struct table *table,
			size_t least_nodes)
{
	static const unsigned threads[] = { 1, 2, 3, 7 };
	struct mlops_buffer expected = MLOPS_BUFFER_INIT;
	size_t nodes;

	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		assert_true(mlops_kernels_force(mlops_kernels_at(k)->name));
		for (size_t t = 0; t < 4; t++) {
			struct mlops_buffer bytes = fit(kind, assignments, table, threads[t], &nodes);

			assert_true(nodes >= least_nodes);
			if (k == 0 && t == 0) {
				expected = bytes;
				continue;
			}
			if (bytes.length != expected.length ||
			    memcmp(bytes.data, expected.data, bytes.length) != 0)
				fail_msg("%s, %s with %u threads: not the bytes of the reference with one",
					 assignments[0], mlops_kernels_at(k)->name, threads[t]);
			mlops_buffer_release(&bytes);
		}
	}
	mlops_buffer_release(&expected);
	assert_true(mlops_kernels_force(NULL));
}

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void random_forest_of_two_classes(void **state)
{
	struct table *table = make_table(2500, 2);

	(void)state;
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=5"), table, 1000);
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=5", "class_weight=balanced"), table, 1000);
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=5", "min_leaf=3", "class_weight=balanced"),
		    table, 400);
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=5", "max_features=all"), table, 500);
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=9", "max_features=1", "max_depth=6"), table,
		    300);
	free(table);
}

static void random_forest_of_three_classes(void **state)
{
	struct table *table = make_table(2500, 3);

	(void)state;
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=5"), table, 1000);
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=5", "min_leaf=4", "class_weight=balanced"),
		    table, 400);
	free(table);
}

static void random_forest_of_few_rows(void **state)
{
	(void)state;
	for (size_t n = 2; n < 80; n += n < 8 ? 1 : 23) {
		struct table *table = make_table(n, 2), *classes = make_table(n, 3);

		expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=20"), table, 20);
		expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=20"), classes, 20);
		free(table);
		free(classes);
	}
}

/* So many rows that trees are grown in parts, and that a table's codes do not fit into a cache: the few trees
 * share their work. */
static void random_forest_of_many_rows(void **state)
{
	struct table *table = make_table(MOST_ROWS, 2), *classes = make_table(MOST_ROWS, 3);

	(void)state;
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=1"), table, 1000);
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=3", "min_leaf=2"), table, 3000);
	expect_same(MLOPS_FAILURE_PREDICTION, SETTINGS("trees=2", "class_weight=balanced"), classes, 2000);
	free(table);
	free(classes);
}

static void isolation_forest(void **state)
{
	struct table *table = make_table(5000, 2), *few = make_table(3, 2);

	(void)state;
	expect_same(MLOPS_ANOMALY_DETECTION, SETTINGS("trees=20"), table, 500);
	expect_same(MLOPS_ANOMALY_DETECTION, SETTINGS("trees=5", "sample_size=4000", "contamination=0.05"),
		    table, 500);
	expect_same(MLOPS_ANOMALY_DETECTION, SETTINGS("trees=20"), few, 20);
	free(table);
	free(few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_forest_of_two_classes),
		cmocka_unit_test(random_forest_of_three_classes),
		cmocka_unit_test(random_forest_of_few_rows),
		cmocka_unit_test(random_forest_of_many_rows),
		cmocka_unit_test(isolation_forest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
