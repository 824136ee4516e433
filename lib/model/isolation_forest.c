/*
 * Isolation Forest: Liu, Ting, Zhou: "Isolation Forest", ICDM 2008, and "Isolation-Based Anomaly Detection",
 * TKDD 6(1), 2012.
 */
#include "model/fit.h"

#include "base/rng.h"
#include "base/sort.h"
#include "model/growth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t no_row = UINT32_MAX;

/* Rows that tell the mean and the deviation of scores. */
enum { CALIBRATION_ROWS = 4096 };

/* A worker's own memory. */
struct scratch {
	uint32_t *drawn;      /* [table_size] open addressing: rows in the sample */
	uint32_t *rows;       /* [sample_size] rows of the sample, ordered by node */
	float *values;        /* [sample_size] of the feature at hand, beside rows */
	uint32_t *candidates; /* [n_features] the first so many may vary in the node */
};

struct forest {
	const struct mlops_matrix *matrix;
	uint64_t seed;
	size_t sample_size;
	size_t table_size; /* a power of two, at least twice sample_size */
	unsigned depth_limit;
	float scale;
	struct scratch *scratch; /* [workers] */
};

/* One tree on its way. */
struct growing {
	const struct forest *forest;
	const struct scratch *scratch;
	struct mlops_tree_builder *builder;
	struct mlops_rng rng;
};

/* Rows and place of a node still to be split. */
struct span {
	uint32_t node;
	size_t begin, end;
	unsigned depth;
	uint32_t n_candidates;
};

/* c(n): the mean length of an unsuccessful search in a binary search tree of n keys. */
static double average_path_length(size_t n)
{
	const double euler_gamma = 0.5772156649;

	if (n <= 1)
		return 0;
	if (n == 2)
		return 1;
	return 2 * (log((double)n - 1) + euler_gamma) - 2 * ((double)n - 1) / (double)n;
}

static unsigned ceil_log2(size_t n)
{
	unsigned bits = 0;

	while (((size_t)1 << bits) < n)
		bits++;
	return bits;
}

/* Adds row to the set; false when it was there. */
static bool draw(const struct forest *forest, uint32_t *drawn, uint32_t row)
{
	size_t mask = forest->table_size - 1;
	size_t slot = (size_t)(row * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	while (drawn[slot] != no_row) {
		if (drawn[slot] == row)
			return false;
		slot = (slot + 1) & mask;
	}
	drawn[slot] = row;
	return true;
}

/* Rows without replacement by Floyd's algorithm (Bentley, Floyd: "A sample of brilliance", CACM 30(9), 1987),
 * which takes sample_size steps however many rows there are. */
static void take_sample(const struct growing *growing, size_t tree)
{
	const struct forest *forest = growing->forest;
	size_t n = forest->matrix->n_rows, size = forest->sample_size;
	uint32_t *rows = growing->scratch->rows;
	struct mlops_rng rng = mlops_rng_start(forest->seed, MLOPS_RNG_SAMPLE, (uint32_t)tree);

	memset(growing->scratch->drawn, 0xff, forest->table_size * sizeof(uint32_t));
	for (size_t i = 0; i < size; i++) {
		uint32_t last = (uint32_t)(n - size + i);
		uint32_t row = mlops_rng_below(&rng, last + 1);

		if (!draw(forest, growing->scratch->drawn, row)) {
			row = last;
			draw(forest, growing->scratch->drawn, row);
		}
		rows[i] = row;
	}
	for (size_t i = 0; i < size && forest->matrix->rows != NULL; i++)
		rows[i] = forest->matrix->rows[rows[i]];
}

/* A node's values of one feature side by side, and the smallest and the largest.  They come from the matrix,
 * most of them past the caches; but a sample of all features would take several times as many. */
static void take_values(const struct growing *growing, const struct span *span, uint32_t feature,
			float *least, float *most)
{
	const float *column = growing->forest->matrix->columns[feature];
	const uint32_t *rows = growing->scratch->rows;
	float *values = growing->scratch->values;

	*least = INFINITY;
	*most = -INFINITY;
	for (size_t i = span->begin; i < span->end; i++) {
		float x = column[rows[i]];

		values[i] = x;
		*least = x < *least ? x : *least;
		*most = x > *most ? x : *most;
	}
}

/* Draws a feature, each that varies in the node with the same odds, and its smallest and largest value there.
 * Those found constant leave the candidates, for the nodes below as well.  False when none varies. */
static bool draw_feature(struct growing *growing, struct span *span, uint32_t *feature, float *least,
			 float *most)
{
	uint32_t *candidates = growing->scratch->candidates;

	while (span->n_candidates > 0) {
		uint32_t pick = mlops_rng_below(&growing->rng, span->n_candidates);

		*feature = candidates[pick];
		take_values(growing, span, *feature, least, most);
		if (*least < *most)
			return true;
		span->n_candidates--;
		candidates[pick] = candidates[span->n_candidates];
		candidates[span->n_candidates] = *feature;
	}
	return false;
}

/* A threshold in [least, most) leaves a row on either side. */
static float draw_threshold(struct mlops_rng *rng, float least, float most)
{
	double unit = mlops_rng_unit(rng);
	float threshold = (float)((double)least + unit * ((double)most - (double)least));

	return threshold < most ? threshold : least;
}

/* The rows that go left come first; returns where the others begin. */
static size_t partition(const struct scratch *scratch, const struct span *span, float threshold,
			bool missing_left)
{
	uint32_t *rows = scratch->rows;
	float *values = scratch->values;
	size_t begin = span->begin, end = span->end;

	while (begin < end) {
		float x = values[begin];

		if (missing_left ? !(x > threshold) : x <= threshold) {
			begin++;
		} else {
			uint32_t row = rows[begin];

			rows[begin] = rows[--end];
			rows[end] = row;
			values[begin] = values[end];
		}
	}
	return begin;
}

static bool missing_goes_left(struct mlops_rng *rng, const float *values, const struct span *span,
			      float threshold)
{
	uint32_t left = 0, present = 0;

	for (size_t i = span->begin; i < span->end; i++) {
		float x = values[i];

		left += x <= threshold;
		present += isnan(x) ? 0 : 1;
	}
	return mlops_rng_below(rng, present) < left;
}

static bool set_leaf(struct growing *growing, const struct span *span)
{
	double length = span->depth + average_path_length(span->end - span->begin);
	float value = (float)(rint(length * growing->forest->scale) / growing->forest->scale);

	return mlops_tree_builder_set_leaf(growing->builder, span->node, &value);
}

/* As deep as depth_limit, which is at most 24. */
static bool grow_node(struct growing *growing, struct span span)
{
	const struct scratch *scratch = growing->scratch;
	struct span below;
	uint32_t feature, left;
	float least, most, threshold;
	bool missing_left;

	if (span.depth >= growing->forest->depth_limit || span.end - span.begin < 2 ||
	    !draw_feature(growing, &span, &feature, &least, &most))
		return set_leaf(growing, &span);
	threshold = draw_threshold(&growing->rng, least, most);
	missing_left = missing_goes_left(&growing->rng, scratch->values, &span, threshold);
	left = mlops_tree_builder_add(growing->builder, 2);
	if (left == UINT32_MAX)
		return false;
	mlops_tree_builder_set_split(growing->builder, span.node, feature, threshold, missing_left, left);
	below = span;
	below.depth++;
	below.node = left;
	below.end = partition(scratch, &span, threshold, missing_left);
	if (!grow_node(growing, below))
		return false;
	below.node = left + 1;
	below.begin = below.end;
	below.end = span.end;
	return grow_node(growing, below);
}

static bool grow_tree(void *context, size_t tree, unsigned worker, struct mlops_tree_builder *builder)
{
	const struct forest *forest = context;
	struct growing growing = {
		.forest = forest,
		.scratch = &forest->scratch[worker],
		.builder = builder,
		.rng = mlops_rng_start(forest->seed, MLOPS_RNG_SPLIT, (uint32_t)tree),
	};
	struct span root = { .end = forest->sample_size,
			     .n_candidates = (uint32_t)forest->matrix->n_columns };

	take_sample(&growing, tree);
	for (uint32_t f = 0; f < root.n_candidates; f++)
		growing.scratch->candidates[f] = f;
	root.node = mlops_tree_builder_add(builder, 1);
	return root.node != UINT32_MAX && grow_node(&growing, root);
}

static bool has_varying_feature(const struct mlops_matrix *matrix)
{
	for (size_t f = 0; f < matrix->n_columns; f++) {
		float least = INFINITY, most = -INFINITY;

		for (size_t r = 0; r < matrix->n_rows; r++) {
			float x = mlops_matrix_at(matrix, r, f);

			least = x < least ? x : least;
			most = x > most ? x : most;
			if (least < most)
				return true;
		}
	}
	return false;
}

static bool check_input(const struct mlops_matrix *matrix, struct mlops_error *error)
{
	if (matrix->n_rows < 2)
		return mlops_error_set(error, MLOPS_DATA,
				       "an isolation forest needs at least 2 rows, and there %s %zu",
				       matrix->n_rows == 1 ? "is" : "are", matrix->n_rows);
	if (matrix->n_rows >= no_row)
		return mlops_error_set(error, MLOPS_DATA, "%zu rows are more than %u", matrix->n_rows,
				       no_row - 1);
	if (!has_varying_feature(matrix))
		return mlops_error_set(error, MLOPS_DATA,
				       "none of the %zu features varies: there is nothing to isolate",
				       matrix->n_columns);
	return true;
}

static bool allocate_scratch(const struct forest *forest, struct scratch *scratch)
{
	scratch->drawn = calloc(forest->table_size, sizeof *scratch->drawn);
	scratch->rows = calloc(forest->sample_size, sizeof *scratch->rows);
	scratch->values = calloc(forest->sample_size, sizeof *scratch->values);
	scratch->candidates = calloc(forest->matrix->n_columns, sizeof *scratch->candidates);
	return scratch->drawn != NULL && scratch->rows != NULL && scratch->values != NULL &&
	       scratch->candidates != NULL;
}

static void free_scratch(struct scratch *scratch, size_t workers)
{
	for (size_t w = 0; scratch != NULL && w < workers; w++) {
		free(scratch[w].drawn);
		free(scratch[w].rows);
		free(scratch[w].values);
		free(scratch[w].candidates);
	}
	free(scratch);
}

/*
 * The sum between anomalies and others.  Sums are multiples of 1/scale, so a threshold half a unit beside one
 * of them is equal to none.  With contamination q, the threshold lies where linear interpolation between the
 * sorted sums puts their quantile q, and rows strictly below are anomalies: of the training rows the same
 * ones that numpy.percentile makes scikit-learn choose.
 */
static float threshold_sum(float *sums, float *spare, size_t n, double contamination, double scale)
{
	double position = contamination * (double)(n - 1);
	size_t below = (size_t)position;
	double fraction = position - (double)below;
	double low, high, units;

	mlops_sort_floats(sums, spare, n);
	low = sums[below];
	high = below + 1 < n ? sums[below + 1] : low;
	if (fraction <= 0 || high <= low)
		units = low * scale - 0.5;
	else
		units = floor((low + fraction * (high - low)) * scale) + 0.5;
	return (float)(units / scale);
}

/* Some of the training rows, spread over all of them: one drawn from each of CALIBRATION_ROWS parts. */
static void draw_rows(const struct forest *forest, uint32_t *rows)
{
	const struct mlops_matrix *matrix = forest->matrix;
	/* a stream that no tree has */
	struct mlops_rng rng = mlops_rng_start(forest->seed, MLOPS_RNG_SAMPLE, UINT32_MAX);

	for (uint64_t i = 0; i < CALIBRATION_ROWS; i++) {
		uint64_t begin = i * matrix->n_rows / CALIBRATION_ROWS;
		uint64_t end = (i + 1) * matrix->n_rows / CALIBRATION_ROWS;
		uint32_t row = (uint32_t)begin + mlops_rng_below(&rng, (uint32_t)(end - begin));

		rows[i] = matrix->rows != NULL ? matrix->rows[row] : row;
	}
}

/* Mean and deviation of the training rows' scores, and the threshold.  Only a quantile needs all rows: the
 * error of a mean of CALIBRATION_ROWS is a sixty-fourth of the deviation. */
static bool calibrate(struct mlops_model *model, const struct forest *forest, double contamination,
		      struct mlops_pool *pool, struct mlops_error *error)
{
	struct mlops_matrix matrix = *forest->matrix;
	bool takes_some = matrix.n_rows > CALIBRATION_ROWS && contamination <= MLOPS_CONTAMINATION_AUTO;
	size_t n = takes_some ? CALIBRATION_ROWS : matrix.n_rows;
	uint32_t *rows = calloc(takes_some ? n : 1, sizeof *rows);
	float *sums = calloc(n, sizeof *sums);
	float *spare = calloc(takes_some ? 1 : n, sizeof *spare);
	double mean = 0, square = 0;
	bool done = false;

	if (sums == NULL || spare == NULL || rows == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	if (takes_some) {
		draw_rows(forest, rows);
		matrix.rows = rows;
		matrix.n_rows = n;
	}
	if (!mlops_trees_sum(&model->trees, &matrix, pool, sums, error))
		goto out;
	for (size_t r = 0; r < n; r++)
		mean += (double)mlops_model_anomaly_score(model, sums[r]);
	mean /= (double)n;
	for (size_t r = 0; r < n; r++) {
		double difference = (double)mlops_model_anomaly_score(model, sums[r]) - mean;

		square += difference * difference;
	}
	model->score_mean = (float)mean;
	/* scores that are all alike still tell a row that is not; the floor is a float32's precision */
	model->score_deviation = fmaxf((float)sqrt(square / (double)n), 1e-6f);
	if (contamination > MLOPS_CONTAMINATION_AUTO)
		model->threshold_sum = threshold_sum(sums, spare, n, contamination, forest->scale);
	done = true;
out:
	free(rows);
	free(spare);
	free(sums);
	return done;
}

/* The largest doubled, so that half a unit between two sums is a float32 too.  Leaf values stay below 2^16
 * units, which model/trees_mux.h makes use of: that rounds a path by less than a thousandth of a step. */
static float choose_scale(size_t n_trees, double largest)
{
	float exact = mlops_trees_scale(n_trees, 2 * largest);
	int exponent = 0;

	frexp(largest, &exponent);
	return fminf(exact, ldexpf(1, 16 - exponent));
}

struct mlops_model *mlops_isolation_forest_fit(const struct mlops_settings *settings, uint64_t seed,
					       const struct mlops_matrix *matrix, struct mlops_pool *pool,
					       const struct mlops_fit_progress *progress,
					       struct mlops_error *error)
{
	size_t n_trees = (size_t)mlops_settings_get(settings, "trees");
	size_t sample_size = (size_t)mlops_settings_get(settings, "sample_size");
	struct forest forest = { .matrix = matrix, .seed = seed };
	struct mlops_growth growth = {
		.n_trees = n_trees,
		.n_features = matrix->n_columns,
		.n_outputs = 1,
		.grow = grow_tree,
		.context = &forest,
	};
	size_t workers = mlops_pool_workers(pool);
	struct mlops_model *model = NULL;
	double middle;
	bool done = false;

	if (!check_input(matrix, error))
		return NULL;
	forest.sample_size = sample_size < matrix->n_rows ? sample_size : matrix->n_rows;
	forest.depth_limit = ceil_log2(forest.sample_size);
	forest.table_size = (size_t)2 << forest.depth_limit;
	forest.scale = choose_scale(n_trees, forest.depth_limit + average_path_length(forest.sample_size));
	forest.scratch = calloc(workers, sizeof *forest.scratch);
	model = calloc(1, sizeof *model);
	if (forest.scratch == NULL || model == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t w = 0; w < workers; w++) {
		if (!allocate_scratch(&forest, &forest.scratch[w])) {
			mlops_error_set_memory(error);
			goto out;
		}
	}
	if (!mlops_growth_run(&growth, pool, progress, &model->trees, error) ||
	    !mlops_trees_prepare(&model->trees, error))
		goto out;
	model->kind = MLOPS_ANOMALY_DETECTION;
	middle = (double)n_trees * average_path_length(forest.sample_size);
	model->score_exponent = (float)(-1 / middle);
	model->threshold_sum = (float)((floor(middle * forest.scale) + 0.5) / forest.scale);
	done = calibrate(model, &forest, mlops_settings_get(settings, "contamination"), pool, error);
out:
	free_scratch(forest.scratch, workers);
	if (!done) {
		mlops_model_free(model);
		model = NULL;
	}
	return model;
}
