#include "kernel/build.h"

#if defined __AVX2__
#include <immintrin.h>
#endif

/* A window with its first bin taken out of the cells' numbers, which count from the first window's counts. */
struct target {
	const uint16_t *codes;
	unsigned shift;
	size_t cell; /* of code 0, if it had one */
};

static inline struct target target_of(const struct mlops_grow_window *window, const uint32_t *counts)
{
	return (struct target){ window->codes, window->shift,
				(size_t)(window->counts - counts) - 2 * (size_t)window->first };
}

static inline __attribute__((always_inline)) void add(uint32_t *counts, struct target target, size_t at,
						      size_t class, uint32_t weight)
{
	counts[target.cell + 2 * ((size_t)target.codes[at] >> target.shift) + class] += weight;
}

/* Two classes, no missing values, four windows: the usual case.  What does not change from row to row fits
 * into the registers. */
static inline __attribute__((always_inline)) void
count_four(const struct mlops_grow_row *rows, size_t n, size_t step, const struct mlops_grow_window *windows)
{
	uint32_t *counts = windows[0].counts;
	struct target a = target_of(&windows[0], counts), b = target_of(&windows[1], counts),
		      c = target_of(&windows[2], counts), d = target_of(&windows[3], counts);

	for (size_t i = 0; i < n; i++) {
		struct mlops_grow_row row = rows[i];
		size_t at = row.row * step;

		add(counts, a, at, row.class_of, row.weight);
		add(counts, b, at, row.class_of, row.weight);
		add(counts, c, at, row.class_of, row.weight);
		add(counts, d, at, row.class_of, row.weight);
	}
}

/* Any cells, some values missing. */
static inline __attribute__((always_inline)) void count_one(const struct mlops_grow_row *rows, size_t n,
							    size_t step, size_t n_classes, bool with_rows,
							    const struct mlops_grow_window *window)
{
	struct mlops_grow_window w = *window;

	for (size_t i = 0; i < n; i++) {
		uint32_t bin = ((uint32_t)w.codes[rows[i].row * step] >> w.shift) - w.first;
		uint32_t *cell;

		bin = bin < w.n_bins ? bin : w.n_bins;
		cell = w.counts + bin * (n_classes + with_rows);
		cell[rows[i].class_of] += rows[i].weight;
		if (with_rows)
			cell[n_classes]++;
	}
}

/* So many rows at a time, for their codes to stay in the cache from one feature to the next. */
enum { PART = 512 };

void MLOPS_KERNEL(mlops_kernel_grow_count)(const struct mlops_grow_row *rows, size_t n, size_t step,
					   struct mlops_grow_cells cells,
					   const struct mlops_grow_window *windows, size_t n_windows,
					   bool any_missing)
{
	if (n_windows == 4 && cells.n_classes == 2 && !cells.with_rows && !any_missing) {
		if (step == 1)
			count_four(rows, n, 1, windows);
		else
			count_four(rows, n, step, windows);
		return;
	}
	for (size_t i = 0; i < n; i += PART) {
		size_t part = n - i < PART ? n - i : PART;

		for (size_t w = 0; w < n_windows; w++) {
			if (cells.n_classes == 2 && !cells.with_rows)
				count_one(rows + i, part, step, 2, false, &windows[w]);
			else if (cells.n_classes == 2)
				count_one(rows + i, part, step, 2, true, &windows[w]);
			else
				count_one(rows + i, part, step, cells.n_classes, cells.with_rows,
					  &windows[w]);
		}
	}
}

void MLOPS_KERNEL(mlops_kernel_grow_keys)(const struct mlops_grow_row *rows, size_t n, const uint16_t *codes,
					  size_t step, uint16_t *keys)
{
	if (step == 1) {
		for (size_t i = 0; i < n; i++)
			keys[i] = codes[rows[i].row];
		return;
	}
	for (size_t i = 0; i < n; i++)
		keys[i] = codes[rows[i].row * step];
}

/* Most rows lie in neither range: those that do are looked for in many at once.
 */
static inline uint64_t find_inside(const uint16_t *keys, size_t n, const struct mlops_grow_pair *pair)
{
	uint64_t found = 0;
	uint16_t lower = (uint16_t)pair->lower, higher = (uint16_t)pair->higher;
	uint16_t most = (uint16_t)((1u << pair->bits) - 1);
	size_t i = 0;

#if defined __AVX2__
	__m256i all_lower = _mm256_set1_epi16((short)lower), all_higher = _mm256_set1_epi16((short)higher),
		all_most = _mm256_set1_epi16((short)most);

	for (; i + 16 <= n; i += 16) {
		__m256i key = _mm256_loadu_si256((const __m256i *)(keys + i));
		__m256i above = _mm256_subs_epu16(_mm256_sub_epi16(key, all_lower), all_most);
		__m256i above_too = _mm256_subs_epu16(_mm256_sub_epi16(key, all_higher), all_most);
		__m256i inside =
			_mm256_cmpeq_epi16(_mm256_min_epu16(above, above_too), _mm256_setzero_si256());
		__m128i bytes =
			_mm_packs_epi16(_mm256_castsi256_si128(inside), _mm256_extracti128_si256(inside, 1));

		found |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes) << i;
	}
#endif
	for (; i < n; i++) {
		bool inside = (uint16_t)(keys[i] - lower) <= most || (uint16_t)(keys[i] - higher) <= most;

		found |= (uint64_t)inside << i;
	}
	return found;
}

void MLOPS_KERNEL(mlops_kernel_grow_inside)(const struct mlops_grow_row *rows, const uint16_t *keys, size_t n,
					    struct mlops_grow_cells cells, const struct mlops_grow_pair *pair,
					    unsigned shift, uint32_t *counts)
{
	uint32_t lower = pair->lower, higher = pair->higher, size = UINT32_C(1) << pair->bits;
	size_t width = mlops_grow_width(cells);

	for (size_t first = 0; first < n; first += 64) {
		uint64_t inside = find_inside(keys + first, n - first < 64 ? n - first : 64, pair);

		for (; inside != 0; inside &= inside - 1) {
			size_t i = first + (size_t)__builtin_ctzll(inside);
			uint32_t key = keys[i];
			uint32_t position = key - lower < size ? key - lower : key - higher + size;
			uint32_t *cell = counts + (position >> shift) * width;

			cell[rows[i].class_of] += rows[i].weight;
			if (cells.with_rows)
				cell[cells.n_classes]++;
		}
	}
}
