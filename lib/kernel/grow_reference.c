/* What the kernels of grow.h give, said as plainly as can be. */
#include "kernel/grow.h"

static double side(const double *weight, uint32_t a, uint32_t b)
{
	double x = weight[0] * a, y = weight[1] * b;

	return (x * x + y * y) / (x + y);
}

size_t mlops_kernel_grow_search_reference(const struct mlops_grow_bins *bins, struct mlops_grow_best *best)
{
	size_t occupied = 0;

	for (int missing_left = 0; missing_left < 2; missing_left++) {
		uint32_t left[2], lower = 0;

		if (missing_left == 1 && bins->missing[0] == 0 && bins->missing[1] == 0)
			break;
		occupied = 0;
		for (int k = 0; k < 2; k++)
			left[k] = bins->left[k] + (missing_left == 1 ? bins->missing[k] : 0);
		for (uint32_t bin = 0; bin < bins->n_bins; bin++) {
			const uint32_t *counts = bins->counts + 2 * bin, *before = bins->counts + 2 * lower;
			bool one_class =
				(counts[0] == 0 && before[0] == 0) || (counts[1] == 0 && before[1] == 0);
			double score;

			if (counts[0] == 0 && counts[1] == 0)
				continue;
			score = side(bins->class_weight, left[0], left[1]) +
				side(bins->class_weight, bins->total[0] - left[0], bins->total[1] - left[1]);
			if (occupied > 0 && !one_class && score > best->score)
				*best = (struct mlops_grow_best){
					score, lower, bin, missing_left == 1, { left[0], left[1] }
				};
			left[0] += counts[0];
			left[1] += counts[1];
			lower = bin;
			occupied++;
		}
	}
	for (size_t i = 0; i < 2 * bins->n_bins; i++)
		bins->counts[i] = 0;
	return occupied;
}

void mlops_kernel_small_sort_reference(const uint16_t *keys, const uint16_t *weights, size_t n,
				       uint16_t missing, struct mlops_small_order *order)
{
	order->first = order->missing = 0;
	for (size_t i = 0; i < n; i++) {
		size_t place = 0;
		bool is_first = true;

		for (size_t j = 0; j < n; j++) {
			bool is_equal = keys[j] == keys[i] && j < i;

			place += keys[j] < keys[i] || is_equal ? weights[j] : 0;
			is_first &= !is_equal;
		}
		order->place[i] = (uint8_t)place;
		if (is_first)
			order->first |= UINT64_C(1) << place;
		for (size_t p = place; keys[i] == missing && p < MLOPS_SMALL_DRAWS; p++)
			order->missing |= UINT64_C(1) << p;
	}
}

/* A place of the order that a row of the node has. */
struct draw {
	bool is_positive;
	bool is_missing;
	bool begins_row;
	size_t value; /* number of the value among the block's */
};

struct list {
	struct draw draws[MLOPS_SMALL_DRAWS];
	unsigned place[MLOPS_SMALL_DRAWS];
	size_t n;
};

static void list_draws(const struct mlops_small_node *node, const struct mlops_small_order *order,
		       struct list *list)
{
	size_t value = 0;

	list->n = 0;
	for (unsigned place = 0; place < MLOPS_SMALL_DRAWS; place++) {
		value += order->first >> place & 1;
		for (size_t i = 0; i < node->n; i++) {
			size_t row = node->rows[i];

			if ((node->draws[row] << order->place[row] >> place & 1) == 0)
				continue;
			list->place[list->n] = place;
			list->draws[list->n++] = (struct draw){
				.is_positive = node->positive[row] != 0,
				.is_missing = (order->missing >> place & 1) != 0,
				.begins_row = place == order->place[row],
				.value = value,
			};
		}
	}
}

static bool some_value_has_both_classes(const struct list *list)
{
	for (size_t i = 1; i < list->n; i++) {
		if (list->draws[i].value == list->draws[i - 1].value &&
		    list->draws[i].is_positive != list->draws[i - 1].is_positive)
			return true;
	}
	return false;
}

/* Left are the first `end` draws, and all missing ones if missing_left. */
static void offer(const struct mlops_small_node *node, const struct list *list, size_t end, bool missing_left,
		  struct mlops_small_split *best)
{
	size_t sides[2][2] = { { 0 } };
	size_t rows[2] = { 0 };
	double score;

	for (size_t i = 0; i < list->n; i++) {
		size_t side = i < end || (missing_left && list->draws[i].is_missing) ? 0 : 1;

		sides[side][list->draws[i].is_positive]++;
		rows[side] += list->draws[i].begins_row;
	}
	score = node->purity[sides[0][0] * 64 + sides[0][1]] + node->purity[sides[1][0] * 64 + sides[1][1]];
	if (!(score > best->score) ||
	    (node->min_leaf > 1 && (rows[0] < node->min_leaf || rows[1] < node->min_leaf)))
		return;
	best->score = score;
	best->place = list->place[end];
	best->missing_left = missing_left;
	best->saw_missing = list->draws[list->n - 1].is_missing;
	best->left[0] = (uint32_t)sides[0][0];
	best->left[1] = (uint32_t)sides[0][1];
}

bool mlops_kernel_small_split_reference(const struct mlops_small_node *node,
					const struct mlops_small_order *order, struct mlops_small_split *best)
{
	struct list list;
	bool tries_all, varies = false;

	list_draws(node, order, &list);
	tries_all = node->min_leaf > 1 || some_value_has_both_classes(&list);
	for (size_t i = 1; i < list.n; i++) {
		if (list.draws[i].value == list.draws[i - 1].value)
			continue;
		varies = true;
		if (!tries_all && list.draws[i].is_positive == list.draws[i - 1].is_positive)
			continue;
		offer(node, &list, i, false, best);
		if (list.draws[list.n - 1].is_missing && !list.draws[i].is_missing)
			offer(node, &list, i, true, best);
	}
	return varies;
}
