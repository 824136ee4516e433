#include "rows/pivot_sensor.h"

#include "base/time.h"

#include <math.h>
#include <stdlib.h>

/* 32 bytes each. */
#define MOST_WAITING ((size_t)4 << 20)

bool mlops_pivot_sensor_init(struct mlops_pivot_sensor *sensor, size_t n_tags, struct mlops_error *error)
{
	*sensor = (struct mlops_pivot_sensor){ .latest = INT64_MIN, .reached = INT64_MIN };
	sensor->values = malloc((n_tags + 1) * sizeof *sensor->values);
	sensor->times = malloc((n_tags + 1) * sizeof *sensor->times);
	if (sensor->values == NULL || sensor->times == NULL) {
		mlops_pivot_sensor_release(sensor);
		return mlops_error_set_memory(error);
	}
	for (size_t i = 0; i < n_tags; i++) {
		sensor->values[i] = NAN;
		sensor->times[i] = MLOPS_TIME_MISSING;
	}
	return true;
}

void mlops_pivot_sensor_release(struct mlops_pivot_sensor *sensor)
{
	free(sensor->waiting);
	free(sensor->values);
	free(sensor->times);
	*sensor = (struct mlops_pivot_sensor){ .waiting = NULL };
}

static bool is_before(const struct mlops_pivot_sample *a, const struct mlops_pivot_sample *b)
{
	return a->time < b->time || (a->time == b->time && a->number < b->number);
}

static void swap(struct mlops_pivot_sample *a, struct mlops_pivot_sample *b)
{
	struct mlops_pivot_sample kept = *a;

	*a = *b;
	*b = kept;
}

enum mlops_pivot_put mlops_pivot_sensor_put(struct mlops_pivot_sensor *sensor,
					    const struct mlops_pivot_grid *grid,
					    const struct mlops_pivot_sample *sample)
{
	struct mlops_pivot_sample *heap = sensor->waiting;
	size_t i = sensor->n_waiting;

	if (sensor->latest != INT64_MIN && sensor->latest - sample->time > grid->lateness)
		return MLOPS_PIVOT_LATE;
	if (i == MOST_WAITING)
		return MLOPS_PIVOT_FULL;
	if (i == sensor->room) {
		size_t room = sensor->room == 0 ? 16 : 2 * sensor->room;

		heap = reallocarray(heap, room, sizeof *heap);
		if (heap == NULL)
			return MLOPS_PIVOT_NO_MEMORY;
		sensor->waiting = heap;
		sensor->room = room;
	}
	heap[i] = *sample;
	sensor->n_waiting++;
	for (; i > 0 && is_before(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&heap[i], &heap[(i - 1) / 2]);
	if (sample->time > sensor->latest)
		sensor->latest = sample->time;
	return MLOPS_PIVOT_PUT;
}

/* Takes the earliest sample into the values. */
static void take(struct mlops_pivot_sensor *sensor)
{
	struct mlops_pivot_sample *heap = sensor->waiting;
	size_t n = --sensor->n_waiting;
	size_t i = 0;

	sensor->values[heap[0].tag] = heap[0].value;
	sensor->times[heap[0].tag] = heap[0].time;
	sensor->reached = heap[0].time;
	sensor->line = heap[0].number;
	heap[0] = heap[n];
	for (;;) {
		size_t least = 2 * i + 1;

		if (least >= n)
			break;
		if (least + 1 < n && is_before(&heap[least + 1], &heap[least]))
			least++;
		if (!is_before(&heap[least], &heap[i]))
			break;
		swap(&heap[least], &heap[i]);
		i = least;
	}
}

/* The first multiple of every at or behind time. */
static int64_t round_up(int64_t time, int64_t every)
{
	int64_t rest = time % every;

	return rest == 0 ? time : time - rest + (rest > 0 ? every : 0);
}

/* What is known at the time; false when that is nothing. */
static bool look(const struct mlops_pivot_sensor *sensor, const struct mlops_pivot_grid *grid, int64_t time,
		 float *values)
{
	bool any = false;

	for (size_t i = 0; i < grid->n_tags; i++) {
		bool known = sensor->times[i] != MLOPS_TIME_MISSING && time - sensor->times[i] <= grid->hold;

		values[i] = known ? sensor->values[i] : NAN;
		any = any || known;
	}
	return any;
}

/* Whether no sample ahead of this time can come any more. */
static bool is_turn(const struct mlops_pivot_sensor *sensor, const struct mlops_pivot_grid *grid,
		    int64_t time, bool flush)
{
	return flush || sensor->latest - time >= grid->lateness;
}

/* Whether no sample of this time or ahead of it can. */
static bool is_over(const struct mlops_pivot_sensor *sensor, const struct mlops_pivot_grid *grid,
		    int64_t time, bool flush)
{
	return flush || sensor->latest - time > grid->lateness;
}

static bool next_on_grid(struct mlops_pivot_sensor *sensor, const struct mlops_pivot_grid *grid, bool flush,
			 int64_t *time, float *values)
{
	for (;;) {
		bool waits = sensor->n_waiting > 0;
		int64_t next = waits ? sensor->waiting[0].time : 0;

		if (waits && (!sensor->begun || next <= sensor->row)) {
			if (!is_turn(sensor, grid, next, flush))
				return false;
			if (!sensor->begun)
				sensor->row = round_up(next, grid->every);
			sensor->begun = true;
			take(sensor);
			continue;
		}
		if (!sensor->begun || (!waits && (!flush || sensor->row > sensor->reached)) ||
		    !is_over(sensor, grid, sensor->row, flush))
			return false;
		*time = sensor->row;
		sensor->row += grid->every;
		if (look(sensor, grid, *time, values))
			return true;
		/* Nothing is known until the next sample. */
		if (!waits)
			return false;
		if (sensor->row < next)
			sensor->row = round_up(next, grid->every);
	}
}

static bool next_at_samples(struct mlops_pivot_sensor *sensor, const struct mlops_pivot_grid *grid,
			    bool flush, int64_t *time, float *values)
{
	for (;;) {
		bool waits = sensor->n_waiting > 0;

		if (sensor->begun && (!waits || sensor->waiting[0].time > sensor->row) &&
		    is_over(sensor, grid, sensor->row, flush)) {
			sensor->begun = false;
			*time = sensor->row;
			look(sensor, grid, *time, values);
			return true;
		}
		if (!waits || !is_turn(sensor, grid, sensor->waiting[0].time, flush))
			return false;
		sensor->row = sensor->waiting[0].time;
		sensor->begun = true;
		take(sensor);
	}
}

bool mlops_pivot_sensor_next(struct mlops_pivot_sensor *sensor, const struct mlops_pivot_grid *grid,
			     bool flush, int64_t *time, float *values)
{
	return (grid->every > 0 ? next_on_grid : next_at_samples)(sensor, grid, flush, time, values);
}
