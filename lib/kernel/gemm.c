#include "kernel/build.h"
#include "kernel/gemm.h"
#include "kernel/lanes.h"

/* As many sums as the registers hold beside a row of b: they must outnumber what the processor has under way.
 */
#if LANES == 16
#define TILE_ROWS 8
#define ROW_PANELS 4
#elif LANES == 8
#define TILE_ROWS 6
#define ROW_PANELS 2
#else
#define TILE_ROWS 4
#define ROW_PANELS 1
#endif
#define TILE_LANES 2 /* groups of lanes */

#define PANEL_LANES (MLOPS_GEMM_PANEL / LANES)

/* Columns come from panels: group v of lanes from the one that begins at `first`. */
static inline size_t place(size_t v, size_t panel)
{
	return v / PANEL_LANES * panel + v % PANEL_LANES * LANES;
}

/* Sums of a tile in registers: rows and groups are constants wherever this is inlined. */
static inline __attribute__((always_inline)) void tile(const struct mlops_gemm *job, size_t m, size_t n,
						       size_t rows, size_t groups)
{
	size_t panel = n / MLOPS_GEMM_PANEL, within = n % MLOPS_GEMM_PANEL;
	float *c = job->c + panel * job->c_panel + m * job->c_row + within;
	lanes sums[TILE_ROWS][ROW_PANELS * PANEL_LANES];

#pragma GCC unroll 8
	for (size_t r = 0; r < rows; r++) {
#pragma GCC unroll 8
		for (size_t v = 0; v < groups; v++) {
			if (job->start != NULL)
				sums[r][v] = lanes_load(job->start + n + v * LANES);
			else if (job->add)
				sums[r][v] = lanes_load(c + r * job->c_row + place(v, job->c_panel));
			else
				sums[r][v] = lanes_all(0);
		}
	}
	for (size_t p = 0; p < job->n_parts; p++) {
		const struct mlops_gemm_part *part = &job->parts[p];
		const float *a = part->a + m * part->a_row;
		const float *b = part->b + panel * part->b_panel + within;
		size_t a_row = part->a_row, a_step = part->a_step, b_step = part->b_step;

		for (size_t k = 0; k < part->depth; k++) {
			lanes row[ROW_PANELS * PANEL_LANES];

#pragma GCC unroll 8
			for (size_t v = 0; v < groups; v++)
				row[v] = lanes_load(b + place(v, part->b_panel));
#pragma GCC unroll 8
			for (size_t r = 0; r < rows; r++) {
				lanes x = lanes_all(a[r * a_row]);

#pragma GCC unroll 8
				for (size_t v = 0; v < groups; v++)
					sums[r][v] = lanes_multiply_add(x, row[v], sums[r][v]);
			}
			a += a_step;
			b += b_step;
		}
	}
#pragma GCC unroll 8
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 8
		for (size_t v = 0; v < groups; v++)
			lanes_store(c + r * job->c_row + place(v, job->c_panel), sums[r][v]);
}

/* A tile of fewer rows than a whole one has. */
static inline __attribute__((always_inline)) void low_tile(const struct mlops_gemm *job, size_t m, size_t n,
							   size_t rows, size_t groups)
{
#pragma GCC unroll 8
	for (size_t some = TILE_ROWS - 1; some > 0; some--)
		if (rows == some)
			tile(job, m, n, some, groups);
}

/* Few rows that are left are halved with the last tile's: the sums of few would wait for each other. */
static inline __attribute__((always_inline)) void tiles(const struct mlops_gemm *job, size_t n, size_t groups)
{
	size_t rest = job->rows % TILE_ROWS, m = 0, left = job->rows;
	size_t most = rest > 0 && rest <= TILE_ROWS / 2 ? TILE_ROWS + rest : TILE_ROWS - 1;

	for (; left > most; left -= TILE_ROWS, m += TILE_ROWS)
		tile(job, m, n, TILE_ROWS, groups);
	while (left > 0) {
		size_t rows = left < TILE_ROWS ? left : left / 2;

		low_tile(job, m, n, rows, groups);
		m += rows;
		left -= rows;
	}
}

/* A row alone would have its sums in few registers: they are of more columns then. */
#define ROW_WIDTH ((size_t)ROW_PANELS * MLOPS_GEMM_PANEL)
#define TILE_WIDTH ((size_t)TILE_LANES * LANES)

static void columns_from(const struct mlops_gemm *job, size_t n, size_t width)
{
	size_t end = n + width < job->columns ? n + width : job->columns;

	if (job->rows == 1 && width == ROW_WIDTH && end == n + width) {
		tile(job, 0, n, 1, ROW_PANELS * PANEL_LANES);
		return;
	}
	for (; n + (TILE_LANES - 1) * LANES < end; n += TILE_WIDTH)
		tiles(job, n, TILE_LANES);
	if (n < end)
		tiles(job, n, 1);
}

void MLOPS_KERNEL(mlops_kernel_gemm)(const struct mlops_gemm *job)
{
	size_t width = job->rows == 1 ? ROW_WIDTH : TILE_WIDTH;
	size_t count = (job->columns + width - 1) / width;

	for (size_t i = 0; i < count; i++)
		columns_from(job, (job->backwards ? count - 1 - i : i) * width, width);
}
