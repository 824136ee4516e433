#include "check/drift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEW_VALUES 20

/* Shares of bins, side by side. */
struct shares {
	size_t n;
	double *reference, *current;
};

static bool shares_new(struct shares *shares, size_t n, struct mlops_error *error)
{
	shares->n = n;
	shares->reference = calloc(n + 1, sizeof(double));
	shares->current = calloc(n + 1, sizeof(double));
	return (shares->reference != NULL && shares->current != NULL) || mlops_error_set_memory(error);
}

static void shares_free(struct shares *shares)
{
	free(shares->reference);
	free(shares->current);
}

static double stand_in(const double *shares, size_t n)
{
	double least = INFINITY;

	for (size_t i = 0; i < n; i++)
		if (shares[i] > 0 && shares[i] < least)
			least = shares[i];
	return least <= 0.0001 ? least / 1e6 : 0.0001;
}

static double psi_of(const struct shares *shares)
{
	double no_reference = stand_in(shares->reference, shares->n);
	double no_current = stand_in(shares->current, shares->n);
	double psi = 0;

	for (size_t i = 0; i < shares->n; i++) {
		double r = shares->reference[i] > 0 ? shares->reference[i] : no_reference;
		double c = shares->current[i] > 0 ? shares->current[i] : no_current;

		psi += (r - c) * log(r / c);
	}
	return psi;
}

static double jensen_shannon_of(const struct shares *shares)
{
	double sum = 0;

	for (size_t i = 0; i < shares->n; i++) {
		double r = shares->reference[i];
		double c = shares->current[i];
		double middle = (r + c) / 2;

		sum += (r > 0 ? r * log(r / middle) : 0) + (c > 0 ? c * log(c / middle) : 0);
	}
	return sqrt(fmax(sum, 0) / 2);
}

/* The bin of value among n of equal width; the last one holds its upper edge. */
static size_t bin_of(double value, double least, double most, size_t n)
{
	double width = (most - least) / (double)n;
	double place = (value - least) / (most - least) * (double)n;
	size_t bin = place > 0 ? (size_t)place : 0;

	if (bin >= n)
		bin = n - 1;
	/* The edges decide, not the division. */
	if (bin > 0 && value < least + (double)bin * width)
		bin--;
	else if (bin + 1 < n && value >= least + (double)(bin + 1) * width)
		bin++;
	return bin;
}

static void fill_bins(const struct mlops_points *points, double least, double most, size_t n, double *shares)
{
	for (size_t i = 0; i < points->n; i++)
		shares[bin_of((double)points->values[i], least, most, n)] +=
			(double)points->counts[i] / (double)points->total;
}

static bool bin_by_width(const struct mlops_column_figures *reference,
			 const struct mlops_column_figures *current, struct shares *shares,
			 struct mlops_error *error)
{
	double least = fmin((double)reference->min, (double)current->min);
	double most = fmax((double)reference->max, (double)current->max);
	double values =
		(double)(reference->rows - reference->missing) + (double)(current->rows - current->missing);
	size_t n = most > least ? (size_t)ceil(log2(values) + 1) : 1;

	if (!(most > least)) {
		least -= 0.5;
		most += 0.5;
	}
	if (!shares_new(shares, n, error))
		return false;
	fill_bins(&reference->points, least, most, n, shares->reference);
	fill_bins(&current->points, least, most, n, shares->current);
	return true;
}

static bool bin_by_value(const struct mlops_points *reference, const struct mlops_points *current,
			 struct shares *shares, struct mlops_error *error)
{
	size_t r = 0;
	size_t c = 0;

	if (!shares_new(shares, reference->n + current->n, error))
		return false;
	for (shares->n = 0; r < reference->n || c < current->n; shares->n++) {
		bool of_reference =
			r < reference->n && (c == current->n || reference->values[r] <= current->values[c]);
		bool of_current =
			c < current->n && (r == reference->n || current->values[c] <= reference->values[r]);

		if (of_reference)
			shares->reference[shares->n] =
				(double)reference->counts[r++] / (double)reference->total;
		if (of_current)
			shares->current[shares->n] = (double)current->counts[c++] / (double)current->total;
	}
	return true;
}

/* ks and the area between the two distribution functions. */
static void compare_functions(const struct mlops_points *reference, const struct mlops_points *current,
			      double *ks, double *area)
{
	double below_reference = 0;
	double below_current = 0;
	double before = 0;
	size_t r = 0;
	size_t c = 0;

	*ks = *area = 0;
	while (r < reference->n || c < current->n) {
		bool of_reference =
			r < reference->n && (c == current->n || reference->values[r] <= current->values[c]);
		double value = of_reference ? (double)reference->values[r] : (double)current->values[c];
		double apart = fabs(below_reference / (double)reference->total -
				    below_current / (double)current->total);

		if (r + c > 0)
			*area += apart * (value - before);
		before = value;
		while (r < reference->n && (double)reference->values[r] <= value)
			below_reference += (double)reference->counts[r++];
		while (c < current->n && (double)current->values[c] <= value)
			below_current += (double)current->counts[c++];
		apart = fabs(below_reference / (double)reference->total -
			     below_current / (double)current->total);
		*ks = fmax(*ks, apart);
	}
}

static bool measure_numbers(const struct mlops_column_figures *reference,
			    const struct mlops_column_figures *current, struct mlops_drift *drift,
			    struct mlops_error *error)
{
	struct shares shares = { 0 };
	bool ok;

	if (reference->points.total == 0 || current->points.total == 0)
		return true;
	compare_functions(&reference->points, &current->points, &drift->ks, &drift->wasserstein);
	drift->wasserstein /= fmax(reference->deviation, 0.001);
	if (reference->distinct > FEW_VALUES)
		ok = bin_by_width(reference, current, &shares, error);
	else
		ok = bin_by_value(&reference->points, &current->points, &shares, error);
	if (ok) {
		drift->psi = psi_of(&shares);
		drift->jensen_shannon = jensen_shannon_of(&shares);
	}
	shares_free(&shares);
	return ok;
}

static double total_of(const struct mlops_profiled_column *column)
{
	double total = (double)column->other;

	for (size_t i = 0; i < column->n_texts; i++)
		total += (double)column->counts[i];
	return total;
}

static size_t find_text(const struct mlops_profiled_column *column, const char *text)
{
	size_t i = 0;

	while (i < column->n_texts && strcmp(column->texts[i], text) != 0)
		i++;
	return i;
}

static bool measure_texts(const struct mlops_profiled_column *reference,
			  const struct mlops_profiled_column *current, struct mlops_drift *drift,
			  struct mlops_error *error)
{
	double of_reference = total_of(reference);
	double of_current = total_of(current);
	struct shares shares = { 0 };
	size_t n = reference->n_texts;

	if (!(of_reference > 0) || !(of_current > 0))
		return true;
	if (!shares_new(&shares, n + current->n_texts + 1, error)) {
		shares_free(&shares);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		shares.reference[i] = (double)reference->counts[i] / of_reference;
	for (size_t i = 0; i < current->n_texts; i++) {
		size_t at = find_text(reference, current->texts[i]);

		shares.current[at < reference->n_texts ? at : n++] = (double)current->counts[i] / of_current;
	}
	if (reference->other + current->other > 0) {
		shares.reference[n] = (double)reference->other / of_reference;
		shares.current[n++] = (double)current->other / of_current;
	}
	shares.n = n;
	drift->psi = psi_of(&shares);
	drift->jensen_shannon = jensen_shannon_of(&shares);
	shares_free(&shares);
	return true;
}

bool mlops_drift_measure(const struct mlops_profiled_column *reference,
			 const struct mlops_profiled_column *current, struct mlops_drift *drift,
			 struct mlops_error *error)
{
	*drift = (struct mlops_drift){ NAN, NAN, NAN, NAN, NAN };
	if (reference->rows > 0 && current->rows > 0)
		drift->missing = (double)current->missing / (double)current->rows -
				 (double)reference->missing / (double)reference->rows;
	return reference->is_text ? measure_texts(reference, current, drift, error)
				  : measure_numbers(&reference->figures, &current->figures, drift, error);
}
