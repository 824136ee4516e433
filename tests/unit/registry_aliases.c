#include "registry_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char pump[] = "pump";
static char ann[] = "ann@plant";

typedef bool change_call(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error);

/* Calls with a change of the champion (or another alias), and checks what it fills in. */
static void change_alias(struct mlops_store *store, change_call *call, const char *alias, uint32_t to,
			 const char *action, uint32_t from, uint32_t reached)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change change = {
		.name = pump, .alias = (char *)(uintptr_t)alias, .to = to, .when = 5, .who = ann
	};

	if (!call(store, &change, &error))
		fail_msg("%s", error.message);
	assert_string_equal(change.action, action);
	assert_int_equal(change.from, from);
	assert_int_equal(change.to, reached);
}

static void refuse(struct mlops_store *store, change_call *call, const char *alias, uint32_t to,
		   enum mlops_code code, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change change = { .name = pump, .alias = (char *)(uintptr_t)alias, .to = to, .when = 5 };

	assert_false(call(store, &change, &error));
	assert_null(change.action);
	assert_int_equal(change.to, to);
	assert_int_equal(change.from, 0);
	fixture_expect_error(NULL, &error, code, message);
}

static void promote(struct mlops_store *store, uint32_t to, uint32_t from)
{
	change_alias(store, mlops_store_promote, NULL, to, "promote", from, to);
	assert_int_equal(fixture_champion(store, "pump"), to);
}

static void roll_back(struct mlops_store *store, uint32_t from, uint32_t reached)
{
	change_alias(store, mlops_store_rollback, MLOPS_CHAMPION, 0, "rollback", from, reached);
	assert_int_equal(fixture_champion(store, "pump"), reached);
}

static const char no_earlier[] = "model 'pump' has no earlier champion to go back to";

static struct mlops_store *create_with_versions(const struct fixture *fixture, uint32_t n)
{
	struct mlops_store *store = fixture_create(fixture);

	for (uint32_t i = 1; i <= n; i++)
		assert_int_equal(fixture_add(store, "pump", i, 100), i);
	return store;
}

static void test_rollback_stack(void **state)
{
	struct mlops_store *store = create_with_versions(*state, 4);

	refuse(store, mlops_store_rollback, NULL, 0, MLOPS_NEGATIVE, no_earlier);
	promote(store, 1, 0);
	refuse(store, mlops_store_rollback, NULL, 0, MLOPS_NEGATIVE, no_earlier);
	promote(store, 2, 1);
	promote(store, 3, 2);
	roll_back(store, 3, 2);
	roll_back(store, 2, 1);
	refuse(store, mlops_store_rollback, NULL, 0, MLOPS_NEGATIVE, no_earlier);
	assert_int_equal(fixture_champion(store, "pump"), 1);

	promote(store, 3, 1);
	promote(store, 4, 3);
	promote(store, 3, 4);
	roll_back(store, 3, 4);
	roll_back(store, 4, 3);
	roll_back(store, 3, 1);
	refuse(store, mlops_store_rollback, NULL, 0, MLOPS_NEGATIVE, no_earlier);
	mlops_store_close(store);
}

static void test_promote_twice_is_once(void **state)
{
	struct mlops_store *store = create_with_versions(*state, 2);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change_list changes;

	promote(store, 1, 0);
	promote(store, 2, 1);
	promote(store, 2, 2);
	assert_true(mlops_store_history(store, "pump", true, &changes, &error));
	assert_int_equal(changes.n, 2);
	mlops_change_list_release(&changes);
	roll_back(store, 2, 1);
	mlops_store_close(store);
}

static void test_rollback_to(void **state)
{
	struct mlops_store *store = create_with_versions(*state, 5);

	for (uint32_t i = 1; i <= 4; i++)
		promote(store, i, i - 1);
	refuse(store, mlops_store_rollback, NULL, 4, MLOPS_NEGATIVE,
	       "version 4 of model 'pump' is the champion already");
	refuse(store, mlops_store_rollback, NULL, 5, MLOPS_NEGATIVE,
	       "version 5 of model 'pump' is no earlier champion; promote it instead");
	refuse(store, mlops_store_rollback, NULL, 6, MLOPS_DATA,
	       "model 'pump' has no version 6; the newest is 5");
	change_alias(store, mlops_store_rollback, NULL, 2, "rollback", 4, 2);
	assert_int_equal(fixture_champion(store, "pump"), 2);
	refuse(store, mlops_store_rollback, NULL, 3, MLOPS_NEGATIVE,
	       "version 3 of model 'pump' is no earlier champion; promote it instead");
	roll_back(store, 2, 1);
	mlops_store_close(store);
}

static void test_champion_removed(void **state)
{
	struct mlops_store *store = create_with_versions(*state, 2);

	promote(store, 1, 0);
	promote(store, 2, 1);
	change_alias(store, mlops_store_set_alias, MLOPS_CHAMPION, 0, "remove", 2, 0);
	assert_int_equal(fixture_champion(store, "pump"), 0);
	roll_back(store, 0, 2);
	change_alias(store, mlops_store_set_alias, MLOPS_CHAMPION, 0, "remove", 2, 0);
	promote(store, 2, 0);
	roll_back(store, 2, 1);
	/* An alias of that name goes the way of a promotion. */
	change_alias(store, mlops_store_set_alias, MLOPS_CHAMPION, 2, "promote", 1, 2);
	roll_back(store, 2, 1);
	mlops_store_close(store);
}

static void test_other_aliases(void **state)
{
	struct mlops_store *store = create_with_versions(*state, 3);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_reference reference;
	struct mlops_version version;

	change_alias(store, mlops_store_set_alias, "challenger", 2, "alias", 0, 2);
	change_alias(store, mlops_store_set_alias, "Blue", 2, "alias", 0, 2);
	change_alias(store, mlops_store_set_alias, "challenger", 3, "alias", 2, 3);
	promote(store, 2, 0);

	assert_true(mlops_reference_parse("pump@Blue", &reference, &error));
	assert_true(mlops_store_resolve(store, &reference, &version, &error));
	assert_int_equal(version.version, 2);
	assert_true(version.champion);
	assert_string_equal(version.aliases, "[\"Blue\",\"champion\"]");
	mlops_version_release(&version);

	assert_true(mlops_reference_parse("pump@chalenger", &reference, &error));
	assert_false(mlops_store_resolve(store, &reference, &version, &error));
	fixture_expect_error(NULL, &error, MLOPS_DATA,
			     "model 'pump' has no alias 'chalenger' (did you mean 'challenger'?)");

	change_alias(store, mlops_store_set_alias, "challenger", 0, "remove", 3, 0);
	refuse(store, mlops_store_set_alias, "challenger", 0, MLOPS_DATA,
	       "model 'pump' has no alias 'challenger'");
	refuse(store, mlops_store_set_alias, "v7", 1, MLOPS_USAGE,
	       "alias 'v7' looks like a version; choose another name");
	refuse(store, mlops_store_set_alias, "blue", 9, MLOPS_DATA,
	       "model 'pump' has no version 9; the newest is 3");
	refuse(store, mlops_store_promote, "Blue", 1, MLOPS_USAGE,
	       "alias 'Blue' cannot be promoted or rolled back, only 'champion'");
	refuse(store, mlops_store_promote, NULL, 0, MLOPS_DATA,
	       "model 'pump' has no version 0; the newest is 3");
	mlops_store_close(store);
}

static void expect_change(const struct mlops_change *change, const char *alias, const char *action,
			  uint32_t from, uint32_t to)
{
	assert_string_equal(change->name, "pump");
	assert_string_equal(change->alias, alias);
	assert_string_equal(change->action, action);
	assert_int_equal(change->from, from);
	assert_int_equal(change->to, to);
}

static void test_history(void **state)
{
	struct mlops_store *store = create_with_versions(*state, 2);
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_change change = { .name = pump,
				       .to = 2,
				       .when = 77 * MINUTE,
				       .who = ann,
				       .why = (char[]){ "fewer false alarms" } };
	struct mlops_change_list changes;

	fixture_add(store, "fan", 9, 10);
	promote(store, 1, 0);
	change_alias(store, mlops_store_set_alias, "challenger", 2, "alias", 0, 2);
	assert_true(mlops_store_promote(store, &change, &error));
	roll_back(store, 2, 1);

	assert_true(mlops_store_history(store, "pump", false, &changes, &error));
	assert_int_equal(changes.n, 3);
	expect_change(&changes.items[0], "champion", "rollback", 2, 1);
	expect_change(&changes.items[1], "champion", "promote", 1, 2);
	expect_change(&changes.items[2], "champion", "promote", 0, 1);
	assert_int_equal(changes.items[1].when, 77 * MINUTE);
	assert_string_equal(changes.items[1].who, "ann@plant");
	assert_string_equal(changes.items[1].why, "fewer false alarms");
	assert_null(changes.items[0].why);
	mlops_change_list_release(&changes);

	assert_true(mlops_store_history(store, "pump", true, &changes, &error));
	assert_int_equal(changes.n, 4);
	expect_change(&changes.items[2], "challenger", "alias", 0, 2);
	mlops_change_list_release(&changes);
	assert_true(mlops_store_history(store, "fan", true, &changes, &error));
	assert_int_equal(changes.n, 0);
	mlops_change_list_release(&changes);
	assert_true(mlops_store_history(store, NULL, true, &changes, &error));
	assert_int_equal(changes.n, 4);
	mlops_change_list_release(&changes);

	assert_false(mlops_store_history(store, "pumps", true, &changes, &error));
	fixture_expect_error(NULL, &error, MLOPS_DATA,
			     "model 'pumps' is not in the registry (did you mean 'pump'?)");
	mlops_store_close(store);
}

static void test_unknown_model(void **state)
{
	struct mlops_store *store = create_with_versions(*state, 1);
	struct mlops_change change = { .name = (char[]){ "compressor" },
				       .alias = (char[]){ "blue" },
				       .to = 1 };
	change_call *const calls[] = { mlops_store_promote, mlops_store_rollback, mlops_store_set_alias };

	for (size_t i = 0; i < 3; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;

		change.alias = i == 2 ? (char[]){ "blue" } : NULL;
		assert_false(calls[i](store, &change, &error));
		fixture_expect_error(NULL, &error, MLOPS_DATA, "model 'compressor' is not in the registry");
	}
	mlops_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rollback_stack, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_promote_twice_is_once, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_rollback_to, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_champion_removed, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_other_aliases, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_history, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_unknown_model, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
