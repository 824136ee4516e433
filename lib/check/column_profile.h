/*
 * What a column of a stream looks like: how many values, least and largest, mean, deviation, quantiles, how
 * many different ones.  Memory does not grow with the rows.
 *
 *	struct mlops_column_profile *profile = mlops_column_profile_new(&error);
 *	mlops_column_profile_add(profile, values, n);                  // again and again
 *	mlops_column_profile_finish(profile, &figures, &error);
 *	... figures ...
 *	mlops_column_figures_release(&figures); mlops_column_profile_free(profile);
 *
 * The figures depend on the values and their order only, not on how they were cut into calls: values are
 * worked on in blocks of 4,096.  Quantiles have the error of check/sketch.h.  Different values are counted
 * exactly up to 64, beyond that by HyperLogLog (Flajolet and others, 2007; 4,096 registers: standard error 1.6
 * %).
 */
#ifndef MLOPS_CHECK_COLUMN_PROFILE_H
#define MLOPS_CHECK_COLUMN_PROFILE_H

#include "base/json_writer.h"
#include "check/sketch.h"

#define MLOPS_EXACT_VALUES 64

struct mlops_column_profile;

struct mlops_column_figures {
	uint64_t rows, missing;
	float min, max;         /* NaN without values, like mean and deviation */
	double mean, deviation; /* of the population: divided by n */
	double distinct;
	bool whole;                 /* no value has a fraction */
	bool few;                   /* at most MLOPS_EXACT_VALUES different values: points are exact */
	struct mlops_points points; /* the distribution */
};

struct mlops_column_profile *mlops_column_profile_new(struct mlops_error *error);
void mlops_column_profile_free(struct mlops_column_profile *profile);

/* NaN is a missing value. */
void mlops_column_profile_add(struct mlops_column_profile *profile, const float *values, size_t n);

/* Once, at the end. */
bool mlops_column_profile_finish(struct mlops_column_profile *profile, struct mlops_column_figures *figures,
				 struct mlops_error *error);
void mlops_column_figures_release(struct mlops_column_figures *figures);

/* As members of an object that is open: count, missing, min, max, mean, deviation, quantiles (0, 1, 5, 25,
 * 50, 75, 95, 99 and 100 %, by name), distinct. */
void mlops_column_figures_write(const struct mlops_column_figures *figures, struct mlops_json *json);

/* HyperLogLog by itself: registers[MLOPS_DISTINCT_REGISTERS], zero at first. */
#define MLOPS_DISTINCT_REGISTERS 4096
void mlops_distinct_add(uint8_t *registers, uint64_t hash);
double mlops_distinct_count(const uint8_t *registers);
uint64_t mlops_distinct_hash(uint64_t value); /* a bijection that mixes well */

#endif
