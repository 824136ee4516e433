/*
 * PostgreSQL's client library, loaded when rows are to come from a database and not before: it brings two
 * dozen libraries along, and loading them takes longer than scoring a small file.
 */
#ifndef MLOPS_ROWS_LIBPQ_H
#define MLOPS_ROWS_LIBPQ_H

#include "base/error.h"

#include <libpq-fe.h>

/* Every function that is called. */
#define MLOPS_LIBPQ_FUNCTIONS(use) \
	use(PQcancel) use(PQclear) use(PQconndefaults) use(PQconnectPoll) \
	use(PQconnectStartParams) use(PQconnectionNeedsPassword) use(PQconninfo) \
	use(PQconninfoFree) use(PQconninfoParse) use(PQconsumeInput) use(PQdescribePrepared) \
	use(PQerrorMessage) use(PQescapeIdentifier) use(PQescapeLiteral) use(PQfinish) \
	use(PQfname) use(PQfreeCancel) use(PQfreemem) use(PQftype) use(PQgetCancel) \
	use(PQgetCopyData) use(PQgetResult) use(PQgetvalue) use(PQisBusy) use(PQnfields) \
	use(PQntuples) use(PQprepare) use(PQresultErrorField) use(PQresultErrorMessage) \
	use(PQresultStatus) use(PQsendQuery) use(PQserverVersion) use(PQsetErrorVerbosity) \
	use(PQsetNoticeProcessor) use(PQsocket) use(PQstatus)

#define MLOPS_LIBPQ_MEMBER(name) __typeof__(&name) name;

struct mlops_libpq {
	MLOPS_LIBPQ_FUNCTIONS(MLOPS_LIBPQ_MEMBER)
};

/* It stays loaded.  MLOPS_CONFIG where it is not installed. */
bool mlops_libpq_load(struct mlops_libpq *libpq, struct mlops_error *error);

#endif
