/*
 * csv_columns [-d] [-k BUILD] [-n RUNS] [-t THREADS] FILE: reads FILE's columns that are numbers, or with -d those of
 * that table of the database $DATABASE_URL, into float32 columns in memory, RUNS times, and prints a JSON object: rows, columns, a checksum of the bits, and of each
 * run the seconds of the clock and of the CPUs.
 */
#include "base/buffer.h"
#include "base/thread.h"
#include "kernel/table.h"
#include "rows/postgres.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct table {
	size_t n_columns;
	size_t rows;
	size_t room;
	float **columns;
};

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool append(struct table *table, const struct mlops_chunk *chunk, struct mlops_error *error)
{
	if (table->room - table->rows < chunk->rows) {
		size_t room = 2 * table->room + MLOPS_CHUNK_ROWS;

		for (size_t i = 0; i < table->n_columns; i++) {
			float *column = realloc(table->columns[i], room * sizeof *column);

			if (column == NULL)
				return mlops_error_set_memory(error);
			table->columns[i] = column;
		}
		table->room = room;
	}
	for (size_t i = 0; i < table->n_columns; i++)
		memcpy(table->columns[i] + table->rows, chunk->columns[i].numbers,
		       chunk->rows * sizeof(float));
	table->rows += chunk->rows;
	return true;
}

static bool fill(struct mlops_reader *reader, struct table *table, struct mlops_error *error)
{
	struct mlops_binding *bindings = calloc(reader->n_columns, sizeof *bindings);
	enum mlops_column_type *types = calloc(reader->n_columns, sizeof *types);
	struct mlops_chunk *chunk = NULL;
	size_t n = 0;
	bool ok = false;

	table->columns = calloc(reader->n_columns, sizeof *table->columns);
	if (bindings == NULL || types == NULL || table->columns == NULL) {
		mlops_error_set_memory(error);
		goto done;
	}
	for (size_t i = 0; i < reader->n_columns; i++)
		if (reader->columns[i].guess == MLOPS_COLUMN_NUMBER) {
			types[n] = MLOPS_COLUMN_NUMBER;
			bindings[n++] = (struct mlops_binding){ i, MLOPS_COLUMN_NUMBER };
		}
	table->n_columns = n;
	chunk = mlops_chunk_new(types, n, error);
	ok = chunk != NULL && mlops_reader_bind(reader, bindings, n, error);
	while (ok) {
		ok = mlops_reader_next(reader, chunk, error);
		if (!ok || chunk->rows == 0)
			break;
		ok = append(table, chunk, error);
	}

done:
	mlops_chunk_free(chunk);
	free(bindings);
	free(types);
	return ok;
}

static uint64_t checksum(const struct table *table)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < table->n_columns; i++)
		for (size_t r = 0; r < table->rows; r++) {
			uint32_t bits;

			memcpy(&bits, &table->columns[i][r], sizeof bits);
			sum = (sum ^ bits) * UINT64_C(0x100000001b3);
		}
	return sum;
}

static bool run(const char *path, bool database, struct mlops_pool *pool, bool last, double seconds[2],
		struct mlops_error *error)
{
	struct mlops_postgres_options from = MLOPS_POSTGRES_OPTIONS_INIT;
	struct mlops_postgres_session *session = NULL;
	struct mlops_read_options options = MLOPS_READ_OPTIONS_INIT;
	struct table table = { .n_columns = 0 };
	double start = now(CLOCK_MONOTONIC);
	double cpu_start = now(CLOCK_PROCESS_CPUTIME_ID);
	struct mlops_source *source = database ? NULL : mlops_source_open(path, error);
	struct mlops_reader *reader = NULL;
	bool ok;

	options.pool = pool;
	from.url = getenv("DATABASE_URL");
	from.table = path;
	if (database)
		session = mlops_postgres_session_new(&from, error);
	if (session != NULL)
		reader = mlops_postgres_open(session, &from, &options, error);
	else if (source != NULL)
		reader = mlops_reader_open(source, &options, error);
	ok = reader != NULL && fill(reader, &table, error);

	seconds[0] = now(CLOCK_MONOTONIC) - start;
	seconds[1] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
	if (ok && last)
		printf("{\"rows\":%zu,\"columns\":%zu,\"checksum\":\"%016llx\"", table.rows, table.n_columns,
		       (unsigned long long)checksum(&table));
	for (size_t i = 0; i < table.n_columns && table.columns != NULL; i++)
		free(table.columns[i]);
	free(table.columns);
	if (reader != NULL)
		mlops_reader_free(reader);
	mlops_postgres_session_free(session);
	mlops_source_free(source);
	return ok;
}

int main(int argc, char **argv)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_buffer lists[2] = { MLOPS_BUFFER_INIT, MLOPS_BUFFER_INIT };
	unsigned long runs = 1;
	unsigned threads = 1;
	bool database = false;
	struct mlops_pool *pool;
	int option;

	while ((option = getopt(argc, argv, "dk:n:t:")) != -1) {
		if (option == 'd')
			database = true;
		else if (option == 'n')
			runs = strtoul(optarg, NULL, 10);
		else if (option == 't')
			threads = (unsigned)strtoul(optarg, NULL, 10);
		else if (option != 'k' || !mlops_kernels_force(optarg))
			return 64;
	}
	if (optind + 1 != argc || runs < 1)
		return 64;
	/* Each run as the first: columns grow by moving pages, where malloc would learn to copy them. */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	pool = mlops_pool_new(threads, &error);
	if (pool == NULL)
		return 1;
	for (unsigned long i = 0; i < runs; i++) {
		double seconds[2];

		if (!run(argv[optind], database, pool, i + 1 == runs, seconds, &error)) {
			fprintf(stderr, "csv_columns: %s:%llu: %s\n", error.source,
				(unsigned long long)error.line, error.message);
			return 1;
		}
		for (int k = 0; k < 2; k++)
			mlops_buffer_append_format(&lists[k], "%s%.6f", i > 0 ? "," : "", seconds[k]);
	}
	mlops_pool_free(pool);
	printf(",\"kernels\":\"%s\",\"seconds\":[%s],\"cpu\":[%s]}\n", mlops_kernels()->name,
	       mlops_buffer_string(&lists[0]), mlops_buffer_string(&lists[1]));
	for (int k = 0; k < 2; k++)
		mlops_buffer_release(&lists[k]);
	return 0;
}
