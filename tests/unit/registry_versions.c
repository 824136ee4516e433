#include "registry_fixture.h"

#include "base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADDERS 4
#define ADDED_EACH 12

static char pump[] = "pump";
static char kind[] = "anomaly_detection";

static void resolve(struct mlops_store *store, const char *text, struct mlops_version *version)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reference reference;

	if (!mlops_reference_parse(text, &reference, &error) ||
	    !mlops_store_resolve(store, &reference, version, &error))
		fail_msg("%s: %s", text, error.message);
}

static void expect_unresolved(struct mlops_store *store, const char *text, enum mlops_code code,
			      const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reference reference;
	struct mlops_version version;

	assert_true(mlops_reference_parse(text, &reference, &error));
	assert_false(mlops_store_resolve(store, &reference, &version, &error));
	assert_null(version.name);
	fixture_expect_error(NULL, &error, code, message);
}

static void test_add_and_read(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version added = { .name = pump,
				       .kind = kind,
				       .created = 7 * MINUTE,
				       .rows = 5000000000,
				       .metrics = (char[]){ "{\"roc_auc\":0.974}" },
				       .settings = (char[]){ "{\"trees\":100}" },
				       .features = (char[]){ "[\"temp\",\"flöw\"]" } };
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	struct mlops_version version;
	struct stat status;

	assert_true(mlops_store_add_version(store, &added, "abc", 3, &error));
	assert_int_equal(added.version, 1);
	assert_int_equal(added.size, 3);
	assert_string_equal(added.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	mlops_store_close(store);

	store = fixture_read(fixture);
	resolve(store, "pump/1", &version);
	assert_string_equal(version.name, "pump");
	assert_int_equal(version.version, 1);
	assert_string_equal(version.kind, "anomaly_detection");
	assert_string_equal(version.sha256, added.sha256);
	assert_int_equal(version.size, 3);
	assert_int_equal(version.created, 7 * MINUTE);
	assert_null(version.run_id);
	assert_true(version.rows == 5000000000);
	assert_string_equal(version.metrics, "{\"roc_auc\":0.974}");
	assert_string_equal(version.settings, "{\"trees\":100}");
	assert_string_equal(version.features, "[\"temp\",\"flöw\"]");
	assert_string_equal(version.aliases, "[]");
	assert_false(version.champion);

	mlops_buffer_append_string(&bytes, "before");
	assert_true(mlops_store_load(store, &version, &bytes, &error));
	assert_string_equal(mlops_buffer_string(&bytes), "beforeabc");
	assert_int_equal(stat(fixture_file(fixture, &version), &status), 0);
	assert_int_equal((status.st_mode & 0777) | 0644, 0644);
	mlops_buffer_release(&bytes);
	mlops_version_release(&version);
	mlops_store_close(store);
}

static void test_defaults_are_json(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_version version;

	fixture_add(store, "pump", 1, 0);
	resolve(store, "pump/1", &version);
	assert_string_equal(version.metrics, "{}");
	assert_string_equal(version.settings, "{}");
	assert_string_equal(version.features, "[]");
	assert_int_equal(version.size, 0);
	mlops_version_release(&version);
	mlops_store_close(store);
}

static void test_list(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change change = { .name = pump, .to = 2 };
	struct mlops_version_list versions;

	assert_true(mlops_store_versions(store, NULL, &versions, &error));
	assert_int_equal(versions.n, 0);
	mlops_version_list_release(&versions);

	for (uint32_t i = 1; i <= 3; i++)
		fixture_add(store, "pump", i, 10);
	fixture_add(store, "fan", 1, 10);
	assert_true(mlops_store_promote(store, &change, &error));

	assert_true(mlops_store_versions(store, NULL, &versions, &error));
	assert_int_equal(versions.n, 4);
	assert_string_equal(versions.items[0].name, "fan");
	for (uint32_t i = 1; i <= 3; i++) {
		assert_string_equal(versions.items[i].name, "pump");
		assert_int_equal(versions.items[i].version, i);
		assert_int_equal(versions.items[i].champion, i == 2);
	}
	mlops_version_list_release(&versions);
	assert_true(mlops_store_champions(store, &versions, &error));
	assert_int_equal(versions.n, 1);
	assert_string_equal(versions.items[0].name, "pump");
	assert_int_equal(versions.items[0].version, 2);
	mlops_version_list_release(&versions);
	assert_true(mlops_store_versions(store, "fan", &versions, &error));
	assert_int_equal(versions.n, 1);
	mlops_version_list_release(&versions);
	assert_false(mlops_store_versions(store, "Punp", &versions, &error));
	fixture_expect_error(NULL, &error, MLOPS_DATA,
			     "model 'Punp' is not in the registry (did you mean 'pump'?)");
	mlops_store_close(store);
}

static void test_unresolved(void **state)
{
	struct mlops_store *store = fixture_create(*state);

	expect_unresolved(store, "pump", MLOPS_DATA, "model 'pump' is not in the registry");
	fixture_add(store, "pump", 1, 10);
	fixture_add(store, "pump", 2, 10);
	expect_unresolved(store, "pimp", MLOPS_DATA,
			  "model 'pimp' is not in the registry (did you mean 'pump'?)");
	expect_unresolved(store, "pump", MLOPS_DATA,
			  "model 'pump' has no champion; promote a version (the newest is 2)");
	expect_unresolved(store, "pump@blue", MLOPS_DATA, "model 'pump' has no alias 'blue'");
	expect_unresolved(store, "pump/3", MLOPS_DATA, "model 'pump' has no version 3; the newest is 2");
	expect_unresolved(store, "./pump", MLOPS_USAGE, "'./pump' is a file, not a model in the registry");
	mlops_store_close(store);
}

static void test_refused(void **state)
{
	struct mlops_store *store = fixture_create(*state);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version version = { .name = (char[]){ "pump/1" }, .kind = kind };

	assert_false(mlops_store_add_version(store, &version, "abc", 3, &error));
	fixture_expect_error(NULL, &error, MLOPS_USAGE, "model name 'pump/1' must not contain '/'");
	fixture_add(store, "pump", 1, 10);
	version.name = pump;
	version.kind = (char[]){ "failure_prediction" };
	assert_false(mlops_store_add_version(store, &version, "abc", 3, &error));
	fixture_expect_error(
		NULL, &error, MLOPS_DATA,
		"model 'pump' is of the kind anomaly_detection, not failure_prediction; choose another name");
	assert_int_equal(version.version, 0);
	assert_int_equal(fixture_count_files(*state), 1);
	/* The refused one has not used up a number. */
	assert_int_equal(fixture_add(store, "pump", 2, 10), 2);
	mlops_store_close(store);
}

static void test_same_content(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_version version;
	struct stat before, after;
	FILE *file;

	assert_int_equal(fixture_add(store, "pump", 1, 100), 1);
	resolve(store, "pump/1", &version);
	assert_int_equal(stat(fixture_file(fixture, &version), &before), 0);
	assert_int_equal(fixture_add(store, "pump", 1, 100), 2);
	assert_int_equal(fixture_add(store, "fan", 1, 100), 1);
	assert_int_equal(fixture_count_files(fixture), 1);
	assert_int_equal(stat(fixture_file(fixture, &version), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);

	/* A damaged file is not taken for the content that it is named after. */
	file = fopen(fixture_file(fixture, &version), "wb");
	assert_non_null(file);
	fputs("damaged", file);
	fclose(file);
	assert_int_equal(fixture_add(store, "pump", 1, 100), 3);
	assert_int_equal(stat(fixture_file(fixture, &version), &after), 0);
	assert_int_equal(after.st_size, 100);
	mlops_version_release(&version);
	mlops_store_close(store);
}

static void overwrite(const char *path, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void test_load_checks(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version version = { .name = pump, .kind = kind };
	struct mlops_buffer bytes = MLOPS_BUFFER_INIT;
	char sha256[65];

	assert_true(mlops_store_add_version(store, &version, "abc", 3, &error));
	overwrite(fixture_file(fixture, &version), "abd", 3);
	assert_false(mlops_store_load(store, &version, &bytes, &error));
	fixture_expect_error(
		fixture, &error, MLOPS_NEGATIVE,
		"{}/models/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.onnx: 3 bytes with "
		"SHA-256 a52d159f262b2c6d…, not the 3 bytes with ba7816bf8f01cfea… that were registered");
	assert_int_equal(bytes.length, 0);
	overwrite(fixture_file(fixture, &version), "ab", 2);
	assert_false(mlops_store_load(store, &version, &bytes, &error));
	assert_int_equal(error.code, MLOPS_NEGATIVE);
	error = (struct mlops_error)MLOPS_ERROR_INIT;

	assert_int_equal(unlink(fixture_file(fixture, &version)), 0);
	assert_false(mlops_store_load(store, &version, &bytes, &error));
	fixture_expect_error(
		fixture, &error, MLOPS_IO,
		"{}/models/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.onnx: "
		"No such file or directory");
	mlops_sha256_of("abd", 3, sha256);
	assert_memory_equal(sha256, "a52d159f262b2c6d", 16);
	mlops_buffer_release(&bytes);
	mlops_store_close(store);
}

struct adder {
	const struct fixture *fixture;
	uint32_t index;
};

static bool add_many(void *context)
{
	const struct adder *adder = context;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = mlops_store_open(
		&(struct mlops_store_options){ .location = adder->fixture->registry, .create = true },
		&error);
	bool ok = store != NULL;

	for (uint32_t i = 0; ok && i < ADDED_EACH; i++) {
		struct mlops_version version = { .name = pump, .kind = kind, .created = adder->index };
		char bytes[32];
		int length = snprintf(bytes, sizeof bytes, "%u of %u", i, adder->index);

		ok = mlops_store_add_version(store, &version, bytes, (size_t)length, &error);
	}
	if (!ok)
		fprintf(stderr, "# adder %u: %s\n", adder->index, error.message);
	mlops_store_close(store);
	return ok;
}

/* The registry is not there before: so this is the race for making it, too. */
static void test_adding_at_once(void **state)
{
	const struct fixture *fixture = *state;
	struct adder adders[ADDERS];
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list versions;
	unsigned each[ADDERS] = { 0 };
	struct mlops_store *store;
	pid_t children[ADDERS];

	for (uint32_t i = 0; i < ADDERS; i++) {
		adders[i] = (struct adder){ fixture, i };
		children[i] = fixture_fork(add_many, &adders[i]);
	}
	for (uint32_t i = 0; i < ADDERS; i++)
		assert_int_equal(fixture_join(children[i]), 0);

	store = fixture_read(fixture);
	assert_true(mlops_store_versions(store, "pump", &versions, &error));
	assert_int_equal(versions.n, ADDERS * ADDED_EACH);
	for (size_t i = 0; i < versions.n; i++) {
		char problem[160];

		assert_int_equal(versions.items[i].version, i + 1);
		assert_true(mlops_store_verify_version(store, &versions.items[i], problem, &error));
		assert_string_equal(problem, "");
		each[versions.items[i].created]++;
	}
	for (size_t i = 0; i < ADDERS; i++)
		assert_int_equal(each[i], ADDED_EACH);
	mlops_version_list_release(&versions);
	mlops_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add_and_read, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_defaults_are_json, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_list, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_unresolved, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_refused, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_same_content, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_load_checks, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_adding_at_once, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
