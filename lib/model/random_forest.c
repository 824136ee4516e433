/*
 * Random Forest classifier: Breiman: "Random Forests", Machine Learning 45, 2001.
 */
#include "model/random_forest.h"

#include "model/growth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_OF_BAG_ROWS = 512 };

/* What a worker's trees say about rows that they did not see.  The sums are exact, so the order of trees
 * cannot show. */
struct out_of_bag {
	float *sums;	 /* [n_rows * n_outputs] */
	uint16_t *trees; /* [n_rows] */
	/* OUT_OF_BAG_ROWS at a time */
	size_t n;
	uint32_t rows[OUT_OF_BAG_ROWS];
	uint32_t leaves[OUT_OF_BAG_ROWS];
	float *values; /* [OUT_OF_BAG_ROWS * n_features] */
};

struct forest {
	struct mlops_forest_plan plan;
	const struct mlops_matrix *matrix;
	uint64_t seed;
	size_t n_trees, n_outputs;
	struct mlops_bins bins;
	uint8_t *class_of;
	double *class_weight;
	double *purity; /* see struct mlops_small_node */
	size_t workers;
	struct mlops_forest_scratch *scratch; /* [workers] */
	struct mlops_forest_team team;
	uint64_t *decrease;	       /* [n_trees * n_features] */
	struct out_of_bag *out_of_bag; /* [workers], NULL when nobody asks */
};

/* As many draws as there are rows, with replacement; returns how many rows were drawn. */
static size_t draw_bootstrap(const struct forest *forest, size_t tree, struct mlops_forest_rows *rows)
{
	uint32_t n = (uint32_t)forest->matrix->n_rows;
	struct mlops_rng rng = mlops_rng_start(forest->seed, MLOPS_RNG_BOOTSTRAP, (uint32_t)tree);
	size_t drawn = 0;

	memset(rows->weight, 0, n * sizeof *rows->weight);
	for (uint32_t i = 0; i < n; i++)
		rows->weight[mlops_rng_below(&rng, n)]++;
	for (uint32_t r = 0; r < n; r++) {
		rows->rows[drawn] = (struct mlops_grow_row){ r, rows->weight[r], forest->class_of[r] };
		drawn += rows->weight[r] > 0;
	}
	return drawn;
}

/* The leaves of the rows waiting in out_of_bag->rows. */
static void add_waiting(const struct forest *forest, const struct mlops_tree_builder *builder,
			struct out_of_bag *out_of_bag)
{
	size_t width = forest->matrix->n_columns, n_outputs = forest->n_outputs;

	for (size_t f = 0; f < width; f++) {
		for (size_t i = 0; i < out_of_bag->n; i++)
			out_of_bag->values[i * width + f] =
				mlops_matrix_at(forest->matrix, out_of_bag->rows[i], f);
	}
	forest->plan.kernels->forest_leaves(builder->nodes, builder->feature_bits, out_of_bag->values, width,
					    out_of_bag->n, true, out_of_bag->leaves);
	for (size_t i = 0; i < out_of_bag->n; i++) {
		const float *leaf = builder->leaf_values + out_of_bag->leaves[i] * n_outputs;
		size_t row = out_of_bag->rows[i];

		for (size_t k = 0; k < n_outputs; k++)
			out_of_bag->sums[row * n_outputs + k] += leaf[k];
		out_of_bag->trees[row]++;
	}
	out_of_bag->n = 0;
}

static void add_out_of_bag(const struct forest *forest, const uint16_t *weight,
			   const struct mlops_tree_builder *builder, struct out_of_bag *out_of_bag,
			   size_t begin, size_t end)
{
	for (uint32_t r = (uint32_t)begin; r < end; r++) {
		if (weight[r] > 0)
			continue;
		out_of_bag->rows[out_of_bag->n++] = r;
		if (out_of_bag->n == OUT_OF_BAG_ROWS)
			add_waiting(forest, builder, out_of_bag);
	}
	add_waiting(forest, builder, out_of_bag);
}

static bool grow_tree(void *context, size_t tree, unsigned worker, struct mlops_tree_builder *builder)
{
	struct forest *forest = context;
	struct mlops_forest_scratch *scratch = &forest->scratch[worker];
	size_t n_rows = draw_bootstrap(forest, tree, &scratch->rows);

	if (!mlops_forest_grow_tree(&forest->plan, scratch, tree, n_rows, builder,
				    forest->decrease + tree * forest->matrix->n_columns))
		return false;
	if (forest->out_of_bag != NULL)
		add_out_of_bag(forest, scratch->rows.weight, builder, &forest->out_of_bag[worker], 0,
			       forest->matrix->n_rows);
	return true;
}

enum { TASK_ROWS = 16384 };

struct ask {
	const struct forest *forest;
	const struct mlops_tree_builder *builder;
};

static void ask_some(void *context, size_t task, unsigned worker)
{
	const struct ask *ask = context;
	size_t begin = task * TASK_ROWS, n_rows = ask->forest->matrix->n_rows;

	add_out_of_bag(ask->forest, ask->forest->scratch[0].rows.weight, ask->builder,
		       &ask->forest->out_of_bag[worker], begin,
		       n_rows - begin < TASK_ROWS ? n_rows : begin + TASK_ROWS);
}

static bool share_tree(void *context, size_t tree, struct mlops_pool *pool,
		       struct mlops_tree_builder *builder)
{
	struct forest *forest = context;
	size_t n_rows = draw_bootstrap(forest, tree, &forest->scratch[0].rows);
	struct ask ask = { forest, builder };

	if (!mlops_forest_share_tree(&forest->plan, &forest->team, tree, n_rows, builder,
				     forest->decrease + tree * forest->matrix->n_columns))
		return false;
	if (forest->out_of_bag != NULL)
		mlops_pool_run(pool, (forest->matrix->n_rows + TASK_ROWS - 1) / TASK_ROWS, ask_some, &ask);
	return true;
}

static bool check_input(const struct mlops_matrix *matrix, size_t n_classes, size_t max_features,
			struct mlops_error *error)
{
	if (matrix->n_rows < 2)
		return mlops_error_set(error, MLOPS_DATA,
				       "a random forest needs at least 2 rows, and there %s %zu",
				       matrix->n_rows == 1 ? "is" : "are", matrix->n_rows);
	if (matrix->n_rows >= UINT32_MAX)
		return mlops_error_set(error, MLOPS_DATA, "%zu rows are more than %u", matrix->n_rows,
				       UINT32_MAX - 1);
	if (matrix->n_columns == 0)
		return mlops_error_set(error, MLOPS_DATA, "a random forest needs at least 1 feature");
	if (n_classes > MLOPS_MAX_CLASSES)
		return mlops_error_set(error, MLOPS_DATA, "%zu classes are more than %d", n_classes,
				       MLOPS_MAX_CLASSES);
	if (max_features > matrix->n_columns)
		return mlops_error_set(error, MLOPS_USAGE,
				       "setting max_features: %zu is more than the %zu features",
				       max_features, matrix->n_columns);
	return true;
}

static size_t count_features(double setting, size_t n_features)
{
	size_t wanted = n_features;

	if (setting > MLOPS_MAX_FEATURES_ALL)
		return (size_t)setting;
	if (setting <= MLOPS_MAX_FEATURES_LOG2)
		wanted = (size_t)log2((double)n_features);
	else if (setting <= MLOPS_MAX_FEATURES_SQRT)
		wanted = (size_t)sqrt((double)n_features);
	return wanted > 0 ? wanted : 1;
}

/* Classes of the rows in bytes, and what a row of each class weighs. */
static bool take_classes(struct forest *forest, const uint32_t *classes, size_t n_classes, bool balanced,
			 struct mlops_error *error)
{
	const struct mlops_matrix *matrix = forest->matrix;
	size_t present = 0;

	forest->class_of = calloc(matrix->n_rows, sizeof *forest->class_of);
	forest->class_weight = calloc(n_classes, sizeof *forest->class_weight);
	if (forest->class_of == NULL || forest->class_weight == NULL)
		return mlops_error_set_memory(error);
	for (size_t r = 0; r < matrix->n_rows; r++) {
		uint32_t class = classes[matrix->rows != NULL ? matrix->rows[r] : r];

		if (class >= n_classes)
			return mlops_error_set(error, MLOPS_BUG, "class %u of %zu", class, n_classes);
		forest->class_of[r] = (uint8_t) class;
		forest->class_weight[class]++;
	}
	for (size_t k = 0; k < n_classes; k++)
		present += forest->class_weight[k] > 0;
	if (present < 2)
		return mlops_error_set(
			error, MLOPS_DATA,
			"all %zu rows have the same target: there are no two classes to tell apart",
			matrix->n_rows);
	for (size_t k = 0; k < n_classes; k++) {
		if (!balanced || forest->class_weight[k] <= 0)
			forest->class_weight[k] = 1;
		else
			forest->class_weight[k] =
				(double)matrix->n_rows / ((double)present * forest->class_weight[k]);
	}
	return true;
}

/* What sides of few rows of two classes are worth, once for all. */
static void set_purity(double *purity, const double *class_weight)
{
	for (size_t a = 0; a < MLOPS_SMALL_DRAWS; a++) {
		for (size_t b = 0; b < MLOPS_SMALL_DRAWS; b++) {
			double x = class_weight[0] * (double)a, y = class_weight[1] * (double)b;

			purity[a * MLOPS_SMALL_DRAWS + b] = a + b > 0 ? (x * x + y * y) / (x + y) : 0;
		}
	}
}

static bool allocate(struct forest *forest, bool wants_out_of_bag)
{
	size_t n_rows = forest->matrix->n_rows;
	bool good;

	forest->scratch = calloc(forest->workers, sizeof *forest->scratch);
	forest->decrease = calloc(forest->n_trees, forest->matrix->n_columns * sizeof *forest->decrease);
	if (wants_out_of_bag)
		forest->out_of_bag = calloc(forest->workers, sizeof *forest->out_of_bag);
	forest->team.scratch = forest->scratch;
	forest->team.workers = forest->workers;
	good = forest->scratch != NULL && forest->decrease != NULL &&
	       mlops_forest_team_allocate(&forest->team, n_rows) &&
	       (!wants_out_of_bag || forest->out_of_bag != NULL);
	for (size_t w = 0; good && w < forest->workers; w++) {
		good = mlops_forest_scratch_allocate(&forest->plan, &forest->scratch[w]);
		if (good && wants_out_of_bag) {
			struct out_of_bag *out_of_bag = &forest->out_of_bag[w];

			out_of_bag->sums = calloc(n_rows, forest->n_outputs * sizeof *out_of_bag->sums);
			out_of_bag->trees = calloc(n_rows, sizeof *out_of_bag->trees);
			out_of_bag->values = calloc(forest->matrix->n_columns,
						    OUT_OF_BAG_ROWS * sizeof *out_of_bag->values);
			good = out_of_bag->sums != NULL && out_of_bag->trees != NULL &&
			       out_of_bag->values != NULL;
		}
	}
	return good;
}

static void release_growing(void *context)
{
	struct forest *forest = context;

	for (size_t w = 0; forest->scratch != NULL && w < forest->workers; w++)
		mlops_forest_scratch_release(&forest->scratch[w]);
	free(forest->scratch);
	free(forest->team.left);
	forest->scratch = NULL;
	forest->team.left = NULL;
	mlops_bins_release(&forest->bins);
}

static void release(struct forest *forest)
{
	release_growing(forest);
	for (size_t w = 0; forest->out_of_bag != NULL && w < forest->workers; w++) {
		free(forest->out_of_bag[w].sums);
		free(forest->out_of_bag[w].trees);
		free(forest->out_of_bag[w].values);
	}
	free(forest->out_of_bag);
	free(forest->decrease);
	free(forest->class_of);
	free(forest->class_weight);
	free(forest->purity);
}

static void report_row(const struct forest *forest, size_t row, struct mlops_forest_report *report)
{
	size_t n_classes = forest->plan.n_classes, n_outputs = forest->n_outputs;
	float *probabilities = report->out_of_bag + row * n_classes;
	uint32_t trees = 0;

	for (size_t w = 0; w < forest->workers; w++)
		trees += forest->out_of_bag[w].trees[row];
	for (size_t k = 0; k < n_outputs; k++) {
		float sum = 0;

		for (size_t w = 0; w < forest->workers; w++)
			sum += forest->out_of_bag[w].sums[row * n_outputs + k];
		probabilities[k] = trees > 0 ? sum / (float)trees : NAN;
	}
	if (n_outputs == 1) {
		probabilities[1] = probabilities[0];
		probabilities[0] = 1 - probabilities[1];
	}
	report->n_out_of_bag += trees > 0;
}

/* Each feature's share of what a tree's splits decreased. */
static void add_importance(const uint64_t *decrease, size_t n_features, double *importance)
{
	double sum = 0;

	for (size_t f = 0; f < n_features; f++)
		sum += (double)decrease[f];
	for (size_t f = 0; sum > 0 && f < n_features; f++)
		importance[f] += (double)decrease[f] / sum;
}

static bool fill_report(const struct forest *forest, struct mlops_forest_report *report,
			struct mlops_error *error)
{
	size_t n_features = forest->matrix->n_columns;
	double sum = 0;

	report->out_of_bag =
		calloc(forest->matrix->n_rows, forest->plan.n_classes * sizeof *report->out_of_bag);
	report->impurity_importance = calloc(n_features, sizeof *report->impurity_importance);
	if (report->out_of_bag == NULL || report->impurity_importance == NULL)
		return mlops_error_set_memory(error);
	for (size_t r = 0; r < forest->matrix->n_rows; r++)
		report_row(forest, r, report);
	for (size_t t = 0; t < forest->n_trees; t++)
		add_importance(forest->decrease + t * n_features, n_features, report->impurity_importance);
	for (size_t f = 0; f < n_features; f++)
		sum += report->impurity_importance[f];
	for (size_t f = 0; sum > 0 && f < n_features; f++)
		report->impurity_importance[f] /= sum;
	return true;
}

void mlops_forest_report_release(struct mlops_forest_report *report)
{
	free(report->out_of_bag);
	free(report->impurity_importance);
	*report = (struct mlops_forest_report){ .n_out_of_bag = 0 };
}

struct mlops_model *mlops_random_forest_fit(const struct mlops_settings *settings, uint64_t seed,
					    const struct mlops_matrix *matrix, const uint32_t *classes,
					    size_t n_classes, struct mlops_pool *pool,
					    const struct mlops_fit_progress *progress,
					    struct mlops_forest_report *report, struct mlops_error *error)
{
	struct forest forest = {
		.matrix = matrix,
		.seed = seed,
		.n_trees = (size_t)mlops_settings_get(settings, "trees"),
		.n_outputs = n_classes <= 2 ? 1 : n_classes,
		.workers = mlops_pool_workers(pool),
		.team.pool = pool,
	};
	struct mlops_growth growth = {
		.n_trees = forest.n_trees,
		.n_features = matrix->n_columns,
		.n_outputs = forest.n_outputs,
		.grow = grow_tree,
		.share = share_tree,
		.grown = release_growing,
		.context = &forest,
	};
	size_t min_leaf = (size_t)mlops_settings_get(settings, "min_leaf");
	size_t max_depth = (size_t)mlops_settings_get(settings, "max_depth");
	size_t max_features = count_features(mlops_settings_get(settings, "max_features"), matrix->n_columns);
	bool balanced = mlops_settings_get(settings, "class_weight") >= MLOPS_CLASS_WEIGHT_BALANCED;
	struct mlops_model *model = NULL;
	bool done = false;

	if (report != NULL)
		*report = (struct mlops_forest_report){ .n_out_of_bag = 0 };
	if (!check_input(matrix, n_classes, max_features, error) ||
	    !take_classes(&forest, classes, n_classes, balanced, error) ||
	    !mlops_bins_make(matrix, MLOPS_MAX_BINS, pool, &forest.bins, error))
		goto out;
	forest.plan = (struct mlops_forest_plan){
		.bins = &forest.bins,
		.class_of = forest.class_of,
		.n_classes = n_classes,
		.cells = { n_classes, min_leaf > 1 },
		.class_weight = forest.class_weight,
		.max_features = max_features,
		.min_leaf = min_leaf,
		.max_depth = max_depth > 0 ? max_depth : SIZE_MAX,
		.scale = mlops_trees_scale(forest.n_trees, 1),
		.seed = seed,
		.kernels = mlops_kernels(),
	};
	model = calloc(1, sizeof *model);
	forest.purity = calloc((size_t)MLOPS_SMALL_DRAWS * MLOPS_SMALL_DRAWS, sizeof *forest.purity);
	if (model == NULL || forest.purity == NULL || !allocate(&forest, report != NULL)) {
		mlops_error_set_memory(error);
		goto out;
	}
	if (n_classes >= 2)
		set_purity(forest.purity, forest.class_weight);
	forest.plan.purity = forest.purity;
	if (!mlops_growth_run(&growth, pool, progress, &model->trees, error) ||
	    !mlops_trees_prepare(&model->trees, error) ||
	    (report != NULL && !fill_report(&forest, report, error)))
		goto out;
	model->kind = MLOPS_FAILURE_PREDICTION;
	model->n_classes = n_classes;
	model->probability_scale = (float)(1 / (double)forest.n_trees);
	done = true;
out:
	release(&forest);
	if (!done) {
		mlops_model_free(model);
		model = NULL;
		if (report != NULL)
			mlops_forest_report_release(report);
	}
	return model;
}
