#include "kernel/build.h"
#include "kernel/forest.h"

#include <math.h>
#include <string.h>

#if defined __AVX512BW__
#define VECTOR_BYTES 64
#elif defined __AVX2__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANES (VECTOR_BYTES / 2)

/* may_alias: memory holds int16_t; aligned(2): anywhere. */
typedef int16_t lanes __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(2)));

static inline lanes splat(int value)
{
	return (lanes){ 0 } + (int16_t)value;
}

static inline lanes load(const int16_t *from)
{
	return *(const lanes *)from;
}

static inline void store(int16_t *to, lanes value)
{
	*(lanes *)to = value;
}

/* Lane by lane: above ? right : left. */
static inline lanes choose(lanes above, lanes left, lanes right)
{
	return left ^ ((left ^ right) & above);
}

static inline void add(uint32_t *sums, const int16_t *values)
{
	for (size_t r = 0; r < MLOPS_MUX_ROWS; r++)
		sums[r] += (uint16_t)values[r];
}

void MLOPS_KERNEL(mlops_kernel_mux_run)(const struct mlops_mux_op *ops, size_t n,
					const int16_t *const *columns, uint32_t *sums)
{
	int16_t stack[MLOPS_MUX_STACK + 1][MLOPS_MUX_STRIDE] __attribute__((aligned(64)));
	int16_t *top = stack[0];

	for (size_t i = 0; i < n; i++) {
		const int16_t *codes = columns[ops[i].column];
		lanes cut = splat(ops[i].cut);
		lanes left = splat(ops[i].left);
		lanes right = splat(ops[i].right);
		int16_t *below = top == stack[0] ? top : top - MLOPS_MUX_STRIDE;

		switch ((enum mlops_mux_kind)ops[i].kind) {
		case MLOPS_MUX_LEAVES:
			top += MLOPS_MUX_STRIDE;
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(top + r, choose(load(codes + r) > cut, left, right));
			break;
		case MLOPS_MUX_LEFT_LEAF:
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(top + r, choose(load(codes + r) > cut, left, load(top + r)));
			break;
		case MLOPS_MUX_RIGHT_LEAF:
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(top + r, choose(load(codes + r) > cut, load(top + r), right));
			break;
		case MLOPS_MUX_LEFT_FIRST:
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(below + r,
				      choose(load(codes + r) > cut, load(below + r), load(top + r)));
			top = below;
			break;
		case MLOPS_MUX_RIGHT_FIRST:
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(below + r,
				      choose(load(codes + r) > cut, load(top + r), load(below + r)));
			top = below;
			break;
		case MLOPS_MUX_ADD:
			add(sums, top);
			top = below;
			break;
		}
	}
}

static inline uint32_t count_below(const struct mlops_mux_feature *feature, float x)
{
	const float *cuts = feature->cuts;
	uint32_t found = 0;

	if (feature->steps > 0) {
		found = feature->start[mlops_mux_bucket(feature, x)];
		for (uint32_t s = 0; s < feature->steps; s++)
			found += cuts[found] < x;
		return found;
	}
	for (uint32_t n = feature->n_cuts; n > 0; n -= (n + 1) / 2) {
		uint32_t half = (n + 1) / 2;

		found += cuts[found + half - 1] < x ? half : 0;
	}
	return found;
}

bool MLOPS_KERNEL(mlops_kernel_mux_codes)(const struct mlops_mux_feature *feature, const float *values,
					  size_t n, int16_t missing, int16_t *codes)
{
	bool any_missing = false;

	for (size_t r = 0; r < n; r++) {
		bool is_missing = isnan(values[r]);

		codes[r] = is_missing ? missing : (int16_t)count_below(feature, values[r]);
		any_missing |= is_missing;
	}
	return any_missing;
}
