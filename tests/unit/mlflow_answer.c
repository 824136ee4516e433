#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mlflow/answer.h"
#include "mlflow/session.h"

#include <string.h>

static void expect_refusal(int status, const char *body, enum mlops_code code, bool again, const char *reason)
{
	struct mlops_mlflow_refusal refusal;

	mlops_mlflow_refuse(status, body, strlen(body), &refusal);
	assert_int_equal(refusal.code, code);
	assert_int_equal(refusal.again, again);
	assert_string_equal(refusal.reason, reason);
}

static void test_what_a_refusal_means(void **state)
{
	(void)state;
	expect_refusal(404, "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"no\\nrun\"}", MLOPS_DATA, false,
		       "no run");
	expect_refusal(400, "{\"error_code\": \"BAD_REQUEST\", \"message\": \"(x) QueuePool limit of size 5 reached\"}",
		       MLOPS_UNAVAILABLE, true, "(x) QueuePool limit of size 5 reached");
	expect_refusal(400, "{\"detail\": \"a directory\"}", MLOPS_DATA, false, "a directory");
	expect_refusal(401, "<html>", MLOPS_DENIED, false, "user and password, or token, are missing or wrong");
	expect_refusal(403, "Permission denied", MLOPS_DENIED, false, "Permission denied");
	expect_refusal(429, "", MLOPS_UNAVAILABLE, true, "");
	expect_refusal(408, "", MLOPS_UNAVAILABLE, true, "");
	expect_refusal(503, "<p>", MLOPS_UNAVAILABLE, true, "");
	expect_refusal(501, "{\"message\": \"none\"}", MLOPS_DATA, false, "none");
	expect_refusal(302, "", MLOPS_DATA, false, "it redirects; give the address that it leads to");
	expect_refusal(404, "<html>", MLOPS_DATA, false, "not an answer of MLflow's; is the address right?");
	expect_refusal(400, "{\"message\": [1]}", MLOPS_DATA, false, "{\"message\": [1]}");
	expect_refusal(400, "\xff\x01 a\x7f", MLOPS_DATA, false, "a");
}

static json_t *load(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

static void test_a_run_is_taken(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_mlflow_run_list runs = { .n = 0 };
	json_t *answer = load("{\"runs\": [{\"info\": {\"run_id\": \"ab1\", \"status\": \"FINISHED\", \"start_time\": \"1700000000123\","
			      " \"end_time\": 1e300, \"artifact_uri\": \"mlflow-artifacts:/1/ab1/artifacts\"}, \"data\": {"
			      "\"metrics\": [{\"key\": \"m\", \"value\": 0.1}, {\"key\": \"n\", \"value\": \"NaN\"}, {\"key\": \"o\"}],"
			      "\"params\": [{\"key\": \"p\", \"value\": \"\"}]}}]}");

	(void)state;
	assert_true(mlops_mlflow_take_runs(answer, &runs, &error));
	assert_int_equal(runs.n, 1);
	assert_string_equal(runs.items[0].id, "ab1");
	assert_null(runs.items[0].name);
	assert_int_equal(runs.items[0].started, INT64_C(1700000000123000));
	assert_int_equal(runs.items[0].ended, 0);
	assert_int_equal(runs.items[0].n_metrics, 3);
	assert_string_equal(runs.items[0].metrics[0].value, "0.1");
	assert_string_equal(runs.items[0].metrics[1].value, "NaN");
	assert_string_equal(runs.items[0].metrics[2].value, "");
	assert_int_equal(runs.items[0].n_params, 1);
	assert_int_equal(runs.items[0].n_tags, 0);
	mlops_mlflow_run_list_release(&runs);
	json_decref(answer);
}

static void test_versions_and_models_are_taken(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_mlflow_version_list versions = { .n = 0 };
	struct mlops_mlflow_model model = { .name = NULL };
	json_t *answer = load("{\"model_versions\": [{\"name\": \"pump\", \"version\": \"4294967295\", \"run_id\": \"\","
			      "\"tags\": [{\"key\": \"a\", \"value\": \"b\"}]}], \"name\": \"pump\", \"aliases\": ["
			      "{\"alias\": \"champion\", \"version\": \"2\"}]}");

	(void)state;
	assert_true(mlops_mlflow_take_versions(answer, &versions, &error));
	assert_int_equal(versions.n, 1);
	assert_int_equal(versions.items[0].version, UINT32_MAX);
	assert_null(versions.items[0].run_id);
	assert_string_equal(mlops_mlflow_tag(&versions.items[0], "a"), "b");
	assert_null(mlops_mlflow_tag(&versions.items[0], "b"));
	assert_true(mlops_mlflow_take_model(answer, &model, &error));
	assert_int_equal(model.n_aliases, 1);
	assert_int_equal(model.aliases[0].version, 2);
	mlops_mlflow_version_list_release(&versions);
	mlops_mlflow_model_release(&model);
	json_decref(answer);
}

static void expect_nonsense(const char *text, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_mlflow_run_list runs = { .n = 0 };
	struct mlops_mlflow_version_list versions = { .n = 0 };
	struct mlops_mlflow_model model = { .name = NULL };
	json_t *answer = load(text);

	assert_false(mlops_mlflow_take_runs(answer, &runs, &error) && mlops_mlflow_take_versions(answer, &versions, &error) &&
		     mlops_mlflow_take_model(answer, &model, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	assert_string_equal(error.message, message);
	mlops_mlflow_run_list_release(&runs);
	mlops_mlflow_version_list_release(&versions);
	mlops_mlflow_model_release(&model);
	json_decref(answer);
}

static void test_answers_of_another_shape_are_none(void **state)
{
	(void)state;
	expect_nonsense("{\"runs\": 1}", "the answer is none of MLflow's: no list of runs");
	expect_nonsense("{\"runs\": [1]}", "the answer is none of MLflow's: a run without run_id or status");
	expect_nonsense("{\"runs\": [{\"info\": {\"run_id\": \"../x\", \"status\": \"\"}}]}",
			"the answer is none of MLflow's: a run without run_id or status");
	expect_nonsense("{\"runs\": [{\"info\": {\"run_id\": \"x\", \"status\": \"\"}, \"data\": {\"tags\": {}}}]}",
			"the answer is none of MLflow's: no list where keys and values should be");
	expect_nonsense("{\"runs\": [{\"info\": {\"run_id\": \"x\", \"status\": \"\"}, \"data\": {\"tags\": [{}]}}]}",
			"the answer is none of MLflow's: a value without a key");
	expect_nonsense("{\"model_versions\": [{\"name\": \"x\", \"version\": \"4294967296\"}]}",
			"the answer is none of MLflow's: a version without name or number");
	expect_nonsense("{\"model_versions\": [{\"name\": \"x\", \"version\": -1}]}",
			"the answer is none of MLflow's: a version without name or number");
	expect_nonsense("{}", "the answer is none of MLflow's: a registered model without a name");
	expect_nonsense("{\"name\": \"x\", \"aliases\": [{\"alias\": \"a\", \"version\": \"0\"}]}",
			"the answer is none of MLflow's: an alias without name or version");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_refusal_means),
		cmocka_unit_test(test_a_run_is_taken),
		cmocka_unit_test(test_versions_and_models_are_taken),
		cmocka_unit_test(test_answers_of_another_shape_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
