/* Schema files: read, written and read again; what is wrong with one is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "check/schema.h"

static const char whole_schema[] =
	"{\"mlops_schema\":1,\"time\":\"timestamp\",\"id\":\"pump\",\"sensors\":[\"p1\",\"p2\"],"
	"\"gap\":{\"most\":3,\"step\":60,\"severity\":\"error\"},"
	"\"agree\":[{\"first\":\"a\",\"second\":\"b\",\"least\":-1,\"most\":1.5}],\"columns\":["
	"{\"name\":\"a\",\"type\":\"number\",\"ordinary\":[-999],\"missing\":{\"most\":0.05},"
	"\"range\":{\"least\":-40,\"most\":120.5},\"spike\":{\"most\":3}},\n"
	"{\"name\":\"b\",\"type\":\"whole\",\"required\":false,\"unique\":true,\"flat\":{\"severity\":"
	"\"off\"}},\n"
	"{\"name\":\"state\",\"type\":\"text\",\"categories\":[\"on\",\"off\"]}]}\n";

static struct mlops_schema *read_text(const char *text, struct mlops_error *error)
{
	return mlops_schema_read(text, strlen(text), "s.json", error);
}

static void reads_and_writes(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_schema *schema = read_text(whole_schema, &error);
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	const struct mlops_schema_column *a;

	(void)state;
	if (schema == NULL)
		fail_msg("%s", error.message);
	a = mlops_schema_find(schema, "a");
	assert_true(a->limits.of[MLOPS_RULE_RANGE].values[1] == 120.5);
	assert_int_equal(a->markers, 2);
	assert_int_equal(schema->limits.of[MLOPS_RULE_GAP].severity, MLOPS_SEVERITY_ERROR);
	assert_null(mlops_schema_find(schema, "c"));
	mlops_schema_write(schema, &out);
	assert_string_equal(mlops_buffer_string(&out), whole_schema);
	mlops_buffer_release(&out);
	mlops_schema_free(schema);
}

static void assert_wrong(const char *text, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	assert_null(read_text(text, &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.source, "s.json");
	assert_string_equal(error.message, message);
}

static void names_what_is_wrong(void **state)
{
	(void)state;
	assert_wrong("[]", "this is no schema: there is no \"mlops_schema\":1 in it");
	assert_wrong("{\"mlops_schema\":2,\"columns\":[]}",
		     "\"mlops_schema\", the form of the file, is not 1");
	assert_wrong("{\"mlops_schema\":1}", "\"columns\" is missing");
	assert_wrong("{\"mlops_schema\":1,\"colums\":[]}",
		     "unknown key \"colums\"; did you mean \"columns\"?");
	assert_wrong("{\"mlops_schema\":1,\"gaps\":{}}", "unknown key \"gaps\"; did you mean \"gap\"?");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"type\":\"text\"}]}",
		     "column 1: \"name\" is not a text");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"rnage\":{\"most\":1}}]}",
		     "column \"x\": unknown key \"rnage\"; did you mean \"range\"?");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"range\":{\"mots\":1}}]}",
		     "column \"x\": unknown setting of range 'mots'; did you mean 'most'?");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"range\":{\"least\":2,\"most\":1}}]}",
		     "column \"x\": check \"range\": least is more than most");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"missing\":{\"most\":2}}]}",
		     "column \"x\": missing.most: the value is not between 0 and 1");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"spike\":{\"severity\":\"eror\"}}]}",
		     "column \"x\": unknown severity 'eror'; did you mean 'error'?");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\"},{\"name\":\"x\"}]}",
		     "column \"x\": it is there twice");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"type\":\"int\"}]}",
		     "column \"x\": \"type\" is not number, whole or text");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"categories\":[\"a\"]}]}",
		     "column \"x\": \"categories\" are for a column of type text");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"ordinary\":[5]}]}",
		     "column \"x\": \"ordinary\" names what is no marker");
	assert_wrong(
		"{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"hours\":{\"least\":[1],\"most\":[2]}}]}",
		"column \"x\": \"hours\" wants 24 numbers, \"months\" 12, for each of least and most");
	assert_wrong(
		"{\"mlops_schema\":1,\"columns\":[],\"agree\":[{\"first\":\"a\",\"second\":\"b\",\"least\":0,"
		"\"most\":1}]}",
		"\"agree\" names \"a\", which is no number column of the schema");
	assert_wrong("{\"mlops_schema\":1,\"columns\":[{\"name\":\"x\",\"unique\":1}]}",
		     "column \"x\": \"unique\" is neither true nor false");
}

static void says_where_it_is_not_json(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	assert_null(read_text("{\n\"mlops_schema\": 1,\n}", &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_int_equal(error.line, 3);
	assert_non_null(strstr(error.message, "not JSON: "));
}

static void sets_checks(void **state)
{
	const char *const names[] = { "range", "gap" };
	const char *const wrong[] = { "range", "spyke" };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_schema *schema = mlops_schema_new(&error);
	struct mlops_schema_column *column = mlops_schema_add_column(schema, "x", &error);
	enum mlops_rule rule;

	(void)state;
	assert_non_null(column);
	assert_true(mlops_schema_set(schema, "spike.most=2.5", &error));
	assert_true(mlops_schema_set(schema, "spike.severity=error", &error));
	assert_true(column->limits.of[MLOPS_RULE_SPIKE].values[0] == 2.5);
	assert_int_equal(column->limits.of[MLOPS_RULE_SPIKE].severity, MLOPS_SEVERITY_ERROR);
	assert_true(mlops_schema_choose(schema, names, 2, &error));
	assert_int_equal(column->limits.of[MLOPS_RULE_SPIKE].severity, MLOPS_SEVERITY_OFF);
	assert_int_equal(column->limits.of[MLOPS_RULE_RANGE].severity, MLOPS_SEVERITY_ERROR);
	assert_true(mlops_schema_add_pair(schema, "x", "x", 0, 1, &error));
	assert_true(mlops_schema_add_text(&column->categories, &column->n_categories, "onwards", 2, &error));
	assert_int_equal(column->n_categories, 1);
	assert_string_equal(column->categories[0], "on");

	assert_false(mlops_schema_choose(schema, wrong, 2, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	assert_string_equal(error.message, "unknown check 'spyke'; did you mean 'spike'?");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_schema_set(schema, "spike", &error));
	assert_string_equal(error.message, "'spike' is not CHECK.KEY=VALUE");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_schema_set(schema, "spike.most=x", &error));
	assert_string_equal(error.message, "spike.most: 'x' is not a number");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_rule_from_name("rang", &rule, &error));
	assert_string_equal(error.message, "unknown check 'rang'; did you mean 'range'?");
	mlops_schema_free(schema);
}

/* Every check has its line in the table: a name, a reason that is one of the list, a meaning. */
static void describes_every_check(void **state)
{
	(void)state;
	for (size_t r = 0; r < MLOPS_RULES; r++) {
		const struct mlops_rule_info *info = mlops_rule_describe((enum mlops_rule)r);
		enum mlops_rule rule;
		bool known = false;

		assert_true(mlops_rule_from_name(info->name, &rule, NULL) && rule == r);
		assert_true(strlen(info->meaning) > 10);
		for (size_t i = 0; mlops_rule_reasons[i] != NULL; i++)
			known = known || strcmp(mlops_rule_reasons[i], info->reason) == 0;
		assert_true(known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),          cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(says_where_it_is_not_json), cmocka_unit_test(sets_checks),
		cmocka_unit_test(describes_every_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
