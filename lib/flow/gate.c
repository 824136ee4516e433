#include "flow/gate.h"

#include "model/forecaster.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* What sums of decimal fractions are off by: 0.3 - 0.2 is not less than 0.1. */
#define ROUNDING 1e-9

/* How a figure gets worse. */
enum sense { SCORE, LOSS, ERROR_SHARE, COVERAGE };

struct figure {
	const char *name;
	enum sense sense;
};

static const struct figure average_precision = { "average_precision", SCORE }, macro_f1 = { "macro_f1", SCORE },
			   mae = { "mae", ERROR_SHARE };
static const struct figure others_of_classes[] = {
	{ "accuracy", SCORE }, { "roc_auc", SCORE }, { "brier", LOSS }, { NULL }
};
static const struct figure others_of_anomalies[] = { { "accuracy", SCORE }, { "roc_auc", SCORE }, { NULL } };
static const struct figure others_of_forecasts[] = { { "rmse", ERROR_SHARE }, { "coverage", COVERAGE }, { NULL } };

const char *mlops_verdict_name(enum mlops_verdict verdict)
{
	static const char *const names[] = {
		[MLOPS_PROMOTE] = "PROMOTE", [MLOPS_HOLD] = "HOLD", [MLOPS_REJECT] = "REJECT",
	};

	return names[verdict];
}

void mlops_ruling_set(struct mlops_ruling *ruling, enum mlops_verdict verdict, const char *reason, const char *format, ...)
{
	va_list arguments;

	ruling->verdict = verdict;
	ruling->reason = reason;
	va_start(arguments, format);
	vsnprintf(ruling->message, sizeof ruling->message, format, arguments);
	va_end(arguments);
}

static double value_of(const struct mlops_metrics *metrics, const struct figure *figure)
{
	return mlops_metrics_get(metrics, figure->name);
}

/* By how much the challenger is worse; NaN where a figure is unknown. */
static double loss_of(const struct figure *figure, double challenger, double champion)
{
	switch (figure->sense) {
	case LOSS:
		return challenger - champion;
	case ERROR_SHARE:
		return champion > 0 ? challenger / champion - 1 : challenger > 0 ? INFINITY : challenger - champion;
	case COVERAGE:
		return fabs(challenger - MLOPS_FORECAST_LEVEL) - fabs(champion - MLOPS_FORECAST_LEVEL);
	default:
		return champion - challenger;
	}
}

static const struct figure *others_of(enum mlops_kind kind)
{
	return kind == MLOPS_TIME_SERIES_FORECAST ? others_of_forecasts
	       : kind == MLOPS_FAILURE_PREDICTION ? others_of_classes
						  : others_of_anomalies;
}

static const char *unit_of(const struct mlops_contest *contest)
{
	return contest->kind == MLOPS_TIME_SERIES_FORECAST ? "window" : "row";
}

/* What decides; NULL: the rate of anomalies, which is no measure of quality, for want of labels. */
static const struct figure *deciding_figure(const struct mlops_contest *contest)
{
	if (contest->kind == MLOPS_TIME_SERIES_FORECAST)
		return &mae;
	if (contest->kind == MLOPS_FAILURE_PREDICTION)
		return isnan(value_of(&contest->challenger, &macro_f1)) ? &average_precision : &macro_f1;
	return isnan(value_of(&contest->challenger, &average_precision)) ? NULL : &average_precision;
}

/* "accuracy 0.91 against the champion's 0.9 on 120 rows" */
static void say_figure(char text[200], const struct mlops_contest *contest, const char *name)
{
	snprintf(text, 200, "%s %.4g against the champion's %.4g on %llu %s%s", name,
		 mlops_metrics_get(&contest->challenger, name), mlops_metrics_get(&contest->champion, name),
		 (unsigned long long)contest->rows, unit_of(contest), contest->rows == 1 ? "" : "s");
}

static void choose_metric(struct mlops_ruling *ruling, const struct mlops_contest *contest, const char *name)
{
	ruling->metric = name;
	ruling->challenger = mlops_metrics_get(&contest->challenger, name);
	ruling->champion = mlops_metrics_get(&contest->champion, name);
}

/* What needs no champion; false: nothing stands against it. */
static bool rule_alone(const struct mlops_gate *gate, const struct mlops_contest *contest, struct mlops_ruling *ruling)
{
	double accuracy = mlops_metrics_get(&contest->held_out, "accuracy");

	if (contest->kind == MLOPS_TIME_SERIES_FORECAST && mlops_forecast_loses(&contest->held_out)) {
		mlops_ruling_set(ruling, MLOPS_REJECT, "worse_than_naive",
				 "a forecast without a model does better on the test part");
		return true;
	}
	if (isnan(gate->min_accuracy) || accuracy >= gate->min_accuracy)
		return false;
	if (isnan(accuracy)) {
		mlops_ruling_set(ruling, MLOPS_HOLD, "no_figure", "accuracy is not known, so nobody can say whether it is %.4g "
				 "(--min-accuracy)", gate->min_accuracy);
		return true;
	}
	ruling->metric = "accuracy";
	ruling->challenger = accuracy;
	mlops_ruling_set(ruling, MLOPS_REJECT, "accuracy_floor",
			 "accuracy %.4g on the held-out rows; at least %.4g is asked for (--min-accuracy)", accuracy,
			 gate->min_accuracy);
	return true;
}

static void rule_few_rows(const struct mlops_gate *gate, const struct mlops_contest *contest, struct mlops_ruling *ruling)
{
	mlops_ruling_set(ruling, MLOPS_HOLD, "too_few_rows", "%llu held-out %s%s%s; at least %llu are needed (--gate-min-rows%s)",
			 (unsigned long long)contest->rows, unit_of(contest), contest->rows == 1 ? "" : "s",
			 contest->seen > 0 ? " that the champion has not learnt from" : "",
			 (unsigned long long)gate->min_rows, contest->seen > 0 ? "; --gate-rows all takes the others too" : "");
}

/* Is there a figure that must not be lost so far?  Then it is what decided. */
static bool rule_losses(const struct mlops_gate *gate, const struct mlops_contest *contest, const struct figure *figure,
			struct mlops_ruling *ruling)
{
	double loss = loss_of(figure, value_of(&contest->challenger, figure), value_of(&contest->champion, figure));
	bool share = figure->sense == ERROR_SHARE;
	char text[200];

	if (isnan(loss) || loss <= gate->critical + ROUNDING)
		return false;
	choose_metric(ruling, contest, figure->name);
	say_figure(text, contest, figure->name);
	mlops_ruling_set(ruling, MLOPS_REJECT, "critical_loss", "%s: a loss of more than %.4g%s (--critical-loss)", text,
			 share ? 100 * gate->critical : gate->critical, share ? " %" : "");
	return true;
}

static void rule_rate(const struct mlops_gate *gate, const struct mlops_contest *contest, struct mlops_ruling *ruling)
{
	char text[200];

	choose_metric(ruling, contest, "anomaly_rate");
	say_figure(text, contest, "anomaly_rate");
	if (isnan(ruling->challenger) || isnan(ruling->champion))
		mlops_ruling_set(ruling, MLOPS_HOLD, "no_figure", "anomaly_rate is not known of both");
	else if (fabs(ruling->challenger - ruling->champion) > gate->critical + ROUNDING)
		mlops_ruling_set(ruling, MLOPS_REJECT, "anomaly_rate", "%s, further away than %.4g (--critical-loss)", text,
				 gate->critical);
	else
		mlops_ruling_set(ruling, MLOPS_PROMOTE, "similar_rate", "%s; without labels there is no more to judge by", text);
}

static void rule_figure(const struct mlops_gate *gate, const struct mlops_contest *contest, const struct figure *figure,
			struct mlops_ruling *ruling)
{
	double gain;
	char text[200];

	choose_metric(ruling, contest, figure->name);
	gain = -loss_of(figure, ruling->challenger, ruling->champion);
	if (isnan(gain)) {
		mlops_ruling_set(ruling, MLOPS_HOLD, "no_figure", "%s is not known of both on these %llu %ss%s", figure->name,
				 (unsigned long long)contest->rows, unit_of(contest),
				 contest->kind == MLOPS_FAILURE_PREDICTION ? ": each class that counts must be among them" : "");
		return;
	}
	if (rule_losses(gate, contest, figure, ruling))
		return;
	for (const struct figure *other = others_of(contest->kind); other->name != NULL; other++)
		if (rule_losses(gate, contest, other, ruling))
			return;
	say_figure(text, contest, figure->name);
	if (gain >= gate->margin - ROUNDING)
		mlops_ruling_set(ruling, MLOPS_PROMOTE, gain > ROUNDING ? "better" : "as_good", "%s", text);
	else if (gate->margin > 0)
		mlops_ruling_set(ruling, MLOPS_HOLD, "not_better", "%s: not better by %.4g%s (--margin)", text,
				 figure->sense == ERROR_SHARE ? 100 * gate->margin : gate->margin,
				 figure->sense == ERROR_SHARE ? " %" : "");
	else
		mlops_ruling_set(ruling, MLOPS_HOLD, "not_better", "%s: worse", text);
}

void mlops_gate_rule(const struct mlops_gate *gate, const struct mlops_contest *contest, struct mlops_ruling *ruling)
{
	const struct figure *figure = deciding_figure(contest);

	*ruling = (struct mlops_ruling){ .challenger = NAN, .champion = NAN };
	if (rule_alone(gate, contest, ruling))
		return;
	if (!contest->has_champion)
		mlops_ruling_set(ruling, MLOPS_PROMOTE, "no_champion", "there is no champion yet");
	else if (contest->obstacle[0] != '\0')
		mlops_ruling_set(ruling, MLOPS_HOLD, "not_comparable", "the champion can't be judged on these rows: %s",
				 contest->obstacle);
	else if (contest->rows < gate->min_rows)
		rule_few_rows(gate, contest, ruling);
	else if (figure == NULL)
		rule_rate(gate, contest, ruling);
	else
		rule_figure(gate, contest, figure, ruling);
}

static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

bool mlops_ruling_describe(const struct mlops_gate *gate, const struct mlops_contest *contest,
			   const struct mlops_ruling *ruling, struct mlops_described_ruling *described,
			   struct mlops_error *error)
{
	const struct mlops_metrics *own = contest->rows > 0 ? &contest->challenger : &contest->held_out;
	struct mlops_buffer *challenger = &described->challenger, *champion = &described->champion;
	struct mlops_json json = { .out = challenger };

	mlops_metrics_write(own, &json);
	json = (struct mlops_json){ .out = champion };
	mlops_metrics_write(&contest->champion, &json);
	described->kept = (struct mlops_decision){
		.decision = borrow(mlops_verdict_name(ruling->verdict)), .reason = borrow(ruling->reason),
		.message = borrow(ruling->message), .rows = contest->rows, .metric = borrow(ruling->metric),
		.challenger_value = ruling->challenger, .champion_value = ruling->champion, .margin = gate->margin,
		.challenger_metrics = borrow(own->n > 0 ? mlops_buffer_string(challenger) : NULL),
		.champion_metrics = borrow(contest->champion.n > 0 ? mlops_buffer_string(champion) : NULL),
	};
	return (!challenger->failed && !champion->failed) || mlops_error_set_memory(error);
}

void mlops_described_ruling_release(struct mlops_described_ruling *described)
{
	mlops_buffer_release(&described->challenger);
	mlops_buffer_release(&described->champion);
}
