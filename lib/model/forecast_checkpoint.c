#include "model/forecast_checkpoint.h"

#include <math.h>
#include <string.h>

#define MAGIC "mlops forecast checkpoint 1\n"

enum { MAGIC_LENGTH = sizeof MAGIC - 1, HASH_LENGTH = MLOPS_SHA256_TEXT - 1, N_NUMBERS = 8 };

static void put(struct mlops_buffer *out, uint64_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		mlops_buffer_append_char(out, (char)(number >> 8 * i & 0xff));
}

static uint64_t get(const unsigned char *from, size_t bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < bytes; i++)
		number |= (uint64_t)from[i] << 8 * i;
	return number;
}

static void put_floats(struct mlops_buffer *out, const float *values, size_t n)
{
	uint32_t bits;

	for (size_t i = 0; i < n; i++) {
		memcpy(&bits, &values[i], sizeof bits);
		put(out, bits, sizeof bits);
	}
}

static bool get_floats(const unsigned char *from, float *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits = (uint32_t)get(from + i * sizeof bits, sizeof bits);

		memcpy(&values[i], &bits, sizeof bits);
		if (!isfinite(values[i]))
			return false;
	}
	return true;
}

void mlops_forecast_identity(const struct mlops_forecast_data *data, const struct mlops_forecast_options *options,
			     char identity[MLOPS_SHA256_TEXT])
{
	const struct mlops_forecaster *warm = options->warm_start;
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &text };
	struct mlops_sha256 *hash = mlops_sha256_new();

	*identity = '\0';
	mlops_settings_write(options->settings, &json);
	mlops_buffer_append_format(&text, " seed %llu\n", (unsigned long long)options->seed);
	for (size_t i = 0; i < data->n_segments; i++)
		mlops_buffer_append_format(&text, "%zu of %zu\n", data->segments[i].n, data->segments[i].series);
	if (warm != NULL) {
		put_floats(&text, (const float[]){ warm->fixed_scale, warm->window_share, warm->input_scale,
						   warm->output_scale }, 4);
		put(&text, warm->season, 8);
		put_floats(&text, warm->linear, warm->horizon * warm->length);
		put_floats(&text, warm->bias, warm->horizon);
		put_floats(&text, warm->parameters, mlops_forecaster_parameters(warm));
	}
	if (hash != NULL && !text.failed) {
		mlops_sha256_add(hash, text.data, text.length);
		for (size_t i = 0; i < data->n_segments; i++)
			mlops_sha256_add(hash, data->segments[i].values, data->segments[i].n * sizeof(float));
		mlops_sha256_finish(hash, identity);
	} else {
		mlops_sha256_free(hash);
	}
	mlops_buffer_release(&text);
}

bool mlops_forecast_checkpoint_write(const struct mlops_forecast_state *state, const char *identity,
				     const void *optimiser, size_t optimiser_length, struct mlops_buffer *out,
				     struct mlops_error *error)
{
	size_t start = out->length;
	char hash[MLOPS_SHA256_TEXT];
	uint64_t errors[2];

	memcpy(&errors[0], &state->best, sizeof errors[0]);
	memcpy(&errors[1], &state->milestone, sizeof errors[1]);
	mlops_buffer_append(out, MAGIC, MAGIC_LENGTH);
	mlops_buffer_append(out, identity, HASH_LENGTH);
	put(out, state->epoch, 8);
	put(out, state->best_epoch, 8);
	put(out, state->waited, 8);
	put(out, state->steps, 8);
	put(out, errors[0], 8);
	put(out, errors[1], 8);
	put(out, state->n_weights, 8);
	put(out, optimiser_length, 8);
	put_floats(out, state->average, state->n_weights);
	put_floats(out, state->best_weights, state->n_weights);
	mlops_buffer_append(out, optimiser, optimiser_length);
	if (out->failed)
		return mlops_error_set_memory(error);
	mlops_sha256_of(out->data + start, out->length - start, hash);
	mlops_buffer_append(out, hash, HASH_LENGTH);
	return out->failed ? mlops_error_set_memory(error) : true;
}

bool mlops_forecast_checkpoint_read(const void *bytes, size_t length, const char *identity,
				    struct mlops_forecast_state *state, const char **optimiser,
				    size_t *optimiser_length, struct mlops_error *error)
{
	const unsigned char *at = bytes;
	size_t head = MAGIC_LENGTH + HASH_LENGTH + N_NUMBERS * 8;
	size_t weights = state->n_weights * sizeof(float), whole = head + 2 * weights + HASH_LENGTH;
	char hash[MLOPS_SHA256_TEXT];
	uint64_t errors[2];

	if (length < head + HASH_LENGTH || memcmp(at, MAGIC, MAGIC_LENGTH) != 0)
		return mlops_error_set(error, MLOPS_DATA, "not a checkpoint of a forecaster's training");
	mlops_sha256_of(bytes, length - HASH_LENGTH, hash);
	if (memcmp(hash, at + length - HASH_LENGTH, HASH_LENGTH) != 0)
		return mlops_error_set(error, MLOPS_DATA, "the checkpoint is damaged or cut short");
	if (memcmp(identity, at + MAGIC_LENGTH, HASH_LENGTH) != 0)
		return mlops_error_set(error, MLOPS_DATA,
				       "the checkpoint is of a training with other data, settings, seed or start");
	at += MAGIC_LENGTH + HASH_LENGTH;
	state->epoch = get(at, 8);
	state->best_epoch = get(at + 8, 8);
	state->waited = get(at + 16, 8);
	state->steps = get(at + 24, 8);
	errors[0] = get(at + 32, 8);
	errors[1] = get(at + 40, 8);
	memcpy(&state->best, &errors[0], sizeof errors[0]);
	memcpy(&state->milestone, &errors[1], sizeof errors[1]);
	*optimiser_length = (size_t)get(at + 56, 8);
	at += N_NUMBERS * 8;
	if (get(at - 16, 8) != state->n_weights || length < whole || *optimiser_length != length - whole ||
	    state->best_epoch > state->epoch || !get_floats(at, state->average, state->n_weights) ||
	    !get_floats(at + weights, state->best_weights, state->n_weights))
		return mlops_error_set(error, MLOPS_DATA, "the checkpoint does not fit the training");
	*optimiser = (const char *)at + 2 * weights;
	return true;
}
