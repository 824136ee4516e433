#include "kernel/kernel.h"

void mlops_kernel_histogram(const uint8_t *code, const uint8_t *class_of, const uint16_t *weight, const uint32_t *rows,
			    size_t n, size_t n_classes, uint32_t *counts)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t row = rows[i];

		counts[code[row] * n_classes + class_of[row]] += weight[row];
	}
}

void mlops_kernel_histogram_touched(const uint8_t *code, const uint8_t *class_of, const uint16_t *weight,
				    const uint32_t *rows, size_t n, size_t n_classes, uint32_t *counts,
				    uint64_t touched[4])
{
	for (size_t i = 0; i < n; i++) {
		uint32_t row = rows[i];
		uint8_t bin = code[row];

		touched[bin >> 6] |= (uint64_t)1 << (bin & 63);
		counts[bin * n_classes + class_of[row]] += weight[row];
	}
}
