/*
 * Faults in a plant's clean data, a hundred seeded places for each check of a sensor: at least 95 % of them
 * are found, and at most one clean row in 100,000 is called faulty.  The limits are learnt from other clean
 * data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "flow/validate.h"

#define ROWS 260000
#define PLACES 100
#define SPACING (ROWS / PLACES)
#define NOISE 0.3
#define START 1704067200 /* 2024-01-01T00:00:00Z */

/* A row a minute: two sensors that see the same day, a third that wanders. */
struct plant {
	int64_t *seconds;
	float *warm, *twin, *wander;
	bool *left_out;
	size_t *begin, *end; /* [PLACES] rows of each fault */
};

static struct plant *plant_new(void)
{
	struct plant *plant = calloc(1, sizeof *plant);

	assert_non_null(plant);
	plant->seconds = calloc(ROWS, sizeof *plant->seconds);
	plant->warm = calloc(ROWS, sizeof *plant->warm);
	plant->twin = calloc(ROWS, sizeof *plant->twin);
	plant->wander = calloc(ROWS, sizeof *plant->wander);
	plant->left_out = calloc(ROWS, sizeof *plant->left_out);
	plant->begin = calloc(PLACES, sizeof *plant->begin);
	plant->end = calloc(PLACES, sizeof *plant->end);
	assert_true(plant->seconds != NULL && plant->warm != NULL && plant->twin != NULL &&
		    plant->wander != NULL);
	assert_true(plant->left_out != NULL && plant->begin != NULL && plant->end != NULL);
	return plant;
}

static void plant_free(struct plant *plant)
{
	free(plant->seconds);
	free(plant->warm);
	free(plant->twin);
	free(plant->wander);
	free(plant->left_out);
	free(plant->begin);
	free(plant->end);
	free(plant);
}

/* Normal, by Box and Muller. */
static double normal(struct mlops_rng *rng)
{
	double u = 1 - mlops_rng_unit(rng);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * mlops_rng_unit(rng));
}

static double day(size_t row)
{
	return 20 + 10 * sin(2 * M_PI * (double)(row % 1440) / 1440);
}

static void fill(struct plant *plant, uint64_t seed)
{
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, 0);
	double level = 0;

	for (size_t r = 0; r < ROWS; r++) {
		level = 0.995 * level + normal(&rng) * 0.1;
		plant->seconds[r] = START + 60 * (int64_t)r;
		plant->warm[r] = (float)(day(r) + NOISE * normal(&rng));
		plant->twin[r] = plant->warm[r] + 1 + (float)(0.1 * normal(&rng));
		plant->wander[r] = (float)(100 + level + NOISE * normal(&rng));
		plant->left_out[r] = false;
	}
}

static char *to_csv(const struct plant *plant, size_t *length)
{
	char *text = malloc((size_t)ROWS * 80 + 100);
	char *at = text;

	assert_non_null(text);
	at += sprintf(at, "timestamp,warm,twin,wander\n");
	for (size_t r = 0; r < ROWS; r++) {
		if (plant->left_out[r])
			continue;
		at += sprintf(at, "%lld,", (long long)plant->seconds[r]);
		at += isnan(plant->warm[r]) ? sprintf(at, ",") : sprintf(at, "%.3f,", (double)plant->warm[r]);
		at += sprintf(at, "%.3f,%.3f\n", (double)plant->twin[r], (double)plant->wander[r]);
	}
	*length = (size_t)(at - text);
	return text;
}

static bool note_rows(void *context, uint64_t first_row, const uint64_t *lines, const bool *valid, size_t n,
		      struct mlops_error *error)
{
	bool *bad = context;

	(void)lines;
	(void)error;
	for (size_t i = 0; i < n; i++)
		bad[first_row + i] = !valid[i];
	return true;
}

static struct mlops_validation *validate(const struct plant *plant, struct mlops_validate_request *request)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct mlops_validation *validation;
	struct mlops_source *source;
	size_t length;
	char *text = to_csv(plant, &length);

	source = mlops_source_from_memory(text, length, "plant", &error);
	request->reader = mlops_reader_open(source, &options, &error);
	assert_non_null(request->reader);
	validation = mlops_flow_validate(request, &error);
	if (validation == NULL)
		fail_msg("%s", error.message);
	mlops_reader_free(request->reader);
	mlops_source_free(source);
	free(text);
	return validation;
}

static char *schema_text;
static size_t schema_length;

static int learn(void **state)
{
	struct mlops_validate_request request = { .learn = true, .climate_bins = 24 };
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	struct plant *plant = plant_new();
	struct mlops_validation *validation;

	(void)state;
	fill(plant, 1);
	validation = validate(plant, &request);
	mlops_schema_write(validation->schema, &out);
	schema_text = out.data;
	schema_length = out.length;
	mlops_validation_free(validation);
	plant_free(plant);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	free(schema_text);
	return 0;
}

static struct mlops_schema *schema_new(void)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_schema *schema = mlops_schema_read(schema_text, schema_length, "learnt", &error);

	if (schema == NULL)
		fail_msg("%s: %s", error.source, error.message);
	return schema;
}

/* Places the fault at row, returns the row behind its last. */
typedef size_t damage(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng);

static void assert_found(const char *check, damage *harm)
{
	struct mlops_rng rng = mlops_rng_start(3, MLOPS_RNG_SIMULATE, 1);
	struct plant *plant = plant_new();
	bool *bad = calloc(ROWS, sizeof *bad);
	struct mlops_validate_request request = {
		.schema = schema_new(),
		.checks = &check,
		.n_checks = 1,
		.strict = true,
		.rows = note_rows,
		.rows_context = bad,
	};
	size_t found = 0;
	size_t wrong = 0;
	size_t row = 0;
	size_t out = 0; /* rows that were left out so far: bad[] lacks them */

	fill(plant, 2);
	for (size_t p = 0; p < PLACES; p++) {
		size_t begin = p * SPACING + 100 + mlops_rng_below(&rng, SPACING - 1800);

		plant->begin[p] = begin;
		plant->end[p] = harm(plant, begin, p, &rng);
	}
	mlops_validation_free(validate(plant, &request));
	for (size_t p = 0; p <= PLACES; p++) {
		size_t begin = p < PLACES ? plant->begin[p] : ROWS;
		size_t end = p < PLACES ? plant->end[p] : ROWS;
		size_t hits = 0;

		for (; row < begin; row++)
			wrong += bad[row - out];
		for (; row < end; row++) {
			if (plant->left_out[row])
				out++;
			else
				hits += bad[row - out];
		}
		found += hits > 0;
	}
	print_message("# %s: %zu of %d found, %zu clean rows called faulty\n", check, found, PLACES, wrong);
	if (found < 95 || wrong > ROWS / 100000)
		fail_msg("%s: %zu of %d found, %zu clean rows called faulty", check, found, PLACES, wrong);
	free(bad);
	plant_free(plant);
}

static size_t leave_gap(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	size_t n = 2 + mlops_rng_below(rng, 10);

	(void)place;
	for (size_t i = 0; i < n; i++)
		plant->left_out[row + i] = true;
	return row + n + 1;
}

static size_t repeat_time(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	plant->seconds[row] = plant->seconds[row - 1 - (place % 2 == 0 ? 0 : mlops_rng_below(rng, 60))];
	return row + 1;
}

static size_t go_back(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	size_t n = 1 + mlops_rng_below(rng, 60);

	(void)place;
	for (size_t i = 0; i < n; i++)
		plant->seconds[row + i] -= 3600;
	return row + n;
}

static size_t race(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	(void)place;
	(void)rng;
	for (size_t i = 0; i < 8; i++)
		plant->wander[row + i] += (float)(20 * NOISE) * (float)i;
	return row + 9;
}

/* Stuck, with dropouts in between. */
static size_t stick(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	(void)place;
	for (size_t i = 1; i < 60; i++)
		plant->warm[row + i] = mlops_rng_below(rng, 3) == 0 ? NAN : plant->warm[row];
	return row + 60;
}

static size_t spike(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	(void)rng;
	plant->wander[row] += (float)((place % 2 == 0 ? 15 : -15) * NOISE);
	return row + 1;
}

static size_t shift(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	size_t n = 20 + mlops_rng_below(rng, 200);

	for (size_t i = 0; i < n; i++)
		plant->wander[row + i] += (float)((place % 2 == 0 ? 15 : -15) * NOISE);
	return row + n + 1;
}

static size_t leave_range(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	(void)rng;
	plant->warm[row] = place % 2 == 0 ? 80 : -40;
	return row + 1;
}

/* What is usual twelve hours later. */
static size_t mistake_hour(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	(void)place;
	(void)rng;
	while (fabs(day(row) - 20) < 7)
		row++;
	plant->warm[row] = (float)(40 - day(row));
	return row + 1;
}

static size_t mark(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	static const float values[] = { -9999, -999, 9999, 32767 };
	size_t n = 3 + mlops_rng_below(rng, 20);

	for (size_t i = 0; i < n; i++)
		plant->wander[row + i] = values[place % 4];
	return row + n;
}

static size_t quieten_or_double(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	(void)rng;
	for (size_t i = 0; i < 1200; i++) {
		double usual = day(row + i);

		plant->warm[row + i] =
			(float)(usual + ((double)plant->warm[row + i] - usual) * (place % 2 == 0 ? 0 : 2));
	}
	/* the window that ends the stretch is judged up to 511 rows later */
	return row + 1200 + 511;
}

static size_t part(struct plant *plant, size_t row, size_t place, struct mlops_rng *rng)
{
	size_t n = 3 + mlops_rng_below(rng, 20);

	for (size_t i = 0; i < n; i++)
		plant->twin[row + i] += place % 2 == 0 ? 2 : -2;
	return row + n;
}

static void finds_gaps(void **state)
{
	(void)state;
	assert_found("gap", leave_gap);
}

static void finds_duplicate_times(void **state)
{
	(void)state;
	assert_found("duplicate_time", repeat_time);
}

static void finds_backward_times(void **state)
{
	(void)state;
	assert_found("backward_time", go_back);
}

static void finds_fast_changes(void **state)
{
	(void)state;
	assert_found("rate", race);
}

static void finds_flat_lines(void **state)
{
	(void)state;
	assert_found("flat", stick);
}

static void finds_spikes(void **state)
{
	(void)state;
	assert_found("spike", spike);
}

static void finds_steps(void **state)
{
	(void)state;
	assert_found("step", shift);
}

static void finds_values_out_of_range(void **state)
{
	(void)state;
	assert_found("range", leave_range);
}

static void finds_values_at_the_wrong_hour(void **state)
{
	(void)state;
	assert_found("climatology", mistake_hour);
}

static void finds_markers(void **state)
{
	(void)state;
	assert_found("marker", mark);
}

static void finds_noise_gone_or_doubled(void **state)
{
	(void)state;
	assert_found("noise", quieten_or_double);
}

static void finds_sensors_that_disagree(void **state)
{
	(void)state;
	assert_found("agreement", part);
}

/* All checks at once, warnings too, by limits learnt from other rows and by those of the first rows. */
static void leaves_clean_rows_alone(void **state)
{
	bool *bad = calloc(ROWS, sizeof *bad);
	struct plant *plant = plant_new();

	(void)state;
	fill(plant, 5);
	for (int taught = 0; taught < 2; taught++) {
		struct mlops_validate_request request = {
			.schema = taught ? NULL : schema_new(),
			.strict = true,
			.rows = note_rows,
			.rows_context = bad,
		};
		struct mlops_validation *validation = validate(plant, &request);

		print_message("# %s: %llu of %d clean rows called faulty\n", taught ? "first rows" : "schema",
			      (unsigned long long)validation->invalid_rows, ROWS);
		for (size_t i = 0; i < validation->n_findings; i++)
			print_message("# %s\n", validation->findings[i].message);
		assert_true(validation->invalid_rows <= ROWS / 100000);
		mlops_validation_free(validation);
	}
	free(bad);
	plant_free(plant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_gaps),
		cmocka_unit_test(finds_duplicate_times),
		cmocka_unit_test(finds_backward_times),
		cmocka_unit_test(finds_fast_changes),
		cmocka_unit_test(finds_flat_lines),
		cmocka_unit_test(finds_spikes),
		cmocka_unit_test(finds_steps),
		cmocka_unit_test(finds_values_out_of_range),
		cmocka_unit_test(finds_values_at_the_wrong_hour),
		cmocka_unit_test(finds_markers),
		cmocka_unit_test(finds_noise_gone_or_doubled),
		cmocka_unit_test(finds_sensors_that_disagree),
		cmocka_unit_test(leaves_clean_rows_alone),
	};

	return cmocka_run_group_tests(tests, learn, forget);
}
