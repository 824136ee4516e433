#include "kernel/table.h"
#include "model/trees_mux.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a task: few enough to share out, many enough that a deep forest is not read too often: as many as
 * a tree has nodes, within bounds. */
enum { LEAST_BLOCK = 256, USUAL_BLOCK = 4096, LARGEST_BLOCK = 32768 };

/* A tree that has more nodes for each row of the job is not worth unfolding. */
enum { MOST_NODES_A_ROW = 48 };

/* Nor is a table that would have so many columns of keys. */
enum { UNFOLDED_COLUMN_BITS = 16 };

/* For fewer rows than this a program, which does whole blocks, is slower than walking. */
enum { LEAST_ROWS_OF_MUX = 96 };

enum way { BY_PROGRAM, ROW_BY_ROW, UNFOLDED };

/* A worker's own memory, depending on the way. */
struct scratch {
	float *values;			  /* [2 * n_features] of a row, or [block] of a feature */
	uint32_t *leaves;		  /* [n_trees], or [block] to whole groups */
	double *sums;			  /* [block * n_outputs], where sums aren't exact in float32 */
	struct mlops_walk_node *unfolded; /* [largest_tree] */
	uint32_t *keys;			  /* [groups of the block * columns of keys * MLOPS_WALK_ROWS] */
	int16_t *codes;			  /* [2 * n_used * MLOPS_MUX_STRIDE] */
	const int16_t **columns;	  /* [2 * n_used] */
};

struct job {
	const struct mlops_trees *trees;
	const struct mlops_matrix *matrix;
	const struct mlops_kernels *kernels;
	enum way way;
	size_t block;
	size_t largest_tree;
	unsigned column_bits;
	struct scratch *scratch; /* [workers] */
	float *sums;
};

static void add_leaves(const struct mlops_trees *trees, const uint32_t *leaves, size_t n, float *sums)
{
	size_t n_outputs = trees->n_outputs;

	if (n_outputs == 1) {
		for (size_t r = 0; r < n; r++)
			sums[r] += trees->leaf_values[leaves[r]];
		return;
	}
	for (size_t r = 0; r < n; r++) {
		for (size_t k = 0; k < n_outputs; k++)
			sums[r * n_outputs + k] += trees->leaf_values[leaves[r] * n_outputs + k];
	}
}

static void add_leaves_in_double(const struct mlops_trees *trees, const uint32_t *leaves, size_t n,
				 double *sums)
{
	size_t n_outputs = trees->n_outputs;

	for (size_t r = 0; r < n; r++) {
		for (size_t k = 0; k < n_outputs; k++)
			sums[r * n_outputs + k] += (double)trees->leaf_values[leaves[r] * n_outputs + k];
	}
}

/* Columns of keys, with and without those for missing values. */
static size_t key_columns(const struct job *job, bool may_miss)
{
	return job->trees->n_features + (may_miss ? (size_t)1 << job->column_bits : 1);
}

static size_t groups_of(size_t n)
{
	return (n + MLOPS_WALK_ROWS - 1) / MLOPS_WALK_ROWS;
}

/* One feature's keys. */
static bool take_keys(const struct job *job, const struct scratch *scratch, size_t first, size_t n,
		      size_t feature, uint32_t missing, size_t stride, uint32_t *keys)
{
	const struct mlops_matrix *matrix = job->matrix;
	const float *values = matrix->columns[feature] + first;

	if (matrix->rows != NULL) {
		for (size_t r = 0; r < n; r++)
			scratch->values[r] = mlops_matrix_at(matrix, first + r, feature);
		values = scratch->values;
	}
	return job->kernels->forest_keys(values, n, missing, stride, keys);
}

/* Fills scratch->keys as forest_walk takes them; returns whether a value is missing. */
static bool take_all_keys(const struct job *job, const struct scratch *scratch, size_t first, size_t n)
{
	size_t n_features = job->trees->n_features;
	size_t stride = key_columns(job, false) * MLOPS_WALK_ROWS;
	bool any_missing = false;

	for (size_t f = 0; !any_missing && f < n_features; f++)
		any_missing |= take_keys(job, scratch, first, n, f, UINT32_MAX, stride,
					 scratch->keys + f * MLOPS_WALK_ROWS);
	if (any_missing) {
		size_t second = ((size_t)1 << job->column_bits) * MLOPS_WALK_ROWS;

		stride = key_columns(job, true) * MLOPS_WALK_ROWS;
		for (size_t f = 0; f < n_features; f++) {
			uint32_t *keys = scratch->keys + f * MLOPS_WALK_ROWS;

			take_keys(job, scratch, first, n, f, UINT32_MAX, stride, keys);
			take_keys(job, scratch, first, n, f, 0, stride, keys + second);
		}
	}
	for (size_t g = 0; g < groups_of(n); g++)
		memset(scratch->keys + g * stride + n_features * MLOPS_WALK_ROWS, 0,
		       MLOPS_WALK_ROWS * sizeof *scratch->keys);
	return any_missing;
}

/* Which leaf of the tree each row of the block reaches. */
static void find_leaves(const struct job *job, const struct scratch *scratch, size_t tree, size_t n,
			bool any_missing)
{
	const struct mlops_trees *trees = job->trees;
	size_t start = trees->tree_start[tree];

	job->kernels->forest_unfold(trees->nodes + start, trees->tree_start[tree + 1] - start,
				    trees->feature_bits, trees->n_features, job->column_bits,
				    scratch->unfolded);
	job->kernels->forest_walk(scratch->unfolded, job->column_bits, any_missing, scratch->keys,
				  key_columns(job, any_missing) * MLOPS_WALK_ROWS, groups_of(n),
				  scratch->leaves);
}

/* Leaf values of other programs may need a double to hold what a float32 would round; the order of trees is
 * fixed. */
static void walk(const struct job *job, const struct scratch *scratch, size_t first, size_t n, float *sums)
{
	const struct mlops_trees *trees = job->trees;
	bool any_missing = take_all_keys(job, scratch, first, n);

	if (trees->exact_sums)
		memset(sums, 0, n * trees->n_outputs * sizeof *sums);
	else
		memset(scratch->sums, 0, n * trees->n_outputs * sizeof *scratch->sums);
	for (size_t t = 0; t < trees->n_trees; t++) {
		find_leaves(job, scratch, t, n, any_missing);
		if (trees->exact_sums)
			add_leaves(trees, scratch->leaves, n, sums);
		else
			add_leaves_in_double(trees, scratch->leaves, n, scratch->sums);
	}
	for (size_t i = 0; !trees->exact_sums && i < n * trees->n_outputs; i++)
		sums[i] = (float)scratch->sums[i];
}

static void walk_single(const struct job *job, const struct scratch *scratch, size_t row, float *sums)
{
	const struct mlops_trees *trees = job->trees;
	const struct mlops_kernel_forest forest = {
		.nodes = trees->nodes,
		.tree_start = trees->tree_start,
		.n_trees = trees->n_trees,
		.feature_bits = trees->feature_bits,
	};

	for (size_t f = 0; f < trees->n_features; f++) {
		float x = mlops_matrix_at(job->matrix, row, f);

		scratch->values[2 * f] = isnan(x) ? INFINITY : x;
		scratch->values[2 * f + 1] = isnan(x) ? -INFINITY : x;
	}
	job->kernels->forest_row(&forest, scratch->values, scratch->leaves);
	for (size_t k = 0; k < trees->n_outputs; k++) {
		double sum = 0;

		for (size_t t = 0; t < trees->n_trees; t++)
			sum += (double)trees->leaf_values[scratch->leaves[t] * trees->n_outputs + k];
		sums[k] = (float)sum;
	}
}

static void run_mux(const struct job *job, const struct scratch *scratch, size_t first, size_t n, float *sums)
{
	const struct mlops_matrix *matrix = job->matrix;
	const struct mlops_mux *mux = job->trees->mux;
	uint32_t units[MLOPS_MUX_ROWS];
	float values[MLOPS_MUX_ROWS];

	for (size_t u = 0; u < mux->n_used; u++) {
		const float *column = matrix->columns[mux->used[u]];
		int16_t *right = scratch->codes + 2 * u * MLOPS_MUX_STRIDE;
		int16_t *left = right + MLOPS_MUX_STRIDE;

		for (size_t r = 0; matrix->rows != NULL && r < n; r++)
			values[r] = column[matrix->rows[first + r]];
		column = matrix->rows != NULL ? values : column + first;
		scratch->columns[2 * u] = scratch->columns[2 * u + 1] = right;
		if (job->kernels->mux_codes(&mux->features[u], column, n, MLOPS_MUX_MISSING_RIGHT, right)) {
			job->kernels->mux_codes(&mux->features[u], column, n, MLOPS_MUX_MISSING_LEFT, left);
			scratch->columns[2 * u + 1] = left;
		}
	}
	for (size_t r = 0; r < MLOPS_MUX_ROWS; r++)
		units[r] = mux->base;
	job->kernels->mux_run(mux->ops, mux->n_ops, scratch->columns, units);
	for (size_t r = 0; r < n; r++)
		sums[r] = (float)units[r] * mux->unit;
}

static void sum_block(void *context, size_t task, unsigned worker)
{
	const struct job *job = context;
	const struct scratch *scratch = &job->scratch[worker];
	size_t first = task * job->block;
	size_t n = job->matrix->n_rows - first < job->block ? job->matrix->n_rows - first : job->block;
	float *sums = job->sums + first * job->trees->n_outputs;

	if (job->way == BY_PROGRAM) {
		for (size_t r = 0; r < n; r += MLOPS_MUX_ROWS)
			run_mux(job, scratch, first + r, n - r < MLOPS_MUX_ROWS ? n - r : MLOPS_MUX_ROWS,
				sums + r);
	} else if (job->way == ROW_BY_ROW) {
		for (size_t r = 0; r < n; r++)
			walk_single(job, scratch, first + r, sums + r * job->trees->n_outputs);
	} else {
		walk(job, scratch, first, n, sums);
	}
}

static bool allocate_unfolded(const struct job *job, struct scratch *scratch)
{
	const struct mlops_trees *trees = job->trees;
	size_t rows = groups_of(job->block) * MLOPS_WALK_ROWS;
	size_t keys;

	if (__builtin_mul_overflow(rows, key_columns(job, true), &keys))
		return false;
	scratch->unfolded = calloc(job->largest_tree, sizeof *scratch->unfolded);
	scratch->keys = calloc(keys, sizeof *scratch->keys);
	scratch->leaves = calloc(rows, sizeof *scratch->leaves);
	scratch->values = calloc(rows, sizeof *scratch->values);
	if (!trees->exact_sums)
		scratch->sums = calloc(job->block, trees->n_outputs * sizeof *scratch->sums);
	return scratch->unfolded != NULL && scratch->keys != NULL && scratch->leaves != NULL &&
	       scratch->values != NULL && (trees->exact_sums || scratch->sums != NULL);
}

static bool allocate(const struct job *job, struct scratch *scratch)
{
	const struct mlops_trees *trees = job->trees;
	size_t columns, bytes;

	if (job->way == UNFOLDED)
		return allocate_unfolded(job, scratch);
	if (job->way == ROW_BY_ROW) {
		scratch->leaves = calloc(trees->n_trees, sizeof *scratch->leaves);
		scratch->values = calloc(trees->n_features, 2 * sizeof *scratch->values);
		return scratch->leaves != NULL && scratch->values != NULL;
	}
	columns = 2 * trees->mux->n_used;
	bytes = (columns + 1) * MLOPS_MUX_STRIDE * sizeof *scratch->codes;
	/* A vector of codes shall not lie across two lines of the cache. */
	scratch->codes = aligned_alloc(64, bytes);
	scratch->columns = calloc(columns + 1, sizeof *scratch->columns);
	if (scratch->codes == NULL || scratch->columns == NULL)
		return false;
	memset(scratch->codes, 0, bytes);
	return true;
}

static void release(struct scratch *scratch, size_t workers)
{
	for (size_t w = 0; scratch != NULL && w < workers; w++) {
		free(scratch[w].values);
		free(scratch[w].leaves);
		free(scratch[w].sums);
		free(scratch[w].unfolded);
		free(scratch[w].keys);
		free(scratch[w].codes);
		free(scratch[w].columns);
	}
	free(scratch);
}

static size_t block_rows(const struct job *job, size_t workers)
{
	size_t n_rows = job->matrix->n_rows;
	size_t block = n_rows / (4 * workers) + 1;
	size_t most = USUAL_BLOCK;

	if (job->way == UNFOLDED && job->largest_tree > most)
		most = job->largest_tree < LARGEST_BLOCK ? job->largest_tree : LARGEST_BLOCK;
	if (block < LEAST_BLOCK)
		block = LEAST_BLOCK;
	if (block > most)
		block = most;
	block = (block + MLOPS_MUX_ROWS - 1) / MLOPS_MUX_ROWS * MLOPS_MUX_ROWS;
	return block < n_rows ? block : n_rows;
}

static enum way way_of(const struct job *job)
{
	const struct mlops_trees *trees = job->trees;
	size_t n_rows = job->matrix->n_rows;

	if (trees->mux != NULL && n_rows >= LEAST_ROWS_OF_MUX)
		return BY_PROGRAM;
	/* the words of unfolded nodes have less room */
	if (job->column_bits > UNFOLDED_COLUMN_BITS ||
	    job->largest_tree > (size_t)UINT32_MAX >> (job->column_bits + 5) ||
	    trees->n_nodes / trees->n_trees > n_rows * MOST_NODES_A_ROW)
		return ROW_BY_ROW;
	return UNFOLDED;
}

static void set_job(struct job *job, size_t workers)
{
	const struct mlops_trees *trees = job->trees;

	for (size_t t = 0; t < trees->n_trees; t++) {
		size_t size = trees->tree_start[t + 1] - trees->tree_start[t];

		job->largest_tree = size > job->largest_tree ? size : job->largest_tree;
	}
	while (((size_t)1 << job->column_bits) < trees->n_features + 1)
		job->column_bits++;
	job->way = way_of(job);
	job->block = block_rows(job, workers);
}

bool mlops_trees_prepare(struct mlops_trees *trees, struct mlops_error *error)
{
	mlops_mux_free(trees->mux);
	return mlops_mux_make(trees, &trees->mux) || mlops_error_set_memory(error);
}

bool mlops_trees_sum(const struct mlops_trees *trees, const struct mlops_matrix *matrix,
		     struct mlops_pool *pool, float *sums, struct mlops_error *error)
{
	size_t workers = mlops_pool_workers(pool);
	struct job job = {
		.trees = trees,
		.matrix = matrix,
		.kernels = mlops_kernels(),
		.sums = sums,
	};
	bool good = true;

	if (matrix->n_columns < trees->n_features)
		return mlops_error_set(error, MLOPS_DATA, "the model takes %zu features, and there are %zu",
				       trees->n_features, matrix->n_columns);
	if (matrix->n_rows == 0)
		return true;
	set_job(&job, workers);
	job.scratch = calloc(workers, sizeof *job.scratch);
	good = job.scratch != NULL;
	for (size_t w = 0; good && w < workers; w++)
		good = allocate(&job, &job.scratch[w]);
	if (good)
		mlops_pool_run(pool, (matrix->n_rows + job.block - 1) / job.block, sum_block, &job);
	else
		mlops_error_set_memory(error);
	release(job.scratch, workers);
	return good;
}
