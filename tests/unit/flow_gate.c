#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/gate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN NAN

/* A figure of the challenger and of the champion. */
struct figures {
	const char *name;
	double challenger, champion;
};

struct gate_case {
	const char *what;
	enum mlops_kind kind;
	struct figures figures[4];
	double margin;
	uint64_t rows;
	enum mlops_verdict verdict;
	const char *reason;
	const char *metric;
	const char *message; /* all of it; NULL: not looked at */
};

static const struct gate_case cases[] = {
	{ "better", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.75, 0.5 } }, 0, 100, MLOPS_PROMOTE, "better",
	  "average_precision", "average_precision 0.75 against the champion's 0.5 on 100 rows" },
	{ "a tie, no margin", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.5, 0.5 } }, 0, 100, MLOPS_PROMOTE,
	  "as_good", "average_precision", NULL },
	{ "a tie, with a margin", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.5, 0.5 } }, 0.01, 100, MLOPS_HOLD,
	  "not_better", "average_precision",
	  "average_precision 0.5 against the champion's 0.5 on 100 rows: not better by 0.01 (--margin)" },
	{ "a little worse", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.46, 0.5 } }, 0, 100, MLOPS_HOLD,
	  "not_better", "average_precision", "average_precision 0.46 against the champion's 0.5 on 100 rows: worse" },
	{ "just the critical loss", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.75, 0.8 } }, 0, 100, MLOPS_HOLD,
	  "not_better", "average_precision", NULL },
	{ "more than that", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.7, 0.8 } }, 0, 100, MLOPS_REJECT,
	  "critical_loss", "average_precision",
	  "average_precision 0.7 against the champion's 0.8 on 100 rows: a loss of more than 0.05 (--critical-loss)" },
	{ "just the margin, which is not less than itself", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.3, 0.2 } }, 0.1,
	  100, MLOPS_PROMOTE, "better", "average_precision", NULL },
	{ "another figure is lost", MLOPS_FAILURE_PREDICTION,
	  { { "average_precision", 0.9, 0.5 }, { "roc_auc", 0.9, 0.9 }, { "accuracy", 0.8, 0.9 } }, 0, 100, MLOPS_REJECT,
	  "critical_loss", "accuracy", NULL },
	{ "another figure is lost a little", MLOPS_FAILURE_PREDICTION,
	  { { "average_precision", 0.9, 0.5 }, { "accuracy", 0.86, 0.9 } }, 0, 100, MLOPS_PROMOTE, "better",
	  "average_precision", NULL },
	{ "a loss that grows", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.9, 0.5 }, { "brier", 0.3, 0.1 } }, 0, 100,
	  MLOPS_REJECT, "critical_loss", "brier", NULL },
	{ "a loss that shrinks", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.9, 0.5 }, { "brier", 0.1, 0.3 } }, 0, 100,
	  MLOPS_PROMOTE, "better", "average_precision", NULL },
	{ "a figure that only one has is none", MLOPS_FAILURE_PREDICTION,
	  { { "average_precision", 0.9, 0.5 }, { "accuracy", UNKNOWN, 0.9 } }, 0, 100, MLOPS_PROMOTE, "better",
	  "average_precision", NULL },
	{ "many classes", MLOPS_FAILURE_PREDICTION, { { "macro_f1", 0.6, 0.5 }, { "accuracy", 0.9, 0.9 } }, 0, 100,
	  MLOPS_PROMOTE, "better", "macro_f1", NULL },
	{ "many classes against two", MLOPS_FAILURE_PREDICTION,
	  { { "macro_f1", 0.6, UNKNOWN }, { "average_precision", UNKNOWN, 0.5 } }, 0, 100, MLOPS_HOLD, "no_figure", "macro_f1",
	  NULL },
	{ "no failure among the rows", MLOPS_FAILURE_PREDICTION, { { "accuracy", 1, 1 } }, 0, 100, MLOPS_HOLD, "no_figure",
	  "average_precision",
	  "average_precision is not known of both on these 100 rows: each class that counts must be among them" },
	{ "too few rows", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.9, 0.5 } }, 0, 99, MLOPS_HOLD, "too_few_rows", NULL,
	  "99 held-out rows; at least 100 are needed (--gate-min-rows)" },
	{ "a row", MLOPS_FAILURE_PREDICTION, { { "average_precision", 0.1, 0.5 } }, 0, 1, MLOPS_HOLD, "too_few_rows", NULL,
	  "1 held-out row; at least 100 are needed (--gate-min-rows)" },
	{ "anomalies with labels", MLOPS_ANOMALY_DETECTION, { { "average_precision", 0.4, 0.3 }, { "anomaly_rate", 0.2, 0.01 } },
	  0, 100, MLOPS_PROMOTE, "better", "average_precision", NULL },
	{ "anomalies with labels, worse ranks", MLOPS_ANOMALY_DETECTION,
	  { { "average_precision", 0.4, 0.3 }, { "roc_auc", 0.8, 0.9 } }, 0, 100, MLOPS_REJECT, "critical_loss", "roc_auc", NULL },
	{ "anomalies without labels", MLOPS_ANOMALY_DETECTION, { { "anomaly_rate", 0.05, 0.02 } }, 0, 100, MLOPS_PROMOTE,
	  "similar_rate", "anomaly_rate",
	  "anomaly_rate 0.05 against the champion's 0.02 on 100 rows; without labels there is no more to judge by" },
	{ "many more anomalies", MLOPS_ANOMALY_DETECTION, { { "anomaly_rate", 0.15, 0.02 } }, 0, 100, MLOPS_REJECT,
	  "anomaly_rate", "anomaly_rate",
	  "anomaly_rate 0.15 against the champion's 0.02 on 100 rows, further away than 0.05 (--critical-loss)" },
	{ "many fewer anomalies", MLOPS_ANOMALY_DETECTION, { { "anomaly_rate", 0.02, 0.15 } }, 0, 100, MLOPS_REJECT,
	  "anomaly_rate", "anomaly_rate", NULL },
	{ "no rate", MLOPS_ANOMALY_DETECTION, { { "anomaly_rate", 0.02, UNKNOWN } }, 0, 100, MLOPS_HOLD, "no_figure",
	  "anomaly_rate", NULL },
	{ "a smaller error", MLOPS_TIME_SERIES_FORECAST, { { "mae", 19, 20 }, { "coverage", 0.9, 0.9 } }, 0.05, 100,
	  MLOPS_PROMOTE, "better", "mae", "mae 19 against the champion's 20 on 100 windows" },
	{ "not so much smaller", MLOPS_TIME_SERIES_FORECAST, { { "mae", 19.1, 20 } }, 0.05, 100, MLOPS_HOLD, "not_better", "mae",
	  "mae 19.1 against the champion's 20 on 100 windows: not better by 5 % (--margin)" },
	{ "a larger error", MLOPS_TIME_SERIES_FORECAST, { { "mae", 20.5, 20 } }, 0, 100, MLOPS_HOLD, "not_better", "mae", NULL },
	{ "much larger", MLOPS_TIME_SERIES_FORECAST, { { "mae", 22, 20 } }, 0, 100, MLOPS_REJECT, "critical_loss", "mae",
	  "mae 22 against the champion's 20 on 100 windows: a loss of more than 5 % (--critical-loss)" },
	{ "a champion without an error", MLOPS_TIME_SERIES_FORECAST, { { "mae", 0.001, 0 } }, 0, 100, MLOPS_REJECT,
	  "critical_loss", "mae", NULL },
	{ "two without an error", MLOPS_TIME_SERIES_FORECAST, { { "mae", 0, 0 } }, 0, 100, MLOPS_PROMOTE, "as_good", "mae", NULL },
	{ "large errors have grown", MLOPS_TIME_SERIES_FORECAST, { { "mae", 19, 20 }, { "rmse", 40, 30 } }, 0, 100, MLOPS_REJECT,
	  "critical_loss", "rmse", NULL },
	{ "intervals too narrow", MLOPS_TIME_SERIES_FORECAST, { { "mae", 19, 20 }, { "coverage", 0.8, 0.93 } }, 0, 100,
	  MLOPS_REJECT, "critical_loss", "coverage", NULL },
	{ "intervals as far off", MLOPS_TIME_SERIES_FORECAST, { { "mae", 19, 20 }, { "coverage", 0.97, 0.83 } }, 0, 100,
	  MLOPS_PROMOTE, "better", "mae", NULL },
	{ "too few windows", MLOPS_TIME_SERIES_FORECAST, { { "mae", 19, 20 } }, 0, 1, MLOPS_HOLD, "too_few_rows", NULL,
	  "1 held-out window; at least 100 are needed (--gate-min-rows)" },
};

static void fill(struct mlops_contest *contest, const struct figures figures[4])
{
	for (size_t f = 0; f < 4 && figures[f].name != NULL; f++) {
		/* NaN is passed over */
		mlops_metrics_add(&contest->challenger, figures[f].name, figures[f].challenger);
		mlops_metrics_add(&contest->champion, figures[f].name, figures[f].champion);
	}
	contest->held_out = contest->challenger;
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct gate_case *expected = &cases[i];
		struct mlops_gate gate = MLOPS_GATE_INIT;
		struct mlops_contest contest = { .kind = expected->kind, .has_champion = true, .rows = expected->rows };
		struct mlops_ruling ruling;

		gate.margin = expected->margin;
		fill(&contest, expected->figures);
		mlops_gate_rule(&gate, &contest, &ruling);
		if (ruling.verdict != expected->verdict || strcmp(ruling.reason, expected->reason) != 0)
			fail_msg("%s: %s %s: %s", expected->what, mlops_verdict_name(ruling.verdict), ruling.reason,
				 ruling.message);
		if (expected->metric == NULL)
			assert_null(ruling.metric);
		else if (ruling.metric == NULL || strcmp(ruling.metric, expected->metric) != 0)
			fail_msg("%s: metric %s", expected->what, ruling.metric);
		if (expected->message != NULL)
			assert_string_equal(ruling.message, expected->message);
	}
}

static void expect(const struct mlops_gate *gate, const struct mlops_contest *contest, enum mlops_verdict verdict,
		   const char *reason, const char *message)
{
	struct mlops_ruling ruling;

	mlops_gate_rule(gate, contest, &ruling);
	assert_string_equal(ruling.message, message);
	assert_string_equal(ruling.reason, reason);
	assert_int_equal(ruling.verdict, verdict);
}

static void test_without_a_champion(void **state)
{
	struct mlops_gate gate = MLOPS_GATE_INIT;
	struct mlops_contest contest = { .kind = MLOPS_FAILURE_PREDICTION };

	(void)state;
	expect(&gate, &contest, MLOPS_PROMOTE, "no_champion", "there is no champion yet");
	gate.min_accuracy = 0.8;
	expect(&gate, &contest, MLOPS_HOLD, "no_figure",
	       "accuracy is not known, so nobody can say whether it is 0.8 (--min-accuracy)");
	mlops_metrics_add(&contest.held_out, "accuracy", 0.8);
	expect(&gate, &contest, MLOPS_PROMOTE, "no_champion", "there is no champion yet");
	contest.held_out.items[0].value = 0.79;
	expect(&gate, &contest, MLOPS_REJECT, "accuracy_floor",
	       "accuracy 0.79 on the held-out rows; at least 0.8 is asked for (--min-accuracy)");

	gate.min_accuracy = NAN;
	contest = (struct mlops_contest){ .kind = MLOPS_TIME_SERIES_FORECAST };
	mlops_metrics_add(&contest.held_out, "skill", 0.1);
	expect(&gate, &contest, MLOPS_PROMOTE, "no_champion", "there is no champion yet");
	mlops_metrics_add(&contest.held_out, "seasonal_skill", -0.1);
	expect(&gate, &contest, MLOPS_REJECT, "worse_than_naive", "a forecast without a model does better on the test part");
}

static void test_champions_that_cannot_be_judged(void **state)
{
	struct mlops_gate gate = MLOPS_GATE_INIT;
	struct mlops_contest contest = {
		.kind = MLOPS_FAILURE_PREDICTION, .has_champion = true, .obstacle = "it needs column \"x\"",
	};

	(void)state;
	expect(&gate, &contest, MLOPS_HOLD, "not_comparable",
	       "the champion can't be judged on these rows: it needs column \"x\"");
	contest.obstacle[0] = '\0';
	contest.rows = 3;
	contest.seen = 500;
	expect(&gate, &contest, MLOPS_HOLD, "too_few_rows",
	       "3 held-out rows that the champion has not learnt from; at least 100 are needed (--gate-min-rows; --gate-rows all "
	       "takes the others too)");
}

static void test_the_ledgers_form(void **state)
{
	struct mlops_gate gate = MLOPS_GATE_INIT;
	struct mlops_contest contest = { .kind = MLOPS_FAILURE_PREDICTION, .has_champion = true, .rows = 200 };
	struct mlops_described_ruling described = { .kept = { .name = NULL } };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_ruling ruling;

	(void)state;
	fill(&contest, (struct figures[4]){ { "average_precision", 0.75, 0.5 }, { "accuracy", 1, 0.5 } });
	gate.margin = 0.25;
	mlops_gate_rule(&gate, &contest, &ruling);
	assert_true(mlops_ruling_describe(&gate, &contest, &ruling, &described, &error));
	assert_string_equal(described.kept.decision, "PROMOTE");
	assert_string_equal(described.kept.reason, "better");
	assert_string_equal(described.kept.message, ruling.message);
	assert_int_equal(described.kept.rows, 200);
	assert_string_equal(described.kept.metric, "average_precision");
	assert_true(described.kept.challenger_value == 0.75 && described.kept.champion_value == 0.5);
	assert_true(described.kept.margin == 0.25);
	assert_string_equal(described.kept.challenger_metrics, "{\"average_precision\":0.75,\"accuracy\":1}");
	assert_string_equal(described.kept.champion_metrics, "{\"average_precision\":0.5,\"accuracy\":0.5}");
	mlops_described_ruling_release(&described);

	mlops_ruling_set(&ruling, MLOPS_HOLD, "champion_changed", "version %d came", 7);
	assert_string_equal(mlops_verdict_name(ruling.verdict), "HOLD");
	assert_string_equal(ruling.message, "version 7 came");
	described = (struct mlops_described_ruling){ .kept = { .name = NULL } };
	contest = (struct mlops_contest){ .kind = MLOPS_FAILURE_PREDICTION };
	assert_true(mlops_ruling_describe(&gate, &contest, &ruling, &described, &error));
	assert_null(described.kept.challenger_metrics);
	assert_null(described.kept.champion_metrics);
	mlops_described_ruling_release(&described);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_without_a_champion),
		cmocka_unit_test(test_champions_that_cannot_be_judged),
		cmocka_unit_test(test_the_ledgers_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
