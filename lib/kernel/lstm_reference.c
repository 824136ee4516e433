/* What the kernels of lstm.h give, said as plainly as can be. */
#include "kernel/lstm.h"

#include <math.h>
#include <string.h>

/* 2^(x factor), |x factor| < 126: the whole part of the exponent goes to the float's own. */
static float power(float x, float factor)
{
	const float whole =
		0x1.8p23f; /* added to a small number leaves its nearest integer in the low bits */
	float shifted = fmaf(x, factor, whole);
	float r = fmaf(x, factor, whole - shifted);
	float value = 0x1.5bba14p-10f;
	uint32_t bits, exponent;

	value = fmaf(value, r, 0x1.3cea88p-7f);
	value = fmaf(value, r, 0x1.c6b752p-5f);
	value = fmaf(value, r, 0x1.ebf9bcp-3f);
	value = fmaf(value, r, 0x1.62e42ap-1f);
	value = fmaf(value, r, 1);
	memcpy(&bits, &value, sizeof bits);
	memcpy(&exponent, &shifted, sizeof exponent);
	bits += exponent << 23;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static float least(float limit, float x)
{
	return limit < x ? limit : x;
}

static float most(float limit, float x)
{
	return limit > x ? limit : x;
}

static float sigmoid(float x)
{
	return 1 / (1 + power(least(60, most(-60, x)), -0x1.715476p+0f));
}

static float hyperbolic(float x)
{
	float p = power(least(30, fabsf(x)), -0x1.715476p+1f);

	return copysignf((1 - p) / (1 + p), x);
}

void mlops_kernel_lstm_forward_reference(const struct mlops_lstm_forward *step)
{
	size_t units = step->units, stride = step->stride;

	for (size_t r = 0; r < step->rows; r++) {
		const float *sums = step->sums + r * step->sums_row;

		for (size_t u = 0; u < units; u++) {
			float i = sigmoid(sums[u]), f = sigmoid(sums[units + u]);
			float g = hyperbolic(sums[2 * units + u]), o = sigmoid(sums[3 * units + u]);
			float c = fmaf(f, step->cell[r * stride + u], i * g), t = hyperbolic(c);
			float *saved;

			step->next_cell[r * stride + u] = c;
			step->hidden[r * stride + u] = o * t;
			if (step->saved == NULL)
				continue;
			saved = step->saved + r * MLOPS_LSTM_SAVED * stride + u;
			saved[0] = i;
			saved[stride] = f;
			saved[2 * stride] = g;
			saved[3 * stride] = o;
			saved[4 * stride] = t;
		}
	}
}

static float no_tiny(float x)
{
	return fabsf(x) < MLOPS_LSTM_TINY ? 0 : x;
}

void mlops_kernel_lstm_backward_reference(const struct mlops_lstm_backward *step)
{
	size_t units = step->units, stride = step->stride;

	for (size_t r = 0; r < step->rows; r++) {
		float *sums = step->sums + r * step->sums_row;

		for (size_t u = 0; u < units; u++) {
			const float *saved = step->saved + r * MLOPS_LSTM_SAVED * stride + u;
			float i = saved[0], f = saved[stride], g = saved[2 * stride], o = saved[3 * stride];
			float t = saved[4 * stride];
			float at_h = step->hidden[r * stride + u];
			float at_c, at_sums[4];

			if (step->more != NULL)
				at_h += step->more[r * stride + u];
			at_c = fmaf(at_h * o, fmaf(-t, t, 1), step->carry[r * stride + u]);
			at_sums[0] = no_tiny(at_c * g * (i * (1 - i)));
			at_sums[1] = no_tiny(at_c * step->cell[r * stride + u] * (f * (1 - f)));
			at_sums[2] = no_tiny(at_c * i * fmaf(-g, g, 1));
			at_sums[3] = no_tiny(at_h * t * (o * (1 - o)));
			step->carry[r * stride + u] = no_tiny(at_c * f);
			for (size_t k = 0; k < 4; k++) {
				sums[k * units + u] = at_sums[k];
				step->bias[k * stride + u] += at_sums[k];
			}
		}
	}
}

/* One block of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). */
static void philox(const uint32_t key[2], uint32_t c[4])
{
	uint32_t k0 = key[0], k1 = key[1];

	for (int round = 0; round < 10; round++) {
		uint64_t product_0 = UINT64_C(0xD2511F53) * c[0], product_1 = UINT64_C(0xCD9E8D57) * c[2];

		c[0] = (uint32_t)(product_1 >> 32) ^ c[1] ^ k0;
		c[1] = (uint32_t)product_1;
		c[2] = (uint32_t)(product_0 >> 32) ^ c[3] ^ k1;
		c[3] = (uint32_t)product_0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
}

void mlops_kernel_dropout_draw_reference(const struct mlops_dropout *job)
{
	memset(job->keep, 0, job->chunks * MLOPS_DROPOUT_CHUNK / 8);
	for (size_t block = 0; block < job->chunks * 16; block++) {
		uint16_t *keep = job->keep + block / 16 * (MLOPS_DROPOUT_CHUNK / 16);
		uint64_t position = job->first + block;
		uint32_t words[4] = { (uint32_t)position, (uint32_t)(position >> 32), job->index,
				      job->purpose };

		philox(job->key, words);
		for (size_t w = 0; w < 4; w++) {
			unsigned low = (words[w] & 0xffff) >= job->threshold,
				 high = words[w] >> 16 >= job->threshold;

			keep[2 * w] |= (uint16_t)(low << block % 16);
			keep[2 * w + 1] |= (uint16_t)(high << block % 16);
		}
	}
}

void mlops_kernel_dropout_apply_reference(const uint16_t *keep, float scale, const float *from, size_t groups,
					  float *to)
{
	for (size_t i = 0; i < 16 * groups; i++)
		to[i] = keep[i / 16] >> i % 16 & 1 ? scale * from[i] : 0;
}
