/*
 * How far a column's values are from those of a reference.
 *
 * ks: the largest difference of the two distribution functions (Kolmogorov 1933, Smirnov 1939;
 * scipy.stats.ks_2samp's statistic).  wasserstein: the area between them (scipy.stats.wasserstein_distance)
 * over the reference's standard deviation, or over 0.001 where that is less.  psi and jensen_shannon: of the
 * shares of rows in bins of equal width from the least value of both to the largest, log2(n) + 1 of them
 * rounded up (Sturges) for n values of both, as numpy's histogram cuts them; where the reference has at most
 * 20 different values, and for texts, of each value's share. psi = sum (r - c) ln(r / c), where an empty
 * bin's share is 0.0001, or a millionth of the smallest share if that is not above 0.0001.  jensen_shannon is
 * the distance with natural logarithms, at most sqrt(ln 2) = 0.83 (scipy.spatial.distance.jensenshannon). These are the
 * definitions and defaults of Evidently too.  Missing values stand aside; missing is the difference of their shares.
 *
 * Figures are exact for the values that the two profiles hold; each share may be wrong by what check/sketch.h
 * says.
 */
#ifndef MLOPS_CHECK_DRIFT_H
#define MLOPS_CHECK_DRIFT_H

#include "check/table_profile.h"

struct mlops_drift {
	double psi, ks, wasserstein,
		jensen_shannon; /* NaN: one of the two has no values, or there is none of texts */
	double missing;         /* the share now less the reference's */
};

/* Both numbers or both texts. */
bool mlops_drift_measure(const struct mlops_profiled_column *reference,
			 const struct mlops_profiled_column *current, struct mlops_drift *drift,
			 struct mlops_error *error);

#endif
