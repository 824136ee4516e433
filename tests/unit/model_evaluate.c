/* Expected figures are scikit-learn's (accuracy_score, roc_auc_score, average_precision_score,
 * brier_score_loss, log_loss). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/evaluate.h"

#include <math.h>

#define assert_near(value, expected, allowed) \
	assert_true(fabs((double)(value) - (double)(expected)) <= (allowed))

static const double exact = 1e-12;
static const double rounded = 1e-7; /* probabilities are float32 */

static void two_classes_with_ties(void **state)
{
	const float scores[] = { 0.9f, 0.8f, 0.8f, 0.7f, 0.55f, 0.5f, 0.5f, 0.3f, 0.2f, 0 };
	const uint8_t positive[] = { 1, 1, 0, 1, 0, 1, 0, 0, 0, 1 };
	const uint8_t decided[] = { 1, 1, 1, 1, 1, 1, 1, 0, 0, 0 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_binary_metrics metrics;

	(void)state;
	assert_true(mlops_evaluate_binary(scores, positive, decided, 10, true, &metrics, &error));
	assert_int_equal(metrics.rows, 10);
	assert_int_equal(metrics.positives, 5);
	assert_int_equal(metrics.true_positive, 4);
	assert_int_equal(metrics.false_positive, 3);
	assert_int_equal(metrics.true_negative, 2);
	assert_int_equal(metrics.false_negative, 1);
	assert_near(metrics.accuracy, 0.6, exact);
	assert_near(metrics.precision, 4.0 / 7, exact);
	assert_near(metrics.recall, 0.8, exact);
	assert_near(metrics.f1, 2.0 / 3, exact);
	assert_near(metrics.roc_auc, 0.64, exact);
	assert_near(metrics.average_precision, 0.6976190476190476, exact);
	assert_near(metrics.brier, 0.27125000953674316, rounded);
	assert_near(metrics.log_loss, 2.1001620292663574, 1e-6);
}

static void scores_that_are_no_probabilities(void **state)
{
	const float scores[] = { -3, 12, -7 };
	const uint8_t positive[] = { 0, 1, 1 };
	const uint8_t decided[] = { 0, 0, 0 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_binary_metrics metrics;

	(void)state;
	assert_true(mlops_evaluate_binary(scores, positive, decided, 3, false, &metrics, &error));
	assert_true(isnan(metrics.brier) && isnan(metrics.log_loss));
	assert_true(isnan(metrics.precision));
	assert_near(metrics.recall, 0, 0);
	assert_near(metrics.f1, 0, 0);
	assert_near(metrics.roc_auc, 0.5, exact);
	assert_near(metrics.average_precision, 0.5 + 1.0 / 3, exact);
}

static void figures_without_a_meaning(void **state)
{
	const float scores[] = { 0.25f, 0.5f };
	const uint8_t all[] = { 1, 1 }, none[] = { 0, 0 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_binary_metrics metrics;

	(void)state;
	assert_true(mlops_evaluate_binary(scores, all, all, 0, true, &metrics, &error));
	assert_true(isnan(metrics.accuracy) && isnan(metrics.roc_auc) && isnan(metrics.average_precision));
	assert_true(isnan(metrics.brier) && isnan(metrics.log_loss) && isnan(metrics.f1));
	assert_true(mlops_evaluate_binary(scores, all, all, 2, true, &metrics, &error));
	assert_true(isnan(metrics.roc_auc) && isnan(metrics.average_precision));
	assert_near(metrics.accuracy, 1, 0);
	assert_near(metrics.brier, (0.75 * 0.75 + 0.25) / 2, exact);
	assert_true(mlops_evaluate_binary(scores, none, none, 2, true, &metrics, &error));
	assert_true(isnan(metrics.roc_auc) && isnan(metrics.average_precision) && isnan(metrics.recall));
	assert_near(metrics.accuracy, 1, 0);
}

static void three_classes(void **state)
{
	const float probabilities[] = { 0.7f, 0.2f, 0.1f, 0.1f, 0.8f, 0.1f, 0.25f, 0.25f, 0.5f,
					0.5f, 0.3f, 0.2f, 0,    1,    0,    0.2f,  0.3f,  0.5f };
	const uint32_t truth[] = { 0, 1, 2, 1, 1, 0 }, decided[] = { 0, 1, 2, 0, 1, 2 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_multiclass_metrics metrics;

	(void)state;
	assert_true(mlops_evaluate_multiclass(probabilities, truth, decided, 6, 3, &metrics, &error));
	assert_int_equal(metrics.rows, 6);
	assert_near(metrics.accuracy, 4.0 / 6, exact);
	assert_near(metrics.macro_f1, 0.6555555555555556, exact);
	assert_near(metrics.log_loss, 0.6810627579689026, 1e-6);
	assert_near(metrics.roc_auc, 0.8648148148148148, exact);
	assert_near(metrics.brier, 0.3891666652262212, rounded);

	assert_true(mlops_evaluate_multiclass(probabilities, truth, decided, 0, 3, &metrics, &error));
	assert_true(isnan(metrics.accuracy) && isnan(metrics.macro_f1) && isnan(metrics.roc_auc));
	assert_false(mlops_evaluate_multiclass(probabilities, truth, decided, 6, 2, &metrics, &error));
	assert_int_equal(error.code, MLOPS_BUG);
	assert_string_equal(error.message, "row 2: class 2 or 2 of 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_classes_with_ties),
		cmocka_unit_test(scores_that_are_no_probabilities),
		cmocka_unit_test(figures_without_a_meaning),
		cmocka_unit_test(three_classes),
	};

	return cmocka_run_group_tests_name("model_evaluate", tests, NULL, NULL);
}
