/*
 * The rows of a node, counted: the one place that looks at all of them (random_forest.h says what that is
 * good for).
 */
#include "model/random_forest.h"

#include <stdlib.h>
#include <string.h>

/* Where a node has one row in eight, the codes of a feature side by side are more memory to read than the
 * codes of a row side by side: there a subtree begins. */
enum { SPARSE = 8, LEAST_SUBTREE = 4096 };

size_t mlops_forest_subtree_rows(size_t n_rows)
{
	return n_rows / SPARSE > LEAST_SUBTREE ? n_rows / SPARSE : LEAST_SUBTREE;
}

const uint16_t *mlops_forest_codes(const struct mlops_forest_growing *growing, uint32_t feature, size_t *step)
{
	const struct mlops_bins *bins = growing->plan->bins;
	const struct mlops_forest_scratch *scratch = growing->scratch;

	*step = growing->in_subtree ? bins->n_features : 1;
	if (!growing->in_subtree)
		return bins->features[feature].codes;
	return (scratch->in_nooks > 0 ? scratch->nooks[scratch->in_nooks - 1].codes : bins->by_row) + feature;
}

/* Rows ahead whose codes are fetched while others are copied. */
enum { AHEAD = 8 };

void mlops_forest_enter_nook(struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	struct mlops_forest_scratch *scratch = growing->scratch;
	const struct mlops_bins *bins = growing->plan->bins;
	struct mlops_grow_row *rows = growing->rows.rows + span->begin;
	size_t width = bins->n_features, n = span->end - span->begin;
	const uint16_t *from;
	uint16_t *to;

	while (scratch->in_nooks > 0 && (span->begin < scratch->nooks[scratch->in_nooks - 1].begin ||
					 span->end > scratch->nooks[scratch->in_nooks - 1].end))
		scratch->in_nooks--;
	if (!growing->in_subtree || scratch->in_nooks == scratch->n_nooks ||
	    n > scratch->nooks[scratch->in_nooks].most_rows)
		return;
	from = scratch->in_nooks > 0 ? scratch->nooks[scratch->in_nooks - 1].codes : bins->by_row;
	to = scratch->nooks[scratch->in_nooks].codes;
	scratch->nooks[scratch->in_nooks].begin = span->begin;
	scratch->nooks[scratch->in_nooks].end = span->end;
	scratch->in_nooks++;
	for (size_t i = 0; i < n; i++) {
		__builtin_prefetch(from + rows[i + AHEAD < n ? i + AHEAD : i].row * width);
		memcpy(to + i * width, from + rows[i].row * width, width * sizeof *to);
		rows[i].row = (uint32_t)i;
	}
}

/* Rows of a part of a node, and of a node that is worth to be counted in parts. */
enum { PART_ROWS = 16384, SHARED_ROWS = 2 * PART_ROWS };

/* What is done with the rows of a node, or with a part of them. */
struct job {
	const struct mlops_forest_growing *growing;
	struct mlops_grow_row *rows, *spare;
	uint16_t *keys;
	size_t n, step;
	const uint16_t *codes;
	const struct mlops_grow_window *windows;
	size_t n_windows;
	bool any_missing;
	const struct mlops_grow_pair *pair;
	unsigned shift;
	uint32_t *counts;
	uint32_t last;
	bool missing_left;
	size_t *left, n_left; /* of each part; of all */
};

static struct job job_of(const struct mlops_forest_growing *growing, const struct mlops_forest_span *span)
{
	return (struct job){
		.growing = growing,
		.rows = growing->rows.rows + span->begin,
		.spare = growing->rows.spare + span->begin,
		.keys = growing->rows.keys + span->begin,
		.n = span->end - span->begin,
	};
}

static bool is_shared(const struct job *job)
{
	return job->growing->team != NULL && job->n >= SHARED_ROWS;
}

static size_t size_of(const struct job *job, size_t part)
{
	return job->n - part * PART_ROWS < PART_ROWS ? job->n - part * PART_ROWS : PART_ROWS;
}

static void run_parts(struct job *job, mlops_task *step)
{
	mlops_pool_run(job->growing->team->pool, (job->n + PART_ROWS - 1) / PART_ROWS, step, job);
}

/* The worker's own cells for the counts, which are some of the first worker's. */
static uint32_t *counts_of(const struct job *job, const uint32_t *counts, size_t worker)
{
	return job->growing->team->scratch[worker].histograms + (counts - job->growing->scratch->histograms);
}

/* Adds up what the workers counted. */
static void add_up(const struct job *job, uint32_t *counts, size_t n_bins)
{
	size_t n = n_bins * mlops_grow_width(job->growing->plan->cells);

	for (size_t w = 1; w < job->growing->team->workers; w++) {
		uint32_t *some = counts_of(job, counts, w);

		for (size_t i = 0; i < n; i++)
			counts[i] += some[i];
		memset(some, 0, n * sizeof *some);
	}
}

static void count_part(void *context, size_t part, unsigned worker)
{
	const struct job *job = context;
	struct mlops_grow_window windows[MLOPS_GROW_AT_ONCE];

	for (size_t w = 0; w < job->n_windows; w++) {
		windows[w] = job->windows[w];
		windows[w].counts = counts_of(job, windows[w].counts, worker);
	}
	job->growing->plan->kernels->grow_count(job->rows + part * PART_ROWS, size_of(job, part), job->step,
						job->growing->plan->cells, windows, job->n_windows,
						job->any_missing);
}

void mlops_forest_count(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			const uint32_t *features, struct mlops_grow_window *windows, size_t n_windows)
{
	struct job job = job_of(growing, span);

	for (size_t w = 0; w < n_windows; w++) {
		windows[w].codes = mlops_forest_codes(growing, features[w], &job.step);
		job.any_missing |= growing->plan->bins->features[features[w]].any_missing;
	}
	if (!is_shared(&job)) {
		growing->plan->kernels->grow_count(job.rows, job.n, job.step, growing->plan->cells, windows,
						   n_windows, job.any_missing);
		return;
	}
	job.windows = windows;
	job.n_windows = n_windows;
	run_parts(&job, count_part);
	for (size_t w = 0; w < n_windows; w++)
		add_up(&job, windows[w].counts, windows[w].n_bins + 1);
}

static void take_part(void *context, size_t part, unsigned worker)
{
	const struct job *job = context;

	(void)worker;
	job->growing->plan->kernels->grow_keys(job->rows + part * PART_ROWS, size_of(job, part), job->codes,
					       job->step, job->keys + part * PART_ROWS);
}

void mlops_forest_take_keys(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			    uint32_t feature)
{
	struct job job = job_of(growing, span);

	job.codes = mlops_forest_codes(growing, feature, &job.step);
	if (is_shared(&job))
		run_parts(&job, take_part);
	else
		growing->plan->kernels->grow_keys(job.rows, job.n, job.codes, job.step, job.keys);
}

static void count_part_inside(void *context, size_t part, unsigned worker)
{
	const struct job *job = context;

	job->growing->plan->kernels->grow_inside(job->rows + part * PART_ROWS, job->keys + part * PART_ROWS,
						 size_of(job, part), job->growing->plan->cells, job->pair,
						 job->shift, counts_of(job, job->counts, worker));
}

void mlops_forest_count_inside(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			       const struct mlops_grow_pair *pair, unsigned shift, uint32_t *counts)
{
	struct job job = job_of(growing, span);

	job.pair = pair;
	job.shift = shift;
	job.counts = counts;
	if (is_shared(&job)) {
		run_parts(&job, count_part_inside);
		add_up(&job, counts, (size_t)2 << pair->bits >> shift);
	} else {
		growing->plan->kernels->grow_inside(job.rows, job.keys, job.n, growing->plan->cells, pair,
						    shift, counts);
	}
}

static void divide_part(void *context, size_t part, unsigned worker)
{
	const struct job *job = context;
	size_t first = part * PART_ROWS;

	(void)worker;
	job->left[part] = job->growing->plan->kernels->grow_partition(job->rows + first, job->keys + first,
								      size_of(job, part), job->last,
								      job->missing_left, job->spare + first);
}

/* job->left is by now where each part's rows go on the left; those before it that do not go there go right.
 */
static void move_part(void *context, size_t part, unsigned worker)
{
	const struct job *job = context;
	const struct mlops_grow_row *rows = job->rows + part * PART_ROWS;
	size_t left = job->left[part + 1] - job->left[part], right = size_of(job, part) - left;

	(void)worker;
	memcpy(job->spare + job->left[part], rows, left * sizeof *rows);
	memcpy(job->spare + job->n_left + part * PART_ROWS - job->left[part], rows + left,
	       right * sizeof *rows);
}

static void copy_part_back(void *context, size_t part, unsigned worker)
{
	const struct job *job = context;

	(void)worker;
	memcpy(job->rows + part * PART_ROWS, job->spare + part * PART_ROWS,
	       size_of(job, part) * sizeof *job->rows);
}

size_t mlops_forest_divide(struct mlops_forest_growing *growing, const struct mlops_forest_span *span,
			   uint32_t last, bool missing_left)
{
	struct job job = job_of(growing, span);
	size_t n_parts = (job.n + PART_ROWS - 1) / PART_ROWS;

	if (!is_shared(&job))
		return span->begin + growing->plan->kernels->grow_partition(job.rows, job.keys, job.n, last,
									    missing_left, job.spare);
	job.last = last;
	job.missing_left = missing_left;
	job.left = growing->team->left;
	run_parts(&job, divide_part);
	for (size_t part = 0; part <= n_parts; part++) {
		size_t n = part < n_parts ? job.left[part] : 0;

		job.left[part] = job.n_left;
		job.n_left += n;
	}
	run_parts(&job, move_part);
	run_parts(&job, copy_part_back);
	return span->begin + job.n_left;
}

bool mlops_forest_team_allocate(struct mlops_forest_team *team, size_t n_rows)
{
	team->left = calloc(n_rows / PART_ROWS + 2, sizeof *team->left);
	return team->left != NULL;
}
