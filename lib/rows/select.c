#include "rows/select.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const time_names[] = { "timestamp", "time", "ts", "date", "datetime" };
static const char *const id_names[] = { "sensor_id", "sensor", "tag", "machine_id", "unit" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t find_column(const struct mlops_reader *reader, const char *name)
{
	for (size_t i = 0; i < reader->n_columns; i++)
		if (strcmp(reader->columns[i].name, name) == 0)
			return i;
	return MLOPS_NO_COLUMN;
}

size_t mlops_select_column(const struct mlops_reader *reader, const char *name, struct mlops_error *error)
{
	char masked[MLOPS_TEXT_QUOTED], masked_near[MLOPS_TEXT_QUOTED];
	size_t column = find_column(reader, name);
	const char **known;
	const char *nearest = NULL;

	if (column != MLOPS_NO_COLUMN || error == NULL)
		return column;
	known = calloc(reader->n_columns + 1, sizeof *known);
	if (known != NULL) {
		for (size_t i = 0; i < reader->n_columns; i++)
			known[i] = reader->columns[i].name;
		nearest = mlops_text_nearest(name, known, reader->n_columns);
	}
	mlops_text_mask(masked, name, strlen(name));
	if (nearest != NULL)
		mlops_error_set_at(error, MLOPS_DATA, reader->name, 0,
				   "no column \"%s\"; did you mean \"%s\"?", masked,
				   mlops_text_mask(masked_near, nearest, strlen(nearest)));
	else
		mlops_error_set_at(error, MLOPS_DATA, reader->name, 0, "no column \"%s\"", masked);
	free(known);
	return MLOPS_NO_COLUMN;
}

static bool contains(const size_t *columns, size_t n, size_t column)
{
	for (size_t i = 0; i < n; i++)
		if (columns[i] == column)
			return true;
	return false;
}

/* The first of names that is a column, in the order of names; neither the target nor an ignored one. */
static size_t find_default(const struct mlops_reader *reader, const char *const *names, size_t n,
			   size_t target, const size_t *ignored, size_t n_ignored)
{
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < reader->n_columns; i++) {
			const char *name = reader->columns[i].name;

			if (i != target && !contains(ignored, n_ignored, i) &&
			    mlops_text_equal_ignore_case(name, strlen(name), names[k], strlen(names[k])))
				return i;
		}
	return MLOPS_NO_COLUMN;
}

size_t mlops_select_time(const struct mlops_reader *reader)
{
	if (reader->has_time)
		return reader->time_column;
	return find_default(reader, time_names, COUNT(time_names), MLOPS_NO_COLUMN, NULL, 0);
}

static bool complain(const struct mlops_reader *reader, size_t column, const char *what,
		     struct mlops_error *error)
{
	char masked[MLOPS_TEXT_QUOTED];
	const char *name = reader->columns[column].name;

	return mlops_error_set_at(error, MLOPS_DATA, reader->name, 0, "column \"%s\" %s",
				  mlops_text_mask(masked, name, strlen(name)), what);
}

/* The word for "there is no such column", unless a column has that name. */
static bool is_none(const struct mlops_reader *reader, const char *name)
{
	return strcmp(name, "none") == 0 && mlops_select_column(reader, name, NULL) == MLOPS_NO_COLUMN;
}

/* Columns that were asked for by name: target, time, id. */
static bool select_roles(const struct mlops_reader *reader, const struct mlops_select_options *options,
			 const size_t *ignored, struct mlops_selection *selection, struct mlops_error *error)
{
	const struct {
		const char *name;
		size_t *column;
	} roles[] = { { options->target, &selection->target },
		      { options->time, &selection->time },
		      { options->id, &selection->id } };

	for (size_t i = 0; i < COUNT(roles); i++) {
		if (roles[i].name == NULL || (i > 0 && is_none(reader, roles[i].name)))
			continue;
		*roles[i].column = mlops_select_column(reader, roles[i].name, error);
		if (*roles[i].column == MLOPS_NO_COLUMN)
			return false;
		for (size_t k = 0; k < i; k++)
			if (*roles[k].column == *roles[i].column)
				return complain(reader, *roles[i].column,
						"is named twice among target, time and id", error);
	}
	if (options->time == NULL && reader->has_time)
		selection->time = reader->time_column;
	else if (options->time == NULL)
		selection->time = find_default(reader, time_names, COUNT(time_names), selection->target,
					       ignored, options->n_ignore);
	if (options->id == NULL && reader->knows_id)
		selection->id = reader->id_column;
	else if (options->id == NULL)
		selection->id = find_default(reader, id_names, COUNT(id_names), selection->target, ignored,
					     options->n_ignore);
	return true;
}

static bool select_listed(const struct mlops_reader *reader, const struct mlops_select_options *options,
			  const size_t *ignored, struct mlops_selection *selection, struct mlops_error *error)
{
	for (size_t i = 0; i < options->n_features; i++) {
		size_t column = mlops_select_column(reader, options->features[i], error);

		if (column == MLOPS_NO_COLUMN)
			return false;
		if (column == selection->target)
			return complain(reader, column, "is the target and can't be a feature too", error);
		if (contains(selection->features, selection->n_features, column))
			return complain(reader, column, "is named twice among the features", error);
		if (contains(ignored, options->n_ignore, column))
			return complain(reader, column, "is named both as a feature and as one to ignore",
					error);
		if (reader->columns[column].guess == MLOPS_COLUMN_TEXT && !options->texts)
			return complain(reader, column, "holds text; features here are numbers", error);
		selection->features[selection->n_features++] = column;
	}
	return true;
}

static void select_rest(const struct mlops_reader *reader, const struct mlops_select_options *options,
			const size_t *ignored, struct mlops_selection *selection)
{
	for (size_t i = 0; i < reader->n_columns; i++) {
		if (i == selection->time || i == selection->id || i == selection->target ||
		    reader->columns[i].row_name || contains(ignored, options->n_ignore, i))
			continue;
		if (reader->columns[i].guess == MLOPS_COLUMN_TEXT && !options->texts)
			selection->passed_over[selection->n_passed_over++] = i;
		else
			selection->features[selection->n_features++] = i;
	}
}

bool mlops_select(const struct mlops_reader *reader, const struct mlops_select_options *options,
		  struct mlops_selection *selection, struct mlops_error *error)
{
	size_t *ignored = calloc(options->n_ignore + 1, sizeof *ignored);
	size_t room = reader->n_columns + 1;

	*selection = (struct mlops_selection){
		.time = MLOPS_NO_COLUMN, .id = MLOPS_NO_COLUMN, .target = MLOPS_NO_COLUMN
	};
	if (reader->no_rows) {
		mlops_error_set_at(error, MLOPS_DATA, reader->name, 0, "no data rows");
		goto failed;
	}
	selection->features = calloc(room, sizeof *selection->features);
	selection->passed_over = calloc(room, sizeof *selection->passed_over);
	if (ignored == NULL || selection->features == NULL || selection->passed_over == NULL) {
		mlops_error_set_memory(error);
		goto failed;
	}
	for (size_t i = 0; i < options->n_ignore; i++) {
		ignored[i] = mlops_select_column(reader, options->ignore[i], error);
		if (ignored[i] == MLOPS_NO_COLUMN)
			goto failed;
	}
	if (!select_roles(reader, options, ignored, selection, error))
		goto failed;
	if (options->features == NULL)
		select_rest(reader, options, ignored, selection);
	else if (!select_listed(reader, options, ignored, selection, error))
		goto failed;
	if (selection->n_features == 0) {
		mlops_error_set_at(error, MLOPS_DATA, reader->name, 0, "no column is left to be a feature%s",
				   selection->n_passed_over > 0 ? "; text columns are none here" : "");
		goto failed;
	}
	free(ignored);
	return true;

failed:
	free(ignored);
	mlops_selection_release(selection);
	return false;
}

void mlops_selection_release(struct mlops_selection *selection)
{
	free(selection->features);
	free(selection->passed_over);
	*selection = (struct mlops_selection){
		.time = MLOPS_NO_COLUMN, .id = MLOPS_NO_COLUMN, .target = MLOPS_NO_COLUMN
	};
}
