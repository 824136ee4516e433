#include "rows/series_grow.h"

#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more of *items; grows by half. */
static void *room_for_one(void *items, size_t n, size_t *room, size_t size, struct mlops_error *error)
{
	size_t grown = *room + *room / 2 + 8;
	void *resized;

	if (n < *room)
		return items;
	if (n >= UINT32_MAX) {
		mlops_error_set(error, MLOPS_DATA, "a series has more than 4294967294 points");
		return NULL;
	}
	resized = reallocarray(items, grown, size);
	if (resized == NULL)
		mlops_error_set_memory(error);
	else
		*room = grown;
	return resized;
}

static bool append_value(struct mlops_series_growing *growing, float value, struct mlops_error *error)
{
	struct mlops_series *series = &growing->series;
	float *values = room_for_one(series->values, series->n_values, &growing->value_room, sizeof *values, error);

	if (values == NULL)
		return false;
	series->values = values;
	series->values[series->n_values++] = value;
	series->segments[series->n_segments - 1].length++;
	return true;
}

static bool begin_segment(struct mlops_series_growing *growing, int64_t time, struct mlops_error *error)
{
	struct mlops_series *series = &growing->series;
	struct mlops_segment *segments =
		room_for_one(series->segments, series->n_segments, &growing->segment_room, sizeof *segments, error);

	if (segments == NULL)
		return false;
	series->segments = segments;
	series->segments[series->n_segments++] =
		(struct mlops_segment){ .start = series->n_values, .first_time = time };
	return true;
}

bool mlops_series_put(struct mlops_series_growing *growing, float value, int64_t time, struct mlops_error *error)
{
	bool bridged = growing->open && growing->missing <= growing->most;

	if (isnan(value)) {
		growing->missing++;
		return true;
	}
	for (; bridged && growing->missing > 0; growing->missing--) {
		if (!append_value(growing, growing->last, error))
			return false;
		growing->series.counts.filled++;
	}
	if (!bridged) {
		growing->series.counts.gaps += growing->open;
		if (!begin_segment(growing, time, error))
			return false;
	}
	growing->missing = 0;
	growing->open = true;
	growing->last = value;
	return append_value(growing, value, error);
}

/* How much later is `later`? */
static uint64_t difference(int64_t later, int64_t earlier)
{
	return (uint64_t)later - (uint64_t)earlier;
}

static bool not_ascending(const struct mlops_series *series, int64_t time, int64_t last, uint64_t line,
			  const char *source, struct mlops_error *error)
{
	char text[MLOPS_TIME_TEXT], before[MLOPS_TIME_TEXT];
	const char *of = series->id[0] != '\0' ? " of " : "";

	mlops_time_print(text, time);
	mlops_time_print(before, last);
	if (time == last)
		return mlops_error_set_at(error, MLOPS_DATA, source, line,
					  "time %s%s%.100s comes twice; --every DURATION takes the last value ahead of "
					  "each point of time", text, of, series->id);
	return mlops_error_set_at(error, MLOPS_DATA, source, line,
				  "time %s%s%.100s comes behind %s; sort the rows, or let --every DURATION leave out those "
				  "that come late", text, of, series->id, before);
}

bool mlops_series_take_regular(struct mlops_series_growing *growing, int64_t time, float value, uint64_t line,
			       const char *source, struct mlops_error *error)
{
	struct mlops_series_run *run = growing->n_runs > 0 ? &growing->runs[growing->n_runs - 1] : NULL;
	struct mlops_series_run *runs;
	float *raw;

	if (run != NULL && time <= growing->last_time)
		return not_ascending(&growing->series, time, growing->last_time, line, source, error);
	raw = room_for_one(growing->raw, growing->n_raw, &growing->raw_room, sizeof *raw, error);
	if (raw == NULL)
		return false;
	growing->raw = raw;
	if (run != NULL && run->step == 0) {
		run->step = difference(time, growing->last_time);
		run->second_line = line;
	} else if (run == NULL || difference(time, growing->last_time) != run->step) {
		runs = room_for_one(growing->runs, growing->n_runs, &growing->run_room, sizeof *runs, error);
		if (runs == NULL)
			return false;
		growing->runs = runs;
		runs[growing->n_runs++] = (struct mlops_series_run){
			.first_time = time, .start = growing->n_raw, .line = line,
		};
	}
	growing->raw[growing->n_raw++] = value;
	growing->last_time = time;
	return true;
}

/* The first multiple of every that is not before time.  No overflow: times are below 10^17 in size. */
static int64_t round_up(int64_t time, int64_t every)
{
	int64_t rest = time % every;

	if (rest < 0)
		rest += every;
	return rest > 0 ? time + (every - rest) : time;
}

bool mlops_series_take_resampled(struct mlops_series_growing *growing, int64_t time, float value, int64_t every,
				 struct mlops_error *error)
{
	struct mlops_series_counts *counts = &growing->series.counts;
	int64_t point;

	if (growing->started && time < growing->last_time) {
		counts->late++;
		return true;
	}
	growing->started = true;
	growing->last_time = time;
	if (isnan(value)) {
		counts->missing++;
		return true;
	}
	point = round_up(time, every);
	if (growing->valued && point > growing->point) {
		if (!mlops_series_put(growing, growing->value, growing->point, error))
			return false;
		growing->missing = difference(point, growing->point) / (uint64_t)every - 1;
	} else {
		counts->superseded += growing->valued;
	}
	growing->valued = true;
	growing->value = value;
	growing->point = point;
	return true;
}

bool mlops_series_end_resampled(struct mlops_series_growing *growing, struct mlops_error *error)
{
	return !growing->valued || growing->last_time < growing->point ||
	       mlops_series_put(growing, growing->value, growing->point, error);
}

static size_t run_length(const struct mlops_series_growing *growing, size_t run)
{
	size_t end = run + 1 < growing->n_runs ? growing->runs[run + 1].start : growing->n_raw;

	return end - growing->runs[run].start;
}

static int64_t run_time(const struct mlops_series_run *run, size_t i)
{
	return (int64_t)((uint64_t)run->first_time + i * run->step);
}

/* A difference and how often it comes. */
struct tally {
	uint64_t difference, count;
	size_t series;
};

static int compare_tallies(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return x->difference < y->difference ? -1 : x->difference > y->difference;
}

/* The most frequent difference, the shortest of equally frequent ones; n > 0. */
static struct tally most_frequent(struct tally *tallies, size_t n)
{
	struct tally best = { .count = 0 };

	qsort(tallies, n, sizeof *tallies, compare_tallies);
	for (size_t i = 0; i < n;) {
		struct tally sum = { .difference = tallies[i].difference };

		for (; i < n && tallies[i].difference == sum.difference; i++)
			sum.count += tallies[i].count;
		if (sum.count > best.count)
			best = sum;
	}
	return best;
}

/* A series' most frequent difference; count 0 when it has one row. */
static bool step_of(const struct mlops_series_growing *growing, struct tally *step, struct mlops_error *error)
{
	struct tally *tallies = reallocarray(NULL, 2 * growing->n_runs + 1, sizeof *tallies);
	size_t n = 0;

	if (tallies == NULL)
		return mlops_error_set_memory(error);
	for (size_t r = 0; r < growing->n_runs; r++) {
		const struct mlops_series_run *run = &growing->runs[r];
		size_t length = run_length(growing, r);

		if (length > 1)
			tallies[n++] = (struct tally){ .difference = run->step, .count = length - 1 };
		if (r + 1 < growing->n_runs)
			tallies[n++] = (struct tally){
				.difference = difference(growing->runs[r + 1].first_time, run_time(run, length - 1)),
				.count = 1,
			};
	}
	*step = (struct tally){ .count = 0 };
	if (n > 0)
		*step = most_frequent(tallies, n);
	free(tallies);
	return true;
}

bool mlops_series_find_step(const struct mlops_series_growing *items, size_t n, const char *source, uint64_t *step,
			    struct mlops_error *error)
{
	struct tally *steps = reallocarray(NULL, n, sizeof *steps), *sorted = NULL;
	char common[MLOPS_TIME_TEXT], other[MLOPS_TIME_TEXT];
	bool ok = false;

	*step = 0;
	if (steps == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < n; i++)
		if (!step_of(&items[i], &steps[i], error))
			goto out;
	sorted = reallocarray(NULL, n, sizeof *sorted);
	if (sorted == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	memcpy(sorted, steps, n * sizeof *sorted);
	*step = most_frequent(sorted, n).difference;
	for (size_t i = 0; i < n; i++) {
		/* a difference that came once may be a gap */
		if (steps[i].count < 2 || steps[i].difference == *step)
			continue;
		mlops_time_print_duration(common, (int64_t)*step);
		mlops_time_print_duration(other, (int64_t)steps[i].difference);
		mlops_error_set_at(error, MLOPS_DATA, source, 0,
				   "the rows of %.100s are %s apart, those of other series %s; --every %s brings all to "
				   "one step",
				   items[i].series.id, other, common,
				   steps[i].difference > *step ? other : common);
		goto out;
	}
	ok = true;
out:
	free(steps);
	free(sorted);
	return ok;
}

/* Months, quarters and years: neighbours are not equally long. */
static bool of_calendar(uint64_t apart, uint64_t step)
{
	return step >= 28 * (uint64_t)MLOPS_DAY && apart > step - step / 8 && apart < step + step / 8;
}

static bool irregular(const struct mlops_series *series, int64_t time, int64_t before, uint64_t line, uint64_t step,
		      const char *source, struct mlops_error *error)
{
	char text[MLOPS_TIME_TEXT], apart[MLOPS_TIME_TEXT], usual[MLOPS_TIME_TEXT], advice[MLOPS_TIME_TEXT + 64];
	uint64_t gap = difference(time, before);

	mlops_time_print(text, time);
	mlops_time_print_duration(apart, (int64_t)gap);
	mlops_time_print_duration(usual, (int64_t)step);
	if (of_calendar(gap, step))
		snprintf(advice, sizeof advice, "--time none takes rows as they follow each other");
	else
		snprintf(advice, sizeof advice, "--every %s brings rows to one step", usual);
	return mlops_error_set_at(error, MLOPS_DATA, source, line,
				  "time %s%s%.100s is %s behind the one before it, most rows are %s apart; %s", text,
				  series->id[0] != '\0' ? " of " : "", series->id, apart, usual, advice);
}

static bool has_missing(const float *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isnan(values[i]))
			return true;
	return false;
}

/* One run without a missing value is the series as it stands. */
static bool take_over(struct mlops_series_growing *growing, struct mlops_error *error)
{
	struct mlops_series *series = &growing->series;

	if (!begin_segment(growing, growing->runs[0].first_time, error))
		return false;
	series->values = growing->raw;
	series->n_values = series->segments[0].length = growing->n_raw;
	growing->raw = NULL;
	return true;
}

bool mlops_series_regularise(struct mlops_series_growing *growing, uint64_t step, const char *source,
			     struct mlops_error *error)
{
	int64_t before = 0;
	bool whole = growing->n_runs == 1 && (growing->n_raw == 1 || growing->runs[0].step == step);

	if (whole && !has_missing(growing->raw, growing->n_raw)) {
		if (!take_over(growing, error))
			return false;
		goto done;
	}
	for (size_t r = 0; r < growing->n_runs; r++) {
		const struct mlops_series_run *run = &growing->runs[r];
		size_t length = run_length(growing, r);

		for (size_t i = 0; i < length; i++) {
			int64_t time = run_time(run, i);
			uint64_t apart = difference(time, before);
			float value = growing->raw[run->start + i];

			if (r + i > 0 && apart % step != 0)
				return irregular(&growing->series, time, before, i == 0 ? run->line : run->second_line,
						 step, source, error);
			if (r + i > 0)
				growing->missing += apart / step - 1;
			before = time;
			growing->series.counts.missing += isnan(value) ? 1 : 0;
			if (!mlops_series_put(growing, value, time, error))
				return false;
		}
	}
done:
	free(growing->raw);
	free(growing->runs);
	growing->raw = NULL;
	growing->runs = NULL;
	growing->n_runs = growing->n_raw = 0;
	return true;
}
