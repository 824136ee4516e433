#include "model/forecast_training.h"

#include "base/rng.h"
#include "model/forecast_checkpoint.h"
#include "model/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLIP	   1.0f	  /* largest norm of a gradient */
#define LINE_SHARE 0.1f	  /* the linear path is near its best already: its steps are a tenth of the network's */
#define MEMORY	   0.998f /* of the average of weights: some 500 steps, fewer at the beginning */
#define CLEARLY	   0.001  /* share by which the error must sink for training to go on; the best epoch is kept in any case */
#define UPHILL	   3	  /* times the patience that training has before it is first clearly better than the start */
#define CHUNK	   1024	  /* windows that are judged at a time */

struct training {
	struct mlops_forecaster *forecaster;
	const struct mlops_forecast_windows *windows;
	const float *series_scale;
	double unit;
	const struct mlops_forecast_options *options;
	struct mlops_pool *pool;
	size_t epochs, patience, batch, batches;
	float rate;
	struct mlops_trainer *trainer;
	/* The weights are the network's, then the changes of the linear path [horizon][length] and of its bias
	 * [horizon] in steps of LINE_SHARE. */
	size_t n_network, n_line;
	float *line; /* the linear path and its bias as they were at the start, [n_line] */
	struct mlops_forecast_state state;
	float *now;	 /* [n_weights] the trainer's */
	uint32_t *order; /* [n_training] */
	/* of one batch */
	float *z, *sequences, *targets, *weights, *outputs, *output_gradient, *line_gradient;
	struct mlops_buffer checkpoint, optimiser;
	char identity[MLOPS_SHA256_TEXT];
	double start; /* error at epoch 0 */
	double loss; /* sum over the epoch's windows so far */
	size_t seen;
};

bool mlops_forecast_error(const struct mlops_forecaster *forecaster, const struct mlops_forecast_window *windows,
			  size_t n, const float *series_scale, struct mlops_pool *pool, double *mean,
			  double *each, struct mlops_error *error)
{
	size_t length = forecaster->length, horizon = forecaster->horizon, most = n < CHUNK ? n : CHUNK;
	float *histories = malloc(most * length * sizeof *histories);
	float *forecasts = malloc(most * horizon * sizeof *forecasts);
	bool fine = histories != NULL && forecasts != NULL ? true : mlops_error_set_memory(error);
	double total = 0;

	for (size_t from = 0; fine && from < n; from += CHUNK) {
		size_t here = n - from < CHUNK ? n - from : CHUNK;

		for (size_t i = 0; i < here; i++)
			memcpy(histories + i * length, windows[from + i].history, length * sizeof *histories);
		fine = mlops_forecaster_predict(forecaster, histories, here, pool, forecasts, error);
		for (size_t i = 0; fine && i < here; i++) {
			const float *ahead = windows[from + i].history + length;
			double sum = 0;

			for (size_t k = 0; k < horizon; k++)
				sum += fabs((double)ahead[k] - (double)forecasts[i * horizon + k]);
			sum /= (double)series_scale[windows[from + i].series];
			total += sum;
			if (each != NULL)
				each[from + i] = sum / (double)horizon;
		}
	}
	*mean = total / (double)(n * horizon);
	free(histories);
	free(forecasts);
	return fine;
}

/* Puts weights into the forecaster, whose network is made again. */
static bool install(struct training *training, const float *weights, struct mlops_error *error)
{
	struct mlops_forecaster *forecaster = training->forecaster;
	size_t n_linear = forecaster->horizon * forecaster->length;
	const float *change = weights + training->n_network;

	memcpy(forecaster->parameters, weights, training->n_network * sizeof *weights);
	for (size_t i = 0; i < n_linear; i++)
		forecaster->linear[i] = training->line[i] + LINE_SHARE * change[i];
	for (size_t k = 0; k < forecaster->horizon; k++)
		forecaster->bias[k] = training->line[n_linear + k] + LINE_SHARE * change[n_linear + k];
	return mlops_forecaster_prepare(forecaster, error);
}

static bool judge(struct training *training, double *mean, struct mlops_error *error)
{
	return mlops_forecast_error(training->forecaster, training->windows->validation,
				    training->windows->n_validation, training->series_scale, training->pool, mean,
				    NULL, error);
}

/* Fisher and Yates, keyed by the epoch, so that an epoch's order does not depend on where the training began. */
static void shuffle(struct training *training)
{
	struct mlops_rng rng = mlops_rng_start(training->options->seed, MLOPS_RNG_SHUFFLE,
					       (uint32_t)training->state.epoch);
	uint32_t *order = training->order;

	for (uint32_t i = 0; i < training->windows->n_training; i++) {
		uint32_t j = mlops_rng_below(&rng, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

/* The i-th window of a batch: what the network and the line read, what they should say. */
static void load(struct training *training, size_t i, const struct mlops_forecast_window *window)
{
	const struct mlops_forecaster *forecaster = training->forecaster;
	size_t length = forecaster->length, horizon = forecaster->horizon;
	size_t sequence = forecaster->steps * (forecaster->season > 0 ? 2 : 1);
	float last = window->history[length - 1];
	float scale = mlops_forecaster_transform(forecaster, window->history, training->z + i * length,
						 training->sequences + i * sequence);

	for (size_t k = 0; k < horizon; k++) {
		float change = (window->history[length + k] - last) / scale;

		training->targets[i * horizon + k] =
			fmaxf(fminf(change, MLOPS_FORECAST_REACH), -MLOPS_FORECAST_REACH);
	}
	training->weights[i] = fminf(scale / training->series_scale[window->series], MLOPS_FORECAST_REACH);
}

/* The line's forecast of one step ahead with the weights as they are now. */
static float line_at(const struct training *training, const float *change, size_t k, const float *z)
{
	size_t length = training->forecaster->length, n_linear = training->forecaster->horizon * length;
	const float *line = training->line + k * length;
	float sums[4] = { 0 };
	size_t t = 0;

	change += k * length;
	for (; t + 4 <= length; t += 4)
		for (size_t i = 0; i < 4; i++)
			sums[i] += (line[t + i] + LINE_SHARE * change[t + i]) * z[t + i];
	for (; t < length; t++)
		sums[0] += (line[t] + LINE_SHARE * change[t]) * z[t];
	change += n_linear - k * length + k;
	return (sums[0] + sums[1]) + (sums[2] + sums[3]) + training->line[n_linear + k] + LINE_SHARE * *change;
}

/* Gradients of the mean absolute error of a batch, over output_scale, which makes an error of the size that the
 * line leaves count 1. */
static void differentiate(struct training *training, size_t n)
{
	const struct mlops_forecaster *forecaster = training->forecaster;
	const float *change = mlops_trainer_extra(training->trainer);
	size_t length = forecaster->length, horizon = forecaster->horizon;
	float *line_gradient = training->line_gradient, *bias_gradient = line_gradient + horizon * length;

	memset(line_gradient, 0, training->n_line * sizeof *line_gradient);
	for (size_t i = 0; i < n; i++) {
		const float *z = training->z + i * length;
		float share = training->weights[i] / (float)(n * horizon);

		for (size_t k = 0; k < horizon; k++) {
			size_t at = i * horizon + k;
			float error = line_at(training, change, k, z) +
				      forecaster->output_scale * training->outputs[at] - training->targets[at];
			float slope = error > 0 ? share : error < 0 ? -share : 0;
			float line_slope = slope * LINE_SHARE / forecaster->output_scale;

			training->loss += (double)(fabsf(error) * training->weights[i]) / (double)horizon;
			training->output_gradient[at] = slope;
			bias_gradient[k] += line_slope;
			for (size_t t = 0; t < length; t++)
				line_gradient[k * length + t] += line_slope * z[t];
		}
	}
	training->seen += n;
}

static void average(struct training *training)
{
	float steps = (float)training->state.steps, early = (1 + steps) / (10 + steps);
	float fresh = 1 - (early < MEMORY ? early : MEMORY);

	mlops_trainer_parameters(training->trainer, training->now);
	for (size_t i = 0; i < training->state.n_weights; i++)
		training->state.average[i] += fresh * (training->now[i] - training->state.average[i]);
}

static bool report(struct training *training, size_t batch, double validation, struct mlops_error *error)
{
	const struct mlops_forecast_options *options = training->options;
	struct mlops_forecast_progress progress = {
		.epoch = (size_t)training->state.epoch,
		.epochs = training->epochs,
		.batch = batch,
		.batches = training->batches,
		.loss = training->unit * training->loss / (double)training->seen,
		.validation = training->unit * validation,
		.best = training->unit * training->state.best,
		.learning_rate = training->rate,
	};

	if (options->report != NULL && !options->report(options->context, &progress))
		return mlops_error_set(error, MLOPS_CLOSED, "training was stopped");
	return true;
}

static bool run_epoch(struct training *training, double *validation, struct mlops_error *error)
{
	size_t n = training->windows->n_training;

	training->state.epoch++;
	training->loss = 0;
	training->seen = 0;
	shuffle(training);
	for (size_t from = 0, batch = 1; from < n; from += training->batch, batch++) {
		size_t here = n - from < training->batch ? n - from : training->batch;

		for (size_t i = 0; i < here; i++)
			load(training, i, &training->windows->training[training->order[from + i]]);
		mlops_trainer_forward(training->trainer, training->sequences, here, training->pool,
				      training->outputs);
		differentiate(training, here);
		mlops_trainer_backward(training->trainer, training->output_gradient, training->line_gradient,
				       training->pool);
		mlops_trainer_update(training->trainer, training->pool);
		average(training);
		training->state.steps++;
		if (batch < training->batches && !report(training, batch, *validation, error))
			return false;
	}
	return install(training, training->state.average, error) && judge(training, validation, error);
}

static bool save(struct training *training, struct mlops_error *error)
{
	const struct mlops_forecast_options *options = training->options;

	if (options->save == NULL)
		return true;
	mlops_buffer_clear(&training->optimiser);
	mlops_buffer_clear(&training->checkpoint);
	mlops_trainer_save(training->trainer, &training->optimiser);
	if (training->optimiser.failed)
		return mlops_error_set_memory(error);
	return mlops_forecast_checkpoint_write(&training->state, training->identity, training->optimiser.data,
					       training->optimiser.length, &training->checkpoint, error) &&
	       options->save(options->context, training->checkpoint.data, training->checkpoint.length, error);
}

/* From the checkpoint, or from the start. */
static bool begin(struct training *training, const struct mlops_forecast_data *data, struct mlops_error *error)
{
	const struct mlops_forecast_options *options = training->options;
	const struct mlops_forecaster *forecaster = training->forecaster;
	size_t n_linear = forecaster->horizon * forecaster->length;
	const char *optimiser;
	size_t length;

	memcpy(training->line, forecaster->linear, n_linear * sizeof *training->line);
	memcpy(training->line + n_linear, forecaster->bias, forecaster->horizon * sizeof *training->line);
	memcpy(training->state.average, forecaster->parameters, training->n_network * sizeof *training->line);
	memcpy(training->state.best_weights, training->state.average,
	       training->state.n_weights * sizeof *training->line);
	mlops_forecast_identity(data, options, training->identity);
	if (*training->identity == '\0')
		return mlops_error_set_memory(error);
	if (options->checkpoint == NULL)
		return true;
	return mlops_forecast_checkpoint_read(options->checkpoint, options->checkpoint_length, training->identity,
					      &training->state, &optimiser, &length, error) &&
	       mlops_trainer_restore(training->trainer, optimiser, length, error);
}

/* A network whose head is zero may see nothing but the linear path's remains for many epochs, and then, within a
 * few, the season. */
static bool is_patient(const struct training *training)
{
	const struct mlops_forecast_state *state = &training->state;

	return state->waited < (state->milestone < training->start ? training->patience : UPHILL * training->patience);
}

static bool run(struct training *training, struct mlops_error *error)
{
	struct mlops_forecast_state *state = &training->state;
	double validation = state->best;

	/* nothing can be better than no error: a constant series */
	while (state->epoch < training->epochs && is_patient(training) && state->best > 0) {
		if (!run_epoch(training, &validation, error))
			return false;
		state->waited++;
		if (validation < state->best) {
			state->best = validation;
			state->best_epoch = state->epoch;
			memcpy(state->best_weights, state->average, state->n_weights * sizeof *state->average);
		}
		if (validation < state->milestone * (1 - CLEARLY)) {
			state->milestone = validation;
			state->waited = 0;
		}
		if (!save(training, error) || !report(training, training->batches, validation, error))
			return false;
	}
	return install(training, state->best_weights, error);
}

static bool allocate(struct training *training, struct mlops_error *error)
{
	const struct mlops_forecaster *forecaster = training->forecaster;
	size_t inputs = forecaster->season > 0 ? 2 : 1, batch = training->batch, horizon = forecaster->horizon;
	struct mlops_forecast_state *state = &training->state;

	training->line = calloc(training->n_line, sizeof(float));
	training->now = calloc(state->n_weights, sizeof(float));
	state->average = calloc(state->n_weights, sizeof(float));
	state->best_weights = calloc(state->n_weights, sizeof(float));
	training->order = calloc(training->windows->n_training, sizeof *training->order);
	training->z = calloc(batch * forecaster->length, sizeof(float));
	training->sequences = calloc(batch * forecaster->steps * inputs, sizeof(float));
	training->targets = calloc(batch * horizon, sizeof(float));
	training->weights = calloc(batch, sizeof(float));
	training->outputs = calloc(batch * horizon, sizeof(float));
	training->output_gradient = calloc(batch * horizon, sizeof(float));
	training->line_gradient = calloc(training->n_line, sizeof(float));
	return training->line != NULL && training->now != NULL && state->average != NULL && state->best_weights != NULL &&
			       training->order != NULL && training->z != NULL && training->sequences != NULL &&
			       training->targets != NULL && training->weights != NULL &&
			       training->outputs != NULL && training->output_gradient != NULL &&
			       training->line_gradient != NULL
		       ? true
		       : mlops_error_set_memory(error);
}

static void release(struct training *training)
{
	mlops_trainer_free(training->trainer);
	free(training->line);
	free(training->now);
	free(training->state.average);
	free(training->state.best_weights);
	free(training->order);
	free(training->z);
	free(training->sequences);
	free(training->targets);
	free(training->weights);
	free(training->outputs);
	free(training->output_gradient);
	free(training->line_gradient);
	mlops_buffer_release(&training->checkpoint);
	mlops_buffer_release(&training->optimiser);
}

bool mlops_forecast_train(struct mlops_forecaster *forecaster, const struct mlops_forecast_windows *windows,
			  const float *series_scale, double unit, const struct mlops_forecast_data *data,
			  const struct mlops_forecast_options *options, struct mlops_forecast_report *report_out,
			  struct mlops_error *error)
{
	const struct mlops_settings *settings = options->settings;
	struct training training = {
		.forecaster = forecaster,
		.windows = windows,
		.series_scale = series_scale,
		.unit = unit,
		.options = options,
		.pool = options->pool,
		.epochs = (size_t)mlops_settings_get(settings, "epochs"),
		.patience = (size_t)mlops_settings_get(settings, "patience"),
		.batch = (size_t)mlops_settings_get(settings, "batch_size"),
		.rate = (float)mlops_settings_get(settings, "learning_rate"),
		.n_network = mlops_forecaster_parameters(forecaster),
		.n_line = forecaster->horizon * (forecaster->length + 1),
	};
	struct mlops_trainer_options optimiser = MLOPS_TRAINER_OPTIONS_INIT;
	struct mlops_network_shape shape = mlops_forecaster_shape(forecaster);
	bool fine;

	if (training.batch > windows->n_training)
		training.batch = windows->n_training;
	optimiser.learning_rate = training.rate;
	optimiser.dropout = (float)mlops_settings_get(settings, "dropout");
	optimiser.clip = CLIP;
	optimiser.seed = options->seed;
	optimiser.batch = training.batch;
	optimiser.extra = training.n_line;
	training.batches = (windows->n_training + training.batch - 1) / training.batch;
	training.state.n_weights = training.n_network + training.n_line;
	fine = allocate(&training, error) && judge(&training, &training.state.best, error);
	training.state.milestone = training.start = training.state.best;
	report_out->start = unit * training.state.best;
	if (fine && training.epochs > 0) {
		memcpy(training.now, forecaster->parameters, training.n_network * sizeof(float));
		training.trainer = mlops_trainer_new(&shape, &optimiser, training.now, error);
		fine = training.trainer != NULL && begin(&training, data, error) && run(&training, error);
	}
	report_out->best = unit * training.state.best;
	report_out->epochs = (size_t)training.state.epoch;
	report_out->best_epoch = (size_t)training.state.best_epoch;
	release(&training);
	return fine;
}
