#include "rows/postgres.h"

#include "base/text.h"
#include "base/thread.h"
#include "rows/postgres_shares.h"

#include <stdlib.h>
#include <string.h>

#define MOST_NAMES 10000

struct postgres_reader {
	struct mlops_reader base;
	struct mlops_postgres_session *session;
	struct mlops_buffer from;      /* what the columns are selected from */
	Oid *oids;		       /* [base.n_columns] */
	enum mlops_pgcopy_type *types; /* [base.n_columns] */
	struct mlops_postgres_stream stream;
	struct mlops_postgres_shares *shares; /* read instead of the stream; NULL: the stream is */
	struct mlops_pgcopy_field *fields; /* [stream.copy.n_fields] the columns that are bound */
	bool *casts;			   /* [stream.copy.n_fields] the server makes them texts */
	size_t *slots;			   /* [stream.copy.n_slots] */
	bool is_table, bound;
};

static bool complain(const struct postgres_reader *reader, const char *column, const char *what,
		     struct mlops_error *error)
{
	char masked[MLOPS_TEXT_QUOTED];

	return mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0, "column \"%s\" %s",
				  mlops_text_mask(masked, column, strlen(column)), what);
}

/* Tables as one may name them. */
static void say_nearest_table(struct postgres_reader *reader, const char *table, struct mlops_error *error)
{
	static const char command[] =
		"ROLLBACK TO SAVEPOINT mlops; WITH tables AS (SELECT c.oid, relname, nspname FROM "
		"pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
		"relkind IN "
		"('r', 'v', 'm', 'p', 'f') AND nspname NOT IN ('pg_catalog', 'information_schema')) "
		"SELECT relname FROM tables WHERE pg_catalog.pg_table_is_visible(oid) UNION "
		"SELECT nspname || '.' || relname FROM tables ORDER BY 1 LIMIT 10000";
	const struct mlops_libpq *pq = &reader->session->pq;
	PGresult *result = mlops_postgres_session_ask(reader->session, command, PGRES_TUPLES_OK, NULL);
	const char **names = calloc(MOST_NAMES, sizeof *names);
	char masked[MLOPS_TEXT_QUOTED], masked_near[MLOPS_TEXT_QUOTED];
	const char *nearest = NULL;
	size_t n = 0;

	for (int i = 0; result != NULL && names != NULL && i < pq->PQntuples(result) && n < MOST_NAMES; i++)
		names[n++] = pq->PQgetvalue(result, i, 0);
	if (n > 0)
		nearest = mlops_text_nearest(table, names, n);
	mlops_text_mask(masked, table, strlen(table));
	if (nearest != NULL)
		mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0,
				   "no table \"%s\"; did you mean \"%s\"?", masked,
				   mlops_text_mask(masked_near, nearest, strlen(nearest)));
	else
		mlops_error_set_at(error, MLOPS_DATA, reader->base.name, 0, "no table \"%s\"", masked);
	pq->PQclear(result);
	free(names);
}

/* One statement, which the server has looked at: no text that stands in parentheses later can be more than
 * that. */
static PGresult *describe(struct postgres_reader *reader, const struct mlops_postgres_options *database,
			  struct mlops_error *error)
{
	struct mlops_postgres_session *session = reader->session;
	const struct mlops_libpq *pq = &session->pq;
	struct mlops_buffer command = MLOPS_BUFFER_INIT;
	PGresult *result = NULL;
	const char *state;

	if (database->table != NULL) {
		if (!mlops_postgres_quote_table(database->table, &reader->from, error))
			return NULL;
		mlops_buffer_append_format(&command, "SELECT * FROM %s", mlops_buffer_string(&reader->from));
	} else {
		size_t length = strlen(database->query);

		while (length > 0 && strchr("; \t\r\n", database->query[length - 1]) != NULL)
			length--;
		mlops_buffer_append(&command, database->query, length);
		/* The line's end ends a comment. */
		mlops_buffer_append_string(&reader->from, "(\n");
		mlops_buffer_append(&reader->from, database->query, length);
		mlops_buffer_append_string(&reader->from, "\n) AS rows");
	}
	(void)mlops_buffer_string(&command);
	if (command.failed || reader->from.failed) {
		mlops_error_set_memory(error);
		goto out;
	}
	result = pq->PQprepare(session->connection, "", command.data, 0, NULL);
	state = pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (pq->PQresultStatus(result) == PGRES_COMMAND_OK) {
		pq->PQclear(result);
		result = pq->PQdescribePrepared(session->connection, "");
	} else if (database->table != NULL && state != NULL && strcmp(state, "42P01") == 0) {
		say_nearest_table(reader, database->table, error);
	}
	if (pq->PQresultStatus(result) != PGRES_COMMAND_OK) {
		mlops_postgres_session_blame(session, result, error);
		pq->PQclear(result);
		result = NULL;
	}
out:
	mlops_buffer_release(&command);
	return result;
}

/* Enums and citext are sent as text is, which may be that of a number. */
static bool look_up_type(struct postgres_reader *reader, size_t column, struct mlops_error *error)
{
	const struct mlops_libpq *pq = &reader->session->pq;
	struct mlops_buffer command = MLOPS_BUFFER_INIT;
	PGresult *result;

	mlops_buffer_append_format(
		&command,
		"SELECT 1 FROM pg_catalog.pg_type WHERE oid = %u AND (typtype = 'e' OR typname = 'citext')",
		reader->oids[column]);
	result = mlops_postgres_session_ask(reader->session, mlops_buffer_string(&command), PGRES_TUPLES_OK,
					    error);
	if (result != NULL && pq->PQntuples(result) > 0)
		reader->types[column] = MLOPS_PGCOPY_TEXT;
	pq->PQclear(result);
	mlops_buffer_release(&command);
	return result != NULL;
}

static bool make_columns(struct postgres_reader *reader, const PGresult *description,
			 struct mlops_error *error)
{
	const struct mlops_libpq *pq = &reader->session->pq;
	struct mlops_reader *base = &reader->base;
	size_t n = (size_t)pq->PQnfields(description);

	if (n == 0)
		return mlops_error_set_at(error, MLOPS_DATA, base->name, 0, "it has no columns");
	base->columns = calloc(n, sizeof *base->columns);
	reader->oids = calloc(n, sizeof *reader->oids);
	reader->types = calloc(n, sizeof *reader->types);
	if (base->columns == NULL || reader->oids == NULL || reader->types == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < n; i++) {
		const char *name = pq->PQfname(description, (int)i);

		for (size_t k = 0; k < i; k++)
			if (strcmp(base->columns[k].name, name) == 0)
				return complain(reader, name, "is there twice", error);
		reader->oids[i] = pq->PQftype(description, (int)i);
		reader->types[i] = mlops_pgcopy_type_of(reader->oids[i]);
		base->columns[i] = (struct mlops_column_info){
			.name = strdup(name),
			.guess = mlops_pgcopy_is_number(reader->types[i]) ? MLOPS_COLUMN_NUMBER
									  : MLOPS_COLUMN_TEXT,
		};
		base->n_columns++;
		if (base->columns[i].name == NULL)
			return mlops_error_set_memory(error);
	}
	return true;
}

/* Names the type and a way out. */
static bool refuse_type(struct postgres_reader *reader, size_t column, struct mlops_error *error)
{
	const struct mlops_libpq *pq = &reader->session->pq;
	struct mlops_buffer command = MLOPS_BUFFER_INIT;
	char name[MLOPS_TEXT_QUOTED], type[MLOPS_TEXT_QUOTED] = "unknown";
	PGresult *result;

	mlops_buffer_append_format(&command, "SELECT pg_catalog.format_type(%u, NULL)", reader->oids[column]);
	result = mlops_postgres_session_ask(reader->session, mlops_buffer_string(&command), PGRES_TUPLES_OK,
					    NULL);
	if (result != NULL && pq->PQntuples(result) > 0)
		mlops_text_mask(type, pq->PQgetvalue(result, 0, 0), strlen(pq->PQgetvalue(result, 0, 0)));
	pq->PQclear(result);
	mlops_buffer_release(&command);
	mlops_text_mask(name, reader->base.columns[column].name, strlen(reader->base.columns[column].name));
	mlops_error_set_at(
		error, MLOPS_DATA, reader->base.name, 0,
		"column \"%s\" has the type %s, which is not read; cast it in a query, as \"%s\"::text or "
		"extract(epoch from \"%s\")",
		name, type, name, name);
	return false;
}

/* What has no number that we could read is none because it looks like one as text. */
static bool check_number(struct postgres_reader *reader, size_t column, struct mlops_error *error)
{
	if (reader->types[column] == MLOPS_PGCOPY_UNKNOWN && !look_up_type(reader, column, error))
		return false;
	return reader->types[column] != MLOPS_PGCOPY_UNKNOWN || refuse_type(reader, column, error);
}

/* The field of the COPY that a column is, made if it is new. */
static void find_field(struct postgres_reader *reader, size_t column, size_t *field_of, size_t *slot)
{
	enum mlops_pgcopy_type type = reader->types[column];

	if (field_of[column] == SIZE_MAX) {
		field_of[column] = reader->stream.copy.n_fields;
		reader->casts[reader->stream.copy.n_fields] = type == MLOPS_PGCOPY_UNKNOWN;
		reader->fields[reader->stream.copy.n_fields++] = (struct mlops_pgcopy_field){
			.type = type == MLOPS_PGCOPY_UNKNOWN ? MLOPS_PGCOPY_TEXT : type,
			.name = reader->base.columns[column].name,
		};
	}
	*slot = field_of[column];
}

static void append_select(struct postgres_reader *reader, const char *from, struct mlops_buffer *command)
{
	const struct mlops_libpq *pq = &reader->session->pq;

	mlops_buffer_append_string(command, "SELECT ");
	for (size_t i = 0; i < reader->stream.copy.n_fields; i++) {
		const char *name = reader->fields[i].name;
		char *quoted = pq->PQescapeIdentifier(reader->session->connection, name, strlen(name));

		if (i > 0)
			mlops_buffer_append_string(command, ", ");
		if (quoted == NULL)
			command->failed = true;
		else
			mlops_buffer_append_format(command, "%s%s", quoted, reader->casts[i] ? "::text" : "");
		pq->PQfreemem(quoted);
	}
	mlops_buffer_append_string(command, " FROM ");
	mlops_buffer_append_string(command, from);
	(void)mlops_buffer_string(command);
}

static bool start_copy(struct postgres_reader *reader, struct mlops_error *error)
{
	struct mlops_buffer command = MLOPS_BUFFER_INIT;
	bool ok;

	mlops_buffer_append_string(&command, "COPY (");
	append_select(reader, mlops_buffer_string(&reader->from), &command);
	mlops_buffer_append_string(&command, ") TO STDOUT (FORMAT binary)");
	(void)mlops_buffer_string(&command);
	ok = command.failed ? mlops_error_set_memory(error)
			    : mlops_postgres_stream_start(&reader->stream, command.data, error);
	mlops_buffer_release(&command);
	return ok;
}

/* Where it does not come to shares, the stream is read. */
static bool start_shares(struct postgres_reader *reader, const struct mlops_postgres_table *table,
			 const struct mlops_binding *bindings, struct mlops_error *error)
{
	unsigned threads = mlops_pool_workers(reader->stream.copy.options->pool);
	size_t n = reader->stream.copy.n_slots;
	struct mlops_buffer select = MLOPS_BUFFER_INIT;
	enum mlops_column_type *types;
	bool ok;

	if (!mlops_postgres_session_export(reader->session, error))
		return false;
	if (reader->session->snapshot == NULL)
		return true;
	append_select(reader, table->name, &select);
	types = calloc(n + 1, sizeof *types);
	ok = types != NULL && !select.failed;
	for (size_t i = 0; i < n && ok; i++)
		types[i] = bindings[i].type;
	if (ok)
		reader->shares =
			mlops_postgres_shares_new(&reader->stream, table, select.data, types, threads);
	else
		mlops_error_set_memory(error);
	free(types);
	mlops_buffer_release(&select);
	return ok;
}

/* A plain table's rows come as they lie there, in whatever number of shares, and not as they do in an index
 * that has all columns that are read. */
static bool keep_order(struct postgres_reader *reader, struct mlops_error *error)
{
	PGresult *result = mlops_postgres_session_ask(reader->session,
						      "SET LOCAL enable_indexonlyscan = off", PGRES_COMMAND_OK,
						      error);

	reader->session->pq.PQclear(result);
	return result != NULL;
}

static bool start(struct postgres_reader *reader, const struct mlops_binding *bindings,
		  struct mlops_error *error)
{
	const struct mlops_read_options *options = reader->stream.copy.options;
	struct mlops_postgres_table table = { .plain = false };
	bool ok = true;

	/* Older servers have no scan of a range of blocks. */
	if (reader->is_table && reader->session->pq.PQserverVersion(reader->session->connection) >= 140000)
		ok = mlops_postgres_table_look(reader->session, mlops_buffer_string(&reader->from), &table,
					       error);
	if (ok && table.plain && mlops_pool_workers(options->pool) > 1 && !options->one_row &&
	    !options->interactive && mlops_postgres_table_shares(table.blocks) > 1)
		ok = start_shares(reader, &table, bindings, error);
	if (ok && reader->shares == NULL)
		ok = (!table.plain || keep_order(reader, error)) && start_copy(reader, error);
	mlops_postgres_table_release(&table);
	return ok;
}

static bool postgres_bind(struct mlops_reader *base, const struct mlops_binding *bindings, size_t n,
			  struct mlops_error *error)
{
	struct postgres_reader *reader = (struct postgres_reader *)base;
	size_t *field_of = calloc(base->n_columns, sizeof *field_of);
	bool ok = false;

	if (reader->bound) {
		mlops_error_set(error, MLOPS_BUG, "a reader's columns are bound twice");
		goto out;
	}
	reader->bound = true;
	reader->fields = calloc(base->n_columns, sizeof *reader->fields);
	reader->casts = calloc(base->n_columns, sizeof *reader->casts);
	reader->slots = calloc(n + 1, sizeof *reader->slots);
	if (field_of == NULL || reader->fields == NULL || reader->casts == NULL || reader->slots == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	memset(field_of, 0xff, base->n_columns * sizeof *field_of);
	for (size_t i = 0; i < n; i++) {
		if (bindings[i].column >= base->n_columns) {
			mlops_error_set(error, MLOPS_BUG, "column %zu of %zu is bound", bindings[i].column,
					base->n_columns);
			goto out;
		}
		if (bindings[i].type == MLOPS_COLUMN_NUMBER && !check_number(reader, bindings[i].column, error))
			goto out;
		find_field(reader, bindings[i].column, field_of, &reader->slots[i]);
	}
	reader->stream.copy.source = base->name;
	reader->stream.copy.counts = &base->counts;
	reader->stream.copy.fields = reader->fields;
	reader->stream.copy.slots = reader->slots;
	reader->stream.copy.n_slots = n;
	ok = mlops_pgcopy_init(&reader->stream.copy, error) && start(reader, bindings, error);
out:
	free(field_of);
	return ok;
}

static bool postgres_next(struct mlops_reader *base, struct mlops_chunk *chunk, struct mlops_error *error)
{
	struct postgres_reader *reader = (struct postgres_reader *)base;
	struct mlops_pgcopy *copy = &reader->stream.copy;

	mlops_chunk_clear(chunk);
	if (!reader->bound || chunk->n_columns != copy->n_slots)
		return mlops_error_set(error, MLOPS_BUG, "a chunk of %zu columns for a reader with %zu bound",
				       chunk->n_columns, copy->n_slots);
	if (reader->shares != NULL)
		mlops_postgres_shares_next(reader->shares, chunk, &base->counts, &copy->failed);
	else
		mlops_postgres_stream_fill(&reader->stream, chunk,
					   copy->options->one_row ? 1 : MLOPS_CHUNK_ROWS, SIZE_MAX);
	base->counts.rows += chunk->rows;
	if (chunk->rows > 0 || copy->failed.code == MLOPS_OK)
		return true;
	if (error != NULL && error->code == MLOPS_OK)
		*error = copy->failed;
	return false;
}

static void postgres_free(struct mlops_reader *base)
{
	struct postgres_reader *reader = (struct postgres_reader *)base;

	mlops_postgres_shares_free(reader->shares);
	for (size_t i = 0; i < base->n_columns; i++)
		free(base->columns[i].name);
	free(base->columns);
	free(reader->oids);
	free(reader->types);
	free(reader->fields);
	free(reader->casts);
	free(reader->slots);
	mlops_postgres_stream_release(&reader->stream);
	mlops_buffer_release(&reader->from);
	free(reader);
}

static const struct mlops_reader_ops postgres_ops = { .bind = postgres_bind,
						      .next = postgres_next,
						      .free = postgres_free };

struct mlops_postgres_session *mlops_postgres_session_new(const struct mlops_postgres_options *database,
							   struct mlops_error *error)
{
	struct mlops_postgres_session *session = calloc(1, sizeof *session);

	if (session == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	if (mlops_postgres_session_open(session, database, error))
		return session;
	mlops_postgres_session_free(session);
	return NULL;
}

void mlops_postgres_session_free(struct mlops_postgres_session *session)
{
	if (session == NULL)
		return;
	mlops_postgres_session_close(session);
	free(session);
}

struct mlops_reader *mlops_postgres_open(struct mlops_postgres_session *session,
					 const struct mlops_postgres_options *database,
					 const struct mlops_read_options *options, struct mlops_error *error)
{
	struct postgres_reader *reader = calloc(1, sizeof *reader);
	PGresult *description;
	bool ok;

	if (reader == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	reader->base.ops = &postgres_ops;
	reader->base.name = session->name;
	reader->session = session;
	reader->stream.session = session;
	reader->is_table = database->table != NULL;
	reader->stream.copy.options = options;
	description = describe(reader, database, error);
	ok = description != NULL && make_columns(reader, description, error);
	if (description != NULL)
		session->pq.PQclear(description);
	if (ok)
		return mlops_reader_dress(&reader->base, options, error);
	postgres_free(&reader->base);
	return NULL;
}
