/* Training rows in memory: categories, classes, what is left out, and the checksum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "tests/unit/rows_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct mlops_dataset *load_well(const char *text, const struct mlops_select_options *select,
				       const struct mlops_dataset_options *options)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_dataset *dataset = load(text, select, options, &error);

	if (dataset == NULL)
		fail_msg("%s:%u: %s", error.source, (unsigned)error.line, error.message);
	return dataset;
}

static void assert_refused(const char *text, const struct mlops_select_options *select,
			   const struct mlops_dataset_options *options, uint64_t line, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	assert_null(load(text, select, options, &error));
	assert_string_equal(error.message, message);
	assert_int_equal(error.line, line);
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.source, "t");
}

static void assert_classes(const char *text, const char *positive, const char *first, const char *second)
{
	const struct mlops_select_options select = { .target = "y" };
	const struct mlops_dataset_options options = { .positive = positive };
	struct mlops_dataset *dataset = load_well(text, &select, &options);

	assert_int_equal(dataset->n_classes, 2);
	assert_string_equal(dataset->classes[0], first);
	assert_string_equal(dataset->classes[1], second);
	mlops_dataset_free(dataset);
}

static const char csv[] = "time,unit,temp,state,y\n"
			  "2024-01-01T00:00:00Z,m2,1.5,on,1\n"
			  "2024-01-02T00:00:00Z,m1,-0,off,10\n"
			  ",m2,,,2\n"
			  "2024-01-03T00:00:00Z,m1,7,on,\n"
			  "2024-01-04T00:00:00Z,m3,3,Off,1.0\n";

static const struct mlops_select_options everything = { .target = "y", .texts = true };

static void reads_columns(void **state)
{
	struct mlops_dataset *dataset = load_well(csv, &everything, NULL);
	const uint32_t some[] = { 3, 1 };
	struct mlops_matrix matrix;

	(void)state;
	assert_int_equal(dataset->n_rows, 4);
	assert_int_equal(dataset->missing_targets, 1);
	assert_int_equal(dataset->n_features, 2);
	assert_string_equal(dataset->features[0].name, "temp");
	assert_null(dataset->features[0].categories);
	assert_int_equal(dataset->features[1].n_categories, 3);
	assert_string_equal(dataset->features[1].categories[0], "Off");
	assert_string_equal(dataset->features[1].categories[1], "off");
	assert_string_equal(dataset->features[1].categories[2], "on");
	assert_true(dataset->columns[0][0] == 1.5f);
	assert_true(dataset->columns[0][1] == 0 && !signbit(dataset->columns[0][1]));
	assert_true(isnan(dataset->columns[0][2]) && isnan(dataset->columns[1][2]));
	assert_true(dataset->columns[1][0] == 2 && dataset->columns[1][1] == 1 &&
		    dataset->columns[1][3] == 0);
	assert_int_equal(dataset->n_classes, 3);
	assert_string_equal(dataset->classes[0], "1");
	assert_string_equal(dataset->classes[1], "2");
	assert_string_equal(dataset->classes[2], "10");
	assert_int_equal(dataset->target[0], 0);
	assert_int_equal(dataset->target[1], 2);
	assert_int_equal(dataset->target[2], 1);
	assert_int_equal(dataset->target[3], 0);
	assert_true(dataset->times[0] == 1704067200000000);
	assert_true(dataset->times[2] == MLOPS_TIME_MISSING);
	assert_int_equal(dataset->n_groups, 3);
	assert_int_equal(dataset->groups[0], 0);
	assert_int_equal(dataset->groups[1], 1);
	assert_int_equal(dataset->groups[2], 0);
	assert_int_equal(dataset->groups[3], 2);
	matrix = mlops_dataset_matrix(dataset, NULL, 0);
	assert_int_equal(matrix.n_rows, 4);
	assert_true(mlops_matrix_at(&matrix, 3, 0) == 3);
	matrix = mlops_dataset_matrix(dataset, some, 2);
	assert_int_equal(matrix.n_rows, 2);
	assert_int_equal(matrix.n_columns, 2);
	assert_true(mlops_matrix_at(&matrix, 0, 0) == 3);
	mlops_dataset_free(dataset);
}

/* The sum was found by another program over the stream that dataset.c describes; for these data it must never
 * change. */
static void checksum_is_of_the_data(void **state)
{
	static const char json[] =
		"[{\"time\":1704067200,\"unit\":\"m2\",\"temp\":1.50,\"state\":\"on\",\"y\":1},"
		"{\"time\":\"2024-01-02\",\"unit\":\"m1\",\"temp\":\"0\",\"state\":\"off\",\"y\":\"10\"},"
		"{\"unit\":\"m2\",\"temp\":null,\"y\":2.0},"
		"{\"unit\":\"m1\",\"temp\":7},"
		"{\"time\":\"2024-01-04T01:00:00+01:00\",\"unit\":\"m3\",\"temp\":3,\"state\":\"Off\",\"y\":1e0}]";
	static const char moved[] = "time,unit,temp,state,y\n"
				    "2024-01-02T00:00:00Z,m1,-0,off,10\n"
				    "2024-01-01T00:00:00Z,m2,1.5,on,1\n"
				    ",m2,,,2\n"
				    "2024-01-04T00:00:00Z,m3,3,Off,1.0\n";
	struct mlops_dataset *a = load_well(csv, &everything, NULL);
	struct mlops_dataset *b = load_well(json, &everything, NULL);
	struct mlops_dataset *c = load_well(moved, &everything, NULL);

	(void)state;
	assert_string_equal(a->sha256, "076e86fbf5336b39f0dee4baaa4f0cf0ace7dfa2c60db2b19c035cf06b7e2b35");
	assert_string_equal(a->sha256, b->sha256);
	assert_string_not_equal(a->sha256, c->sha256);
	mlops_dataset_free(a);
	mlops_dataset_free(b);
	mlops_dataset_free(c);
}

static void orders_two_classes(void **state)
{
	(void)state;
	assert_classes("x,y\n1,ok\n2,ko\n3,ok\n", NULL, "ok", "ko");
	assert_classes("x,y\n1,ok\n2,ko\n3,ko\n", NULL, "ko", "ok");
	assert_classes("x,y\n1,ok\n2,ko\n", NULL, "ko", "ok");
	assert_classes("x,y\n1,ok\n2,ko\n3,ko\n", "ko", "ok", "ko");
	assert_classes("x,y\n1,1\n2,1\n3,0.0\n", NULL, "0", "1");
	assert_classes("x,y\n1,1\n2,0\n", "0.0", "1", "0");
	assert_classes("x,y\n1,True\n2,True\n3,False\n", NULL, "False", "True");
	assert_classes("x,y\n1,true\n2,False\n", NULL, "False", "true");
	assert_classes("x,y\n1,FALSE\n2,true\n", NULL, "FALSE", "true");
	assert_classes("[{\"x\":1,\"y\":true},{\"x\":1,\"y\":false},{\"x\":1,\"y\":true}]", NULL, "false",
		       "true");
}

static void follows_another_dataset(void **state)
{
	static const char *const names[] = { "temp", "state" };
	const struct mlops_select_options select = {
		.target = "y", .features = names, .n_features = 2, .texts = true
	};
	struct mlops_dataset *model = load_well(csv, &everything, NULL);
	const struct mlops_dataset_options options = { .like = model };
	struct mlops_dataset *dataset = load_well("state,y,temp\non,10,1\nnew,2,2\n", &select, &options);

	(void)state;
	assert_int_equal(dataset->features[1].n_categories, 3);
	assert_string_equal(dataset->features[1].categories[2], "on");
	assert_true(dataset->columns[1][0] == 2);
	assert_true(isnan(dataset->columns[1][1]));
	assert_int_equal(dataset->n_classes, 3);
	assert_int_equal(dataset->target[0], 2);
	assert_int_equal(dataset->target[1], 1);
	mlops_dataset_free(dataset);
	assert_refused("state,y,temp\non,10,1\nnew,3,2\n", &select, &options, 3,
		       "column \"y\" has the class '3', which is not among those learnt");
	assert_refused("state,y,temp\non,10,1\noff,2,x\noff,2,2\n", &select, &options, 3,
		       "column \"temp\": 'x' is not a number");
	mlops_dataset_free(model);
}

static bool stop_at_once(void *context, uint64_t rows)
{
	*(uint64_t *)context = rows;
	return false;
}

static void refuses(void **state)
{
	const struct mlops_select_options plain = { .target = "y", .texts = true };
	const struct mlops_dataset_options positive = { .positive = "maybe" };
	uint64_t rows = 0;
	const struct mlops_dataset_options stopping = { .progress = stop_at_once, .progress_context = &rows };
	struct mlops_error error = MLOPS_ERROR_INIT;
	char *text = malloc(300 * 16);
	size_t used = 0;

	(void)state;
	assert_non_null(text);
	assert_refused("x,y\n1,\n2,NA\n", &plain, NULL, 0, "column \"y\" is missing in every row");
	assert_refused("x,y\n", &plain, NULL, 0, "no data rows");
	assert_refused("x,y\n1,a\n2,b\n", &plain, &positive, 0, "column \"y\" has no class 'maybe'");
	assert_refused(
		"x,y\n1,a\n2,b\n3,c\n", &plain, &positive, 0,
		"column \"y\" has not two classes, so none of them is the positive one, not even 'maybe'");
	assert_refused("{\"x\":\"a\\u0000\",\"y\":1}", &plain, NULL, 1,
		       "column \"x\" has a NUL character in a text");
	assert_null(load("x,y\n1,a\n2,b\n", &plain, &stopping, &error));
	assert_int_equal(error.code, MLOPS_CLOSED);
	assert_int_equal(rows, 2);
	used = (size_t)sprintf(text, "x,y\n");
	for (int i = 0; i < 256; i++)
		used += (size_t)sprintf(text + used, "t%d,1\n", i);
	assert_refused(text, &plain, NULL, 257,
		       "column \"x\" has more than 255 different texts; a feature has at most 255");
	used = (size_t)sprintf(text, "x,y\n");
	for (int i = 0; i < 256; i++)
		used += (size_t)sprintf(text + used, "1,%d.5\n", i);
	assert_refused(text, &plain, NULL, 257,
		       "column \"y\" has more than 255 different values; a target has at most 255 classes");
	free(text);
}

static void grows(void **state)
{
	enum { ROWS = 30000 };
	const struct mlops_select_options select = { .texts = true };
	char *text = malloc(ROWS * 20);
	size_t used = 0;
	struct mlops_dataset *dataset;

	(void)state;
	assert_non_null(text);
	used = (size_t)sprintf(text, "a,b\n");
	for (int i = 0; i < ROWS; i++)
		used += (size_t)sprintf(text + used, "%d,c%d\n", i, i % 255);
	dataset = load_well(text, &select, NULL);
	assert_int_equal(dataset->n_rows, ROWS);
	for (size_t i = 0; i < ROWS; i++) {
		char name[8];

		snprintf(name, sizeof name, "c%zu", i % 255);
		assert_true(dataset->columns[0][i] == (float)i);
		assert_string_equal(dataset->features[1].categories[(size_t)dataset->columns[1][i]], name);
	}
	assert_null(dataset->target);
	assert_null(dataset->times);
	assert_null(dataset->groups);
	mlops_dataset_free(dataset);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_columns),
		cmocka_unit_test(checksum_is_of_the_data),
		cmocka_unit_test(orders_two_classes),
		cmocka_unit_test(follows_another_dataset),
		cmocka_unit_test(refuses),
		cmocka_unit_test(grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
