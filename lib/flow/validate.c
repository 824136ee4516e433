#include "flow/validate.h"

#include "base/time.h"
#include "flow/validating.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RING (1 << 15) /* rows whose verdict is open: a batch and those that wait */
#define MOST_SENSORS 4096
#define SENSOR_BYTES ((size_t)24 << 20)
#define MOST_COUNTED 257
#define MANY_TIMES 16 /* sensors that remember MLOPS_TIME_MEMORY times; others a few */
#define FEW_TIMES 256

/* The schema's columns are looked for; without a schema a new one has all there are. */
static bool choose_columns(struct mlops_validating *v, struct mlops_selection *selection,
			   struct mlops_error *error)
{
	const struct mlops_reader *reader = v->request->reader;
	struct mlops_select_options options = { .texts = true };
	const struct mlops_select_options *wanted = v->request->select;
	const char *time = v->schema->time;
	const char *id = v->schema->id;

	if (wanted != NULL) {
		options.time = wanted->time;
		options.id = wanted->id;
		options.ignore = wanted->ignore;
		options.n_ignore = wanted->n_ignore;
	}
	if (options.time == NULL && !reader->has_time && time != NULL &&
	    mlops_select_column(reader, time, NULL) != MLOPS_NO_COLUMN)
		options.time = time;
	if (options.id == NULL && id != NULL && mlops_select_column(reader, id, NULL) != MLOPS_NO_COLUMN)
		options.id = id;
	return mlops_select(reader, &options, selection, error);
}

static bool keep_name(char **place, const struct mlops_reader *reader, size_t column)
{
	if (*place != NULL || column == MLOPS_NO_COLUMN)
		return true;
	*place = strdup(reader->columns[column].name);
	return *place != NULL;
}

static bool prepare_schema(struct mlops_validating *v, const struct mlops_selection *selection,
			   struct mlops_error *error)
{
	const struct mlops_validate_request *request = v->request;
	const struct mlops_reader *reader = request->reader;
	bool ok = true;

	for (size_t i = 0; i < selection->n_features && ok; i++) {
		size_t index = selection->features[i];
		struct mlops_validated_column *column = &v->columns[i];
		struct mlops_schema_column *schema;

		column->name = reader->columns[index].name;
		column->known = mlops_schema_find(v->schema, column->name) != NULL;
		if (column->known)
			continue;
		schema = mlops_schema_add_column(v->schema, column->name, error);
		ok = schema != NULL;
		if (ok) {
			schema->required = v->self_taught;
			schema->type = reader->columns[index].guess == MLOPS_COLUMN_TEXT
					       ? MLOPS_SCHEMA_TEXT
					       : MLOPS_SCHEMA_NUMBER;
		}
	}
	if (v->self_taught && ok &&
	    (!keep_name(&v->schema->time, reader, selection->time) ||
	     !keep_name(&v->schema->id, reader, selection->id)))
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < v->schema->n_columns && v->self_taught && !request->learn; i++)
		v->schema->columns[i].limits.of[MLOPS_RULE_FLAT].severity = MLOPS_SEVERITY_WARNING;
	for (size_t i = 0; i < request->n_set && ok; i++)
		ok = mlops_schema_set(v->schema, request->set[i], error);
	if (request->min_rows > 0)
		v->schema->limits.of[MLOPS_RULE_ROWS].values[0] = (double)request->min_rows;
	return ok && (request->n_checks == 0 ||
		      mlops_schema_choose(v->schema, request->checks, request->n_checks, error));
}

static bool new_texts(struct mlops_validated_column *column, struct mlops_error *error)
{
	const struct mlops_schema_column *schema = column->schema;

	column->texts = mlops_dictionary_new(error);
	column->counts = calloc(MOST_COUNTED, sizeof *column->counts);
	column->registers = calloc(MLOPS_DISTINCT_REGISTERS, 1);
	if (column->texts == NULL || column->counts == NULL || column->registers == NULL)
		return mlops_error_set_memory(error);
	if (schema->categories == NULL)
		return true;
	column->allowed = mlops_dictionary_new(error);
	for (size_t i = 0; column->allowed != NULL && i < schema->n_categories; i++)
		if (mlops_dictionary_add(column->allowed, schema->categories[i],
					 strlen(schema->categories[i])) == MLOPS_DICTIONARY_NONE)
			return mlops_error_set_memory(error);
	return column->allowed != NULL;
}

static bool prepare_columns(struct mlops_validating *v, struct mlops_error *error)
{
	for (size_t c = 0; c < v->n_columns; c++) {
		struct mlops_validated_column *column = &v->columns[c];

		column->index = c;
		column->schema = mlops_schema_find(v->schema, column->name);
		column->is_text = column->schema->type == MLOPS_SCHEMA_TEXT;
		if (column->schema->climate_bins > 0)
			v->climate_bins = column->schema->climate_bins;
		if (column->schema->unique) {
			column->unique = mlops_unique_new();
			if (column->unique == NULL)
				return mlops_error_set_memory(error);
		}
		if (column->is_text) {
			if (!new_texts(column, error))
				return false;
			continue;
		}
		if (!v->profiled)
			continue;
		column->profile = mlops_column_profile_new(error);
		if (column->profile == NULL)
			return false;
	}
	return true;
}

/* Pairs of the schema whose columns are both there. */
static bool prepare_pairs(struct mlops_validating *v, struct mlops_error *error)
{
	v->pairs = calloc(v->schema->n_pairs + 1, sizeof *v->pairs);
	if (v->pairs == NULL)
		return mlops_error_set_memory(error);
	for (size_t p = 0; p < v->schema->n_pairs; p++) {
		const struct mlops_schema_pair *wanted = &v->schema->pairs[p];
		struct mlops_validated_pair pair = { .first = SIZE_MAX,
						     .second = SIZE_MAX,
						     .least = wanted->least,
						     .most = wanted->most,
						     .seen_least = INFINITY,
						     .seen_most = -INFINITY };

		for (size_t c = 0; c < v->n_columns; c++) {
			pair.first = strcmp(v->columns[c].name, wanted->first) == 0 ? c : pair.first;
			pair.second = strcmp(v->columns[c].name, wanted->second) == 0 ? c : pair.second;
		}
		if (pair.first != SIZE_MAX && pair.second != SIZE_MAX)
			v->pairs[v->n_pairs++] = pair;
	}
	return true;
}

static bool prepare_batch(struct mlops_validating *v, const struct mlops_selection *selection,
			  struct mlops_error *error)
{
	struct mlops_batch_layout layout = {
		.columns = selection->features,
		.n = v->n_columns,
		.time = selection->time,
		.id = selection->id,
	};
	size_t bytes = FEW_TIMES * sizeof(int64_t) + v->n_columns * sizeof(struct mlops_sensor_state);

	v->is_text = calloc(v->n_columns + 1, sizeof *v->is_text);
	v->most_series = SENSOR_BYTES / bytes < MOST_SENSORS ? SENSOR_BYTES / bytes + 1 : MOST_SENSORS;
	layout.most_series = v->most_series;
	v->series = calloc(v->most_series, sizeof *v->series);
	v->scratch = calloc(v->workers, sizeof *v->scratch);
	v->bins = malloc(MLOPS_BATCH_ROWS);
	v->verdicts = calloc(RING, sizeof *v->verdicts);
	v->lines = calloc(RING, sizeof *v->lines);
	if (v->is_text == NULL || v->series == NULL || v->scratch == NULL || v->bins == NULL ||
	    v->verdicts == NULL || v->lines == NULL)
		return mlops_error_set_memory(error);
	for (size_t c = 0; c < v->n_columns; c++)
		v->is_text[c] = v->columns[c].is_text;
	layout.is_text = v->is_text;
	v->batch = mlops_rows_batch_new(&layout, v->request->reader, error);
	return v->batch != NULL;
}

static bool prepare(struct mlops_validating *v, struct mlops_selection *selection, struct mlops_error *error)
{
	v->self_taught = v->schema == NULL;
	if (v->self_taught)
		v->validation->schema = v->schema = mlops_schema_new(error);
	v->profiled = v->request->profile || v->request->learn || v->request->reference != NULL;
	v->gap = INT64_MAX;
	v->climate_bins = v->request->learn ? v->request->climate_bins : 0;
	if (v->schema == NULL || !choose_columns(v, selection, error))
		return false;
	v->n_columns = selection->n_features;
	v->columns = calloc(v->n_columns + 1, sizeof *v->columns);
	if (v->columns == NULL)
		return mlops_error_set_memory(error);
	return prepare_schema(v, selection, error) && prepare_columns(v, error) && prepare_pairs(v, error) &&
	       prepare_batch(v, selection, error);
}

/* Sensors that the batch has for the first time get their memory. */
static bool meet_series(struct mlops_validating *v, struct mlops_error *error)
{
	size_t n = v->batch->sensors != NULL ? mlops_dictionary_count(v->batch->sensors) : 1;

	for (; v->n_series < n && v->n_series < v->most_series; v->n_series++) {
		struct mlops_series *series = &v->series[v->n_series];

		series->sensors = calloc(v->n_columns + 1, sizeof *series->sensors);
		series->times.memory = v->n_series < MANY_TIMES ? MLOPS_TIME_MEMORY : FEW_TIMES;
		if (series->sensors == NULL)
			return mlops_error_set_memory(error);
	}
	for (size_t s = 0; s < v->batch->n_segments; s++)
		v->series[v->batch->segments[s].series].rows +=
			v->batch->segments[s].end - v->batch->segments[s].begin;
	return true;
}

/* The hour of the day, or the month, of each row (days to months after Hinnant, "chrono-compatible low-level
 * date algorithms", 2021). */
static void find_bins(struct mlops_validating *v)
{
	for (size_t r = 0; r < v->batch->rows && v->climate_bins > 0; r++) {
		int64_t time = v->batch->times != NULL ? v->batch->times[r] : MLOPS_TIME_MISSING;
		int64_t hour = time / INT64_C(3600000000) - (time % INT64_C(3600000000) < 0);

		if (time == MLOPS_TIME_MISSING) {
			v->bins[r] = 255;
		} else if (v->climate_bins == 24) {
			v->bins[r] = (uint8_t)((hour % 24 + 24) % 24);
		} else {
			int64_t day = (hour - ((hour % 24 + 24) % 24)) / 24 + 719468;
			int64_t era_day = day % 146097;
			int64_t year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
			int64_t of_year = era_day - (365 * year + year / 4 - year / 100);

			v->bins[r] = (uint8_t)(((5 * of_year + 2) / 153 + 2) % 12);
		}
	}
}

static void report_mark(struct mlops_validating *v, enum mlops_rule rule, size_t row)
{
	mlops_validating_add_fault(v, &v->tallies[rule], &v->faults, rule,
				   v->schema->limits.of[rule].severity, v->batch->first_row + row,
				   v->batch->lines[row], NAN, 0);
}

static void check_marks(struct mlops_validating *v)
{
	for (size_t r = 0; r < v->batch->rows; r++) {
		uint8_t marks = v->batch->marks[r];

		if (marks == 0)
			continue;
		if ((marks & MLOPS_MARK_PARSE) != 0)
			report_mark(v, MLOPS_RULE_PARSE, r);
		if ((marks & MLOPS_MARK_NOT_FINITE) != 0)
			report_mark(v, MLOPS_RULE_NOT_FINITE, r);
		if ((marks & MLOPS_MARK_RAGGED) != 0)
			report_mark(v, MLOPS_RULE_RAGGED, r);
	}
}

static bool is_listed(const struct mlops_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_sensors; i++)
		if (strcmp(schema->sensors[i], name) == 0)
			return true;
	return false;
}

static void check_sensor_names(struct mlops_validating *v)
{
	for (size_t s = 0;
	     s < v->batch->n_segments && v->schema->sensors != NULL && v->batch->sensors != NULL; s++) {
		const struct mlops_batch_segment *segment = &v->batch->segments[s];

		if (is_listed(v->schema, mlops_dictionary_text(v->batch->sensors, segment->series, NULL)))
			continue;
		for (uint32_t i = segment->begin; i < segment->end; i++)
			report_mark(v, MLOPS_RULE_SENSORS, v->batch->order[i]);
	}
}

static void do_task(void *context, size_t task, unsigned worker)
{
	struct mlops_validating *v = context;

	if (task < v->n_columns)
		mlops_validating_check_column(v, task, &v->scratch[worker]);
	else if (task < v->n_columns + v->n_pairs)
		mlops_validating_check_pair(v, task - v->n_columns);
	else
		mlops_validating_check_times(v);
}

static bool sentence(struct mlops_validating *v, struct mlops_fault_list *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		if (faults->items[i].row >= v->judged)
			v->verdicts[faults->items[i].row % RING] |= (uint16_t)(1u << faults->items[i].reason);
	faults->n = 0;
	return !faults->failed;
}

/* Rows up to `to` are judged for good. */
static bool hand_on(struct mlops_validating *v, uint64_t to, struct mlops_error *error)
{
	struct mlops_validation *validation = v->validation;

	while (v->judged < to) {
		uint64_t lines[256];
		bool valid[256];
		uint64_t first = v->judged;
		size_t n = 0;

		for (; n < 256 && v->judged < to; n++, v->judged++) {
			uint16_t *verdict = &v->verdicts[v->judged % RING];

			lines[n] = v->lines[v->judged % RING];
			valid[n] = *verdict == 0;
			validation->invalid_rows += *verdict != 0;
			for (unsigned reason = 0; *verdict != 0;
			     reason++, *verdict = (uint16_t)(*verdict >> 1))
				validation->reasons[reason] += *verdict & 1;
		}
		if (v->request->rows != NULL &&
		    !v->request->rows(v->request->rows_context, first, lines, valid, n, error))
			return false;
	}
	return true;
}

static bool judge(struct mlops_validating *v, struct mlops_error *error)
{
	const struct mlops_rows_batch *batch = v->batch;
	uint64_t end = batch->first_row + batch->rows;
	bool ok = true;

	for (size_t r = 0; r < batch->rows; r++)
		v->lines[(batch->first_row + r) % RING] = batch->lines[r];
	for (size_t c = 0; c < v->n_columns; c++)
		ok = sentence(v, &v->columns[c].faults) && ok;
	for (size_t p = 0; p < v->n_pairs; p++)
		ok = sentence(v, &v->pairs[p].faults) && ok;
	ok = sentence(v, &v->faults) && ok;
	for (unsigned w = 0; w < v->workers; w++)
		ok = ok && !v->scratch[w].failed;
	if (!ok)
		return mlops_error_set_memory(error);
	return hand_on(v, end > MLOPS_VERDICT_LAG ? end - MLOPS_VERDICT_LAG : 0, error);
}

static void note_times(struct mlops_validating *v)
{
	for (size_t r = 0; v->batch->times != NULL && r < v->batch->rows; r++)
		if (v->batch->times[r] != MLOPS_TIME_MISSING && v->batch->times[r] > v->validation->last_time)
			v->validation->last_time = v->batch->times[r];
}

static bool read_rows(struct mlops_validating *v, struct mlops_error *error)
{
	const struct mlops_validate_request *request = v->request;
	bool first = true;

	for (;;) {
		if (!mlops_rows_batch_next(v->batch, request->reader, error))
			return false;
		if (v->batch->rows == 0)
			break;
		v->validation->rows += v->batch->rows;
		if (!meet_series(v, error))
			return false;
		find_bins(v);
		if (first && !mlops_validating_learn_first(v, error))
			return false;
		first = false;
		check_marks(v);
		check_sensor_names(v);
		note_times(v);
		mlops_pool_run(request->pool, v->n_columns + v->n_pairs + (v->batch->times != NULL), do_task,
			       v);
		if (!judge(v, error))
			return false;
		if (request->progress != NULL &&
		    !request->progress(request->progress_context, v->validation->rows))
			return mlops_error_set(error, MLOPS_CLOSED, "stopped");
	}
	return hand_on(v, v->validation->rows, error);
}

static bool finish_texts(struct mlops_validated_column *column, struct mlops_profiled_column *profiled)
{
	size_t n = mlops_dictionary_count(column->texts);

	profiled->is_text = true;
	profiled->missing = column->missing;
	profiled->other = column->other;
	profiled->counts = column->counts;
	column->counts = NULL;
	profiled->texts = calloc(n + 1, sizeof *profiled->texts);
	for (size_t i = 0; profiled->texts != NULL && i < n; i++) {
		profiled->texts[i] = strdup(mlops_dictionary_text(column->texts, (uint32_t)i, NULL));
		if (profiled->texts[i] == NULL)
			return false;
		profiled->n_texts++;
	}
	profiled->distinct =
		column->other > 0 ? floor(mlops_distinct_count(column->registers) + 0.5) : (double)n;
	return profiled->texts != NULL;
}

static bool finish_profile(struct mlops_validating *v, struct mlops_error *error)
{
	struct mlops_table_profile *profile = calloc(1, sizeof *profile);

	v->validation->profile = profile;
	if (profile == NULL ||
	    (profile->columns = calloc(v->n_columns + 1, sizeof *profile->columns)) == NULL)
		return mlops_error_set_memory(error);
	profile->rows = v->validation->rows;
	profile->error = mlops_sketch_error(profile->rows);
	for (; profile->n_columns < v->n_columns; profile->n_columns++) {
		struct mlops_validated_column *column = &v->columns[profile->n_columns];
		struct mlops_profiled_column *profiled = &profile->columns[profile->n_columns];

		profiled->name = strdup(column->name);
		profiled->rows = profile->rows;
		if (profiled->name == NULL)
			return mlops_error_set_memory(error);
		if (column->is_text) {
			if (!finish_texts(column, profiled))
				return mlops_error_set_memory(error);
			continue;
		}
		profiled->missing = column->missing;
		if (column->profile == NULL)
			continue;
		if (!mlops_column_profile_finish(column->profile, &profiled->figures, error))
			return false;
		profiled->missing = profiled->figures.missing;
	}
	return true;
}

static void release(struct mlops_validating *v)
{
	for (size_t c = 0; c < v->n_columns && v->columns != NULL; c++) {
		struct mlops_validated_column *column = &v->columns[c];

		mlops_column_profile_free(column->profile);
		mlops_dictionary_free(column->texts);
		mlops_dictionary_free(column->allowed);
		mlops_unique_free(column->unique);
		free(column->counts);
		free(column->registers);
		free(column->faults.items);
	}
	for (size_t p = 0; p < v->n_pairs; p++)
		free(v->pairs[p].faults.items);
	for (size_t s = 0; s < v->n_series; s++) {
		mlops_time_state_release(&v->series[s].times);
		free(v->series[s].sensors);
	}
	mlops_rows_batch_free(v->batch);
	free(v->is_text);
	free(v->faults.items);
	free(v->columns);
	free(v->pairs);
	free(v->series);
	free(v->scratch);
	free(v->bins);
	free(v->verdicts);
	free(v->lines);
}

struct mlops_validation *mlops_flow_validate(const struct mlops_validate_request *request,
					     struct mlops_error *error)
{
	struct mlops_validation *validation = calloc(1, sizeof *validation);
	struct mlops_validating v = { .request = request,
				      .validation = validation,
				      .schema = request->schema };
	struct mlops_selection selection = { 0 };
	bool ok = validation != NULL;

	if (!ok) {
		mlops_schema_free(request->schema);
		mlops_error_set_memory(error);
		return NULL;
	}
	validation->schema = request->schema;
	validation->last_time = MLOPS_TIME_MISSING;
	v.workers = mlops_pool_workers(request->pool);
	ok = prepare(&v, &selection, error) && read_rows(&v, error) && finish_profile(&v, error);
	validation->counts = request->reader->counts;
	if (ok) {
		validation->rows += validation->counts.skipped_rows;
		validation->invalid_rows += validation->counts.skipped_rows;
		ok = mlops_validating_find(&v, error) &&
		     (!request->learn || mlops_validating_learn_all(&v, error));
	}
	release(&v);
	mlops_selection_release(&selection);
	if (ok)
		return validation;
	mlops_validation_free(validation);
	return NULL;
}

void mlops_validation_free(struct mlops_validation *validation)
{
	if (validation == NULL)
		return;
	for (size_t i = 0; i < validation->n_findings; i++)
		free(validation->findings[i].message);
	free(validation->findings);
	free(validation->drifts);
	mlops_table_profile_free(validation->profile);
	mlops_schema_free(validation->schema);
	free(validation);
}
