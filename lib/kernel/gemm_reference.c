#include "kernel/gemm.h"

#include <math.h>

static float start_of(const struct mlops_gemm *job, size_t n, float found)
{
	if (job->start != NULL)
		return job->start[n];
	return job->add ? found : 0;
}

void mlops_kernel_gemm_reference(const struct mlops_gemm *job)
{
	for (size_t m = 0; m < job->rows; m++) {
		for (size_t n = 0; n < job->columns; n++) {
			size_t panel = n / MLOPS_GEMM_PANEL, place = n % MLOPS_GEMM_PANEL;
			float *c = job->c + panel * job->c_panel + m * job->c_row + place;
			float sum = start_of(job, n, *c);

			for (size_t p = 0; p < job->n_parts; p++) {
				const struct mlops_gemm_part *part = &job->parts[p];
				const float *a = part->a + m * part->a_row;
				const float *b = part->b + panel * part->b_panel + place;

				for (size_t k = 0; k < part->depth; k++)
					sum = fmaf(a[k * part->a_step], b[k * part->b_step], sum);
			}
			*c = sum;
		}
	}
}
