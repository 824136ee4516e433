#include "rows/split.h"

#include "base/rng.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

const char *mlops_split_name(enum mlops_split_how how)
{
	switch (how) {
	case MLOPS_SPLIT_TIME:
		return "time";
	case MLOPS_SPLIT_RANDOM:
		return "random";
	case MLOPS_SPLIT_GROUP:
		return "group";
	default:
		return "default";
	}
}

struct moment {
	int64_t time;
	uint32_t row;
};

static int compare_moments(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* The latest n_test rows; of rows with one time the later ones of the table. */
static bool mark_latest(const struct mlops_dataset *dataset, size_t n_test, uint8_t *is_test,
			struct mlops_error *error)
{
	struct moment *moments = calloc(dataset->n_rows, sizeof *moments);

	if (moments == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < dataset->n_rows; i++)
		moments[i] = (struct moment){ dataset->times[i], (uint32_t)i };
	qsort(moments, dataset->n_rows, sizeof *moments, compare_moments);
	for (size_t i = dataset->n_rows - n_test; i < dataset->n_rows; i++)
		is_test[moments[i].row] = 1;
	free(moments);
	return true;
}

/* Moves wanted entries, drawn without replacement, to the front (Fisher and Yates). */
static void draw(uint32_t *entries, size_t n, size_t wanted, uint64_t seed, uint32_t stream)
{
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_HOLD_OUT, stream);

	for (size_t i = 0; i < wanted; i++) {
		size_t other = i + mlops_rng_below(&rng, (uint32_t)(n - i));
		uint32_t entry = entries[i];

		entries[i] = entries[other];
		entries[other] = entry;
	}
}

/* How many of n_test rows each class gives: its share rounded down, and what is left to the largest
 * remainders (Hamilton's method), the lower class first. */
static void share_out(const size_t *sizes, size_t n_classes, size_t n_rows, size_t n_test, size_t *shares,
		      uint64_t *remainders)
{
	size_t given = 0;

	for (size_t c = 0; c < n_classes; c++) {
		uint64_t product = (uint64_t)sizes[c] * n_test; /* both are below 2^32 */

		shares[c] = (size_t)(product / n_rows);
		remainders[c] = product % n_rows;
		given += shares[c];
	}
	for (; given < n_test; given++) {
		size_t best = 0;

		for (size_t c = 1; c < n_classes; c++)
			if (remainders[c] > remainders[best])
				best = c;
		shares[best]++;
		remainders[best] = 0;
	}
}

static bool mark_random(const struct mlops_dataset *dataset, size_t n_test, uint64_t seed, uint8_t *is_test,
			struct mlops_error *error)
{
	size_t n = dataset->n_rows;
	size_t n_classes = dataset->target != NULL ? dataset->n_classes : 1;
	uint32_t *rows = calloc(n, sizeof *rows); /* those of class 0, then of class 1, … */
	size_t *sizes = calloc(n_classes, sizeof *sizes);
	size_t *shares = calloc(n_classes, sizeof *shares);
	size_t *ends = calloc(n_classes, sizeof *ends);
	uint64_t *remainders = calloc(n_classes, sizeof *remainders);
	bool fine = rows != NULL && sizes != NULL && shares != NULL && ends != NULL && remainders != NULL;

	if (!fine) {
		mlops_error_set_memory(error);
		goto done;
	}
	for (size_t i = 0; i < n; i++)
		sizes[dataset->target != NULL ? dataset->target[i] : 0]++;
	for (size_t c = 1; c < n_classes; c++)
		ends[c] = ends[c - 1] + sizes[c - 1];
	for (size_t i = 0; i < n; i++)
		rows[ends[dataset->target != NULL ? dataset->target[i] : 0]++] = (uint32_t)i;
	share_out(sizes, n_classes, n, n_test, shares, remainders);
	for (size_t c = 0; c < n_classes; c++) {
		uint32_t *of_class = rows + (ends[c] - sizes[c]);

		draw(of_class, sizes[c], shares[c], seed, (uint32_t)c);
		for (size_t i = 0; i < shares[c]; i++)
			is_test[of_class[i]] = 1;
	}

done:
	free(rows);
	free(sizes);
	free(shares);
	free(ends);
	free(remainders);
	return fine;
}

/* Whole groups until n_test rows are reached; one group always stays. */
static bool mark_groups(const struct mlops_dataset *dataset, size_t n_test, uint64_t seed, uint8_t *is_test,
			struct mlops_error *error)
{
	size_t n_groups = dataset->n_groups, marked = 0;
	uint32_t *order = calloc(n_groups, sizeof *order);
	size_t *sizes = calloc(n_groups, sizeof *sizes);
	uint8_t *is_drawn = calloc(n_groups, 1);
	bool fine = order != NULL && sizes != NULL && is_drawn != NULL;

	if (!fine) {
		mlops_error_set_memory(error);
		goto done;
	}
	for (size_t i = 0; i < dataset->n_rows; i++)
		sizes[dataset->groups[i]]++;
	for (size_t g = 0; g < n_groups; g++)
		order[g] = (uint32_t)g;
	draw(order, n_groups, n_groups - 1, seed, 0);
	for (size_t g = 0; g < n_groups - 1 && marked < n_test; g++) {
		is_drawn[order[g]] = 1;
		marked += sizes[order[g]];
	}
	for (size_t i = 0; i < dataset->n_rows; i++)
		is_test[i] = is_drawn[dataset->groups[i]];

done:
	free(order);
	free(sizes);
	free(is_drawn);
	return fine;
}

static bool take_rows(const uint8_t *is_test, size_t n, struct mlops_split *split, struct mlops_error *error)
{
	size_t n_test = 0;

	for (size_t i = 0; i < n; i++)
		n_test += is_test[i];
	split->train = calloc(n - n_test + 1, sizeof *split->train);
	split->test = calloc(n_test + 1, sizeof *split->test);
	if (split->train == NULL || split->test == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < n; i++) {
		if (is_test[i])
			split->test[split->n_test++] = (uint32_t)i;
		else
			split->train[split->n_train++] = (uint32_t)i;
	}
	return true;
}

static bool check(const struct mlops_dataset *dataset, enum mlops_split_how how, double fraction,
		  struct mlops_error *error)
{
	if (!(fraction >= 0 && fraction < 1))
		return mlops_error_set(error, MLOPS_USAGE,
				       "the share of rows for the test must be at least 0 and below 1");
	if (fraction == 0)
		return true;
	if (dataset->n_rows < 2)
		return mlops_error_set(error, MLOPS_DATA, "%zu row can't be split; 2 are needed",
				       dataset->n_rows);
	if (how == MLOPS_SPLIT_TIME && dataset->times == NULL)
		return mlops_error_set(error, MLOPS_DATA, "no time column to split by");
	if (how == MLOPS_SPLIT_GROUP && dataset->groups == NULL)
		return mlops_error_set(error, MLOPS_DATA, "no id column to split by");
	if (how == MLOPS_SPLIT_GROUP && dataset->n_groups < 2)
		return mlops_error_set(error, MLOPS_DATA,
				       "all rows have one id; to split by it 2 are needed");
	return true;
}

static bool has_times(const struct mlops_dataset *dataset)
{
	for (size_t i = 0; dataset->times != NULL && i < dataset->n_rows; i++)
		if (dataset->times[i] != MLOPS_TIME_MISSING)
			return true;
	return false;
}

bool mlops_split_rows(const struct mlops_dataset *dataset, enum mlops_split_how how, double fraction,
		      uint64_t seed, struct mlops_split *split, struct mlops_error *error)
{
	size_t n = dataset->n_rows, n_test;
	uint8_t *is_test;
	bool fine = true;

	if (how == MLOPS_SPLIT_DEFAULT)
		how = has_times(dataset) ? MLOPS_SPLIT_TIME : MLOPS_SPLIT_RANDOM;
	*split = (struct mlops_split){ .how = how };
	if (!check(dataset, how, fraction, error))
		return false;
	is_test = calloc(n + 1, 1);
	if (is_test == NULL)
		return mlops_error_set_memory(error);
	if (fraction > 0) {
		n_test = (size_t)(fraction * (double)n + 0.5); /* the conversion rounds down */
		if (n_test < 1)
			n_test = 1;
		if (n_test > n - 1)
			n_test = n - 1;
		if (how == MLOPS_SPLIT_TIME)
			fine = mark_latest(dataset, n_test, is_test, error);
		else if (how == MLOPS_SPLIT_GROUP)
			fine = mark_groups(dataset, n_test, seed, is_test, error);
		else
			fine = mark_random(dataset, n_test, seed, is_test, error);
	}
	if (fine)
		fine = take_rows(is_test, n, split, error);
	if (!fine)
		mlops_split_release(split);
	free(is_test);
	return fine;
}

void mlops_split_release(struct mlops_split *split)
{
	free(split->train);
	free(split->test);
	split->train = split->test = NULL;
	split->n_train = split->n_test = 0;
}
