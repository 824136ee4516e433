/* Each build of the kernels of networks gives what the reference gives: the same bits where the processor has
 * fused multiply-add, about the same without. */
#include "base/rng.h"
#include "kernel/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t sizes[] = { 1, 3, 50, 64, 100 };

enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* Behind what a test draws: no kernel may read it for a result that counts. */
enum { BEHIND = 64 };

static float *draw(size_t n, double width, struct mlops_rng *rng)
{
	float *values = malloc((n + BEHIND) * sizeof *values);

	assert_non_null(values);
	for (size_t i = 0; i < n; i++)
		values[i] = (float)(width * (2 * mlops_rng_unit(rng) - 1));
	for (size_t i = n; i < n + BEHIND; i++)
		values[i] = NAN;
	return values;
}

static float *copy(const float *values, size_t n)
{
	float *same = malloc((n + BEHIND) * sizeof *same);

	assert_non_null(same);
	memcpy(same, values, (n + BEHIND) * sizeof *same);
	return same;
}

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static void assert_alike(const struct mlops_kernels *kernels, float found, float expected, double scale)
{
	if (strcmp(kernels->name, "v2") == 0)
		assert_true(fabs((double)found - (double)expected) <= 1e-5 * scale);
	else
		assert_memory_equal(&found, &expected, sizeof found);
}

/* Two parts, the second with rows and columns of a exchanged, in all ways to begin. */
static void compare_gemm(size_t rows, size_t columns, size_t depth, struct mlops_rng *rng)
{
	size_t panels = round_up(columns, MLOPS_GEMM_PANEL) / MLOPS_GEMM_PANEL;
	size_t c_row = round_up(columns, MLOPS_GEMM_WIDTH);
	float *a = draw(rows * depth, 1, rng), *b = draw(panels * depth * MLOPS_GEMM_PANEL, 1, rng);
	float *start = draw(c_row, 1, rng), *before = draw(rows * c_row, 1, rng);
	struct mlops_gemm job = {
		.rows = rows,
		.columns = columns,
		.parts = { { a, depth, 1, b, depth * MLOPS_GEMM_PANEL, MLOPS_GEMM_PANEL, depth },
			   { a, 1, rows, b, depth * MLOPS_GEMM_PANEL, MLOPS_GEMM_PANEL, depth } },
		.c_row = c_row,
		.c_panel = MLOPS_GEMM_PANEL,
	};

	for (int way = 0; way < 12; way++) {
		float *expected = copy(before, rows * c_row);

		job.n_parts = 1 + (size_t)way % 2;
		job.start = way / 2 % 3 == 0 ? start : NULL;
		job.add = way / 2 % 3 == 1;
		job.backwards = way >= 6;
		job.c = expected;
		mlops_kernel_gemm_reference(&job);
		for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
			float *found = copy(before, rows * c_row);

			job.c = found;
			mlops_kernels_at(k)->gemm(&job);
			for (size_t i = 0; i < rows * c_row; i++)
				if (i % c_row < columns)
					assert_alike(mlops_kernels_at(k), found[i], expected[i],
						     (double)depth);
			for (size_t i = rows * c_row; i < rows * c_row + BEHIND; i++)
				assert_true(isnan(found[i]));
			free(found);
		}
		free(expected);
	}
	free(a);
	free(b);
	free(start);
	free(before);
}

static void products_alike(void **state)
{
	struct mlops_rng rng = mlops_rng_start(6, MLOPS_RNG_SIMULATE, 0);

	(void)state;
	for (size_t rows = 1; rows <= 17; rows++)
		compare_gemm(rows, 1 + mlops_rng_below(&rng, 90), 1 + mlops_rng_below(&rng, 9), &rng);
	for (size_t i = 0; i < N_SIZES; i++) {
		for (size_t inputs = 1; inputs <= 3; inputs++)
			compare_gemm(8, 4 * sizes[i], inputs, &rng);
		compare_gemm(1, 4 * sizes[i], sizes[i], &rng);
		compare_gemm(8, sizes[i], 4 * sizes[i], &rng);
		compare_gemm(sizes[i], 4 * sizes[i], 64, &rng);
	}
}

/* Two panels of c apart from each other, as the gradient of weights has them. */
static void panels_of_c_by_hand(void **state)
{
	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		float a[2] = { 2, 3 }, b[64], c[2 * 2 * 32] = { 0 };
		struct mlops_gemm job = {
			.rows = 2,
			.columns = 64,
			.parts = { { a, 1, 1, b, 32, 64, 1 } },
			.n_parts = 1,
			.c = c,
			.c_row = 32,
			.c_panel = 64,
		};

		for (int n = 0; n < 64; n++)
			b[n] = (float)n;
		mlops_kernels_at(k)->gemm(&job);
		for (int n = 0; n < 64; n++) {
			assert_true(c[n / 32 * 64 + n % 32] == (float)(2 * n));
			assert_true(c[n / 32 * 64 + 32 + n % 32] == (float)(3 * n));
		}
	}
}

/* Arrays of one step of a layer. */
struct step {
	size_t rows, units, stride, sums_row;
	float *sums, *cell, *next_cell, *hidden, *saved, *carry, *at_sums, *bias;
};

static struct step step_new(size_t rows, size_t units, struct mlops_rng *rng)
{
	size_t stride = round_up(units, MLOPS_LSTM_WIDTH), sums_row = round_up(4 * units, 16) + 16;

	return (struct step){
		.rows = rows,
		.units = units,
		.stride = stride,
		.sums_row = sums_row,
		.sums = draw(rows * sums_row, 8, rng),
		.cell = draw(rows * stride, 2, rng),
		.next_cell = draw(rows * stride, 0, rng),
		.hidden = draw(rows * stride, 1, rng),
		.saved = draw(rows * MLOPS_LSTM_SAVED * stride, 1, rng),
		.carry = draw(rows * stride, 1, rng),
		.at_sums = draw(rows * sums_row, 0, rng),
		.bias = draw(4 * stride, 1, rng),
	};
}

static struct step step_copy(const struct step *step)
{
	struct step same = *step;

	same.next_cell = copy(step->next_cell, step->rows * step->stride);
	same.hidden = copy(step->hidden, step->rows * step->stride);
	same.saved = copy(step->saved, step->rows * MLOPS_LSTM_SAVED * step->stride);
	same.carry = copy(step->carry, step->rows * step->stride);
	same.at_sums = copy(step->at_sums, step->rows * step->sums_row);
	same.bias = copy(step->bias, 4 * step->stride);
	return same;
}

static void free_copied(struct step *step)
{
	free(step->next_cell);
	free(step->hidden);
	free(step->saved);
	free(step->carry);
	free(step->at_sums);
	free(step->bias);
}

static void run_forward(const struct mlops_kernels *kernels, struct step *step, bool keep)
{
	kernels->lstm_forward(&(struct mlops_lstm_forward){
		.rows = step->rows,
		.units = step->units,
		.stride = step->stride,
		.sums = step->sums,
		.sums_row = step->sums_row,
		.cell = step->cell,
		.next_cell = step->next_cell,
		.hidden = step->hidden,
		.saved = keep ? step->saved : NULL,
	});
}

static void run_backward(const struct mlops_kernels *kernels, struct step *step, bool more)
{
	kernels->lstm_backward(&(struct mlops_lstm_backward){
		.rows = step->rows,
		.units = step->units,
		.stride = step->stride,
		.saved = step->saved,
		.soon = more ? step->saved : NULL,
		.cell = step->cell,
		.hidden = step->hidden,
		.more = more ? step->next_cell : NULL,
		.carry = step->carry,
		.sums = step->at_sums,
		.sums_row = step->sums_row,
		.bias = step->bias,
	});
}

/* Values of units, `parts` of them a row. */
static void assert_rows_alike(const struct mlops_kernels *kernels, const struct step *step,
			      const float *found, const float *expected, size_t rows)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t u = 0; u < step->units; u++)
			assert_alike(kernels, found[r * step->stride + u], expected[r * step->stride + u],
				     10);
}

static void compare_steps(size_t rows, size_t units, struct mlops_rng *rng)
{
	struct step step = step_new(rows, units, rng);

	for (int way = 0; way < 2; way++) {
		struct step expected = step_copy(&step);

		run_forward(mlops_kernels_at(0), &expected, way == 0);
		run_backward(mlops_kernels_at(0), &expected, way == 0);
		for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
			const struct mlops_kernels *kernels = mlops_kernels_at(k);
			struct step found = step_copy(&step);

			run_forward(kernels, &found, way == 0);
			assert_rows_alike(kernels, &step, found.next_cell, expected.next_cell, rows);
			assert_rows_alike(kernels, &step, found.hidden, expected.hidden, rows);
			assert_rows_alike(kernels, &step, found.saved, expected.saved,
					  rows * MLOPS_LSTM_SAVED);
			run_backward(kernels, &found, way == 0);
			assert_rows_alike(kernels, &step, found.carry, expected.carry, rows);
			assert_rows_alike(kernels, &step, found.bias, expected.bias, 4);
			for (size_t r = 0; r < rows; r++)
				for (size_t j = 0; j < 4 * units; j++)
					assert_alike(kernels, found.at_sums[r * step.sums_row + j],
						     expected.at_sums[r * step.sums_row + j], 10);
			free_copied(&found);
		}
		free_copied(&expected);
	}
	free_copied(&step);
	free(step.sums);
	free(step.cell);
}

static void steps_alike(void **state)
{
	struct mlops_rng rng = mlops_rng_start(7, MLOPS_RNG_SIMULATE, 0);

	(void)state;
	for (size_t i = 0; i < N_SIZES; i++)
		for (size_t rows = 1; rows <= 8; rows += 7)
			compare_steps(rows, sizes[i], &rng);
	for (size_t units = 1; units < 40; units++)
		compare_steps(2, units, &rng);
}

/* h of one unit whose other gates are open: o tanh(c) with c = tanh(x), or what the input gate lets through.
 */
static float one_unit(const struct mlops_kernels *kernels, const float sums[4], float c, float saved[5])
{
	float all[32] = { 0 }, cell[16] = { c }, hidden[16], kept[5 * 16];

	memcpy(all, sums, 4 * sizeof *sums);
	kernels->lstm_forward(&(struct mlops_lstm_forward){ 1, 1, 16, all, 32, cell, cell, hidden, kept });
	for (size_t k = 0; k < 5; k++)
		saved[k] = kept[16 * k];
	return hidden[0];
}

static void gates_are_sigmoid_and_tanh(void **state)
{
	double worst[2] = { 0, 0 };

	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		float saved[5];

		for (double x = -100; x <= 100; x += fabs(x) < 12 ? 0.001 : 0.5) {
			float at = (float)x, sums[4] = { at, at, at, at };

			one_unit(mlops_kernels_at(k), sums, at, saved);
			worst[0] = fmax(worst[0], fabs((double)saved[0] - 1 / (1 + exp(-(double)at))));
			worst[1] = fmax(worst[1], fabs((double)saved[2] - tanh((double)at)));
			assert_memory_equal(saved, saved + 1, sizeof(float));
			assert_memory_equal(saved, saved + 3, sizeof(float));
		}
		one_unit(mlops_kernels_at(k), (float[]){ INFINITY, -INFINITY, -INFINITY, 0 }, 7, saved);
		assert_true(saved[0] == 1);
		assert_true(saved[1] >= 0 && saved[1] < 1e-20f);
		assert_true(saved[2] == -1);
		assert_true(saved[3] == 0.5f);
		assert_true(fabs((double)saved[4] - tanh(-1)) < 1.3e-7);
		assert_true(isnan(one_unit(mlops_kernels_at(k), (float[]){ NAN, 0, 0, 0 }, 0, saved)));
	}
	assert_true(worst[0] < 1.3e-7);
	assert_true(worst[1] < 1.3e-7);
}

/* What a gradient has become after it was handed on so often is gone, in every build. */
static void what_is_tiny_becomes_zero(void **state)
{
	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		float saved[5 * 16] = { 0 }, cell[16] = { 1 }, hidden[16] = { 0 }, carry[16] = { 0x1p-99f },
				sums[32], bias[64] = { 0 };
		struct mlops_lstm_backward step = { 1,	    1,	  16,	 saved, NULL, cell,
						    hidden, NULL, carry, sums,	32,   bias };

		saved[0] = saved[16] = 0.5f;
		saved[32] = 0;
		mlops_kernels_at(k)->lstm_backward(&step);
		assert_true(carry[0] == 0x1p-100f);
		assert_true(sums[2] == 0x1p-100f);
		assert_true(sums[1] == 0);
		mlops_kernels_at(k)->lstm_backward(&step);
		assert_true(carry[0] == 0);
		assert_true(sums[2] == 0);
	}
}

static void dropout_draws_philox(void **state)
{
	const uint64_t first = UINT64_C(0xfffffff8);

	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		uint16_t keep[3 * 8 + 1];
		struct mlops_dropout job = { .key = { 3, 4 },
					     .index = 5,
					     .purpose = 6,
					     .first = first,
					     .threshold = 20000,
					     .chunks = 3,
					     .keep = keep };

		keep[24] = 77;
		mlops_kernels_at(k)->dropout_draw(&job);
		for (size_t block = 0; block < 48; block++) {
			uint64_t position = first + block;
			uint32_t counter[4] = { (uint32_t)position, (uint32_t)(position >> 32), 5, 6 },
				 words[4];

			mlops_rng_philox(counter, job.key, words);
			for (size_t h = 0; h < 8; h++) {
				unsigned half = words[h / 2] >> 16 * (h % 2) & 0xffff;

				assert_int_equal(keep[block / 16 * 8 + h] >> block % 16 & 1, half >= 20000);
			}
		}
		assert_int_equal(keep[24], 77);
	}
}

static void dropout_takes_out_and_scales(void **state)
{
	const uint16_t keep[2] = { 0x8001, 0xfffe };
	float from[32], to[33];

	(void)state;
	for (size_t k = 0; mlops_kernels_at(k) != NULL; k++) {
		for (size_t i = 0; i < 32; i++)
			from[i] = (float)i + 1;
		to[32] = 9;
		mlops_kernels_at(k)->dropout_apply(keep, 1.5f, from, 2, to);
		for (size_t i = 0; i < 32; i++)
			assert_true(to[i] == (i == 0 || i == 15 || i > 16 ? 1.5f * (float)(i + 1) : 0));
		assert_true(to[32] == 9);
	}
}

static void steps_of_adam_alike(void **state)
{
	struct mlops_rng rng = mlops_rng_start(8, MLOPS_RNG_SIMULATE, 0);
	const struct mlops_adam adam = { 0.9f, 0.1f, 0.999f, 0.001f, 0.7f, 0.99f, 0.02f, 1.3f, 1e-8f };

	(void)state;
	for (size_t n = 0; n < 70; n++) {
		float *gradient = draw(n, 1, &rng), *vectors[3];
		double squares = mlops_kernel_sum_squares_reference(gradient, n), sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += (double)gradient[i] * (double)gradient[i];
		assert_true(fabs(squares - sum) <= 1e-12 * sum);
		if (n > 2)
			gradient[2] = 0;
		for (int v = 0; v < 3; v++)
			vectors[v] = draw(n, 1, &rng);
		for (size_t i = 0; i < n; i++)
			vectors[1][i] *= vectors[1][i];
		if (n > 2)
			vectors[0][2] = vectors[1][2] = 0x1p-100f;
		for (size_t k = 1; mlops_kernels_at(k) != NULL; k++) {
			const struct mlops_kernels *kernels = mlops_kernels_at(k);
			float *expected[3], *found[3];

			for (int v = 0; v < 3; v++) {
				expected[v] = copy(vectors[v], n);
				found[v] = copy(vectors[v], n);
			}
			mlops_kernel_adam_reference(&adam, gradient, n, expected[0], expected[1],
						    expected[2]);
			kernels->adam(&adam, gradient, n, found[0], found[1], found[2]);
			for (size_t i = 0; i < n; i++)
				for (int v = 0; v < 3; v++)
					assert_alike(kernels, found[v][i], expected[v][i], 1);
			if (n > 2)
				assert_true(found[0][2] == 0 && found[1][2] == 0);
			for (int v = 0; v < 3; v++) {
				assert_true(isnan(found[v][n]));
				free(expected[v]);
				free(found[v]);
			}
			if (n > 2)
				gradient[2] = 0.25f;
			squares = mlops_kernel_sum_squares_reference(gradient, n);
			sum = kernels->sum_squares(gradient, n);
			assert_memory_equal(&sum, &squares, sizeof sum);
			if (n > 2)
				gradient[2] = 0;
		}
		for (int v = 0; v < 3; v++)
			free(vectors[v]);
		free(gradient);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_alike),
		cmocka_unit_test(panels_of_c_by_hand),
		cmocka_unit_test(steps_alike),
		cmocka_unit_test(gates_are_sigmoid_and_tanh),
		cmocka_unit_test(what_is_tiny_becomes_zero),
		cmocka_unit_test(dropout_draws_philox),
		cmocka_unit_test(dropout_takes_out_and_scales),
		cmocka_unit_test(steps_of_adam_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
