#include "rows/postgres_session.h"

#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONNECT_TIMEOUT INT64_C(10000000)
#define MILLISECOND		1000
/* What TLS has decrypted and not handed over is not seen by poll: it is looked for once a second. */
#define LOOK_AGAIN 1000

/* The first two characters, or all five, of an SQLSTATE, and what they mean to us. */
static const struct {
	const char *state;
	enum mlops_code code;
} states[] = {
	{ "08", MLOPS_UNAVAILABLE }, /* the connection */
	{ "28", MLOPS_DENIED },	     /* who are you */
	{ "42501", MLOPS_DENIED },   /* a right is missing */
	{ "3D", MLOPS_CONFIG },	     /* no such database */
	{ "53", MLOPS_UNAVAILABLE }, /* out of connections, memory, disk */
	{ "57", MLOPS_UNAVAILABLE }, /* cancelled, timed out, shut down, starting up */
	{ "58", MLOPS_UNAVAILABLE }, /* the server's own disk */
	{ "XX", MLOPS_UNAVAILABLE },
};

static enum mlops_code code_of(const char *state, enum mlops_code otherwise)
{
	for (size_t i = 0; state != NULL && i < sizeof states / sizeof states[0]; i++)
		if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
			return states[i].code;
	return otherwise;
}

bool mlops_postgres_plain_url(const char *url, struct mlops_buffer *plain, struct mlops_error *error)
{
	const char *rest = url != NULL ? strstr(url, "://") : NULL;
	size_t scheme = rest != NULL ? strcspn(url, "+:") : 0;
	const char *at;

	mlops_buffer_clear(plain);
	if (url == NULL)
		return true;
	if (rest == NULL || (scheme != 8 && scheme != 10) ||
	    strncmp(url, scheme == 8 ? "postgres" : "postgresql", scheme) != 0)
		return mlops_error_set(error, MLOPS_CONFIG,
				       "the database's URL does not begin with postgresql:// or postgres://");
	rest += 3;
	/* libpq would take what stands behind a bare @ or / of the password for the host, and print it. */
	at = strchr(rest, '@');
	if (at != NULL && (strchr(at + 1, '@') != NULL || strcspn(rest, "/?#") < (size_t)(at - rest)))
		return mlops_error_set(
			error, MLOPS_CONFIG,
			"the database's URL has an @, /, ? or # in user or password; write them as "
			"%%40, %%2F, %%3F and %%23");
	mlops_buffer_append_string(plain, "postgresql://");
	mlops_buffer_append_string(plain, rest);
	(void)mlops_buffer_string(plain);
	return !plain->failed || mlops_error_set_memory(error);
}

static void append_quoted(struct mlops_buffer *quoted, const char *name, size_t length)
{
	mlops_buffer_append_char(quoted, '"');
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '"')
			mlops_buffer_append_char(quoted, '"');
		mlops_buffer_append_char(quoted, name[i]);
	}
	mlops_buffer_append_char(quoted, '"');
}

bool mlops_postgres_quote_table(const char *table, struct mlops_buffer *quoted, struct mlops_error *error)
{
	const char *at = table;
	char masked[MLOPS_TEXT_QUOTED];
	int parts = 0;

	mlops_buffer_clear(quoted);
	do {
		const char *end;

		if (parts++ > 0)
			mlops_buffer_append_char(quoted, '.');
		if (*at == '"') {
			for (end = at + 1; *end != '\0' && (*end != '"' || end[1] == '"'); end++)
				end += *end == '"';
			if (*end != '"' || end == at + 1)
				goto wrong;
			/* It is quoted already, as SQL has it. */
			mlops_buffer_append(quoted, at, (size_t)(++end - at));
		} else {
			end = at + strcspn(at, ".");
			if (end == at)
				goto wrong;
			append_quoted(quoted, at, (size_t)(end - at));
		}
		at = *end == '.' ? end + 1 : end;
		if (*at != '\0' && at == end)
			goto wrong;
		if (*at == '\0' && at > end)
			goto wrong;
	} while (*at != '\0' && parts < 2);
	if (*at != '\0')
		goto wrong;
	(void)mlops_buffer_string(quoted);
	return !quoted->failed || mlops_error_set_memory(error);

wrong:
	return mlops_error_set(error, MLOPS_USAGE, "'%s' is no name of a table; it is NAME or SCHEMA.NAME",
			       mlops_text_mask(masked, table, strlen(table)));
}

/* A message of libpq's on one line.  Of a server's verbose one the place in its source is left out and the
 * SQLSTATE taken apart: "FATAL:  28P01: password authentication failed". */
static void tidy(const char *message, struct mlops_buffer *text, char state[6])
{
	state[0] = '\0';
	while (*message != '\0') {
		size_t length = strcspn(message, "\n");

		if (strncmp(message, "LOCATION:", 9) == 0) {
			message += length + (message[length] != '\0');
			continue;
		}
		if (text->length > 0)
			mlops_buffer_append_char(text, ' ');
		for (size_t i = 0; i < length; i++) {
			if (length - i > 9 && message[i] == ':' && message[i + 1] == ' ' &&
			    message[i + 2] == ' ' && message[i + 8] == ':' && message[i + 9] == ' ' &&
			    state[0] == '\0' &&
			    strspn(message + i + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5) {
				memcpy(state, message + i + 3, 5);
				state[5] = '\0';
				mlops_buffer_append_string(text, ": ");
				i += 9;
			} else if (message[i] != '\t' && message[i] != ' ') {
				mlops_buffer_append_char(text, message[i]);
			} else if (text->length > 0 && text->data[text->length - 1] != ' ') {
				mlops_buffer_append_char(text, ' ');
			}
		}
		message += length + (message[length] != '\0');
	}
}

static bool blame_connection(struct mlops_postgres_session *session, const char *during,
			     struct mlops_error *error)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	char state[6];
	enum mlops_code code = MLOPS_UNAVAILABLE;

	tidy(session->pq.PQerrorMessage(session->connection), &text, state);
	if (state[0] != '\0')
		code = code_of(state, MLOPS_UNAVAILABLE);
	else if (session->pq.PQconnectionNeedsPassword(session->connection))
		code = MLOPS_DENIED;
	else if (text.length > 8 && memcmp(text.data, "invalid ", 8) == 0)
		code = MLOPS_CONFIG; /* the value of an option: nobody was asked yet */
	mlops_error_set_at(error, code, session->name, 0, "%s%s", during, mlops_buffer_string(&text));
	mlops_buffer_release(&text);
	return false;
}

bool mlops_postgres_session_blame(struct mlops_postgres_session *session, const PGresult *result,
				  struct mlops_error *error)
{
	const struct mlops_libpq *pq = &session->pq;
	const char *state = pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = pq->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *position = pq->PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	const char *detail = pq->PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = pq->PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

	if (primary == NULL)
		return blame_connection(session, "", error);
	return mlops_error_set_at(error, code_of(state, MLOPS_DATA), session->name, 0, "%s%s%s%s%s%s%s",
				  primary, position != NULL ? ", at character " : "",
				  position != NULL ? position : "", detail != NULL ? "; " : "",
				  detail != NULL ? detail : "", hint != NULL ? "; " : "",
				  hint != NULL ? hint : "");
}

/* Until the server can be read from, or written to.  0: not within so many milliseconds; -1: wake was
 * heard. */
static int wait_for(struct mlops_postgres_session *session, short events, int timeout)
{
	struct pollfd waiting[] = { { .fd = session->pq.PQsocket(session->connection), .events = events },
				    { .fd = session->wake, .events = POLLIN } };
	int ready;

	do {
		ready = poll(waiting, 2, timeout);
	} while (ready < 0 && errno == EINTR);
	return waiting[1].revents != 0 ? -1 : ready;
}

int mlops_postgres_session_message(struct mlops_postgres_session *session, char **message)
{
	const struct mlops_libpq *pq = &session->pq;

	for (;;) {
		int length = pq->PQgetCopyData(session->connection, message, 1);

		if (length != 0)
			return length;
		/* Whoever reads before he waits waits less often. */
		if (!pq->PQconsumeInput(session->connection))
			return pq->PQgetCopyData(session->connection, message, 1);
		length = pq->PQgetCopyData(session->connection, message, 1);
		if (length != 0)
			return length;
		if (wait_for(session, POLLIN, LOOK_AGAIN) < 0)
			return 0;
	}
}

PGresult *mlops_postgres_session_result(struct mlops_postgres_session *session)
{
	const struct mlops_libpq *pq = &session->pq;

	while (pq->PQisBusy(session->connection)) {
		bool lost = !pq->PQconsumeInput(session->connection);

		if (pq->PQisBusy(session->connection) && (lost || wait_for(session, POLLIN, LOOK_AGAIN) < 0))
			return NULL;
	}
	return pq->PQgetResult(session->connection);
}

/* What is left of the command before.  A COPY has no end here: who asks in the middle of one gets an error.
 * */
static void pass_over_results(struct mlops_postgres_session *session)
{
	ExecStatusType status = PGRES_COMMAND_OK;
	PGresult *result;

	while (status != PGRES_COPY_OUT && (result = mlops_postgres_session_result(session)) != NULL) {
		status = session->pq.PQresultStatus(result);
		session->pq.PQclear(result);
	}
}

/* The last result, or the first one that is an error: what a lost connection adds says less. */
static PGresult *last_result(struct mlops_postgres_session *session)
{
	const struct mlops_libpq *pq = &session->pq;
	PGresult *result = NULL, *next;

	while (pq->PQresultStatus(result) != PGRES_COPY_OUT &&
	       (next = mlops_postgres_session_result(session)) != NULL) {
		bool failed = result != NULL && pq->PQresultStatus(result) == PGRES_FATAL_ERROR;

		pq->PQclear(failed ? next : result);
		result = failed ? result : next;
	}
	return result;
}

PGresult *mlops_postgres_session_ask(struct mlops_postgres_session *session, const char *command,
				     ExecStatusType expected, struct mlops_error *error)
{
	PGresult *result = NULL;

	pass_over_results(session);
	if (session->pq.PQsendQuery(session->connection, command))
		result = last_result(session);
	if (result != NULL && session->pq.PQresultStatus(result) == expected)
		return result;
	mlops_postgres_session_blame(session, result, error);
	session->pq.PQclear(result);
	return NULL;
}

/* Takes the text and is done. */
static bool run(struct mlops_postgres_session *session, const char *command, struct mlops_error *error)
{
	PGresult *result = mlops_postgres_session_ask(session, command, PGRES_COMMAND_OK, error);

	session->pq.PQclear(result);
	return result != NULL;
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options != NULL && options->keyword != NULL; options++)
		if (strcmp(options->keyword, keyword) == 0 && options->val != NULL && *options->val != '\0')
			return options->val;
	return NULL;
}

/* NULL and an error when libpq does not understand the URL; its words are passed on where they do not quote
 * it. */
static PQconninfoOption *parse_url(const struct mlops_libpq *pq, const struct mlops_buffer *url,
				   struct mlops_error *error)
{
	char *message = NULL;
	char masked[MLOPS_TEXT_QUOTED];
	PQconninfoOption *parsed = pq->PQconninfoParse(url->data, &message);

	if (parsed == NULL && message != NULL && strncmp(message, "invalid URI query parameter", 27) == 0)
		mlops_error_set(error, MLOPS_CONFIG, "the database's URL: %s",
				mlops_text_mask(masked, message, strcspn(message, "\n")));
	else if (parsed == NULL)
		mlops_error_set(error, MLOPS_CONFIG,
				"the database's URL is not "
				"postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE");
	pq->PQfreemem(message);
	return parsed;
}

static bool make_name(const struct mlops_libpq *pq, const struct mlops_postgres_options *database,
		      const struct mlops_buffer *url, struct mlops_buffer *name, struct mlops_error *error)
{
	PQconninfoOption *given = url->length > 0 ? parse_url(pq, url, error) : NULL;
	PQconninfoOption *defaults;
	char masked[MLOPS_TEXT_QUOTED];
	const char *what = database->table != NULL ? database->table : database->query;
	const char *host, *path;

	if (url->length > 0 && given == NULL)
		return false;
	defaults = pq->PQconndefaults();
	host = option_value(given, "host");
	path = option_value(given, "dbname");
	host = host != NULL ? host : option_value(given, "hostaddr");
	host = host != NULL ? host : option_value(defaults, "host");
	path = path != NULL ? path : option_value(defaults, "dbname");
	path = path != NULL ? path : option_value(given, "user");
	path = path != NULL ? path : option_value(defaults, "user");
	mlops_buffer_clear(name);
	mlops_buffer_append_format(name, "postgresql: %s %s (%s at %s)",
				   database->table != NULL ? "table" : "query",
				   mlops_text_mask(masked, what, strlen(what)),
				   path != NULL ? path : "its default", host != NULL ? host : "localhost");
	pq->PQconninfoFree(given);
	pq->PQconninfoFree(defaults);
	(void)mlops_buffer_string(name);
	return !name->failed || mlops_error_set_memory(error);
}

bool mlops_postgres_name(const struct mlops_postgres_options *database, struct mlops_buffer *name,
			 struct mlops_error *error)
{
	struct mlops_buffer url = MLOPS_BUFFER_INIT;
	struct mlops_libpq pq;
	bool ok = mlops_postgres_plain_url(database->url, &url, error) && mlops_libpq_load(&pq, error) &&
		  make_name(&pq, database, &url, name, error);

	mlops_buffer_release(&url);
	return ok;
}

/* A server's remarks are no rows, and standard error is not ours. */
static void drop_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static int connect_timeout(struct mlops_postgres_session *session, int64_t wanted)
{
	PQconninfoOption *options = session->pq.PQconninfo(session->connection);
	const char *value = option_value(options, "connect_timeout");
	long seconds = value != NULL ? strtol(value, NULL, 10) : 0;

	if (wanted <= 0)
		wanted = seconds > 0 && seconds < 100000 ? seconds * INT64_C(1000000)
							 : DEFAULT_CONNECT_TIMEOUT;
	session->pq.PQconninfoFree(options);
	wanted = (wanted + MILLISECOND - 1) / MILLISECOND;
	return wanted > INT32_MAX ? INT32_MAX : (int)wanted;
}

static bool wait_until_connected(struct mlops_postgres_session *session, int64_t wanted,
				 struct mlops_error *error)
{
	const struct mlops_libpq *pq = &session->pq;
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	int timeout = connect_timeout(session, wanted);

	while (status != PGRES_POLLING_OK) {
		int ready = wait_for(session, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, timeout);

		if (ready == 0)
			return mlops_error_set_at(error, MLOPS_UNAVAILABLE, session->name, 0,
						  "the server has not answered within %d.%03d seconds",
						  timeout / 1000, timeout % 1000);
		if (ready < 0)
			return mlops_error_set_at(error, MLOPS_UNAVAILABLE, session->name, 0,
						  "the connection is not wanted any more");
		status = pq->PQconnectPoll(session->connection);
		if (status == PGRES_POLLING_FAILED)
			return blame_connection(session, "", error);
	}
	return true;
}

long long mlops_postgres_session_limit(const struct mlops_postgres_session *session)
{
	int64_t milliseconds = (session->statement_timeout + MILLISECOND - 1) / MILLISECOND;

	return milliseconds > INT32_MAX ? INT32_MAX : milliseconds;
}

/* snapshot: what another session has exported, or NULL. */
static bool begin(struct mlops_postgres_session *session, const char *snapshot, struct mlops_error *error)
{
	struct mlops_buffer command = MLOPS_BUFFER_INIT;
	bool ok;

	mlops_buffer_append_string(&command,
				   "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; ");
	if (snapshot != NULL)
		mlops_buffer_append_format(&command, "SET TRANSACTION SNAPSHOT '%s'; ", snapshot);
	/* Scans that begin where another one is would give the rows in another order each time. */
	mlops_buffer_append_format(&command,
				   "SET LOCAL synchronize_seqscans = off; "
				   "SET LOCAL statement_timeout = %lld; SAVEPOINT mlops",
				   mlops_postgres_session_limit(session));
	ok = run(session, mlops_buffer_string(&command), error);
	mlops_buffer_release(&command);
	/* Where the server's system cannot look whether we are there, we do without. */
	if (ok && session->pq.PQserverVersion(session->connection) >= 140000 &&
	    !run(session, "SET LOCAL client_connection_check_interval = 1000", NULL))
		ok = run(session, "ROLLBACK TO SAVEPOINT mlops", error);
	return ok;
}

static bool connect_session(struct mlops_postgres_session *session, struct mlops_error *error)
{
	static const char *const keywords[] = { "keepalives_idle",
						"keepalives_interval",
						"keepalives_count",
						"fallback_application_name",
						"dbname",
						"client_encoding",
						NULL };
	/* A network that swallows everything is found out within a minute.  What the URL says counts more. */
	const char *const values[] = { "30", "10", "3", session->program, session->url, "UTF8", NULL };

	if (session->name == NULL || session->url == NULL || session->program == NULL)
		return mlops_error_set_memory(error);
	session->connection = session->pq.PQconnectStartParams(keywords, values, 1);
	if (session->connection == NULL)
		return mlops_error_set_memory(error);
	session->pq.PQsetNoticeProcessor(session->connection, drop_notice, NULL);
	/* The only way to learn the SQLSTATE of a refusal. */
	session->pq.PQsetErrorVerbosity(session->connection, PQERRORS_VERBOSE);
	if (session->pq.PQstatus(session->connection) == CONNECTION_BAD)
		return blame_connection(session, "", error);
	return wait_until_connected(session, session->connect_timeout, error);
}

bool mlops_postgres_session_open(struct mlops_postgres_session *session,
				 const struct mlops_postgres_options *database, struct mlops_error *error)
{
	struct mlops_buffer url = MLOPS_BUFFER_INIT, name = MLOPS_BUFFER_INIT;
	bool ok = false;

	*session = (struct mlops_postgres_session){
		.wake = -1,
		.connect_timeout = database->connect_timeout,
		.statement_timeout = database->statement_timeout,
	};
	if (!mlops_postgres_plain_url(database->url, &url, error) || !mlops_libpq_load(&session->pq, error) ||
	    !make_name(&session->pq, database, &url, &name, error))
		goto out;
	session->name = strdup(name.data);
	session->url = strdup(url.length > 0 ? url.data : "");
	session->program = strdup(database->program);
	ok = connect_session(session, error) && begin(session, NULL, error);
out:
	mlops_buffer_release(&url);
	mlops_buffer_release(&name);
	return ok;
}

bool mlops_postgres_session_open_beside(struct mlops_postgres_session *session,
					const struct mlops_postgres_session *leader, int wake,
					struct mlops_error *error)
{
	*session = (struct mlops_postgres_session){
		.pq = leader->pq,
		.name = strdup(leader->name),
		.wake = wake,
		.url = strdup(leader->url),
		.program = strdup(leader->program),
		.connect_timeout = leader->connect_timeout,
		.statement_timeout = leader->statement_timeout,
	};
	return connect_session(session, error) && begin(session, leader->snapshot, error);
}

static bool keep_exported(struct mlops_postgres_session *session, const PGresult *result)
{
	const char *snapshot = session->pq.PQgetvalue(result, 0, 0);

	/* It becomes part of a command. */
	if (strspn(snapshot, "0123456789ABCDEFabcdef-") != strlen(snapshot))
		return false;
	session->snapshot = strdup(snapshot);
	session->server = strdup(session->pq.PQgetvalue(result, 0, 1));
	return session->snapshot != NULL && session->server != NULL;
}

bool mlops_postgres_session_export(struct mlops_postgres_session *session, struct mlops_error *error)
{
	/* A savepoint begins a transaction in the transaction, and only the outer one can export. */
	static const char command[] =
		"RELEASE SAVEPOINT mlops; SELECT pg_catalog.pg_export_snapshot(), " MLOPS_POSTGRES_SERVER;
	struct mlops_error failed = MLOPS_ERROR_INIT;
	PGresult *result;
	bool ok;

	if (session->alone || session->snapshot != NULL)
		return true;
	result = mlops_postgres_session_ask(session, command, PGRES_TUPLES_OK, &failed);
	ok = result != NULL && run(session, "SAVEPOINT mlops", &failed);
	session->alone = !ok || !keep_exported(session, result);
	session->pq.PQclear(result);
	if (ok)
		return true;
	/* That was the end of the transaction; in another one rows may be others. */
	if (!session->read)
		return run(session, "ROLLBACK", error) && begin(session, NULL, error);
	if (error != NULL && error->code == MLOPS_OK)
		*error = failed;
	return false;
}

void mlops_postgres_session_close(struct mlops_postgres_session *session)
{
	PGcancel *cancel = session->copying ? session->pq.PQgetCancel(session->connection) : NULL;
	char ignored[256];

	if (cancel != NULL) {
		/* What keeps a server busy for nobody; if it cannot be told so, it will find out. */
		(void)session->pq.PQcancel(cancel, ignored, sizeof ignored);
		session->pq.PQfreeCancel(cancel);
	}
	if (session->connection != NULL)
		session->pq.PQfinish(session->connection);
	if (session->url != NULL)
		explicit_bzero(session->url, strlen(session->url));
	free(session->url);
	free(session->program);
	free(session->snapshot);
	free(session->server);
	free(session->name);
	*session = (struct mlops_postgres_session){ .wake = -1 };
}
