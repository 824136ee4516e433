#include "kernel/kernel.h"

void mlops_kernel_histogram(const uint16_t *code, const uint8_t *class_of, const uint16_t *weight,
			    const uint32_t *rows, size_t n, size_t n_classes, uint32_t *counts)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t row = rows[i];

		counts[code[row] * n_classes + class_of[row]] += weight[row];
	}
}

void mlops_kernel_histogram_touched(const uint16_t *code, const uint8_t *class_of, const uint16_t *weight,
				    const uint32_t *rows, size_t n, size_t n_classes, uint32_t *counts,
				    struct mlops_kernel_touched *touched)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t row = rows[i];
		size_t bin = code[row];

		touched->words[bin >> 6] |= (uint64_t)1 << (bin & 63);
		touched->summary[bin >> 12] |= (uint64_t)1 << (bin >> 6 & 63);
		counts[bin * n_classes + class_of[row]] += weight[row];
	}
}
