/* Whatever happens to a file's bytes, reading gives an error or a model that holds what it promises. */
#include "tests/unit/onnx_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A copy of exactly n bytes, so that AddressSanitizer sees a read behind them. */
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

static void fails(const char *bytes, size_t n, const char *message)
{
	struct mlops_error error;

	assert_null(read_bytes(bytes, n, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.source, "model.onnx");
	assert_int_equal(error.line, 0);
	assert_string_equal(error.message, message);
}

static void sample_file(size_t n_classes, unsigned depth, struct mlops_buffer *file)
{
	struct mlops_model *model = onnx_sample_new(n_classes, 2, depth, 5);

	assert_non_null(model);
	assert_true(mlops_onnx_write(model, file, NULL));
	mlops_model_free(model);
}

static void cut_short(void **state)
{
	(void)state;
	for (size_t n_classes = 0; n_classes < 4; n_classes += n_classes == 0 ? 2 : 1) {
		struct mlops_buffer file = MLOPS_BUFFER_INIT;
		struct mlops_error error;

		sample_file(n_classes, 2, &file);
		for (size_t n = 0; n < file.length; n++) {
			assert_null(read_bytes(file.data, n, &error));
			assert_int_equal(error.code, MLOPS_DATA);
			assert_true(error.message[0] != '\0');
		}
		mlops_buffer_release(&file);
	}
}

static void flip_each_bit(size_t n_classes, unsigned depth)
{
	struct mlops_buffer file = MLOPS_BUFFER_INIT;
	struct mlops_error error;
	float values[ONNX_SAMPLE_FEATURES], sums[256];
	const float *columns[ONNX_SAMPLE_FEATURES] = { values, values + 1, values + 2, values + 3 };
	struct mlops_matrix matrix = { .columns = columns, .n_columns = ONNX_SAMPLE_FEATURES, .n_rows = 1 };
	size_t models = 0, errors = 0;

	sample_file(n_classes, depth, &file);
	for (size_t bit = 0; bit < 8 * file.length; bit++) {
		struct mlops_model *model;

		file.data[bit / 8] = (char)(file.data[bit / 8] ^ 1 << bit % 8);
		model = read_bytes(file.data, file.length, &error);
		file.data[bit / 8] = (char)(file.data[bit / 8] ^ 1 << bit % 8);
		if (model == NULL) {
			assert_int_equal(error.code, MLOPS_DATA);
			assert_string_equal(error.source, "model.onnx");
			assert_true(error.message[0] != '\0');
			errors++;
			continue;
		}
		models++;
		assert_true(mlops_trees_check(&model->trees, NULL));
		onnx_sample_row(model, (uint32_t)bit, values);
		assert_true(model->trees.n_features > ONNX_SAMPLE_FEATURES ||
			    mlops_trees_sum(&model->trees, &matrix, NULL, sums, NULL));
		mlops_model_free(model);
	}
	/* thresholds and leaves may hold many values, the rest of the file few */
	assert_true(models > 0 && (errors > models || depth > 2));
	mlops_buffer_release(&file);
}

static void flipped_bits(void **state)
{
	(void)state;
	flip_each_bit(0, 2);
	flip_each_bit(2, 2);
	flip_each_bit(3, 2);
	flip_each_bit(2, 7); /* so long that columns are read where they lie */
}

static void not_a_model(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
	static const char csv[] = "timestamp,temp\n2024-01-01T00:00:00Z,1.5\n";

	(void)state;
	fails("", 0, "an empty file, expected an ONNX model");
	fails(png, sizeof(png) - 1, "not an ONNX file");
	fails(csv, sizeof(csv) - 1, "not an ONNX file");
	fails("\x08\x0a", 2, "not an ONNX file");
	fails("\x08\x0a\x3a\x05\x01", 5, "damaged or cut short: not a whole ONNX file");
	fails("\x08\x0a\x3a\x00", 4,
	      "a graph of 0 operators is not a tree ensemble that this program can score");
}

/* A graph in an attribute of a node of a graph, and so on: without a limit the reader would run out of stack.
 */
static void deep_nesting(void **state)
{
	static const char tags[] = { 0x2a, 0x0a,
				     0x32 }; /* node's attribute, graph's node, attribute's graph */
	char file[128];
	size_t start = sizeof(file);

	(void)state;
	for (size_t level = 0; level < 60; level++) {
		size_t length = sizeof(file) - start;

		file[--start] = (char)length;
		file[--start] = level + 1 < 60 ? tags[level % 3] : 0x3a;
	}
	fails(file + start, sizeof(file) - start, "messages are nested more than 24 deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_short),
		cmocka_unit_test(flipped_bits),
		cmocka_unit_test(not_a_model),
		cmocka_unit_test(deep_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
