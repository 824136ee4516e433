#include "check/column_profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK MLOPS_SKETCH_BLOCK

struct mlops_column_profile {
	uint64_t rows, done;  /* done: values in blocks that are finished */
	double mean, squares; /* of those */
	float min, max;
	bool fraction;
	bool many; /* different values, more than the table holds */
	size_t n_exact;
	float exact[MLOPS_EXACT_VALUES + 1]; /* ascending */
	uint64_t counts[MLOPS_EXACT_VALUES + 1];
	uint8_t registers[MLOPS_DISTINCT_REGISTERS];
	struct mlops_sketch sketch;
	size_t filled;
	float block[BLOCK];
	uint32_t scratch[2 * BLOCK];
};

struct mlops_column_profile *mlops_column_profile_new(struct mlops_error *error)
{
	struct mlops_column_profile *profile = calloc(1, sizeof *profile);

	if (profile == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	profile->min = INFINITY;
	profile->max = -INFINITY;
	return profile;
}

void mlops_column_profile_free(struct mlops_column_profile *profile)
{
	if (profile == NULL)
		return;
	mlops_sketch_release(&profile->sketch);
	free(profile);
}

/* The finaliser of SplitMix64 (Steele, Lea and Flood, 2014). */
uint64_t mlops_distinct_hash(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

void mlops_distinct_add(uint8_t *registers, uint64_t hash)
{
	uint8_t *place = &registers[hash >> 52];
	uint8_t zeros = (uint8_t)(__builtin_ctzll(hash | UINT64_C(1) << 51) + 1);

	if (zeros > *place)
		*place = zeros;
}

double mlops_distinct_count(const uint8_t *registers)
{
	double m = MLOPS_DISTINCT_REGISTERS;
	double sum = 0;
	size_t empty = 0;
	double estimate;

	for (size_t i = 0; i < MLOPS_DISTINCT_REGISTERS; i++) {
		sum += ldexp(1, -registers[i]);
		empty += registers[i] == 0;
	}
	estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
	if (estimate <= 2.5 * m && empty > 0)
		estimate = m * log(m / (double)empty);
	return estimate;
}

/* Eight sums side by side, in an order that does not depend on the compiler. */
static double sum_of(const float *values, size_t n, double centre, bool squared)
{
	double lanes[8] = { 0 };
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (size_t lane = 0; lane < 8; lane++) {
			double value = values[i + lane] - centre;

			lanes[lane] += squared ? value * value : value;
		}
	for (size_t lane = 0; i < n; i++, lane++) {
		double value = values[i] - centre;

		lanes[lane] += squared ? value * value : value;
	}
	return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
	       ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/* Joins the moments of n values to those there are (Chan, Golub and LeVeque, 1983). */
static void add_moments(struct mlops_column_profile *profile, const float *values, size_t n)
{
	double mean = sum_of(values, n, 0, false) / (double)n;
	double squares = sum_of(values, n, mean, true);
	double before = (double)profile->done;
	double total = before + (double)n;
	double apart = mean - profile->mean;

	profile->mean += apart * (double)n / total;
	profile->squares += squares + apart * apart * before * (double)n / total;
	profile->done += n;
}

static void count_exactly(struct mlops_column_profile *profile, float value, uint64_t count)
{
	size_t at = 0;

	while (at < profile->n_exact && profile->exact[at] < value)
		at++;
	if (at == profile->n_exact || profile->exact[at] > value) {
		size_t behind = profile->n_exact - at;

		memmove(&profile->exact[at + 1], &profile->exact[at], behind * sizeof profile->exact[0]);
		memmove(&profile->counts[at + 1], &profile->counts[at], behind * sizeof profile->counts[0]);
		profile->exact[at] = value;
		profile->counts[at] = 0;
		profile->n_exact++;
		profile->many = profile->n_exact > MLOPS_EXACT_VALUES;
	}
	profile->counts[at] += count;
}

static void count_distinct(struct mlops_column_profile *profile, const float *sorted, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t first = i;
		float value = sorted[i];
		uint32_t bits;

		while (++i < n && !(sorted[i] > value))
			;
		memcpy(&bits, &value, sizeof bits);
		mlops_distinct_add(profile->registers, mlops_distinct_hash(bits));
		if (!profile->many)
			count_exactly(profile, value, i - first);
	}
}

static bool has_fraction(const float *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fabsf(values[i]) < 8388608 && (float)(int32_t)values[i] != values[i])
			return true;
	return false;
}

static void sort_block(struct mlops_column_profile *profile)
{
	size_t n = profile->filled;
	float *block = profile->block;

	if (n == 0)
		return;
	add_moments(profile, block, n);
	profile->fraction = profile->fraction || has_fraction(block, n);
	mlops_sketch_sort(block, n, profile->scratch);
	profile->min = block[0] < profile->min ? block[0] : profile->min;
	profile->max = block[n - 1] > profile->max ? block[n - 1] : profile->max;
	count_distinct(profile, block, n);
}

/* values[0..n) without NaN go behind the block's values; n fits. */
static void fill(struct mlops_column_profile *profile, const float *values, size_t n)
{
	float *to = profile->block + profile->filled;
	size_t missing = 0;

	for (size_t i = 0; i < n; i++)
		missing += isnan(values[i]) ? 1 : 0;
	if (missing == 0) {
		memcpy(to, values, n * sizeof *to);
		profile->filled += n;
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!isnan(values[i]))
			*to++ = values[i];
	profile->filled = (size_t)(to - profile->block);
}

void mlops_column_profile_add(struct mlops_column_profile *profile, const float *values, size_t n)
{
	profile->rows += n;
	while (n > 0) {
		size_t part;

		/* A full block waits: the values may be the last ones, and then they are exact. */
		if (profile->filled == BLOCK) {
			sort_block(profile);
			mlops_sketch_add_block(&profile->sketch, profile->block);
			profile->filled = 0;
		}
		part = BLOCK - profile->filled < n ? BLOCK - profile->filled : n;
		fill(profile, values, part);
		values += part;
		n -= part;
	}
}

static bool exact_points(const struct mlops_column_profile *profile, struct mlops_points *points,
			 struct mlops_error *error)
{
	size_t n = profile->n_exact;

	points->values = calloc(n + 1, sizeof(float));
	points->counts = calloc(n + 1, sizeof(uint64_t));
	if (points->values == NULL || points->counts == NULL)
		return mlops_error_set_memory(error);
	memcpy(points->values, profile->exact, n * sizeof(float));
	memcpy(points->counts, profile->counts, n * sizeof(uint64_t));
	points->n = n;
	points->total = profile->done;
	return true;
}

bool mlops_column_profile_finish(struct mlops_column_profile *profile, struct mlops_column_figures *figures,
				 struct mlops_error *error)
{
	double n;

	sort_block(profile);
	n = (double)profile->done;
	*figures = (struct mlops_column_figures){
		.rows = profile->rows,
		.missing = profile->rows - profile->done,
		.min = n > 0 ? profile->min : NAN,
		.max = n > 0 ? profile->max : NAN,
		.mean = n > 0 ? profile->mean : NAN,
		.deviation = n > 0 ? sqrt(profile->squares / n) : NAN,
		.whole = n > 0 && !profile->fraction,
		.few = !profile->many,
		.distinct = profile->many ? floor(mlops_distinct_count(profile->registers) + 0.5)
					  : (double)profile->n_exact,
	};
	if (figures->few)
		return exact_points(profile, &figures->points, error);
	return mlops_sketch_points(&profile->sketch, profile->block, profile->filled, &figures->points,
				   error);
}

void mlops_column_figures_release(struct mlops_column_figures *figures)
{
	mlops_points_release(&figures->points);
}

void mlops_column_figures_write(const struct mlops_column_figures *figures, struct mlops_json *json)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = { { "0", 0 },     { "1", 0.01 },  { "5", 0.05 },  { "25", 0.25 }, { "50", 0.5 },
			  { "75", 0.75 }, { "95", 0.95 }, { "99", 0.99 }, { "100", 1 } };

	mlops_json_member_uint(json, "count", figures->rows - figures->missing);
	mlops_json_member_uint(json, "missing", figures->missing);
	mlops_json_key(json, "min");
	mlops_json_float(json, figures->min);
	mlops_json_key(json, "max");
	mlops_json_float(json, figures->max);
	mlops_json_member_double(json, "mean", figures->mean);
	mlops_json_member_double(json, "deviation", figures->deviation);
	mlops_json_key(json, "quantiles");
	mlops_json_open(json, '{');
	for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
		double value = quantiles[i].share <= 0 ? (double)figures->min
			       : quantiles[i].share >= 1
				       ? (double)figures->max
				       : mlops_points_quantile(&figures->points, quantiles[i].share);

		mlops_json_key(json, quantiles[i].name);
		mlops_json_float(json, (float)value);
	}
	mlops_json_close(json, '}');
	mlops_json_member_double(json, "distinct", figures->distinct);
}
