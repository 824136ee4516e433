#include "model/evaluate.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

struct scored {
	float score;
	uint8_t positive;
};

static int compare_scores(const void *a, const void *b)
{
	float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;

	return (x < y) - (x > y);
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

/*
 * One pass over the scores from the highest down, equal ones taken together.  The area under the ROC curve is
 * the share of pairs in order, an equal pair counting half (Mann-Whitney); average precision is the sum over
 * distinct scores of precision times the recall gained there, without interpolation.
 */
static void rank_metrics(struct scored *scored, size_t n, double *roc_auc, double *average_precision)
{
	double positives = 0, negatives = 0; /* passed so far */
	double pairs = 0, precision = 0;

	qsort(scored, n, sizeof *scored, compare_scores);
	for (size_t i = 0; i < n;) {
		double equal_positives = 0, equal_negatives = 0;
		float score = scored[i].score;

		for (; i < n && scored[i].score >= score; i++) {
			equal_positives += scored[i].positive;
			equal_negatives += !scored[i].positive ? 1 : 0;
		}
		pairs += equal_negatives * (positives + equal_positives / 2);
		positives += equal_positives;
		negatives += equal_negatives;
		precision += equal_positives * (positives / (positives + negatives));
	}
	*roc_auc = ratio(pairs, positives * negatives);
	*average_precision = negatives > 0 ? ratio(precision, positives) : NAN;
}

/* scikit-learn keeps probabilities of a type away from 0 and 1 by the type's epsilon. */
static double surprise(float probability)
{
	float clipped = fminf(fmaxf(probability, FLT_EPSILON), 1 - FLT_EPSILON);

	return -log((double)clipped);
}

static void probability_metrics(const float *scores, const uint8_t *positive, size_t n,
				struct mlops_binary_metrics *metrics)
{
	double brier = 0, log_loss = 0;

	for (size_t r = 0; r < n; r++) {
		double difference = (double)scores[r] - (positive[r] ? 1 : 0);

		brier += difference * difference;
		log_loss += surprise(positive[r] ? scores[r] : 1 - scores[r]);
	}
	metrics->brier = ratio(brier, (double)n);
	metrics->log_loss = ratio(log_loss, (double)n);
}

bool mlops_evaluate_binary(const float *scores, const uint8_t *positive, const uint8_t *decided, size_t n,
			   bool probabilities, struct mlops_binary_metrics *metrics,
			   struct mlops_error *error)
{
	struct scored *scored;
	double hits, misses, false_alarms;

	*metrics = (struct mlops_binary_metrics){ .rows = n, .brier = NAN, .log_loss = NAN };
	scored = calloc(n > 0 ? n : 1, sizeof *scored);
	if (scored == NULL)
		return mlops_error_set_memory(error);
	for (size_t r = 0; r < n; r++) {
		bool is = positive[r] != 0, said = decided[r] != 0;

		scored[r] = (struct scored){ .score = scores[r], .positive = is };
		metrics->positives += is;
		metrics->true_positive += is && said;
		metrics->false_positive += !is && said;
		metrics->true_negative += !is && !said;
		metrics->false_negative += is && !said;
	}
	hits = (double)metrics->true_positive;
	misses = (double)metrics->false_negative;
	false_alarms = (double)metrics->false_positive;
	metrics->accuracy = ratio(hits + (double)metrics->true_negative, (double)n);
	metrics->precision = ratio(hits, hits + false_alarms);
	metrics->recall = ratio(hits, hits + misses);
	metrics->f1 = ratio(2 * hits, 2 * hits + false_alarms + misses);
	rank_metrics(scored, n, &metrics->roc_auc, &metrics->average_precision);
	if (probabilities)
		probability_metrics(scores, positive, n, metrics);
	free(scored);
	return true;
}

/* The mean over the classes that occur in truth of each one's area against the rest; NaN when only one
 * occurs. */
static double one_against_rest(struct scored *scored, const float *probabilities, const uint32_t *truth,
			       size_t n, size_t n_classes)
{
	double sum = 0, classes = 0;

	for (size_t k = 0; k < n_classes; k++) {
		double area, precision;

		for (size_t r = 0; r < n; r++)
			scored[r] = (struct scored){ .score = probabilities[r * n_classes + k],
						      .positive = truth[r] == k };
		rank_metrics(scored, n, &area, &precision);
		if (isnan(area))
			continue;
		sum += area;
		classes++;
	}
	return ratio(sum, classes);
}

/* The mean over the classes that occur in truth or decisions; no hit is 0. */
static double macro_f1(const uint64_t *hits, const uint64_t *truths, const uint64_t *decisions,
		       size_t n_classes)
{
	double sum = 0, classes = 0;

	for (size_t k = 0; k < n_classes; k++) {
		double both = (double)truths[k] + (double)decisions[k];

		if (both > 0) {
			sum += 2 * (double)hits[k] / both;
			classes++;
		}
	}
	return ratio(sum, classes);
}

bool mlops_evaluate_multiclass(const float *probabilities, const uint32_t *truth, const uint32_t *decided,
			       size_t n, size_t n_classes, struct mlops_multiclass_metrics *metrics,
			       struct mlops_error *error)
{
	uint64_t *counts = calloc(3 * n_classes, sizeof *counts);
	uint64_t *hits = counts, *truths = counts + n_classes, *decisions = counts + 2 * n_classes;
	struct scored *scored = calloc(n > 0 ? n : 1, sizeof *scored);
	double right = 0, log_loss = 0, brier = 0;
	bool done = false;

	*metrics = (struct mlops_multiclass_metrics){ .rows = n };
	if (counts == NULL || scored == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t r = 0; r < n; r++) {
		const float *row = probabilities + r * n_classes;

		if (truth[r] >= n_classes || decided[r] >= n_classes) {
			mlops_error_set(error, MLOPS_BUG, "row %zu: class %u or %u of %zu", r, truth[r],
					decided[r], n_classes);
			goto out;
		}
		truths[truth[r]]++;
		decisions[decided[r]]++;
		hits[truth[r]] += truth[r] == decided[r];
		right += truth[r] == decided[r] ? 1 : 0;
		log_loss += surprise(row[truth[r]]);
		for (size_t k = 0; k < n_classes; k++) {
			double difference = (double)row[k] - (truth[r] == k ? 1 : 0);

			brier += difference * difference;
		}
	}
	metrics->accuracy = ratio(right, (double)n);
	metrics->macro_f1 = macro_f1(hits, truths, decisions, n_classes);
	metrics->log_loss = ratio(log_loss, (double)n);
	metrics->brier = ratio(brier, (double)n);
	metrics->roc_auc = one_against_rest(scored, probabilities, truth, n, n_classes);
	done = true;
out:
	free(counts);
	free(scored);
	return done;
}
