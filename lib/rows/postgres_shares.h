/*
 * A large table of PostgreSQL read over several connections.  One of them is bound by the one process of
 * the server that writes its rows; so the table's blocks are cut into shares, each session's thread reads
 * one share after the other into chunks, and these are handed out in the order of the shares: rows, their
 * order and numbers, counts and errors are those of one COPY of the table.
 *
 *	shares = mlops_postgres_shares_new(&template, &table, select, types, connections);
 *	do {
 *		mlops_postgres_shares_next(shares, chunk, &counts, &failed);
 *	} while (chunk->rows > 0);
 *	mlops_postgres_shares_free(shares);
 *
 * The first thread has the caller's session, whose state of the database the others see; they connect while
 * it reads.  One that cannot connect, or does not find this state, leaves all to the rest: there may be a
 * limit to connections, or another server behind the same name.  So may whoever waits for the table to
 * himself: a session that queued behind him would wait for one that waits for its rows, so it gives up at
 * once instead.
 *
 * Of what is read ahead a few MB are kept, and threads wait once there is more.
 */
#ifndef MLOPS_ROWS_POSTGRES_SHARES_H
#define MLOPS_ROWS_POSTGRES_SHARES_H

#include "rows/postgres_stream.h"
#include "rows/postgres_table.h"

struct mlops_postgres_shares;

/* template: a stream of the caller's session, for its fields and slots, which must outlive the shares; the
 * session has exported its state, and is theirs until they are freed.  types: [template->copy.n_slots] of a
 * chunk's columns.  select: "SELECT ... FROM table", copied.  NULL: there is no memory or no thread for it,
 * and nothing has begun. */
struct mlops_postgres_shares *mlops_postgres_shares_new(const struct mlops_postgres_stream *template,
							const struct mlops_postgres_table *table,
							const char *select,
							const enum mlops_column_type *types,
							unsigned connections);

/* The next rows in chunk, with what is wrong among them added to counts.  None: the end, or the error in
 * failed. */
void mlops_postgres_shares_next(struct mlops_postgres_shares *shares, struct mlops_chunk *chunk,
				struct mlops_read_counts *counts, struct mlops_error *failed);

/* Ends what is still being read. */
void mlops_postgres_shares_free(struct mlops_postgres_shares *shares);

#endif
