#include "kernel/build.h"
#include "kernel/forest.h"

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

/* An operation in every lane. */
struct wide_op {
	const int16_t *codes;
	lanes flip, cut, first, second;
};

static inline struct wide_op widen(const struct mlops_mux_op *op, const int16_t *const *columns)
{
	return (struct wide_op){
		.codes = columns[op->column],
		.flip = splat(op->flip),
		.cut = splat(op->cut),
		.first = splat(op->first),
		.second = splat(op->second),
	};
}

static inline lanes choose(const struct wide_op *op, size_t r, lanes first, lanes second)
{
	lanes is_second = (load(op->codes + r) ^ op->flip) > op->cut;

	return first ^ ((first ^ second) & is_second);
}

/* The stack's top stays in registers where all rows of a block fit into them. */
#if defined __AVX512BW__
#define VECTORS        (MLOPS_MUX_ROWS / LANES)
#define EACH_VECTOR(k) _Pragma("GCC unroll 16") for (size_t k = 0; k < VECTORS; k++)

void MLOPS_KERNEL(mlops_kernel_mux_run)(const struct mlops_mux_op *ops, size_t n,
					const int16_t *const *columns, uint32_t *sums)
{
	/* One more: the first of a tree pushes what the tree ahead of it left. */
	int16_t stack[MLOPS_MUX_STACK + 1][MLOPS_MUX_ROWS] __attribute__((aligned(64)));
	int16_t *waiting = stack[0];
	lanes top[VECTORS];

	EACH_VECTOR(k) top[k] = splat(0);
	for (size_t i = 0; i < n; i++) {
		const struct wide_op op = widen(&ops[i], columns);
		struct wide_op next;

		switch ((enum mlops_mux_kind)ops[i].kind) {
		case MLOPS_MUX_LEAVES:
			EACH_VECTOR(k)
			{
				store(waiting + k * LANES, top[k]);
				top[k] = choose(&op, k * LANES, op.first, op.second);
			}
			waiting += MLOPS_MUX_ROWS;
			break;
		case MLOPS_MUX_LEAF:
			EACH_VECTOR(k) top[k] = choose(&op, k * LANES, top[k], op.second);
			break;
		case MLOPS_MUX_JOIN:
			waiting -= MLOPS_MUX_ROWS;
			EACH_VECTOR(k) top[k] = choose(&op, k * LANES, top[k], load(waiting + k * LANES));
			break;
		case MLOPS_MUX_TWIG:
			next = widen(&ops[++i], columns);
			EACH_VECTOR(k)
			{
				lanes twig = choose(&op, k * LANES, op.first, op.second);

				top[k] = choose(&next, k * LANES, twig, top[k]);
			}
			break;
		case MLOPS_MUX_ADD:
			waiting = stack[0];
			EACH_VECTOR(k) store(waiting + k * LANES, top[k]);
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r++)
				sums[r] += (uint16_t)waiting[r];
			break;
		}
	}
}
#else
void MLOPS_KERNEL(mlops_kernel_mux_run)(const struct mlops_mux_op *ops, size_t n,
					const int16_t *const *columns, uint32_t *sums)
{
	/* One more, so that there is something below the first. */
	int16_t stack[MLOPS_MUX_STACK + 1][MLOPS_MUX_STRIDE] __attribute__((aligned(64)));
	int16_t *top = stack[0];

	for (size_t i = 0; i < n; i++) {
		const struct wide_op op = widen(&ops[i], columns);
		struct wide_op next;
		int16_t *below = top == stack[0] ? top : top - MLOPS_MUX_STRIDE;

		switch ((enum mlops_mux_kind)ops[i].kind) {
		case MLOPS_MUX_LEAVES:
			top += MLOPS_MUX_STRIDE;
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(top + r, choose(&op, r, op.first, op.second));
			break;
		case MLOPS_MUX_LEAF:
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(top + r, choose(&op, r, load(top + r), op.second));
			break;
		case MLOPS_MUX_JOIN:
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(below + r, choose(&op, r, load(top + r), load(below + r)));
			top = below;
			break;
		case MLOPS_MUX_TWIG:
			next = widen(&ops[++i], columns);
#pragma GCC unroll 4
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r += LANES)
				store(top + r,
				      choose(&next, r, choose(&op, r, op.first, op.second), load(top + r)));
			break;
		case MLOPS_MUX_ADD:
			for (size_t r = 0; r < MLOPS_MUX_ROWS; r++)
				sums[r] += (uint16_t)top[r];
			top = below;
			break;
		}
	}
}
#endif
