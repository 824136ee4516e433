#include "base/file.h"
#include "onnx_sample.h"
#include "registry_fixture.h"
#include "service/routes.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOKEN "correct horse"

static int64_t clock_now(void)
{
	static _Atomic int64_t ticks;

	return INT64_C(1700000000000000) + atomic_fetch_add(&ticks, 1000);
}

/* The version's number in the registry; the champion too. */
static uint32_t add_model(struct mlops_store *store, const char *name, uint32_t seed, bool promote)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_model *model = onnx_sample_new(0, 5, 4, seed);
	struct mlops_version version = {
		.name = (char *)(uintptr_t)name, .kind = (char[]){ "anomaly_detection" }, .created = 1000 + seed,
	};
	struct mlops_change change = { .name = version.name, .when = 2000 + seed };
	struct mlops_feature features[ONNX_SAMPLE_FEATURES] = {
		{ .name = (char[]){ "f0" } }, { .name = (char[]){ "f1" } }, { .name = (char[]){ "f2" } },
		{ .name = (char[]){ "f3" } },
	};

	assert_non_null(model);
	assert_true(mlops_model_set_features(model, features, ONNX_SAMPLE_FEATURES, &error));
	assert_true(mlops_onnx_write(model, &bytes, &error));
	assert_true(mlops_store_add_version(store, &version, bytes.data, bytes.length, &error));
	change.to = version.version;
	if (promote)
		assert_true(mlops_store_promote(store, &change, &error));
	mlops_buffer_release(&bytes);
	mlops_model_free(model);
	return version.version;
}

static struct mlops_service *new_service(const struct fixture *fixture, const char *token, const char *const *references,
					 size_t n_references)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_service_options options = {
		.served = { fixture->registry, references, n_references },
		.token = token, .program_version = "1.2.3", .body_limit = 1 << 20, .now = clock_now,
	};
	struct mlops_service *service = mlops_service_new(&options, &error);

	if (service == NULL)
		fail_msg("%s", error.message);
	return service;
}

/* Asks as a server would; release the answer. */
static struct mlops_http_answer ask(struct mlops_service *service, const char *method, const char *path, const char *body,
				    const char *authorization)
{
	struct mlops_http_request request = {
		.method = method, .path = path, .authorization = authorization,
		.body = body == NULL ? "" : body, .body_length = body == NULL ? 0 : strlen(body),
	};
	struct mlops_http_answer answer = { .status = 0 };
	const struct mlops_route *route;

	mlops_service_begin(service);
	if (mlops_service_admit(service, &request, &route, &answer))
		mlops_service_answer(service, route, &request, &answer);
	mlops_service_end(service, route, answer.status, 300);
	mlops_buffer_string(&answer.body);
	return answer;
}

static void expect(struct mlops_service *service, const char *method, const char *path, const char *body,
		   const char *authorization, int status, const char *text)
{
	struct mlops_http_answer answer = ask(service, method, path, body, authorization);

	if (answer.status != status || strstr(answer.body.data, text) == NULL)
		fail_msg("%s %s: %d %s, not %d %s", method, path, answer.status, answer.body.data, status, text);
	if (status >= 400)
		assert_string_equal(answer.content_type, "application/problem+json");
	assert_true((status == 401) == answer.authenticate);
	mlops_http_answer_release(&answer);
}

static void reload(struct mlops_service *service, size_t models, size_t changed, size_t removed)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_served_change change;

	if (!mlops_service_reload(service, &change, &error))
		fail_msg("%s", error.message);
	assert_int_equal(change.models, models);
	assert_int_equal(change.changed, changed);
	assert_int_equal(change.removed, removed);
}

#define HEAD "f0,f1,f2,f3\n"
#define ROW  HEAD "1,2,3,4\n"

static void test_paths_methods_and_tokens(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_service *open = new_service(*state, NULL, NULL, 0), *service;

	add_model(store, "pumps", 1, true);
	expect(open, "GET", "/healthz", NULL, NULL, 200, "ok\n");
	expect(open, "GET", "/readyz", NULL, NULL, 503, "no champion yet");
	expect(open, "POST", "/models/reload", NULL, "Bearer x", 403, "started without SYSTEM_ADMIN_TOKEN");
	mlops_service_free(open);

	service = new_service(*state, TOKEN, NULL, 0);
	reload(service, 1, 1, 0);
	expect(service, "GET", "/readyz", NULL, NULL, 200, "ready\n");
	expect(service, "HEAD", "/readyz", NULL, NULL, 200, "");
	expect(service, "GET", "/nowhere", NULL, NULL, 404, "no such path; GET /openapi.json lists them");
	expect(service, "GET", "/models/", NULL, NULL, 404, "no such path");
	expect(service, "GET", "/models/pumps/score/", NULL, NULL, 404, "no such path");
	expect(service, "GET", "/models/pumps/score", NULL, NULL, 405, "this path takes POST");
	expect(service, "DELETE", "/models", NULL, NULL, 405, "this path takes GET, HEAD");
	expect(service, "POST", "/models/reload", NULL, NULL, 401, "needs the header Authorization");
	expect(service, "POST", "/models/reload", NULL, "Bearer wrong", 401, "the token is not");
	expect(service, "POST", "/models/reload", NULL, "Basic " TOKEN, 401, "the token is not");
	expect(service, "POST", "/models/reload", NULL, "bearer " TOKEN, 200, "\"event\":\"reloaded\",\"changed\":0");
	expect(service, "GET", "/models/pump", NULL, NULL, 404, "did you mean 'pumps'?");
	expect(service, "GET", "/models/pumps", NULL, NULL, 200, "\"name\":\"pumps\",\"version\":1,");
	mlops_service_free(service);
	mlops_store_close(store);
}

static void test_scores_and_what_is_wrong_with_rows(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_service *service = new_service(*state, NULL, NULL, 0);
	struct mlops_http_request form = {
		.method = "POST", .path = "/models/pumps/score", .content_type = "image/png", .body = ROW, .body_length = sizeof ROW - 1,
	};
	struct mlops_http_answer answer = { .status = 0 };
	const struct mlops_route *route;

	add_model(store, "pumps", 1, true);
	reload(service, 1, 1, 0);
	expect(service, "POST", "/models/pumps/score", ROW, NULL, 200, "{\"anomaly_score\":0.");
	expect(service, "POST", "/models/pumps/score", "f0,f1,f2\n1,2,3\n", NULL, 422, "no column \\\"f3\\\"");
	expect(service, "POST", "/models/pumps/score", "", NULL, 422, "the input is empty");
	expect(service, "POST", "/models/pumps/score", "f0,f1,f2\n1,2,3\n", NULL, 422, "no column \\\"f3\\\"");
	expect(service, "POST", "/models/pumps/score", HEAD "1,2,3,4\n1,2,x,4\n1,2,3,4\n5,6,7,8\n", NULL, 422, "\"line\":3");
	/* Nothing of the rows ahead of the wrong one is left in the answer. */
	answer = ask(service, "POST", "/models/pumps/score", HEAD "1,2,3,4\n1,2,x,4\n1,2,3,4\n5,6,7,8\n", NULL);
	assert_null(strstr(answer.body.data, "anomaly_score"));
	mlops_http_answer_release(&answer);

	answer = (struct mlops_http_answer){ .status = 0 };
	assert_true(mlops_service_admit(service, &form, &route, &answer));
	assert_int_equal(mlops_service_body_limit(service, route), 1 << 20);
	mlops_service_answer(service, route, &form, &answer);
	assert_int_equal(answer.status, 415);
	mlops_http_answer_release(&answer);
	mlops_service_free(service);
	mlops_store_close(store);
}

/* A version that can't be loaded changes nothing, also where others could be. */
static void test_a_reload_is_whole_or_not_at_all(void **state)
{
	struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_service *service = new_service(fixture, TOKEN, NULL, 0);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change change = { .name = (char[]){ "pumps" }, .to = 2, .when = 5 };

	add_model(store, "fans", 1, true);
	add_model(store, "pumps", 2, true);
	reload(service, 2, 2, 0);
	reload(service, 2, 0, 0);
	add_model(store, "fans", 3, true);
	assert_int_equal(fixture_add(store, "pumps", 9, 500), 2); /* not a model at all */
	assert_true(mlops_store_promote(store, &change, &error));
	assert_false(mlops_service_reload(service, NULL, &error));
	assert_int_equal(error.code, MLOPS_DATA);
	expect(service, "GET", "/models/fans", NULL, NULL, 200, "\"version\":1,");
	expect(service, "GET", "/models/pumps", NULL, NULL, 200, "\"version\":1,");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_service_reload_last_success 0\n");
	expect(service, "POST", "/models/reload", NULL, "Bearer " TOKEN, 422, "pumps/2");

	error = (struct mlops_error)MLOPS_ERROR_INIT;
	change.to = 0;
	assert_true(mlops_store_rollback(store, &change, &error));
	reload(service, 2, 1, 0);
	expect(service, "GET", "/models/fans", NULL, NULL, 200, "\"version\":2,");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_service_reload_last_success 1\n");
	/* A champion that is taken away is served no longer. */
	change = (struct mlops_change){ .name = (char[]){ "fans" }, .alias = (char[]){ "champion" }, .to = 0, .when = 9 };
	assert_true(mlops_store_set_alias(store, &change, &error));
	reload(service, 1, 0, 1);
	mlops_service_free(service);
	mlops_store_close(store);
}

static void test_named_models_only(void **state)
{
	struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	static const char *const references[] = { "pumps/1" };
	static const char *const twice[] = { "pumps", "pumps/1" };
	static const char *const file[] = { "./pumps.onnx" };
	struct mlops_served_options options = { fixture->registry, twice, 2 };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_service *service;

	add_model(store, "fans", 1, true);
	add_model(store, "pumps", 2, false);
	add_model(store, "pumps", 3, true);
	service = new_service(fixture, NULL, references, 1);
	reload(service, 1, 1, 0);
	expect(service, "GET", "/models/pumps", NULL, NULL, 200, "\"version\":1,");
	expect(service, "GET", "/models/fans", NULL, NULL, 404, "is not loaded");
	mlops_service_free(service);
	assert_null(mlops_served_new(&options, &error));
	fixture_expect_error(fixture, &error, MLOPS_USAGE, "model 'pumps' is named twice");
	options = (struct mlops_served_options){ fixture->registry, file, 1 };
	assert_null(mlops_served_new(&options, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	mlops_store_close(store);
}

struct asker {
	struct mlops_service *service;
	const char *const *answers; /* [3] by version */
	_Atomic bool *over;
	_Atomic size_t *asked;
	size_t wrong;
};

static void *ask_all_the_time(void *context)
{
	struct asker *asker = context;

	do {
		struct mlops_http_answer answer = ask(asker->service, "POST", "/models/pumps/score", ROW, NULL);

		asker->wrong += answer.status != 200 || answer.version < 1 || answer.version > 2 ||
				strcmp(answer.body.data, asker->answers[answer.version]) != 0;
		mlops_http_answer_release(&answer);
		atomic_fetch_add(asker->asked, 1);
	} while (!atomic_load(asker->over));
	return NULL;
}

/* While the champion changes all the time every answer is that of the version which it names. */
static void test_no_answer_is_torn(void **state)
{
	struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_service *service = new_service(fixture, NULL, NULL, 0);
	struct mlops_error error = MLOPS_ERROR_INIT;
	char *answers[3] = { NULL };
	_Atomic bool over = false;
	_Atomic size_t asked = 0;
	struct asker askers[3];
	pthread_t threads[3];
	size_t reloads = 0;

	for (uint32_t v = 1; v <= 2; v++) {
		struct mlops_http_answer answer;

		add_model(store, "pumps", v, true);
		reload(service, 1, 1, 0);
		answer = ask(service, "POST", "/models/pumps/score", ROW, NULL);
		assert_int_equal(answer.version, v);
		answers[v] = strdup(answer.body.data);
		mlops_http_answer_release(&answer);
	}
	assert_string_not_equal(answers[1], answers[2]);
	for (size_t i = 0; i < 3; i++) {
		askers[i] = (struct asker){ service, (const char *const *)answers, &over, &asked, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, ask_all_the_time, &askers[i]), 0);
	}
	while (reloads < 300 || atomic_load(&asked) < 3000) {
		struct mlops_change change = { .name = (char[]){ "pumps" }, .to = 1 + reloads % 2, .when = 9 };

		if (!mlops_store_promote(store, &change, &error) || !mlops_service_reload(service, NULL, &error))
			fail_msg("%s", error.message);
		reloads++;
	}
	atomic_store(&over, true);
	for (size_t i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].wrong, 0);
	}
	free(answers[1]);
	free(answers[2]);
	mlops_service_free(service);
	mlops_store_close(store);
}

static void test_metrics_count_requests(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_service *service = new_service(*state, TOKEN, NULL, 0);

	add_model(store, "pumps", 1, true);
	reload(service, 1, 1, 0);
	expect(service, "POST", "/models/pumps/score", ROW, NULL, 200, "anomaly_score");
	expect(service, "POST", "/models/pump/score", ROW, NULL, 404, "did you mean");
	expect(service, "POST", "/models/reload", NULL, NULL, 401, "needs");
	expect(service, "GET", "/nowhere", NULL, NULL, 404, "no such path");
	expect(service, "GET", "/metrics", NULL, NULL, 200,
	       "mlops_http_requests_total{method=\"POST\",route=\"/models/{name}/score\",status=\"200\"} 1\n"
	       "mlops_http_requests_total{method=\"POST\",route=\"/models/{name}/score\",status=\"404\"} 1\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "route=\"/models/reload\",status=\"401\"} 1\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "{method=\"other\",route=\"other\",status=\"404\"} 1\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200,
	       "mlops_service_rows_total{model=\"pumps\",version=\"1\"} 1\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200,
	       "mlops_service_score_bucket{model=\"pumps\",version=\"1\",le=\"0.1\"} 0\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200,
	       "mlops_service_score_bucket{model=\"pumps\",version=\"1\",le=\"+Inf\"} 1\n"
	       "mlops_service_score_sum{model=\"pumps\",version=\"1\"} 0.");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "mlops_service_score_count{model=\"pumps\",version=\"1\"} 1\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200,
	       "mlops_http_request_duration_seconds_bucket{method=\"POST\",route=\"/models/{name}/score\",le=\"0.00025\"} 0\n"
	       "mlops_http_request_duration_seconds_bucket{method=\"POST\",route=\"/models/{name}/score\",le=\"0.0005\"} 2\n");
	mlops_service_free(service);
	mlops_store_close(store);
}

static int64_t set_clock;

static int64_t stopped_clock(void)
{
	return set_clock;
}

/* The registry's part is read every few seconds, and left out where it can't be read. */
static void test_metrics_of_the_ledger(void **state)
{
	struct fixture *fixture = *state;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_service_options options = {
		.served = { fixture->registry, NULL, 0 }, .program_version = "1.2.3", .body_limit = 1, .now = stopped_clock,
	};
	struct mlops_service *service = mlops_service_new(&options, &error);
	struct mlops_http_answer answer;
	struct mlops_store *store;

	set_clock = 1000000;
	answer = ask(service, "GET", "/metrics", NULL, NULL);
	assert_non_null(strstr(answer.body.data, "mlops_build_info{version=\"1.2.3\"} 1\n"));
	assert_non_null(strstr(answer.body.data, "\nmlops_service_registry_readable 0\n"));
	mlops_http_answer_release(&answer);

	store = fixture_create(fixture);
	add_model(store, "pumps", 1, true);
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_service_registry_readable 0\n");
	set_clock += 15000000;
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_service_registry_readable 1\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_ledger_read_timestamp_seconds 16\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_model_info{model=\"pumps\",sensor=\"\",version=\"1\",");

	add_model(store, "pumps", 2, true);
	set_clock += 4999999;
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_model_info{model=\"pumps\",sensor=\"\",version=\"1\",");
	set_clock++;
	answer = ask(service, "GET", "/metrics", NULL, NULL);
	assert_non_null(strstr(answer.body.data, "\nmlops_model_info{model=\"pumps\",sensor=\"\",version=\"2\","));
	/* one head a family, though the service's own part has a version too */
	assert_null(strstr(strstr(answer.body.data, "# HELP mlops_build_info ") + 1, "# HELP mlops_build_info "));
	mlops_http_answer_release(&answer);
	/* a clock that was set back */
	set_clock = 5000000;
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_ledger_read_timestamp_seconds 5\n");

	mlops_store_close(store);
	fixture_execute(fixture, "DROP TABLE runs");
	set_clock += 5000000;
	answer = ask(service, "GET", "/metrics", NULL, NULL);
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.body.data, "\nmlops_service_registry_readable 0\n"));
	assert_null(strstr(answer.body.data, "mlops_model_info{"));
	mlops_http_answer_release(&answer);
	mlops_service_free(service);
}

/* The description names every route, and no other. */
/* The program is a shell script; what children are like is in service_jobs.c. */
static void test_trainings(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	char script[300], id[MLOPS_JOB_ID] = "", path[64];
	char *environment[] = { NULL };
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_service_options options = {
		.served = { .location = fixture->registry }, .token = TOKEN, .program_version = "1.2.3", .now = clock_now,
		.jobs = { .program = script, .environment = environment, .timeout = 60, .running = 2, .remembered = 5 },
	};
	static const char text[] = "#!/bin/sh\n[ \"$1\" = slow ] && while :; do :; done\necho \"{\\\"trained\\\":\\\"$1\\\"}\"\n";
	struct mlops_service *service = new_service(fixture, TOKEN, NULL, 0);
	struct mlops_http_answer answer;

	expect(service, "POST", "/models/pumps/train", NULL, "Bearer " TOKEN, 503, "this service trains nothing");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_service_jobs{state=\"running\"} 0\n");
	mlops_service_free(service);

	snprintf(script, sizeof script, "%s/train", fixture->root);
	assert_true(mlops_file_replace(script, text, sizeof text - 1, 0777, &error));
	service = mlops_service_new(&options, &error);
	assert_non_null(service);
	expect(service, "POST", "/models/pumps/train", NULL, NULL, 401, "needs the header Authorization");
	expect(service, "GET", "/models/pumps/train", NULL, "Bearer " TOKEN, 405, "this path takes POST");
	expect(service, "POST", "/models/-pumps/train", NULL, "Bearer " TOKEN, 400, "'-pumps'");
	expect(service, "GET", "/jobs", NULL, NULL, 401, "needs the header Authorization");
	expect(service, "GET", "/jobs/x", NULL, NULL, 401, "needs the header Authorization");
	expect(service, "GET", "/jobs/x", NULL, "Bearer " TOKEN, 404, "no job 'x'");
	expect(service, "GET", "/jobs", NULL, "Bearer " TOKEN, 200, "{\"jobs\":[]}\n");

	answer = ask(service, "POST", "/models/pumps/train", "{}", "Bearer " TOKEN);
	assert_int_equal(answer.status, 202);
	assert_string_equal(answer.content_type, "application/json");
	assert_int_equal(sscanf(answer.body.data, "{\"job\":\"%32[0-9a-f]\",\"model\":\"pumps\",", id), 1);
	snprintf(path, sizeof path, "/jobs/%s", id);
	assert_non_null(strstr(answer.body.data, path));
	mlops_http_answer_release(&answer);
	for (int i = 0; i < 4000; i++) {
		bool runs;

		answer = ask(service, "GET", path, NULL, "Bearer " TOKEN);
		runs = strstr(answer.body.data, "\"running\"") != NULL;
		mlops_http_answer_release(&answer);
		if (!runs)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	expect(service, "GET", path, NULL, "Bearer " TOKEN, 200, "\"state\":\"finished\"");
	expect(service, "GET", path, NULL, "Bearer " TOKEN, 200, "\"result\":{\"trained\":\"pumps\"},\"stderr\":[]}");
	expect(service, "POST", "/models/slow/train", NULL, "Bearer " TOKEN, 202, "\"model\":\"slow\"");
	expect(service, "POST", "/models/slow/train", NULL, "Bearer " TOKEN, 409, "model 'slow' is being trained");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_service_jobs{state=\"running\"} 1\n");
	expect(service, "GET", "/metrics", NULL, NULL, 200, "\nmlops_service_jobs{state=\"finished\"} 1\n");
	mlops_service_stop_jobs(service);
	expect(service, "POST", "/models/pumps/train", NULL, "Bearer " TOKEN, 503, "the service is about to end");
	mlops_service_free(service);
	mlops_store_close(store);
}

static void test_openapi_describes_the_routes(void **state)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	size_t n, operations = 0;
	const struct mlops_route *routes = mlops_routes(&n);
	json_t *description, *paths, *path;
	const char *key;

	(void)state;
	assert_true(n <= MLOPS_MOST_ROUTES);
	mlops_openapi_write("1.2.3", &text);
	description = json_loadb(text.data, text.length, 0, NULL);
	assert_non_null(description);
	paths = json_object_get(description, "paths");
	json_object_foreach(paths, key, path)
		operations += json_object_size(path);
	assert_int_equal(operations, n);
	for (size_t i = 0; i < n; i++) {
		const char *method = strcmp(routes[i].method, "GET") == 0 ? "get" : "post";
		json_t *operation = json_object_get(json_object_get(paths, routes[i].path), method);

		assert_non_null(operation);
		assert_int_equal(json_object_get(operation, "security") != NULL, routes[i].access == MLOPS_ROUTE_ADMIN);
		assert_int_equal(json_object_get(operation, "requestBody") != NULL, routes[i].body != MLOPS_BODY_NONE);
	}
	json_decref(description);
	mlops_buffer_release(&text);
}

int main(void)
{
#define WITH_REGISTRY(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH_REGISTRY(test_paths_methods_and_tokens),
		WITH_REGISTRY(test_scores_and_what_is_wrong_with_rows),
		WITH_REGISTRY(test_a_reload_is_whole_or_not_at_all),
		WITH_REGISTRY(test_named_models_only),
		WITH_REGISTRY(test_no_answer_is_torn),
		WITH_REGISTRY(test_metrics_count_requests),
		WITH_REGISTRY(test_metrics_of_the_ledger),
		cmocka_unit_test_setup_teardown(test_trainings, fixture_setup, fixture_teardown),
		cmocka_unit_test(test_openapi_describes_the_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
