#include "kernel/build.h"

#include <string.h>

#if defined __SSE2__
#include <immintrin.h>
#endif

/* The 64 bytes at p, and which of them are c, one bit each. */
#if defined __AVX512BW__
struct block {
	__m512i bytes;
};

static inline struct block load(const char *p)
{
	return (struct block){ _mm512_loadu_si512(p) };
}

static inline uint64_t equal(const struct block *block, char c)
{
	return _mm512_cmpeq_epi8_mask(block->bytes, _mm512_set1_epi8(c));
}
#elif defined __AVX2__
struct block {
	__m256i bytes[2];
};

static inline struct block load(const char *p)
{
	return (struct block){ { _mm256_loadu_si256((const __m256i *)p),
				 _mm256_loadu_si256((const __m256i *)(p + 32)) } };
}

static inline uint64_t equal(const struct block *block, char c)
{
	__m256i wanted = _mm256_set1_epi8(c);
	uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(block->bytes[0], wanted));
	uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(block->bytes[1], wanted));

	return low | (uint64_t)high << 32;
}
#elif defined __SSE2__
struct block {
	__m128i bytes[4];
};

static inline struct block load(const char *p)
{
	struct block block;

	for (int i = 0; i < 4; i++)
		block.bytes[i] = _mm_loadu_si128((const __m128i *)p + i);
	return block;
}

static inline uint64_t equal(const struct block *block, char c)
{
	__m128i wanted = _mm_set1_epi8(c);
	uint64_t mask = 0;

	for (int i = 0; i < 4; i++)
		mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block->bytes[i], wanted))
			<< (16 * i);
	return mask;
}
#else
typedef uint8_t bytes16 __attribute__((vector_size(16)));

struct block {
	bytes16 bytes[4];
};

static inline struct block load(const char *p)
{
	struct block block;

	memcpy(&block, p, sizeof block);
	return block;
}

/* Each lane keeps the bit of its place among eight; the product gathers eight lanes in its highest byte. */
static inline uint64_t equal(const struct block *block, char c)
{
	const bytes16 places = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
	uint64_t mask = 0;

	for (int i = 0; i < 4; i++) {
		bytes16 hits = (bytes16)(block->bytes[i] == (uint8_t)c) & places;
		uint8_t lanes[16];

		memcpy(lanes, &hits, sizeof lanes);
		for (int half = 0; half < 2; half++) {
			uint64_t sum = 0;

			for (int k = 0; k < 8; k++)
				sum |= lanes[8 * half + k];
			mask |= sum << (16 * i + 8 * half);
		}
	}
	return mask;
}
#endif

/* Bit i of the result is the parity of bits 0 … i. */
static inline uint64_t prefix_xor(uint64_t bits)
{
	for (int shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* All bits below the lowest one of bits. */
static inline uint64_t below(uint64_t bits)
{
	return (bits - 1) & ~bits;
}

/* What the next block must know of the blocks ahead of it: all ones or zero, one or zero. */
struct carry {
	uint64_t inside;  /* all ones: of quotes */
	uint64_t opening; /* 1: a quote may open here */
	uint64_t closed;  /* 1: the byte ahead is a closing quote */
};

/* The first bit that is wrong, alone; or zero.  *outside: which bytes are not inside of quotes. */
static inline uint64_t follow_quotes(uint64_t quotes, uint64_t parts, uint64_t returns, const char *next,
				     struct carry *carry, uint64_t *outside)
{
	uint64_t inside = prefix_xor(quotes) ^ carry->inside;
	uint64_t open = quotes & inside;
	uint64_t close = quotes & ~inside;
	uint64_t bounds = (parts & ~inside) | close;
	uint64_t behind_close = close << 1 | carry->closed;
	uint64_t wrong = (open & ~(bounds << 1 | carry->opening)) | (behind_close & ~(parts | quotes));

	for (uint64_t left = behind_close & returns; left != 0; left &= left - 1)
		if (next[__builtin_ctzll(left)] == '\n')
			wrong &= ~(left & -left);
	*outside = ~inside;
	carry->inside = (uint64_t)((int64_t)inside >> 63);
	carry->opening = bounds >> 63;
	carry->closed = close >> 63;
	return wrong & -wrong;
}

void MLOPS_KERNEL(mlops_kernel_csv_cut)(const char *bytes, size_t length, char delimiter,
					struct mlops_csv_cut *cut)
{
	struct carry carry = { .opening = 1 };
	uint32_t *ends = cut->ends;
	uint32_t *row_ends = cut->row_ends;
	bool quotes_seen = false;
	uint64_t wrong = 0;

	cut->quotes = false;
	for (size_t at = 0; at < length && wrong == 0; at += 64) {
		struct block block = load(bytes + at);
		uint64_t newlines = equal(&block, '\n');
		uint64_t parts = equal(&block, delimiter) | newlines;
		uint64_t quotes = equal(&block, '"');
		uint64_t valid = length - at < 64 ? (UINT64_C(1) << (length - at)) - 1 : ~UINT64_C(0);
		uint64_t outside = valid;
		uint32_t *to = ends;

		if ((quotes | carry.inside | carry.closed) != 0) {
			uint64_t returns = equal(&block, '\r');

			/* A CR at the very end may have its newline still to come. */
			if (length - at <= 64)
				returns &= valid >> 1;
			wrong = follow_quotes(quotes & valid, parts & valid, returns, bytes + at + 1, &carry,
					      &outside) &
				valid;
			outside &= wrong != 0 ? valid & (wrong - 1) : valid;
		} else {
			carry.opening = parts >> 63;
		}
		parts &= outside;
		newlines &= outside;
		for (uint64_t left = newlines; left != 0; left &= left - 1) {
			uint64_t up_to = below(left) | (left & -left);

			*row_ends++ = (uint32_t)(ends - cut->ends) +
				      (uint32_t)__builtin_popcountll(parts & up_to);
			cut->quotes |= quotes_seen || (quotes & up_to) != 0;
		}
		quotes_seen |= quotes != 0;
		ends += __builtin_popcountll(parts);
		while (parts != 0) {
			for (int i = 0; i < 8; i++) {
				to[i] = (uint32_t)at + (uint32_t)__builtin_ctzll(parts | UINT64_C(1) << 63);
				parts &= parts - 1;
			}
			to += 8;
		}
	}
	cut->rows = (size_t)(row_ends - cut->row_ends);
	cut->doubtful = wrong != 0;
}
