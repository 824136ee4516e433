/* What the kernels of grow.h give, said as plainly as can be. */
#include "kernel/grow.h"

void mlops_kernel_grow_count_reference(const struct mlops_grow_row *rows, size_t n, size_t step,
				       struct mlops_grow_cells cells, const struct mlops_grow_window *windows,
				       size_t n_windows, bool any_missing)
{
	size_t width = mlops_grow_width(cells);

	(void)any_missing;
	for (size_t w = 0; w < n_windows; w++) {
		const struct mlops_grow_window *window = &windows[w];

		for (size_t i = 0; i < n; i++) {
			uint32_t code = window->codes[rows[i].row * step];
			uint32_t bin = code == MLOPS_GROW_MISSING ? window->n_bins
								  : (code >> window->shift) - window->first;

			window->counts[bin * width + rows[i].class_of] += rows[i].weight;
			if (cells.with_rows)
				window->counts[bin * width + cells.n_classes]++;
		}
	}
}

void mlops_kernel_grow_keys_reference(const struct mlops_grow_row *rows, size_t n, const uint16_t *codes,
				      size_t step, uint16_t *keys)
{
	for (size_t i = 0; i < n; i++)
		keys[i] = codes[rows[i].row * step];
}

void mlops_kernel_grow_inside_reference(const struct mlops_grow_row *rows, const uint16_t *keys, size_t n,
					struct mlops_grow_cells cells, const struct mlops_grow_pair *pair,
					unsigned shift, uint32_t *counts)
{
	uint32_t size = UINT32_C(1) << pair->bits;
	size_t width = mlops_grow_width(cells);

	for (size_t i = 0; i < n; i++) {
		uint32_t position;

		if (keys[i] >= pair->lower && keys[i] < pair->lower + size)
			position = keys[i] - pair->lower;
		else if (keys[i] >= pair->higher && keys[i] < pair->higher + size)
			position = keys[i] - pair->higher + size;
		else
			continue;
		counts[(position >> shift) * width + rows[i].class_of] += rows[i].weight;
		if (cells.with_rows)
			counts[(position >> shift) * width + cells.n_classes]++;
	}
}

size_t mlops_kernel_grow_partition_reference(struct mlops_grow_row *rows, const uint16_t *keys, size_t n,
					     uint32_t last, bool missing_left, struct mlops_grow_row *spare)
{
	size_t left = 0, right = 0;

	for (size_t i = 0; i < n; i++) {
		if (keys[i] == MLOPS_GROW_MISSING ? missing_left : keys[i] <= last)
			rows[left++] = rows[i];
		else
			spare[right++] = rows[i];
	}
	for (size_t i = 0; i < right; i++)
		rows[left + i] = spare[i];
	return left;
}

/* What a split is worth with these on the left. */
static double split_score(const struct mlops_grow_bins *bins, const uint32_t *left)
{
	double on_left = 0, left_squares = 0, on_right = 0, right_squares = 0;

	for (size_t k = 0; k < bins->cells.n_classes; k++) {
		double a = bins->class_weight[k] * left[k];
		double b = bins->class_weight[k] * (bins->total[k] - left[k]);

		on_left += a;
		left_squares += a * a;
		on_right += b;
		right_squares += b * b;
	}
	return left_squares / on_left + right_squares / on_right;
}

/* The bin's class, n_classes where it has several, SIZE_MAX where it is empty.
 */
static size_t class_of(const struct mlops_grow_bins *bins, const uint32_t *counts)
{
	size_t found = SIZE_MAX;

	for (size_t k = 0; k < bins->cells.n_classes; k++) {
		if (counts[k] > 0)
			found = found == SIZE_MAX ? k : bins->cells.n_classes;
	}
	return found;
}

static bool leaves_enough(const struct mlops_grow_bins *bins, const uint32_t *left)
{
	uint32_t rows = left[bins->cells.n_classes];

	return rows >= bins->min_leaf && bins->total[bins->cells.n_classes] - rows >= bins->min_leaf;
}

static void offer(const struct mlops_grow_bins *bins, const uint32_t *left, size_t lower, size_t higher,
		  bool missing_left, struct mlops_grow_best *best)
{
	size_t width = mlops_grow_width(bins->cells);
	const uint32_t *missing = bins->counts + bins->n_bins * width;
	double score;

	if (bins->min_leaf > 1 && !leaves_enough(bins, left))
		return;
	score = split_score(bins, left);
	if (!(score > best->score))
		return;
	best->score = score;
	best->lower = lower;
	best->higher = higher;
	best->missing_left = missing_left;
	best->saw_missing = class_of(bins, missing) != SIZE_MAX;
	for (size_t k = 0; k < width; k++) {
		best->left[k] = left[k];
		best->missing[k] = missing[k];
	}
}

void mlops_kernel_grow_search_reference(struct mlops_grow_bins *bins, struct mlops_grow_best *best)
{
	size_t width = mlops_grow_width(bins->cells), several = bins->cells.n_classes;
	const uint32_t *missing = bins->counts + bins->n_bins * width;
	bool any_missing = class_of(bins, missing) != SIZE_MAX;

	for (int missing_left = 0; missing_left <= any_missing; missing_left++) {
		uint32_t left[MLOPS_GROW_MOST_CLASSES + 1];
		size_t before = SIZE_MAX;

		bins->n_occupied = 0;
		for (size_t k = 0; k < width; k++)
			left[k] = bins->left[k] + (missing_left == 1 ? missing[k] : 0);
		for (size_t bin = 0; bin < bins->n_bins; bin++) {
			const uint32_t *counts = bins->counts + bin * width;
			size_t class = class_of(bins, counts);

			if (class == SIZE_MAX)
				continue;
			if (bins->n_occupied == 0)
				bins->lowest = bin;
			else if (class != before || class == several || bins->min_leaf > 1)
				offer(bins, left, bins->highest, bin, missing_left == 1, best);
			for (size_t k = 0; k < width; k++)
				left[k] += counts[k];
			before = class;
			bins->highest = bin;
			bins->n_occupied++;
		}
		if (any_missing && missing_left == 0 && bins->is_whole && bins->n_occupied > 0)
			offer(bins, left, bins->highest, bins->n_bins, false, best);
	}
	for (size_t i = 0; i < (bins->n_bins + 1) * width; i++)
		bins->counts[i] = 0;
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
static void offer_small(const struct mlops_small_node *node, const struct list *list, size_t end,
			bool missing_left, struct mlops_small_split *best)
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
		offer_small(node, &list, i, false, best);
		if (list.draws[list.n - 1].is_missing && !list.draws[i].is_missing)
			offer_small(node, &list, i, true, best);
	}
	return varies;
}
