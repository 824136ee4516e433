#include "kernel/grow.h"

void mlops_kernel_grow_keys(const uint16_t *codes, const struct mlops_grow_row *rows, size_t n,
			    uint32_t missing, uint16_t *keys, uint32_t *low, uint32_t *high)
{
	uint32_t least = UINT32_MAX, most = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t key = codes[rows[i].row];
		uint32_t present = key == missing ? 0 : key;

		keys[i] = (uint16_t)key;
		most = present > most ? present : most;
		least = key < least ? key : least;
	}
	*low = least;
	*high = most;
}

void mlops_kernel_grow_histogram(const uint16_t *keys, const struct mlops_grow_row *rows, size_t n,
				 const struct mlops_grow_window *window, size_t n_classes, uint32_t *counts)
{
	uint32_t low = window->low, missing = window->missing, n_bins = window->n_bins;
	unsigned shift = window->shift;

	for (size_t i = 0; i < n; i++) {
		uint32_t key = keys[i];
		uint32_t bin = key == missing ? n_bins : (key - low) >> shift;

		counts[bin * n_classes + rows[i].class_of] += rows[i].weight;
	}
}
