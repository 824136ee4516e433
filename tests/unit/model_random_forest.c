#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "model/fit.h"
#include "model/random_forest_bins.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define assert_near(value, expected, allowed) \
	assert_true(fabs((double)(value) - (double)(expected)) <= (allowed))

enum { N_FEATURES = 5, N_ROWS = 1500 };

/* The class is the number of x0 > 0.5 and x1 > 0.3, a tenth of them wrong; x2 is noise of few values, x3 is
 * constant, x4 noise; some of x1 and x4 is missing. */
struct table {
	float values[N_FEATURES][N_ROWS];
	uint32_t classes[N_ROWS];
	const float *columns[N_FEATURES];
	struct mlops_matrix matrix;
};

static struct table *make_table(uint32_t n_classes)
{
	struct table *table = calloc(1, sizeof *table);
	struct mlops_rng rng = mlops_rng_start(2, MLOPS_RNG_SIMULATE, 0);

	assert_non_null(table);
	for (size_t r = 0; r < N_ROWS; r++) {
		float x0 = (float)mlops_rng_unit(&rng), x1 = (float)mlops_rng_unit(&rng);
		uint32_t class = (x0 > 0.5f) + (uint32_t)(x1 > 0.3f);

		if (mlops_rng_below(&rng, 10) == 0)
			class = mlops_rng_below(&rng, n_classes);
		table->classes[r] = class < n_classes ? class : n_classes - 1;
		table->values[0][r] = x0;
		table->values[1][r] = r % 13 == 5 ? NAN : x1;
		table->values[2][r] = (float)mlops_rng_below(&rng, 4);
		table->values[3][r] = -1;
		table->values[4][r] = r % 7 == 2 ? NAN : (float)mlops_rng_unit(&rng);
	}
	for (size_t f = 0; f < N_FEATURES; f++)
		table->columns[f] = table->values[f];
	table->matrix = (struct mlops_matrix){ table->columns, N_FEATURES, NULL, N_ROWS };
	return table;
}

static struct mlops_settings settings_of(const char *const *assignments)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_settings settings;

	mlops_settings_default(MLOPS_FAILURE_PREDICTION, &settings);
	for (; assignments != NULL && *assignments != NULL; assignments++)
		assert_true(mlops_settings_parse(&settings, *assignments, &error));
	return settings;
}

static struct mlops_model *fit(const struct mlops_matrix *matrix, const uint32_t *classes, size_t n_classes,
			       const char *const *assignments, unsigned threads,
			       struct mlops_forest_report *report)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_pool *pool = mlops_pool_new(threads, &error);
	struct mlops_settings settings = settings_of(assignments);
	struct mlops_model *model = mlops_random_forest_fit(&settings, 11, matrix, classes, n_classes, pool,
							    NULL, report, &error);

	if (model == NULL)
		fail_msg("%s", error.message);
	mlops_pool_free(pool);
	assert_true(mlops_trees_check(&model->trees, &error));
	assert_true(model->trees.exact_sums);
	return model;
}

static void threads_do_not_show(void **state)
{
	static const unsigned threads[] = { 2, 3, 7 };
	static const char *const settings[] = { "trees=30", "class_weight=balanced", NULL };

	(void)state;
	for (uint32_t n_classes = 2; n_classes <= 3; n_classes++) {
		struct table *table = make_table(n_classes);
		struct mlops_forest_report expected, report;
		struct mlops_model *one =
			fit(&table->matrix, table->classes, n_classes, settings, 1, &expected);

		for (size_t i = 0; i < 3; i++) {
			struct mlops_model *model =
				fit(&table->matrix, table->classes, n_classes, settings, threads[i], &report);
			const struct mlops_trees *a = &one->trees, *b = &model->trees;

			assert_int_equal(a->n_nodes, b->n_nodes);
			assert_memory_equal(a->nodes, b->nodes, a->n_nodes * sizeof *a->nodes);
			assert_int_equal(a->n_leaves, b->n_leaves);
			assert_memory_equal(a->leaf_values, b->leaf_values,
					    a->n_leaves * a->n_outputs * sizeof(float));
			assert_int_equal(report.n_out_of_bag, expected.n_out_of_bag);
			assert_memory_equal(report.out_of_bag, expected.out_of_bag,
					    N_ROWS * n_classes * sizeof(float));
			assert_memory_equal(report.impurity_importance, expected.impurity_importance,
					    N_FEATURES * sizeof(double));
			mlops_forest_report_release(&report);
			mlops_model_free(model);
		}
		mlops_forest_report_release(&expected);
		mlops_model_free(one);
		free(table);
	}
}

/* Rows that were not seen are told about as well as nine in ten right labels allow; what matters is found to
 * matter. */
static void learns(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table *table = make_table(3);
	struct mlops_forest_report report;
	struct mlops_model *model = fit(&table->matrix, table->classes, 3, NULL, 2, &report);
	double permutation[N_FEATURES], sum = 0;
	size_t right = 0;

	(void)state;
	assert_int_equal(report.n_out_of_bag, N_ROWS);
	for (size_t r = 0; r < N_ROWS; r++) {
		const float *p = report.out_of_bag + r * 3;
		uint32_t decided = p[1] > p[0] ? 1 : 0;

		decided = p[2] > p[decided] ? 2 : decided;
		right += decided == table->classes[r];
		assert_near(p[0] + p[1] + p[2], 1, 1e-6);
	}
	assert_in_range(right, N_ROWS * 85 / 100, N_ROWS * 95 / 100);
	for (size_t f = 0; f < N_FEATURES; f++)
		sum += report.impurity_importance[f];
	assert_near(sum, 1, 1e-12);
	assert_true(report.impurity_importance[0] > 0.3);
	assert_true(report.impurity_importance[1] > 0.3);
	assert_near(report.impurity_importance[3], 0, 0);
	assert_true(mlops_permutation_importance(model, &table->matrix, table->classes, 1, NULL, permutation,
						 &error));
	assert_true(permutation[0] > 0.2 && permutation[1] > 0.2);
	assert_near(permutation[3], 0, 0);
	mlops_forest_report_release(&report);
	mlops_model_free(model);
	free(table);
}

static const struct mlops_node *root(const struct mlops_model *model, size_t tree)
{
	return &model->trees.nodes[model->trees.tree_start[tree]];
}

/* Where one split tells the classes apart it is found, half-way between neighbours, and its leaves are 0
 * and 1. */
static void thresholds_lie_half_way(void **state)
{
	enum { N = 90000 };
	static const char *const settings[] = { "trees=3", NULL };
	float *values = calloc(N, sizeof *values);
	uint32_t *classes = calloc(N, sizeof *classes);
	const float *columns[] = { values };
	struct mlops_matrix matrix = { columns, 1, NULL, N };
	struct mlops_model *model;

	(void)state;
	assert_true(values != NULL && classes != NULL);
	for (uint32_t i = 0; i < N; i++) {
		values[i] = i % 3 == 0 ? 2 : i % 3 == 1 ? 3 : 10;
		classes[i] = i % 3 == 2;
	}
	model = fit(&matrix, classes, 2, settings, 1, NULL);
	assert_int_equal(model->trees.n_nodes, 9);
	for (size_t t = 0; t < 3; t++) {
		assert_near(root(model, t)->threshold, 6.5, 0);
		assert_true(mlops_node_missing_left(root(model, t)));
		assert_near(model->trees.leaf_values[2 * t], 0, 0);
		assert_near(model->trees.leaf_values[2 * t + 1], 1, 0);
	}
	mlops_model_free(model);
	free(values);
	free(classes);
}

/* More distinct values than codes: bins then, but the border between the classes is found to a bin's width.
 */
static void more_values_than_bins(void **state)
{
	enum { N = 90000 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	float *values = calloc(N, sizeof *values);
	const float *columns[] = { values };
	struct mlops_matrix matrix = { columns, 1, NULL, N };
	struct mlops_bins bins;

	(void)state;
	assert_non_null(values);
	for (size_t i = 0; i < N; i++)
		values[(i * 7919) % N] = i < 10 ? NAN : i < 30000 ? -5 : (float)i;
	assert_true(mlops_bins_make(&matrix, 1000, NULL, &bins, &error));
	assert_in_range(bins.features[0].n_bins, 900, 1000);
	assert_near(bins.features[0].bins[0].largest, -5, 0);
	for (size_t i = 0; i < N; i++) {
		size_t code = bins.features[0].codes[i];

		if (isnan(values[i])) {
			assert_int_equal(code, MLOPS_GROW_MISSING);
			continue;
		}
		assert_true(values[i] >= bins.features[0].bins[code].smallest);
		assert_true(values[i] <= bins.features[0].bins[code].largest);
	}
	for (size_t b = 1; b < bins.features[0].n_bins; b++) {
		assert_true(bins.features[0].bins[b].smallest > bins.features[0].bins[b - 1].largest);
		assert_true(bins.features[0].bins[b].largest - bins.features[0].bins[b].smallest < 100);
	}
	mlops_bins_release(&bins);
	assert_true(mlops_bins_make(&matrix, MLOPS_MAX_BINS, NULL, &bins, &error));
	assert_int_equal(bins.features[0].n_bins, 60001);
	mlops_bins_release(&bins);
	free(values);
}

/* Neighbouring float32 values: the threshold is the lower one, and negative zero is zero. */
static void no_room_between(void **state)
{
	float values[] = { 1, nextafterf(1, 2), -0.0f, 0.0f, -FLT_MAX, FLT_MAX };
	const float *columns[] = { values };
	struct mlops_matrix matrix = { columns, 1, NULL, 6 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_bins bins;

	(void)state;
	assert_true(mlops_bins_make(&matrix, MLOPS_MAX_BINS, NULL, &bins, &error));
	assert_int_equal(bins.features[0].n_bins, 5);
	assert_int_equal(bins.features[0].codes[2], bins.features[0].codes[3]);
	assert_near(mlops_bins_threshold(&bins.features[0], 2, 3), 1, 0);
	assert_near(mlops_bins_threshold(&bins.features[0], 0, 4), 0, 0);
	mlops_bins_release(&bins);
}

/* What is missing may be what tells: apart from all values, or together with the larger ones. */
static void missing_values_take_sides(void **state)
{
	enum { N = 400 };
	static const char *const settings[] = { "trees=5", NULL };
	float values[N];
	uint32_t classes[N];
	const float *columns[] = { values };
	struct mlops_matrix matrix = { columns, 1, NULL, N };
	struct mlops_model *model;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		values[i] = i % 2 == 0 ? NAN : (float)i;
		classes[i] = i % 2 == 0;
	}
	model = fit(&matrix, classes, 2, settings, 1, NULL);
	assert_int_equal(model->trees.n_nodes, 15);
	assert_near(root(model, 4)->threshold, FLT_MAX, 0);
	assert_false(mlops_node_missing_left(root(model, 4)));
	mlops_model_free(model);

	for (uint32_t i = 0; i < N; i++) {
		values[i] = i % 4 == 0 ? NAN : i % 4 == 1 ? 1 : 2;
		classes[i] = i % 4 > 1;
	}
	model = fit(&matrix, classes, 2, settings, 1, NULL);
	assert_int_equal(model->trees.n_nodes, 15);
	assert_near(root(model, 4)->threshold, 1.5, 0);
	assert_true(mlops_node_missing_left(root(model, 4)));
	mlops_model_free(model);
}

static size_t deepest(const struct mlops_trees *trees, size_t tree, uint32_t index)
{
	const struct mlops_node *nodes = trees->nodes + trees->tree_start[tree];
	uint32_t left = mlops_node_left(trees, &nodes[index]);
	size_t a, b;

	if (left == 0)
		return 0;
	a = deepest(trees, tree, left);
	b = deepest(trees, tree, left + 1);
	return 1 + (a > b ? a : b);
}

static void limits_of_growth(void **state)
{
	static const char *const shallow[] = { "trees=10", "max_depth=3", "max_features=all", NULL };
	static const char *const wide[] = { "trees=10", "min_leaf=100", NULL };
	static const char *const none[] = { "trees=10", "min_leaf=1000", NULL };
	struct table *table = make_table(2);
	struct mlops_forest_report report;
	struct mlops_model *model = fit(&table->matrix, table->classes, 2, shallow, 1, NULL);

	(void)state;
	for (size_t t = 0; t < 10; t++)
		assert_int_equal(deepest(&model->trees, t, 0), 3);
	mlops_model_free(model);
	/* about 948 different rows are in a bootstrap of 1,500 */
	model = fit(&table->matrix, table->classes, 2, wide, 1, NULL);
	assert_in_range(model->trees.n_leaves, 20, 95);
	mlops_model_free(model);
	model = fit(&table->matrix, table->classes, 2, none, 1, &report);
	assert_int_equal(model->trees.n_nodes, 10);
	assert_near(report.impurity_importance[0], 0, 0);
	mlops_forest_report_release(&report);
	mlops_model_free(model);
	free(table);
}

/* With one leaf a tree, its value is the class's share in the bootstrap; balanced, about a half. */
static void class_weights(void **state)
{
	static const char *const plain[] = { "trees=200", "min_leaf=100000", NULL };
	static const char *const balanced[] = { "trees=200", "min_leaf=100000", "class_weight=balanced",
						NULL };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct table *table = make_table(2);
	struct mlops_matrix one_row = table->matrix;
	struct mlops_model *model;
	float sum, probabilities[2];
	size_t positives = 0;

	(void)state;
	one_row.n_rows = 1;
	for (size_t r = 0; r < N_ROWS; r++) {
		table->classes[r] = r % 20 == 0;
		positives += table->classes[r];
	}
	model = fit(&table->matrix, table->classes, 2, plain, 1, NULL);
	assert_true(mlops_trees_sum(&model->trees, &one_row, NULL, &sum, &error));
	mlops_model_probabilities(model, &sum, probabilities);
	assert_near(probabilities[1], (double)positives / N_ROWS, 0.005);
	mlops_model_free(model);
	model = fit(&table->matrix, table->classes, 2, balanced, 1, NULL);
	assert_true(mlops_trees_sum(&model->trees, &one_row, NULL, &sum, &error));
	mlops_model_probabilities(model, &sum, probabilities);
	assert_near(probabilities[1], 0.5, 0.02);
	mlops_model_free(model);
	free(table);
}

/* Shares of many classes are multiples of 1/scale and add up to 1 in every leaf. */
static void shares_add_up(void **state)
{
	static const char *const settings[] = { "trees=7", "max_depth=2", NULL };
	struct table *table = make_table(3);
	struct mlops_model *model;

	(void)state;
	for (uint32_t r = 0; r < N_ROWS; r++)
		table->classes[r] = r % 11;
	model = fit(&table->matrix, table->classes, 12, settings, 1, NULL);
	assert_int_equal(model->trees.n_outputs, 12);
	for (size_t i = 0; i < model->trees.n_leaves; i++) {
		double sum = 0;

		for (size_t k = 0; k < 12; k++)
			sum += (double)model->trees.leaf_values[i * 12 + k];
		assert_near(sum, 1, 0);
		assert_near(model->trees.leaf_values[i * 12 + 11], 0, 0);
	}
	mlops_model_free(model);
	free(table);
}

/* A view of some rows: classes are looked up like columns, and the model is that of the same rows copied. */
static void a_view_of_rows(void **state)
{
	static const char *const settings[] = { "trees=5", NULL };
	struct table *table = make_table(2), *copy = make_table(2);
	uint32_t rows[500];
	struct mlops_matrix view = table->matrix;
	struct mlops_model *a, *b;

	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		rows[i] = N_ROWS - 1 - 2 * i;
		for (size_t f = 0; f < N_FEATURES; f++)
			copy->values[f][i] = table->values[f][rows[i]];
		copy->classes[i] = table->classes[rows[i]];
	}
	view.rows = rows;
	view.n_rows = copy->matrix.n_rows = 500;
	a = fit(&view, table->classes, 2, settings, 1, NULL);
	b = fit(&copy->matrix, copy->classes, 2, settings, 1, NULL);
	assert_int_equal(a->trees.n_nodes, b->trees.n_nodes);
	assert_memory_equal(a->trees.nodes, b->trees.nodes, a->trees.n_nodes * sizeof *a->trees.nodes);
	mlops_model_free(a);
	mlops_model_free(b);
	free(table);
	free(copy);
}

static void expect_error(const struct mlops_matrix *matrix, const uint32_t *classes, size_t n_classes,
			 const char *const *assignments, enum mlops_code code, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_settings settings = settings_of(assignments);
	struct mlops_forest_report report;

	assert_null(mlops_random_forest_fit(&settings, 0, matrix, classes, n_classes, NULL, NULL, &report,
					    &error));
	assert_int_equal(error.code, code);
	assert_string_equal(error.message, message);
	assert_null(report.out_of_bag);
}

static void what_is_refused(void **state)
{
	static const char *const many[] = { "max_features=3", NULL };
	float values[] = { 1, 2, 3 };
	const uint32_t same[] = { 1, 1, 1 }, both[] = { 0, 1, 2 };
	const float *columns[] = { values, values };
	struct mlops_matrix matrix = { columns, 2, NULL, 3 };

	(void)state;
	expect_error(&matrix, same, 2, NULL, MLOPS_DATA,
		     "all 3 rows have the same target: there are no two classes to tell apart");
	expect_error(&matrix, both, 2, NULL, MLOPS_BUG, "class 2 of 2");
	expect_error(&matrix, both, 256, NULL, MLOPS_DATA, "256 classes are more than 255");
	expect_error(&matrix, both, 3, many, MLOPS_USAGE,
		     "setting max_features: 3 is more than the 2 features");
	matrix.n_columns = 0;
	expect_error(&matrix, both, 3, NULL, MLOPS_DATA, "a random forest needs at least 1 feature");
	matrix.n_rows = 1;
	expect_error(&matrix, both, 3, NULL, MLOPS_DATA,
		     "a random forest needs at least 2 rows, and there is 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_do_not_show),     cmocka_unit_test(learns),
		cmocka_unit_test(thresholds_lie_half_way), cmocka_unit_test(more_values_than_bins),
		cmocka_unit_test(no_room_between),         cmocka_unit_test(missing_values_take_sides),
		cmocka_unit_test(limits_of_growth),        cmocka_unit_test(class_weights),
		cmocka_unit_test(shares_add_up),           cmocka_unit_test(a_view_of_rows),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests_name("model_random_forest", tests, NULL, NULL);
}
