#include "model/forecast_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS	       32   /* of the normal equations that a task adds up */
#define MOST_PRODUCTS  2e10 /* seconds of work; with more, every second (third, …) window is left out */
#define FOLDS	      5
#define FOLD_HORIZONS 3 /* a fold has at least so many times the horizon: targets of its ends are its neighbours' too */
#define MOST_FOLDED   512 /* values of a history whose normal equations are kept a fold */
#define MOST_JUDGED   1e7 /* products to judge a candidate on a sample */
#define MOST_WINDOWS  1000
#define ROUNDING      1e-12

/* DRIFT: no weights, but a bias, the mean change; NAIVE: neither. */
#define DRIFT 1e30
#define NAIVE INFINITY

static const double penalties[] = { 1e-8, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3,  1e-2,
				    3e-2, 0.1,	0.3,  1,    10,	  100,	DRIFT, NAIVE };

#define N_PENALTIES (sizeof penalties / sizeof *penalties)

/* What a regression is shrunk towards: the last value; the value a season before; that one, and what the last
 * value has changed since its own a season before. */
enum prior { LAST, SEASON, SEASON_AND_CHANGE, N_PRIORS };

/* What the penalty is for each value of the history: the same, or the more the older it is. */
enum shape { EVEN, GROWING, N_SHAPES };

/* How much of the history has weights: all of it, or the latest half: a short series has too few windows for the weights
 * of a long history. */
#define N_REACHES 2

/* Candidates are counted so that those of one factor follow each other, and those of a shape. */
#define N_CANDIDATES (N_SHAPES * N_REACHES * N_PENALTIES * N_PRIORS)

/* The weight of a member of the mean is (the smallest error of all / its own error)^this. */
#define SHARPNESS    8
#define LEAST_WEIGHT 1e-6 /* less is left out */

/* Windows that candidates are judged on, in the regression's units. */
struct sample {
	double *z;	 /* [n][features] */
	double *targets; /* [n][horizon] */
	double *weights; /* [n], of squares */
	size_t n;
};

/* Weighted sums over windows; of all together they are centred in the end. */
struct sums {
	double *gram;	     /* [features][features], the lower triangle */
	double *cross;	     /* [features][horizon] */
	double *z;	     /* [features]: sums, then means */
	double *targets;     /* [horizon]: the same */
	double weight;
};

struct line {
	const struct mlops_forecaster *forecaster;
	const float *series_scale;
	size_t features, horizon, stride;
	const struct mlops_forecast_window *windows;
	size_t n, folds;	    /* training windows, and the parts that they are cut into */
	struct sums of_fold[FOLDS]; /* [folds] */
	struct sample samples[FOLDS + 1];	/* of each fold, and of the validation part */
	double errors[FOLDS + 1][N_CANDIDATES]; /* on the samples; infinity where there is no such candidate */
	bool out_of_memory;			/* in a task */
};

/* The regressions of some folds. */
struct trial {
	const struct line *line;
	struct sums sums; /* of the folds, centred */
	double *factor;	  /* [features][features] */
	size_t factored;  /* which candidates' factor that is: their number / N_PRIORS; SIZE_MAX: nobody's */
	double *solution; /* [features][horizon] */
	double *forecast; /* [2][horizon]: scratch, and the candidate's biases */
};

/* One window: z [length - 1] (the last one is 0 always), targets [horizon]; returns the weight. */
static double observe(const struct line *line, const struct mlops_forecast_window *window, float *scratch, double *z,
		      double *targets)
{
	const struct mlops_forecaster *forecaster = line->forecaster;
	const float *history = window->history;
	float scale = mlops_forecaster_transform(forecaster, history, scratch, scratch + forecaster->length);
	double last = (double)history[forecaster->length - 1], share = (double)scale;

	for (size_t t = 0; t < line->features; t++)
		z[t] = (double)scratch[t];
	for (size_t k = 0; k < line->horizon; k++) {
		double change = ((double)history[forecaster->length + k] - last) / (double)scale;

		targets[k] = fmax(fmin(change, (double)MLOPS_FORECAST_REACH), -(double)MLOPS_FORECAST_REACH);
	}
	share /= (double)line->series_scale[window->series];
	return share * share;
}

static size_t scratch_length(const struct mlops_forecaster *forecaster)
{
	return forecaster->length + 2 * forecaster->steps;
}

/* A fold's windows are those from … to-1. */
static size_t fold_start(const struct line *line, size_t fold)
{
	return fold * line->n / line->folds;
}

/* The sums of ROWS features with all features before them and with all targets; over the windows in order, so
 * that they are the same for any pool. */
static void add_rows(struct line *line, size_t fold, size_t from, float *scratch, double *z, double *targets)
{
	struct sums *sums = &line->of_fold[fold];
	size_t features = line->features, horizon = line->horizon, end = fold_start(line, fold + 1);
	size_t to = from + ROWS < features ? from + ROWS : features;

	for (size_t w = fold_start(line, fold); w < end; w += line->stride) {
		double weight = observe(line, &line->windows[w], scratch, z, targets);

		for (size_t i = from; i < to; i++) {
			double *gram = sums->gram + i * features, *cross = sums->cross + i * horizon;
			double weighted = weight * z[i];

			for (size_t j = 0; j <= i; j++)
				gram[j] += weighted * z[j];
			for (size_t k = 0; k < horizon; k++)
				cross[k] += weighted * targets[k];
			sums->z[i] += weighted;
		}
		if (from > 0)
			continue;
		for (size_t k = 0; k < horizon; k++)
			sums->targets[k] += weight * targets[k];
		sums->weight += weight;
	}
}

static void add_task(void *context, size_t task, unsigned worker)
{
	struct line *line = context;
	float *scratch = malloc(scratch_length(line->forecaster) * sizeof *scratch);
	double *z = malloc((line->features + line->horizon) * sizeof *z);

	(void)worker;
	if (scratch != NULL && z != NULL)
		add_rows(line, task % line->folds, task / line->folds * ROWS, scratch, z, z + line->features);
	else
		line->out_of_memory = true;
	free(scratch);
	free(z);
}

static bool add_up(struct line *line, struct mlops_pool *pool, struct mlops_error *error)
{
	double work = (double)line->n * (double)line->features * ((double)line->features / 2 + (double)line->horizon);

	line->stride = work > MOST_PRODUCTS ? (size_t)ceil(work / MOST_PRODUCTS) : 1;
	mlops_pool_run(pool, (line->features + ROWS - 1) / ROWS * line->folds, add_task, line);
	return line->out_of_memory ? mlops_error_set_memory(error) : true;
}

static void add_values(double *to, const double *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += from[i];
}

/* The centred sums of all folds but one; left_out == folds: of all. */
static void combine(struct trial *trial, size_t left_out)
{
	const struct line *line = trial->line;
	size_t features = line->features, horizon = line->horizon;
	struct sums *sums = &trial->sums;

	trial->factored = SIZE_MAX;
	memset(sums->gram, 0, features * features * sizeof *sums->gram);
	memset(sums->cross, 0, features * horizon * sizeof *sums->cross);
	memset(sums->z, 0, features * sizeof *sums->z);
	memset(sums->targets, 0, horizon * sizeof *sums->targets);
	sums->weight = 0;
	for (size_t fold = 0; fold < line->folds; fold++) {
		if (fold == left_out)
			continue;
		add_values(sums->gram, line->of_fold[fold].gram, features * features);
		add_values(sums->cross, line->of_fold[fold].cross, features * horizon);
		add_values(sums->z, line->of_fold[fold].z, features);
		add_values(sums->targets, line->of_fold[fold].targets, horizon);
		sums->weight += line->of_fold[fold].weight;
	}
	if (!(sums->weight > 0))
		sums->weight = 1;
	for (size_t k = 0; k < horizon; k++)
		sums->targets[k] /= sums->weight;
	for (size_t i = 0; i < features; i++)
		sums->z[i] /= sums->weight;
	for (size_t i = 0; i < features; i++) {
		double scaled = sums->weight * sums->z[i];

		for (size_t j = 0; j <= i; j++)
			sums->gram[i * features + j] -= scaled * sums->z[j];
		for (size_t k = 0; k < horizon; k++)
			sums->cross[i * horizon + k] -= scaled * sums->targets[k];
	}
}

static double gram_at(const struct trial *trial, size_t i, size_t j)
{
	return i >= j ? trial->sums.gram[i * trial->line->features + j] : trial->sums.gram[j * trial->line->features + i];
}

/* The feature that is the value a season before target k; features and beyond: the last value itself, which is 0. */
static size_t seasonal_feature(const struct mlops_forecaster *forecaster, size_t k)
{
	return forecaster->length - forecaster->season + k % forecaster->season;
}

static double penalty_of(size_t candidate)
{
	return penalties[candidate / N_PRIORS % N_PENALTIES];
}

static enum prior prior_of(size_t candidate)
{
	return (enum prior)(candidate % N_PRIORS);
}

static size_t reach_of(size_t candidate)
{
	return candidate / N_PRIORS / N_PENALTIES % N_REACHES;
}

static enum shape shape_of(size_t candidate)
{
	return (enum shape)(candidate / N_PRIORS / N_PENALTIES / N_REACHES);
}

/* The first feature that the candidate's regression has a weight for. */
static size_t first_of(const struct line *line, size_t candidate)
{
	return line->features - (line->features >> reach_of(candidate));
}

/* Without a season, or where the last value's own lies before the history, there are fewer candidates; nor does the
 * reach matter where there are no weights. */
static bool is_possible(const struct line *line, size_t candidate)
{
	const struct mlops_forecaster *forecaster = line->forecaster;
	enum prior prior = prior_of(candidate);

	if (reach_of(candidate) > 0 && (penalty_of(candidate) >= DRIFT || first_of(line, candidate) == line->features))
		return false;
	return prior == LAST || (forecaster->season > 0 && (prior == SEASON || forecaster->season < forecaster->length));
}

/* Cholesky's factor of the Gram matrix with the penalty on its diagonal, from the first feature on; false when it has
 * none.  A growing penalty goes with the square of the age and is about as large on average. */
static bool factorise(const struct trial *trial, size_t first, double penalty, enum shape shape)
{
	size_t n = trial->line->features;

	for (size_t i = first; i < n; i++) {
		double *row = trial->factor + i * n, age = (double)(n - i) / (double)(n - first);
		double added = shape == EVEN ? penalty : penalty * 3 * age * age;

		for (size_t j = first; j <= i; j++) {
			const double *other = trial->factor + j * n;
			double sum = trial->sums.gram[i * n + j] + (i == j ? added : 0);

			for (size_t k = first; k < j; k++)
				sum -= row[k] * other[k];
			if (i > j)
				row[j] = sum / other[j];
			else if (sum > 0)
				row[i] = sqrt(sum);
			else
				return false;
		}
	}
	return true;
}

/* The factor that a candidate's weights come from; false when there is none. */
static bool set_factor(struct trial *trial, size_t candidate)
{
	size_t n = trial->line->features, first = first_of(trial->line, candidate);
	double trace = 0, squares = 0;

	if (trial->factored == candidate / N_PRIORS)
		return true;
	trial->factored = SIZE_MAX;
	for (size_t i = first; i < n; i++) {
		trace += gram_at(trial, i, i);
		squares += trial->sums.weight * trial->sums.z[i] * trial->sums.z[i];
	}
	/* windows that are all alike, as those of a straight line, leave rounding only */
	if (!(trace > ROUNDING * squares) ||
	    !factorise(trial, first, penalty_of(candidate) * trace / (double)(n - first), shape_of(candidate)))
		return false;
	trial->factored = candidate / N_PRIORS;
	return true;
}

/* solution := factor^-T factor^-1 solution from the first feature on, all horizons at once. */
static void solve(const struct trial *trial, size_t first)
{
	size_t n = trial->line->features, horizon = trial->line->horizon;

	for (size_t i = first; i < n; i++) {
		double *at = trial->solution + i * horizon;

		for (size_t j = first; j < i; j++)
			for (size_t k = 0; k < horizon; k++)
				at[k] -= trial->factor[i * n + j] * trial->solution[j * horizon + k];
		for (size_t k = 0; k < horizon; k++)
			at[k] /= trial->factor[i * n + i];
	}
	for (size_t i = n; i-- > first;) {
		double *at = trial->solution + i * horizon;

		for (size_t j = i + 1; j < n; j++)
			for (size_t k = 0; k < horizon; k++)
				at[k] -= trial->factor[j * n + i] * trial->solution[j * horizon + k];
		for (size_t k = 0; k < horizon; k++)
			at[k] /= trial->factor[i * n + i];
	}
}

static void set_biases(const struct trial *trial, bool fitted)
{
	size_t features = trial->line->features, horizon = trial->line->horizon;
	double *biases = trial->forecast + horizon;

	for (size_t k = 0; k < horizon; k++) {
		biases[k] = fitted ? trial->sums.targets[k] : 0;
		for (size_t i = 0; fitted && i < features; i++)
			biases[k] -= trial->sums.z[i] * trial->solution[i * horizon + k];
	}
}

/* The prior's weight of a feature for target k. */
static double prior_weight(const struct mlops_forecaster *forecaster, enum prior prior, size_t feature, size_t k)
{
	double weight = 0;

	if (prior != LAST && feature == seasonal_feature(forecaster, k))
		weight += 1;
	if (prior == SEASON_AND_CHANGE && feature + 1 + forecaster->season == forecaster->length)
		weight -= 1;
	return weight;
}

/* What the prior leaves to the regression. */
static void subtract_prior(const struct trial *trial, enum prior prior, size_t first)
{
	size_t n = trial->line->features, horizon = trial->line->horizon;

	for (size_t feature = 0; feature < n; feature++)
		for (size_t k = 0; k < horizon; k++) {
			double weight = prior_weight(trial->line->forecaster, prior, feature, k);

			for (size_t i = first; weight != 0 && i < n; i++)
				trial->solution[i * horizon + k] -= weight * gram_at(trial, i, feature);
		}
}

/* The candidate's weights and biases; false when there is none. */
static bool set_candidate(struct trial *trial, size_t candidate)
{
	const struct line *line = trial->line;
	enum prior prior = prior_of(candidate);
	size_t n = line->features, horizon = line->horizon, first = first_of(line, candidate);
	double relative = penalty_of(candidate);

	memset(trial->solution, 0, n * horizon * sizeof *trial->solution);
	if (relative < DRIFT) {
		if (!set_factor(trial, candidate))
			return false;
		memcpy(trial->solution + first * horizon, trial->sums.cross + first * horizon,
		       (n - first) * horizon * sizeof *trial->solution);
		if (prior != LAST)
			subtract_prior(trial, prior, first);
		solve(trial, first);
	}
	for (size_t feature = 0; prior != LAST && feature < n; feature++)
		for (size_t k = 0; k < horizon; k++)
			trial->solution[feature * horizon + k] += prior_weight(line->forecaster, prior, feature, k);
	set_biases(trial, relative <= DRIFT);
	return true;
}

/* The candidate's mean absolute error on a sample, in units of the series. */
static double judge(const struct trial *trial, const struct sample *sample)
{
	size_t n = trial->line->features, horizon = trial->line->horizon, first = 0;
	double total = 0, *forecast = trial->forecast;

	while (first < n * horizon && trial->solution[first] == 0)
		first++;
	first /= horizon;
	for (size_t w = 0; w < sample->n; w++) {
		const double *z = sample->z + w * n, *targets = sample->targets + w * horizon;
		double sum = 0;

		memcpy(forecast, forecast + horizon, horizon * sizeof *forecast);
		for (size_t i = first; i < n; i++)
			for (size_t k = 0; k < horizon; k++)
				forecast[k] += z[i] * trial->solution[i * horizon + k];
		for (size_t k = 0; k < horizon; k++)
			sum += fabs(forecast[k] - targets[k]);
		total += sum * sqrt(sample->weights[w]);
	}
	return sample->n > 0 ? total / (double)(sample->n * horizon) : 0;
}

static bool take_sample(struct line *line, const struct mlops_forecast_window *windows, size_t n, size_t most,
			struct sample *sample, struct mlops_error *error)
{
	size_t features = line->features, horizon = line->horizon, stride = n > most ? (n + most - 1) / most : 1;
	float *scratch = malloc(scratch_length(line->forecaster) * sizeof *scratch);
	bool fine;

	sample->n = (n + stride - 1) / stride;
	sample->z = malloc((sample->n * features + 1) * sizeof *sample->z);
	sample->targets = malloc((sample->n * horizon + 1) * sizeof *sample->targets);
	sample->weights = malloc((sample->n + 1) * sizeof *sample->weights);
	fine = scratch != NULL && sample->z != NULL && sample->targets != NULL && sample->weights != NULL;
	for (size_t w = 0; fine && w < sample->n; w++)
		sample->weights[w] = observe(line, &windows[w * stride], scratch, sample->z + w * features,
					     sample->targets + w * horizon);
	free(scratch);
	return fine ? true : mlops_error_set_memory(error);
}

static bool take_samples(struct line *line, const struct mlops_forecast_windows *windows, struct mlops_error *error)
{
	double most = MOST_JUDGED / ((double)line->features * (double)line->horizon);
	size_t each = most > MOST_WINDOWS ? MOST_WINDOWS : most > 50 ? (size_t)most : 50;

	for (size_t fold = 0; line->folds > 1 && fold < line->folds; fold++) {
		size_t start = fold_start(line, fold), end = fold_start(line, fold + 1), overlap = line->horizon - 1;

		start += fold > 0 ? overlap : 0;
		end -= fold + 1 < line->folds ? overlap : 0;
		if (!take_sample(line, windows->training + start, end - start, each, &line->samples[fold], error))
			return false;
	}
	return take_sample(line, windows->validation, windows->n_validation, each, &line->samples[line->folds], error);
}

static bool sums_new(struct sums *sums, size_t features, size_t horizon)
{
	sums->gram = calloc(features * features, sizeof *sums->gram);
	sums->cross = calloc(features * horizon, sizeof *sums->cross);
	sums->z = calloc(features, sizeof *sums->z);
	sums->targets = calloc(horizon, sizeof *sums->targets);
	return sums->gram != NULL && sums->cross != NULL && sums->z != NULL && sums->targets != NULL;
}

static void sums_release(struct sums *sums)
{
	free(sums->gram);
	free(sums->cross);
	free(sums->z);
	free(sums->targets);
}

static bool trial_new(struct trial *trial, const struct line *line)
{
	size_t features = line->features, horizon = line->horizon;

	*trial = (struct trial){ .line = line };
	trial->factor = malloc(features * features * sizeof *trial->factor);
	trial->solution = malloc(features * horizon * sizeof *trial->solution);
	trial->forecast = malloc(2 * horizon * sizeof *trial->forecast);
	return sums_new(&trial->sums, features, horizon) && trial->factor != NULL && trial->solution != NULL &&
	       trial->forecast != NULL;
}

static void trial_release(struct trial *trial)
{
	sums_release(&trial->sums);
	free(trial->factor);
	free(trial->solution);
	free(trial->forecast);
}

/* Every candidate of the other folds on this one's sample; of all folds on the validation part's. */
static void judge_task(void *context, size_t task, unsigned worker)
{
	struct line *line = context;
	size_t part = line->folds - task;
	double *errors = line->errors[part];
	struct trial trial;

	(void)worker;
	if (trial_new(&trial, line)) {
		combine(&trial, part);
		for (size_t c = 0; c < N_CANDIDATES; c++)
			errors[c] = is_possible(line, c) && set_candidate(&trial, c) ? judge(&trial, &line->samples[part])
										     : INFINITY;
	} else {
		line->out_of_memory = true;
	}
	trial_release(&trial);
}

/* The validation part is asked always, the folds where there are several. */
static bool judge_all(struct line *line, struct mlops_pool *pool, double *errors, struct mlops_error *error)
{
	size_t parts = line->folds > 1 ? line->folds + 1 : 1;

	mlops_pool_run(pool, parts, judge_task, line);
	for (size_t c = 0; c < N_CANDIDATES; c++) {
		errors[c] = 0;
		for (size_t part = line->folds + 1 - parts; part <= line->folds; part++)
			errors[c] += line->errors[part][c];
	}
	return line->out_of_memory ? mlops_error_set_memory(error) : true;
}

/* The candidate with the smallest error among from, from + step …, to excluded; N_CANDIDATES when there is none. */
static size_t best_of(const double *errors, size_t from, size_t to, size_t step)
{
	size_t best = N_CANDIDATES;

	for (size_t c = from; c < to; c += step)
		if (errors[c] < INFINITY && (best == N_CANDIDATES || errors[c] < errors[best]))
			best = c;
	return best;
}

/* Adds a candidate, if there is one, to the mean: weights [features][horizon], then biases [horizon].  Returns its
 * weight. */
static double add_candidate(struct trial *trial, const double *errors, size_t candidate, size_t best, double *mean)
{
	size_t horizon = trial->line->horizon, n = trial->line->features * horizon;
	double weight;

	if (candidate == N_CANDIDATES || !(errors[candidate] < INFINITY))
		return 0;
	weight = candidate == best ? 1 : pow(errors[best] / errors[candidate], SHARPNESS);
	if (!(weight > LEAST_WEIGHT) || !set_candidate(trial, candidate))
		return 0;
	for (size_t i = 0; i < n; i++)
		mean[i] += weight * trial->solution[i];
	for (size_t k = 0; k < horizon; k++)
		mean[n + k] += weight * trial->forecast[horizon + k];
	return weight;
}

/* The mean of each family's best, a family being those of one shape and prior, and of the priors themselves. */
static double mix(struct trial *trial, const double *errors, size_t best, double *mean)
{
	const size_t of_shape = N_CANDIDATES / N_SHAPES, naive = (N_PENALTIES - 1) * N_PRIORS;
	double total = 0;

	for (size_t from = 0; from < N_CANDIDATES; from += of_shape)
		for (size_t prior = 0; prior < N_PRIORS; prior++)
			total += add_candidate(trial, errors, best_of(errors, from + prior, from + of_shape, N_PRIORS), best, mean);
	for (size_t prior = 0; prior < N_PRIORS; prior++)
		total += add_candidate(trial, errors, naive + prior, best, mean);
	return total;
}

/* Sets the forecaster's line to the mean around the best candidate, fitted to all windows. */
static bool set_line(const struct line *line, const double *errors, size_t best, struct mlops_forecaster *forecaster,
		     struct mlops_error *error)
{
	size_t n = line->features, horizon = line->horizon;
	double *mean = calloc((n + 1) * horizon, sizeof *mean), total;
	struct trial all;
	bool fine = trial_new(&all, line) && mean != NULL ? true : mlops_error_set_memory(error);

	if (fine) {
		combine(&all, line->folds);
		total = mix(&all, errors, best, mean);
		for (size_t k = 0; k < horizon; k++) {
			forecaster->bias[k] = (float)(mean[n * horizon + k] / total);
			for (size_t i = 0; i < n; i++)
				forecaster->linear[k * forecaster->length + i] = (float)(mean[i * horizon + k] / total);
		}
	}
	trial_release(&all);
	free(mean);
	return fine;
}

static bool choose(struct line *line, struct mlops_pool *pool, struct mlops_forecaster *forecaster, double *penalty,
		   struct mlops_error *error)
{
	double errors[N_CANDIDATES];
	size_t best;

	if (!judge_all(line, pool, errors, error))
		return false;
	best = best_of(errors, 0, N_CANDIDATES, 1);
	if (best == N_CANDIDATES)
		return true;
	*penalty = penalty_of(best);
	return set_line(line, errors, best, forecaster, error);
}

/* Of a long history, whose sums are large, there is one; few windows are not cut into many. */
static size_t count_folds(const struct mlops_forecaster *forecaster, size_t n)
{
	size_t folds = n / (FOLD_HORIZONS * forecaster->horizon);

	if (forecaster->length > MOST_FOLDED || folds < 1)
		return 1;
	return folds < FOLDS ? folds : FOLDS;
}

static bool allocate(struct line *line, struct mlops_error *error)
{
	for (size_t fold = 0; fold < line->folds; fold++)
		if (!sums_new(&line->of_fold[fold], line->features, line->horizon))
			return mlops_error_set_memory(error);
	return true;
}

static void release(struct line *line)
{
	for (size_t fold = 0; fold < FOLDS; fold++)
		sums_release(&line->of_fold[fold]);
	for (size_t part = 0; part <= FOLDS; part++) {
		free(line->samples[part].z);
		free(line->samples[part].targets);
		free(line->samples[part].weights);
	}
}

bool mlops_forecast_line_fit(struct mlops_forecaster *forecaster, const struct mlops_forecast_windows *windows,
			     const float *series_scale, struct mlops_pool *pool, double *penalty,
			     struct mlops_error *error)
{
	struct line line = {
		.forecaster = forecaster,
		.series_scale = series_scale,
		.features = forecaster->length - 1,
		.horizon = forecaster->horizon,
		.windows = windows->training,
		.n = windows->n_training,
		.folds = count_folds(forecaster, windows->n_training),
	};
	bool fine = allocate(&line, error) && take_samples(&line, windows, error) && add_up(&line, pool, error);

	*penalty = INFINITY;
	fine = fine && choose(&line, pool, forecaster, penalty, error);
	release(&line);
	return fine;
}
