/*
 * Histories: what a forecast is asked for in JSON, as the service takes it,
 *
 *	{"sensor_id":"TAG-001","historical_data":[1.2,1.5,…],"forecast_steps":5}
 *
 * one object, an array of them, or JSON Lines; one is in memory at a time.
 *
 *	struct mlops_buffer head = MLOPS_BUFFER_INIT;
 *	bool histories;
 *	mlops_history_probe(source, &head, &histories, &error);      // or are these rows?
 *	struct mlops_history_reader *reader = mlops_history_open(source, &head, &options, &error);
 *	struct mlops_history history = { .keep = seq_length };
 *	while (mlops_history_next(reader, false, &history, &error) == MLOPS_JSON_STEP_OK)
 *		… history.values[0 … history.n), the last values; history.count came …
 *	mlops_history_release(&history);
 *	mlops_history_close(reader);
 *
 * historical_data is a list of JSON numbers that float32 can hold, oldest first; forecast_steps a whole number and
 * may be absent; sensor_id a string or a number and may be absent.  Other members are passed over, unless their name is
 * nearly one of these three: then it is taken for a mistake.
 *
 * What is wrong is MLOPS_DATA with the line where the object begins and the element: `"historical_data"[3] is null; a
 * number is needed`.  MLOPS_ON_ERROR_SKIP leaves such objects out and counts them, and broken JSON too where
 * json_stream.h can find the next object; there and here an object is at most max_line bytes, and 64 levels deep.
 */
#ifndef MLOPS_ROWS_HISTORY_H
#define MLOPS_ROWS_HISTORY_H

#include "rows/json_stream.h"

#define MLOPS_HISTORY_MOST_STEPS 100000

struct mlops_history {
	size_t keep;        /* set by the caller: how many of the last values are wanted */
	float *values;      /* [n] finite */
	size_t n;           /* at most keep */
	uint64_t count;     /* values that came */
	uint64_t steps;     /* forecast_steps, 1 … MLOPS_HISTORY_MOST_STEPS; 0: not said */
	char *sensor;       /* [sensor_length] JSON, as it came: "TAG-001" with its quotes, or 17; NULL: none */
	size_t sensor_length;
	uint64_t line;      /* where the object begins */
	size_t room, sensor_room; /* of the allocations, which serve again */
};

struct mlops_history_reader;

/*
 * Reads a little of source (at most 64 KiB, and no more than what tells) into head, which is empty, and says whether
 * it is histories: objects with one of the members above, or with any list.  Else it is rows, or anything else:
 * mlops_reader_open_behind goes on with head and source.
 */
bool mlops_history_probe(struct mlops_source *source, struct mlops_buffer *head, bool *histories,
			 struct mlops_error *error);

/* head, as far as the source was read already, is copied.  source and options must outlive the reader. */
struct mlops_history_reader *mlops_history_open(struct mlops_source *source, const struct mlops_buffer *head,
						const struct mlops_read_options *options, struct mlops_error *error);

/* The next history.  WAIT only when may_wait is false, options->interactive is set and the source would make us wait. */
enum mlops_json_step mlops_history_next(struct mlops_history_reader *reader, bool may_wait,
					struct mlops_history *history, struct mlops_error *error);

/* rows is the number of histories handed out. */
const struct mlops_read_counts *mlops_history_counts(const struct mlops_history_reader *reader);

void mlops_history_close(struct mlops_history_reader *reader);
void mlops_history_release(struct mlops_history *history);

#endif
