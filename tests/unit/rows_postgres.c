/* What can be said without a server: URLs and names of tables.  With one: tests/live/postgres.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rows/postgres_table.h"

#include <stdio.h>
#include <string.h>

static void urls(void **state)
{
	static const struct {
		const char *url, *plain;
	} cases[] = {
		{ "postgresql://u:p@h:5432/d?sslmode=require", "postgresql://u:p@h:5432/d?sslmode=require" },
		{ "postgres://h/d", "postgresql://h/d" },
		{ "postgresql+psycopg2://u:p@h/d", "postgresql://u:p@h/d" },
		{ "postgres+asyncpg:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql" },
		{ "postgresql://u:p%40w@h/d", "postgresql://u:p%40w@h/d" },
	};
	static const char *const bad[] = {
		"",
		"mysql://u:secret@h/d",
		"postgresql:/u:secret@h/d",
		"postgresqlx://u:secret@h",
		"postgresql://u:secret@x@h/d",
		"postgresql://u:sec/ret@h/d",
		"postgresql://u:sec?ret@h/d",
		"postgresql://u:sec#ret@h/d",
		"host=h password=secret",
	};
	struct mlops_buffer plain = MLOPS_BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(mlops_postgres_plain_url(cases[i].url, &plain, NULL));
		assert_string_equal(plain.data, cases[i].plain);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;

		assert_false(mlops_postgres_plain_url(bad[i], &plain, &error));
		assert_int_equal(error.code, MLOPS_CONFIG);
		assert_null(strstr(error.message, "sec"));
	}
	assert_true(mlops_postgres_plain_url(NULL, &plain, NULL));
	assert_int_equal(plain.length, 0);
	mlops_buffer_release(&plain);
}

static void names_of_tables(void **state)
{
	static const struct {
		const char *name, *quoted;
	} cases[] = {
		{ "readings", "\"readings\"" },
		{ "plant.readings", "\"plant\".\"readings\"" },
		{ "Plant.my table", "\"Plant\".\"my table\"" },
		{ "a\"b", "\"a\"\"b\"" },
		{ "\"a.b\".c", "\"a.b\".\"c\"" },
		{ "\"a\"\"b\"", "\"a\"\"b\"" },
		{ "x; drop table y", "\"x; drop table y\"" },
	};
	static const char *const bad[] = { "", ".", "a.", ".b", "a.b.c", "\"a", "\"\"", "\"a\"b", "\"a\"\"" };
	struct mlops_buffer quoted = MLOPS_BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(mlops_postgres_quote_table(cases[i].name, &quoted, NULL));
		assert_string_equal(quoted.data, cases[i].quoted);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct mlops_error error = MLOPS_ERROR_INIT;

		if (mlops_postgres_quote_table(bad[i], &quoted, &error))
			fail_msg("'%s' was taken for a table", bad[i]);
		assert_int_equal(error.code, MLOPS_USAGE);
	}
	mlops_buffer_release(&quoted);
}

static void what_the_ledger_says(void **state)
{
	struct mlops_postgres_options database = MLOPS_POSTGRES_OPTIONS_INIT;
	struct mlops_buffer name = MLOPS_BUFFER_INIT;
	struct mlops_error error = MLOPS_ERROR_INIT;

	(void)state;
	database.url = "postgresql+psycopg2://u:secret@db.example.org:5433/plant";
	database.table = "readings";
	if (!mlops_postgres_name(&database, &name, &error)) {
		assert_int_equal(error.code, MLOPS_CONFIG);
		skip();
	}
	assert_string_equal(name.data, "postgresql: table readings (plant at db.example.org)");
	database.table = NULL;
	database.query = "SELECT 1";
	assert_true(mlops_postgres_name(&database, &name, &error));
	assert_string_equal(name.data, "postgresql: query SELECT 1 (plant at db.example.org)");
	database.url = "postgresql://u:secret@h:port/plant?schema=secret";
	assert_false(mlops_postgres_name(&database, &name, &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message, "the database's URL: invalid URI query parameter: \"schema\"");
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	database.url = "postgresql://[u:secret";
	assert_false(mlops_postgres_name(&database, &name, &error));
	assert_string_equal(
		error.message,
		"the database's URL is not postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE");
	mlops_buffer_release(&name);
}

/* Nothing is read twice or left out, whatever the number of blocks. */
static void shares_of_tables(void **state)
{
	static const uint64_t sizes[] = { 4097, 5000, 8192, 8193, 1000000, 10000001 };
	struct mlops_buffer condition = MLOPS_BUFFER_INIT;

	(void)state;
	assert_int_equal(mlops_postgres_table_shares(0), 1);
	assert_int_equal(mlops_postgres_table_shares(4096), 1);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint64_t n = mlops_postgres_table_shares(sizes[i]), end = 0;

		assert_true(n > 1);
		for (uint64_t share = 0; share < n; share++) {
			unsigned long long from, before = 0;
			int found;

			mlops_buffer_clear(&condition);
			mlops_postgres_table_share(n, share, &condition);
			found = sscanf(mlops_buffer_string(&condition),
				       "ctid >= '(%llu,0)'::pg_catalog.tid AND "
				       "ctid < '(%llu,0)'::pg_catalog.tid",
				       &from, &before);
			assert_int_equal(found, share + 1 < n ? 2 : 1);
			assert_int_equal(from, end);
			assert_true(from < sizes[i]);
			assert_true(share + 1 == n || (before > from && before - from <= 1024));
			end = before;
		}
	}
	mlops_buffer_clear(&condition);
	mlops_postgres_table_share(2, 1, &condition);
	assert_string_equal(mlops_buffer_string(&condition), "ctid >= '(256,0)'::pg_catalog.tid");
	mlops_buffer_release(&condition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(names_of_tables),
		cmocka_unit_test(what_the_ledger_says),
		cmocka_unit_test(shares_of_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
