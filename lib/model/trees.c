#include "model/trees.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows that a task scores: few enough to share out, many enough that a deep forest is not read too often. */
enum { LEAST_BLOCK = 256, LARGEST_BLOCK = 8192 };

static const double exact_float_integers = 16777216; /* 2^24 */

unsigned mlops_trees_feature_bits(size_t n_features)
{
	unsigned bits = 1;

	while (bits < 31 && ((size_t)1 << bits) < 2 * n_features)
		bits++;
	return bits;
}

float mlops_trees_scale(size_t n_trees, double largest)
{
	int exponent = 60;

	while (exponent > -60 && (double)n_trees * ceil(ldexp(largest, exponent)) > exact_float_integers)
		exponent--;
	return ldexpf(1, exponent);
}

bool mlops_trees_sums_are_exact(const struct mlops_trees *trees)
{
	size_t n = trees->n_leaves * trees->n_outputs;
	float largest = 0;
	float scale;

	for (size_t i = 0; i < n; i++)
		largest = fmaxf(largest, fabsf(trees->leaf_values[i]));
	scale = mlops_trees_scale(trees->n_trees, largest);
	if ((double)trees->n_trees * ceil((double)largest * scale) > exact_float_integers)
		return false;
	for (size_t i = 0; i < n; i++) {
		double units = (double)trees->leaf_values[i] * scale;

		if (units != rint(units))
			return false;
	}
	return true;
}

void mlops_trees_release(struct mlops_trees *trees)
{
	free(trees->nodes);
	free(trees->tree_start);
	free(trees->leaf_values);
	*trees = (struct mlops_trees){ .n_trees = 0 };
}

static bool check_node(const struct mlops_trees *trees, size_t tree, uint32_t index, uint32_t size,
		       uint8_t *reached, struct mlops_error *error)
{
	const struct mlops_node *node = &trees->nodes[trees->tree_start[tree] + index];
	uint32_t left = mlops_node_left(trees, node);
	uint32_t feature = mlops_node_feature(trees, node);

	if (!reached[index])
		return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u has no parent", tree, index);
	if (left == 0) {
		if (node->leaf >= trees->n_leaves)
			return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u is leaf %u of %zu", tree,
					       index, node->leaf, trees->n_leaves);
		return true;
	}
	if (left <= index || left >= size - 1)
		return mlops_error_set(error, MLOPS_DATA,
				       "tree %zu: node %u has children %u and %u of %u nodes", tree, index,
				       left, left + 1, size);
	if (reached[left] || reached[left + 1])
		return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u has two parents", tree,
				       reached[left] ? left : left + 1);
	reached[left] = reached[left + 1] = 1;
	if (feature >= trees->n_features)
		return mlops_error_set(error, MLOPS_DATA, "tree %zu: node %u asks for feature %u of %zu",
				       tree, index, feature, trees->n_features);
	if (!isfinite(node->threshold))
		return mlops_error_set(error, MLOPS_DATA,
				       "tree %zu: node %u has a threshold that is not finite", tree, index);
	return true;
}

static bool check_sizes(const struct mlops_trees *trees, struct mlops_error *error)
{
	if (trees->n_trees == 0 || trees->n_nodes == 0 || trees->n_leaves == 0)
		return mlops_error_set(error, MLOPS_DATA, "a forest without trees");
	if (trees->n_features == 0 || trees->n_outputs == 0)
		return mlops_error_set(error, MLOPS_DATA, "a forest without features or outputs");
	if (trees->feature_bits != mlops_trees_feature_bits(trees->n_features))
		return mlops_error_set(error, MLOPS_DATA, "%u bits for %zu features", trees->feature_bits,
				       trees->n_features);
	if (trees->tree_start[0] != 0 || trees->tree_start[trees->n_trees] != trees->n_nodes)
		return mlops_error_set(error, MLOPS_DATA, "trees do not cover the %zu nodes", trees->n_nodes);
	for (size_t t = 0; t < trees->n_trees; t++) {
		if (trees->tree_start[t] >= trees->tree_start[t + 1])
			return mlops_error_set(error, MLOPS_DATA, "tree %zu has no node", t);
	}
	return true;
}

bool mlops_trees_check(const struct mlops_trees *trees, struct mlops_error *error)
{
	uint8_t *reached;
	bool good = true;

	if (!check_sizes(trees, error))
		return false;
	reached = malloc(trees->n_nodes);
	if (reached == NULL)
		return mlops_error_set_memory(error);
	for (size_t t = 0; good && t < trees->n_trees; t++) {
		uint32_t size = trees->tree_start[t + 1] - trees->tree_start[t];

		memset(reached, 0, size);
		reached[0] = 1;
		for (uint32_t i = 0; good && i < size; i++)
			good = check_node(trees, t, i, size, reached, error);
	}
	free(reached);
	for (size_t i = 0; good && i < trees->n_leaves * trees->n_outputs; i++) {
		if (!isfinite(trees->leaf_values[i]))
			good = mlops_error_set(error, MLOPS_DATA, "leaf %zu has a value that is not finite",
					       i / trees->n_outputs);
	}
	if (good && trees->exact_sums && !mlops_trees_sums_are_exact(trees))
		good = mlops_error_set(error, MLOPS_DATA, "leaf values do not have exact sums");
	return good;
}

struct sum_job {
	const struct mlops_trees *trees;
	const struct mlops_matrix *matrix;
	size_t block;
	size_t width;          /* columns that the trees use */
	const float **columns; /* [workers * width] */
	float *gathered;       /* [workers * width * block], NULL when rows lie side by side anyway */
	float *sums;
};

static uint32_t find_leaf(const struct mlops_trees *trees, size_t tree, const float *const *columns,
			  size_t row)
{
	const struct mlops_node *nodes = trees->nodes + trees->tree_start[tree];
	const struct mlops_node *node = nodes;
	uint32_t left;

	while ((left = mlops_node_left(trees, node)) != 0) {
		float x = columns[mlops_node_feature(trees, node)][row];
		bool goes_left =
			mlops_node_missing_left(node) ? !(x > node->threshold) : x <= node->threshold;

		node = nodes + left + (goes_left ? 0 : 1);
	}
	return node->leaf;
}

/* Leaf values of other programs: a double holds what a float32 would round, and the order of trees is fixed.
 */
static void sum_in_double(const struct mlops_trees *trees, const float *const *columns, size_t rows,
			  float *sums)
{
	size_t n_outputs = trees->n_outputs;

	for (size_t r = 0; r < rows; r++) {
		for (size_t k = 0; k < n_outputs; k++) {
			double sum = 0;

			for (size_t t = 0; t < trees->n_trees; t++)
				sum += trees->leaf_values[find_leaf(trees, t, columns, r) * n_outputs + k];
			sums[r * n_outputs + k] = (float)sum;
		}
	}
}

static void sum_block(void *context, size_t task, unsigned worker)
{
	const struct sum_job *job = context;
	const struct mlops_matrix *matrix = job->matrix;
	const struct mlops_trees *trees = job->trees;
	size_t first = task * job->block;
	size_t rows = matrix->n_rows - first < job->block ? matrix->n_rows - first : job->block;
	const float **columns = job->columns + worker * job->width;
	float *sums = job->sums + first * trees->n_outputs;

	for (size_t f = 0; f < job->width; f++) {
		if (matrix->rows == NULL) {
			columns[f] = matrix->columns[f] + first;
		} else {
			float *gathered = job->gathered + (worker * job->width + f) * job->block;

			for (size_t r = 0; r < rows; r++)
				gathered[r] = matrix->columns[f][matrix->rows[first + r]];
			columns[f] = gathered;
		}
	}
	if (trees->exact_sums) {
		struct mlops_kernel_forest forest = {
			.nodes = trees->nodes,
			.tree_start = trees->tree_start,
			.n_trees = trees->n_trees,
			.feature_bits = trees->feature_bits,
			.leaf_values = trees->leaf_values,
			.n_outputs = trees->n_outputs,
		};

		mlops_kernel_forest_sum(&forest, columns, rows, sums);
	} else {
		sum_in_double(trees, columns, rows, sums);
	}
}

static size_t block_rows(size_t n_rows, size_t workers)
{
	size_t block = n_rows / (4 * workers) + 1;

	if (block < LEAST_BLOCK)
		block = LEAST_BLOCK;
	if (block > LARGEST_BLOCK)
		block = LARGEST_BLOCK;
	return block < n_rows ? block : n_rows;
}

bool mlops_trees_sum(const struct mlops_trees *trees, const struct mlops_matrix *matrix,
		     struct mlops_pool *pool, float *sums, struct mlops_error *error)
{
	size_t workers = mlops_pool_workers(pool);
	struct sum_job job = {
		.trees = trees,
		.matrix = matrix,
		.block = block_rows(matrix->n_rows, workers),
		.width = trees->n_features,
		.sums = sums,
	};
	size_t cells;
	bool done = false;

	if (matrix->n_columns < trees->n_features)
		return mlops_error_set(error, MLOPS_DATA, "the model takes %zu features, and there are %zu",
				       trees->n_features, matrix->n_columns);
	if (matrix->n_rows == 0)
		return true;
	if (__builtin_mul_overflow(workers * job.width, job.block, &cells))
		return mlops_error_set_memory(error);
	job.columns = calloc(workers * job.width, sizeof *job.columns);
	if (matrix->rows != NULL)
		job.gathered = calloc(cells, sizeof *job.gathered);
	if (job.columns == NULL || (matrix->rows != NULL && job.gathered == NULL)) {
		mlops_error_set_memory(error);
		goto out;
	}
	mlops_pool_run(pool, (matrix->n_rows + job.block - 1) / job.block, sum_block, &job);
	done = true;
out:
	free(job.columns);
	free(job.gathered);
	return done;
}
