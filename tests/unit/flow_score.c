#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/score.h"
#include "model/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_FEATURES = 3, N_ROWS = 30000, NONE = N_ROWS };

static const unsigned threads[] = { 1, 2, 3, 7 };

#define FOR_EACH_NUMBER_OF_THREADS(i) for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)

static float values[N_FEATURES][N_ROWS];
static struct mlops_model *model;

static const float *const columns[N_FEATURES] = { values[0], values[1], values[2] };

/* Eighths are the same in decimal and in float32. */
static unsigned eighths(size_t row, size_t feature)
{
	return (unsigned)(row * 2654435761u + feature * 40503u) >> 7 & 1023;
}

static int make_model(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_matrix matrix = { columns, N_FEATURES, NULL, N_ROWS };
	static char names[N_FEATURES][2] = { "a", "b", "c" };
	struct mlops_feature features[N_FEATURES];
	struct mlops_settings settings;

	(void)state;
	for (size_t f = 0; f < N_FEATURES; f++) {
		features[f] = (struct mlops_feature){ .name = names[f] };
		for (size_t r = 0; r < N_ROWS; r++)
			values[f][r] = (float)eighths(r, f) / 8;
	}
	mlops_settings_default(MLOPS_ANOMALY_DETECTION, &settings);
	assert_true(mlops_settings_parse(&settings, "trees=5", &error));
	model = mlops_isolation_forest_fit(&settings, 1, &matrix, NULL, NULL, &error);
	assert_non_null(model);
	assert_true(mlops_model_set_features(model, features, N_FEATURES, &error));
	return 0;
}

static int free_model(void **state)
{
	(void)state;
	mlops_model_free(model);
	return 0;
}

/* The columns in another order, with an id between them; the bad row has a word for a number. */
static struct mlops_buffer make_input(size_t rows, size_t bad)
{
	struct mlops_buffer csv = MLOPS_BUFFER_INIT;

	mlops_buffer_append_string(&csv, "c,tag,b,a\n");
	for (size_t r = 0; r < rows; r++) {
		mlops_buffer_append_format(&csv, "%u.%03u,T%zu,", eighths(r, 2) / 8, eighths(r, 2) % 8 * 125,
					   r);
		if (r == bad)
			mlops_buffer_append_string(&csv, "ten");
		else
			mlops_buffer_append_format(&csv, "%u.%03u", eighths(r, 1) / 8,
						   eighths(r, 1) % 8 * 125);
		mlops_buffer_append_format(&csv, ",%u.%03u\n", eighths(r, 0) / 8, eighths(r, 0) % 8 * 125);
	}
	assert_false(csv.failed);
	return csv;
}

static void append_unit(struct mlops_buffer *out, float value)
{
	char text[32];
	size_t length = (size_t)snprintf(text, sizeof text, "%.7f", (double)value);

	while (text[length - 1] == '0')
		length--;
	mlops_buffer_append(out, text, text[length - 1] == '.' ? length - 1 : length);
}

/* What is to come out, written without the writer; skipped is left out. */
static struct mlops_buffer make_expected(size_t rows, size_t skipped, bool csv)
{
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct mlops_matrix matrix = { columns, N_FEATURES, NULL, N_ROWS };
	float *sums = calloc(N_ROWS, sizeof *sums);

	assert_non_null(sums);
	assert_true(mlops_trees_sum(&model->trees, &matrix, NULL, sums, NULL));
	if (csv)
		mlops_buffer_append_string(&out, "tag,anomaly_score,anomaly_probability,anomaly\n");
	for (size_t r = 0; r < rows; r++) {
		float score = mlops_model_anomaly_score(model, sums[r]);

		if (r == skipped)
			continue;
		mlops_buffer_append_format(&out, csv ? "T%zu," : "{\"tag\":\"T%zu\",\"anomaly_score\":", r);
		append_unit(&out, score);
		mlops_buffer_append_string(&out, csv ? "," : ",\"anomaly_probability\":");
		append_unit(&out, mlops_model_anomaly_probability(model, score));
		mlops_buffer_append_string(&out, csv ? "," : ",\"anomaly\":");
		mlops_buffer_append_string(&out, mlops_model_is_anomaly(model, sums[r]) ? "true" : "false");
		mlops_buffer_append_string(&out, csv ? "\n" : "}\n");
	}
	free(sums);
	return out;
}

struct scored {
	struct mlops_buffer out;
	size_t calls, refuse_from; /* calls of the sink; 0: it never refuses */
	uint64_t stop_at;          /* rows; 0: progress never stops */
	uint64_t reported;
	struct mlops_score_result result;
	struct mlops_error error;
	bool ok;
};

static bool receive(void *context, const void *bytes, size_t length, struct mlops_error *error)
{
	struct scored *scored = context;

	scored->calls++;
	if (scored->refuse_from != 0 && scored->calls >= scored->refuse_from)
		return mlops_error_set(error, MLOPS_CLOSED, "nobody listens");
	mlops_buffer_append(&scored->out, bytes, length);
	return true;
}

static bool report(void *context, uint64_t rows)
{
	struct scored *scored = context;

	scored->reported = rows;
	return scored->stop_at == 0 || rows < scored->stop_at;
}

static void score(const struct mlops_buffer *input, const struct mlops_read_options *options, bool csv,
		  unsigned n_threads, struct scored *scored)
{
	struct mlops_source *source = mlops_source_from_memory(input->data, input->length, "rows.csv", NULL);
	struct mlops_score_request request = {
		.model = model, .id = "tag", .threshold = NAN,
		.format = csv ? MLOPS_WRITE_CSV : MLOPS_WRITE_JSONL,
		.sink = receive, .sink_context = scored, .progress = report, .progress_context = scored,
	};

	assert_non_null(source);
	request.reader = mlops_reader_open(source, options, NULL);
	assert_non_null(request.reader);
	request.pool = mlops_pool_new(n_threads, NULL);
	assert_non_null(request.pool);
	scored->ok = mlops_flow_score(&request, &scored->result, &scored->error);
	assert_int_equal(scored->ok, scored->error.code == MLOPS_OK);
	assert_int_equal(scored->reported, scored->result.rows);
	mlops_pool_free(request.pool);
	mlops_reader_free(request.reader);
	mlops_source_free(source);
}

static void assert_bytes(const struct mlops_buffer *out, const struct mlops_buffer *expected)
{
	assert_int_equal(out->length, expected->length);
	if (expected->length > 0)
		assert_memory_equal(out->data, expected->data, expected->length);
}

static void the_same_bytes_for_any_number_of_threads(void **state)
{
	static const size_t counts[] = { 0, 1, 63, 64, 65, 4095, 4096, 4097, 8192, N_ROWS };
	const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
		for (int csv = 0; csv < 2; csv++) {
			struct mlops_buffer input = make_input(counts[c], NONE);
			struct mlops_buffer expected = make_expected(counts[c], NONE, csv);

			FOR_EACH_NUMBER_OF_THREADS(i) {
				struct scored scored = { .error = MLOPS_ERROR_INIT };

				score(&input, &options, csv, threads[i], &scored);
				assert_true(scored.ok);
				assert_bytes(&scored.out, &expected);
				assert_int_equal(scored.result.rows, counts[c]);
				assert_int_equal(scored.result.counts.rows, counts[c]);
				mlops_buffer_release(&scored.out);
			}
			mlops_buffer_release(&input);
			mlops_buffer_release(&expected);
		}
}

static void a_row_at_a_time(void **state)
{
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_buffer input = make_input(500, NONE), expected = make_expected(500, NONE, false);

	(void)state;
	options.interactive = true;
	options.one_row = true;
	FOR_EACH_NUMBER_OF_THREADS(i) {
		struct scored scored = { .error = MLOPS_ERROR_INIT };

		score(&input, &options, false, threads[i], &scored);
		assert_true(scored.ok);
		assert_bytes(&scored.out, &expected);
		assert_int_equal(scored.calls, 500);
		mlops_buffer_release(&scored.out);
	}
	mlops_buffer_release(&input);
	mlops_buffer_release(&expected);
}

static void rows_ahead_of_a_bad_one_are_written(void **state)
{
	static const size_t bads[] = { 0, 1, 4096, 12345, 20479, 20480, N_ROWS - 1 };
	const struct mlops_read_options stop = MLOPS_READ_OPTIONS_INIT;
	struct mlops_read_options skip = MLOPS_READ_OPTIONS_INIT;

	(void)state;
	skip.on_error = MLOPS_ON_ERROR_SKIP;
	for (size_t b = 0; b < sizeof bads / sizeof bads[0]; b++) {
		struct mlops_buffer input = make_input(N_ROWS, bads[b]);
		struct mlops_buffer before = make_expected(bads[b], NONE, bads[b] != 0);
		struct mlops_buffer others = make_expected(N_ROWS, bads[b], true);

		FOR_EACH_NUMBER_OF_THREADS(i) {
			struct scored scored = { .error = MLOPS_ERROR_INIT },
				      skipped = { .error = MLOPS_ERROR_INIT };

			score(&input, &stop, true, threads[i], &scored);
			assert_int_equal(scored.error.code, MLOPS_DATA);
			assert_string_equal(scored.error.message, "column \"b\": 'ten' is not a number");
			assert_string_equal(scored.error.source, "rows.csv");
			assert_int_equal(scored.error.line, bads[b] + 2);
			assert_bytes(&scored.out, &before);
			assert_int_equal(scored.result.rows, bads[b]);
			mlops_buffer_release(&scored.out);

			score(&input, &skip, true, threads[i], &skipped);
			assert_true(skipped.ok);
			assert_bytes(&skipped.out, &others);
			assert_int_equal(skipped.result.counts.skipped_rows, 1);
			mlops_buffer_release(&skipped.out);
		}
		mlops_buffer_release(&input);
		mlops_buffer_release(&before);
		mlops_buffer_release(&others);
	}
}

/* What came out before the refusal is the beginning of what would have come, and nothing is behind it. */
static void a_sink_that_refuses_ends_the_work(void **state)
{
	const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_buffer input = make_input(N_ROWS, NONE), expected = make_expected(N_ROWS, NONE, false);

	(void)state;
	FOR_EACH_NUMBER_OF_THREADS(i)
		for (size_t call = 1; call <= 8; call++) {
			struct scored scored = { .refuse_from = call, .error = MLOPS_ERROR_INIT };

			score(&input, &options, false, threads[i], &scored);
			assert_int_equal(scored.error.code, MLOPS_CLOSED);
			assert_string_equal(scored.error.message, "nobody listens");
			assert_int_equal(scored.calls, call);
			assert_int_equal(scored.result.rows, (call - 1) * MLOPS_CHUNK_ROWS);
			assert_in_range(scored.out.length, 0, expected.length);
			if (scored.out.length > 0)
				assert_memory_equal(scored.out.data, expected.data, scored.out.length);
			mlops_buffer_release(&scored.out);
		}
	mlops_buffer_release(&input);
	mlops_buffer_release(&expected);
}

static void progress_ends_the_work(void **state)
{
	const struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_buffer input = make_input(N_ROWS, NONE);

	(void)state;
	FOR_EACH_NUMBER_OF_THREADS(i) {
		struct scored scored = { .stop_at = 10000, .error = MLOPS_ERROR_INIT };

		score(&input, &options, false, threads[i], &scored);
		assert_int_equal(scored.error.code, MLOPS_CLOSED);
		assert_string_equal(scored.error.message, "stopped");
		assert_int_equal(scored.result.rows, (uint64_t)3 * MLOPS_CHUNK_ROWS);
		mlops_buffer_release(&scored.out);
	}
	mlops_buffer_release(&input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_bytes_for_any_number_of_threads),
		cmocka_unit_test(a_row_at_a_time),
		cmocka_unit_test(rows_ahead_of_a_bad_one_are_written),
		cmocka_unit_test(a_sink_that_refuses_ends_the_work),
		cmocka_unit_test(progress_ends_the_work),
	};

	return cmocka_run_group_tests(tests, make_model, free_model);
}
