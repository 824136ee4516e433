/* The model file of forecasters: what is read is what was written, and nothing else is read. */
#include "model/onnx.h"
#include "tests/unit/forecaster_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static const struct forecaster_sizes cases[] = {
	{ 5, 2, 3, 3, false }, { 5, 1, 0, 2, false }, { 4, 3, 4, 1, true }, { 2, 1, 0, 1, true }, { 70, 66, 2, 2, false },
};

static struct mlops_model *read_bytes(const char *bytes, size_t n, struct mlops_error *error)
{
	char *copy = malloc(n > 0 ? n : 1);
	struct mlops_model *model;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	*error = (struct mlops_error)MLOPS_ERROR_INIT;
	model = mlops_onnx_read(copy, n, "model.onnx", error);
	free(copy);
	return model;
}

static void write_case(size_t i, struct mlops_buffer *file)
{
	struct mlops_model *model = forecaster_sample_model(&cases[i], 3);

	assert_non_null(model);
	assert_true(mlops_onnx_write(model, file, NULL));
	mlops_model_free(model);
}

static void there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mlops_buffer first = MLOPS_BUFFER_INIT, second = MLOPS_BUFFER_INIT;
		struct mlops_model *model = forecaster_sample_model(&cases[i], 3), *again;
		struct mlops_error error;
		float history[70], before[66], after[66];

		assert_non_null(model);
		assert_true(mlops_onnx_write(model, &first, NULL));
		again = read_bytes(first.data, first.length, &error);
		assert_non_null(again);
		assert_int_equal(again->kind, MLOPS_TIME_SERIES_FORECAST);
		assert_int_equal(again->forecaster->length, cases[i].length);
		assert_int_equal(again->forecaster->horizon, cases[i].horizon);
		assert_int_equal(again->forecaster->season, cases[i].season);
		assert_int_equal(again->forecaster->hidden, cases[i].hidden);
		assert_string_equal(mlops_metadata_get(&again->metadata, "target"), "temp");
		assert_true(mlops_onnx_write(again, &second, NULL));
		assert_int_equal(first.length, second.length);
		assert_memory_equal(first.data, second.data, first.length);
		for (size_t t = 0; t < 70; t++)
			history[t] = (float)(t * t % 13);
		assert_true(mlops_forecaster_predict(model->forecaster, history, 1, NULL, before, NULL));
		assert_true(mlops_forecaster_predict(again->forecaster, history, 1, NULL, after, NULL));
		assert_memory_equal(before, after, cases[i].horizon * sizeof *before);
		assert_true(mlops_model_memory(again) > mlops_forecaster_memory(again->forecaster));
		mlops_buffer_release(&first);
		mlops_buffer_release(&second);
		mlops_model_free(model);
		mlops_model_free(again);
	}
}

static void cut_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct mlops_buffer file = MLOPS_BUFFER_INIT;
		struct mlops_error error;

		write_case(i, &file);
		for (size_t n = 0; n < file.length; n += n < 3000 ? 1 : 7) {
			assert_null(read_bytes(file.data, n, &error));
			assert_int_equal(error.code, MLOPS_DATA);
			assert_true(error.message[0] != '\0');
		}
		mlops_buffer_release(&file);
	}
}

static void flipped_bits(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct mlops_buffer file = MLOPS_BUFFER_INIT, again = MLOPS_BUFFER_INIT;
		struct mlops_error error;
		size_t models = 0, errors = 0;

		write_case(i, &file);
		/* most of the file are the margins: every byte of the rest, some of them */
		for (size_t bit = 0; bit < 8 * file.length; bit += models < 2000 ? 1 : 61) {
			struct mlops_model *model;

			file.data[bit / 8] = (char)(file.data[bit / 8] ^ 1 << bit % 8);
			model = read_bytes(file.data, file.length, &error);
			file.data[bit / 8] = (char)(file.data[bit / 8] ^ 1 << bit % 8);
			if (model == NULL) {
				assert_int_equal(error.code, MLOPS_DATA);
				assert_string_equal(error.source, "model.onnx");
				errors++;
				continue;
			}
			models++;
			/* what was read holds what the writer demands */
			mlops_buffer_clear(&again);
			assert_true(mlops_onnx_write(model, &again, NULL));
			mlops_model_free(model);
		}
		assert_true(models > 0 && errors > 0);
		mlops_buffer_release(&file);
		mlops_buffer_release(&again);
	}
}

/* Puts other bytes into a file; the message says what is not as we write it. */
static void expect_damage(size_t i, const char *from, const char *to, size_t length, const char *message)
{
	struct mlops_buffer file = MLOPS_BUFFER_INIT;
	struct mlops_error error;
	char *at;

	write_case(i, &file);
	at = memmem(file.data, file.length, from, length);
	assert_non_null(at);
	memcpy(at, to, length);
	assert_null(read_bytes(file.data, file.length, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, message);
	mlops_buffer_release(&file);
}

static void other_graphs(void **state)
{
	(void)state;
	expect_damage(0, "Unsqueeze", "Xnsqueeze", 9,
		      "not the graph of time_series_forecast that this program writes: an operator is 'Xnsqueeze', "
		      "expected 'Unsqueeze'");
	expect_damage(0, "hidden_size", "hidden_sizX", 11, "the graph has no LSTM of 1 to 1024 units");
	/* hidden_size = 3 */
	expect_damage(0, "hidden_size\x18\x03", "hidden_size\x18\x04", 13,
		      "constant \"recurrent_weights_1\" has 36 values, expected 64");
	expect_damage(0, "mlops.kind\x12\x14" "time_series_forecast", "mlops.kind\x12\x14" "time_series_forexast", 32,
		      "model kind 'time_series_forexast' is unknown; did you mean 'time_series_forecast'?");
}

static void without_a_forecaster(void **state)
{
	struct mlops_model model = { .kind = MLOPS_TIME_SERIES_FORECAST };
	struct mlops_buffer file = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_false(mlops_onnx_write(&model, &file, &error));
	assert_int_equal(error.code, MLOPS_BUG);
	mlops_buffer_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(flipped_bits),
		cmocka_unit_test(other_graphs),
		cmocka_unit_test(without_a_forecaster),
	};

	return cmocka_run_group_tests_name("onnx_forecast", tests, NULL, NULL);
}
