/*
 * What training data looked like, column by column: the yardstick that later data are measured against.
 * Written as one JSON object:
 *	{"rows":…,"features":[{"name":…,"missing":share,"min":…,"max":…,"mean":…,"deviation":…,
 *	 "quantiles":[101 values, 0 % to 100 % in steps of 1 %],"distinct":…,"points":[[value,count],…]}]}
 * where a category's feature is {"name":…,"missing":share,"shares":[…]}.
 *
 * points, ascending, are the distribution as drift wants it: each of at most MLOPS_PROFILE_EXACT different values, or else groups
 * of neighbours, each at most 1 % of the values (unless it is one value) and 1/MLOPS_PROFILE_CELLS of the range, which the
 * middle one stands for.  Quantiles alone say nothing of the rare values at both ends, which are most of what bins of equal
 * width are about.
 *
 * min, max, mean, deviation (of the population: divided by n), quantiles and shares are those of the values
 * that are not missing; of a column without any they are null, and shares are 0.  Shares are in the order of
 * the category codes.
 */
#ifndef MLOPS_CHECK_PROFILE_H
#define MLOPS_CHECK_PROFILE_H

#include "base/json_writer.h"
#include "rows/dataset.h"

#define MLOPS_PROFILE_EXACT 128
#define MLOPS_PROFILE_CELLS 128

/* json->out gets the object; the dataset has at least one row.  Fails when memory runs out. */
bool mlops_profile_write(const struct mlops_dataset *dataset, struct mlops_json *json,
			 struct mlops_error *error);

#endif
