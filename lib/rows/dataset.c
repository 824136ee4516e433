#include "rows/dataset.h"

#include "rows/category.h"

#include "base/sha256.h"
#include "base/text.h"
#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A dataset while it is read. */
struct loading {
	struct mlops_reader *reader;
	const struct mlops_selection *selection;
	const struct mlops_dataset *like;
	struct mlops_dataset *dataset;
	size_t capacity;                     /* rows there is room for */
	struct mlops_binding *bindings;      /* the features, then what target, time and id say */
	enum mlops_column_type *types;
	size_t n_bindings;
	size_t target, time, id;             /* index into bindings or MLOPS_NO_COLUMN */
	struct mlops_dictionary **texts;     /* [n_features], NULL for a number */
	struct mlops_dictionary *classes;
	struct mlops_dictionary *groups;
};

void mlops_features_free(struct mlops_feature *features, size_t n)
{
	if (features == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		free(features[i].name);
		mlops_category_free(features[i].categories, features[i].n_categories);
	}
	free(features);
}

void mlops_dataset_free(struct mlops_dataset *dataset)
{
	if (dataset == NULL)
		return;
	for (size_t i = 0; dataset->columns != NULL && i < dataset->n_features; i++)
		free(dataset->columns[i]);
	free(dataset->columns);
	mlops_features_free(dataset->features, dataset->n_features);
	mlops_category_free(dataset->classes, dataset->n_classes);
	free(dataset->target);
	free(dataset->times);
	free(dataset->groups);
	free(dataset);
}

struct mlops_matrix mlops_dataset_matrix(const struct mlops_dataset *dataset, const uint32_t *rows,
					 size_t n_rows)
{
	return (struct mlops_matrix){
		.columns = (const float *const *)dataset->columns,
		.n_columns = dataset->n_features,
		.rows = rows,
		.n_rows = rows != NULL ? n_rows : dataset->n_rows,
	};
}

static size_t add_binding(struct loading *loading, size_t column, enum mlops_column_type type)
{
	if (column == MLOPS_NO_COLUMN)
		return MLOPS_NO_COLUMN;
	loading->bindings[loading->n_bindings] = (struct mlops_binding){ .column = column, .type = type };
	loading->types[loading->n_bindings] = type;
	return loading->n_bindings++;
}

static bool prepare_feature(struct loading *loading, size_t f, struct mlops_error *error)
{
	const struct mlops_column_info *info = &loading->reader->columns[loading->selection->features[f]];
	struct mlops_feature *feature = &loading->dataset->features[f];
	bool is_text = info->guess == MLOPS_COLUMN_TEXT;

	feature->name = strdup(info->name);
	if (feature->name == NULL)
		return mlops_error_set_memory(error);
	if (loading->like != NULL) {
		const struct mlops_feature *model = &loading->like->features[f];

		if (strcmp(model->name, info->name) != 0)
			return mlops_error_set(error, MLOPS_BUG, "feature \"%s\" stands where \"%s\" should",
					       info->name, model->name);
		is_text = model->categories != NULL;
	}
	add_binding(loading, loading->selection->features[f],
		    is_text ? MLOPS_COLUMN_TEXT : MLOPS_COLUMN_NUMBER);
	if (!is_text)
		return true;
	loading->texts[f] = mlops_dictionary_new(error);
	if (loading->texts[f] == NULL)
		return false;
	/* With categories taken over, the dictionary's codes are theirs from the start. */
	if (loading->like != NULL)
		return mlops_category_fill(loading->texts[f], loading->like->features[f].categories,
					   loading->like->features[f].n_categories, error);
	return true;
}

static bool prepare(struct loading *loading, struct mlops_error *error)
{
	const struct mlops_selection *selection = loading->selection;
	struct mlops_dataset *dataset = loading->dataset;
	size_t n = selection->n_features;

	if (loading->like != NULL && loading->like->n_features != n)
		return mlops_error_set(error, MLOPS_BUG, "%zu features where %zu are known", n,
				       loading->like->n_features);
	dataset->columns = calloc(n + 1, sizeof *dataset->columns);
	dataset->features = calloc(n + 1, sizeof *dataset->features);
	loading->texts = calloc(n + 1, sizeof *loading->texts);
	loading->bindings = calloc(n + 3, sizeof *loading->bindings);
	loading->types = calloc(n + 3, sizeof *loading->types);
	if (dataset->columns == NULL || dataset->features == NULL || loading->texts == NULL ||
	    loading->bindings == NULL || loading->types == NULL)
		return mlops_error_set_memory(error);
	dataset->n_features = n;
	for (size_t f = 0; f < n; f++)
		if (!prepare_feature(loading, f, error))
			return false;
	loading->target = add_binding(loading, selection->target, MLOPS_COLUMN_TEXT);
	loading->time = add_binding(loading, selection->time, MLOPS_COLUMN_TIME);
	loading->id = add_binding(loading, selection->id, MLOPS_COLUMN_TEXT);
	loading->classes = mlops_dictionary_new(error);
	loading->groups = mlops_dictionary_new(error);
	if (loading->classes == NULL || loading->groups == NULL)
		return false;
	if (loading->like != NULL && loading->like->classes != NULL)
		return mlops_category_fill(loading->classes, loading->like->classes, loading->like->n_classes,
					   error);
	return true;
}

static bool resize_codes(uint32_t **codes, size_t rows)
{
	uint32_t *resized = reallocarray(*codes, rows, sizeof *resized);

	if (resized != NULL)
		*codes = resized;
	return resized != NULL;
}

static bool set_capacity(struct loading *loading, size_t rows, struct mlops_error *error)
{
	struct mlops_dataset *dataset = loading->dataset;

	for (size_t f = 0; f < dataset->n_features; f++) {
		float *column = reallocarray(dataset->columns[f], rows, sizeof *column);

		if (column == NULL)
			return mlops_error_set_memory(error);
		dataset->columns[f] = column;
	}
	if (loading->time != MLOPS_NO_COLUMN) {
		int64_t *times = reallocarray(dataset->times, rows, sizeof *times);

		if (times == NULL)
			return mlops_error_set_memory(error);
		dataset->times = times;
	}
	if ((loading->target != MLOPS_NO_COLUMN && !resize_codes(&dataset->target, rows)) ||
	    (loading->id != MLOPS_NO_COLUMN && !resize_codes(&dataset->groups, rows)))
		return mlops_error_set_memory(error);
	loading->capacity = rows;
	return true;
}

/* Half as much again each time: what is not used stays small beside what is. */
static bool make_room(struct loading *loading, size_t extra, struct mlops_error *error)
{
	size_t wanted = loading->dataset->n_rows + extra;
	size_t grown = loading->capacity + loading->capacity / 2;

	if (wanted >= UINT32_MAX)
		return mlops_error_set_at(error, MLOPS_DATA, loading->reader->name, 0,
					  "more than 4294967294 rows");
	if (wanted <= loading->capacity)
		return true;
	return set_capacity(loading, grown > wanted ? grown : wanted, error);
}

static bool cell_error(const struct loading *loading, size_t binding, uint64_t line, const char *what,
		       struct mlops_error *error)
{
	const char *name = loading->reader->columns[loading->bindings[binding].column].name;
	char masked[MLOPS_TEXT_QUOTED];

	return mlops_error_set_at(error, MLOPS_DATA, loading->reader->name, line, "column \"%s\" %s",
				  mlops_text_mask(masked, name, strlen(name)), what);
}

/* Names of categories and classes are strings with an end. */
static bool check_text(const struct loading *loading, size_t binding, uint64_t line, struct mlops_cell cell,
		       struct mlops_error *error)
{
	if (memchr(cell.bytes, '\0', cell.length) == NULL)
		return true;
	return cell_error(loading, binding, line, "has a NUL character in a text", error);
}

static bool take_text(struct loading *loading, const struct mlops_chunk *chunk, size_t f, size_t row,
		      float *value, struct mlops_error *error)
{
	struct mlops_cell cell = mlops_chunk_cell(chunk, f, row);
	uint32_t code;

	*value = NAN;
	if (!cell.present)
		return true;
	if (!check_text(loading, f, chunk->lines[row], cell, error))
		return false;
	if (loading->like != NULL) {
		code = mlops_dictionary_find(loading->texts[f], cell.bytes, cell.length);
		if (code != MLOPS_DICTIONARY_NONE)
			*value = (float)code;
		return true;
	}
	code = mlops_dictionary_add(loading->texts[f], cell.bytes, cell.length);
	if (code == MLOPS_DICTIONARY_NONE)
		return mlops_error_set_memory(error);
	if (code >= MLOPS_MAX_CATEGORIES)
		return cell_error(loading, f, chunk->lines[row],
				  "has more than 255 different texts; a feature has at most 255", error);
	*value = (float)code;
	return true;
}

static bool take_class(struct loading *loading, const struct mlops_chunk *chunk, size_t row, uint32_t *class,
		       struct mlops_error *error)
{
	struct mlops_cell cell = mlops_chunk_cell(chunk, loading->target, row);
	char number[MLOPS_NUMBER_TEXT];
	size_t length = cell.length;
	const char *text = mlops_category_class_text(cell.bytes, &length, number);

	if (!check_text(loading, loading->target, chunk->lines[row], cell, error))
		return false;
	if (loading->like != NULL && loading->like->classes != NULL) {
		char masked[MLOPS_TEXT_QUOTED], sentence[MLOPS_TEXT_QUOTED + 64];

		*class = mlops_dictionary_find(loading->classes, text, length);
		if (*class != MLOPS_DICTIONARY_NONE)
			return true;
		snprintf(sentence, sizeof sentence, "has the class '%s', which is not among those learnt",
			 mlops_text_mask(masked, text, length));
		return cell_error(loading, loading->target, chunk->lines[row], sentence, error);
	}
	*class = mlops_dictionary_add(loading->classes, text, length);
	if (*class == MLOPS_DICTIONARY_NONE)
		return mlops_error_set_memory(error);
	if (*class >= MLOPS_MAX_CLASSES)
		return cell_error(loading, loading->target, chunk->lines[row],
				  "has more than 255 different values; a target has at most 255 classes",
				  error);
	return true;
}

/* One quiet NaN and one zero, so that equal data have equal bits. */
static float canonical(float value)
{
	if (isnan(value))
		return NAN;
	return value == 0 ? 0.0f : value;
}

/* The rows of a chunk behind those there are; there is room. */
static bool take_rows(struct loading *loading, const struct mlops_chunk *chunk, struct mlops_error *error)
{
	struct mlops_dataset *dataset = loading->dataset;

	for (size_t row = 0; row < chunk->rows; row++) {
		size_t at = dataset->n_rows;

		if (loading->target != MLOPS_NO_COLUMN) {
			if (!mlops_chunk_cell(chunk, loading->target, row).present) {
				dataset->missing_targets++;
				continue;
			}
			if (!take_class(loading, chunk, row, &dataset->target[at], error))
				return false;
		}
		for (size_t f = 0; f < dataset->n_features; f++) {
			float *value = &dataset->columns[f][at];

			if (loading->texts[f] == NULL)
				*value = canonical(chunk->columns[f].numbers[row]);
			else if (!take_text(loading, chunk, f, row, value, error))
				return false;
		}
		if (loading->time != MLOPS_NO_COLUMN)
			dataset->times[at] = chunk->columns[loading->time].times[row];
		if (loading->id != MLOPS_NO_COLUMN) {
			struct mlops_cell cell = mlops_chunk_cell(chunk, loading->id, row);

			/* rows without an id are a group of their own, that of the empty text */
			dataset->groups[at] = mlops_dictionary_add(loading->groups, cell.bytes, cell.length);
			if (dataset->groups[at] == MLOPS_DICTIONARY_NONE)
				return mlops_error_set_memory(error);
		}
		dataset->n_rows++;
	}
	return true;
}

static bool read_all(struct loading *loading, const struct mlops_dataset_options *options,
		     struct mlops_error *error)
{
	struct mlops_chunk *chunk = mlops_chunk_new(loading->types, loading->n_bindings, error);
	bool fine = false;

	if (chunk == NULL ||
	    !mlops_reader_bind(loading->reader, loading->bindings, loading->n_bindings, error))
		goto done;
	for (;;) {
		if (!mlops_reader_next(loading->reader, chunk, error))
			goto done;
		if (chunk->rows == 0)
			break;
		if (!make_room(loading, chunk->rows, error) || !take_rows(loading, chunk, error))
			goto done;
		if (options->progress != NULL &&
		    !options->progress(options->progress_context, loading->reader->counts.rows)) {
			mlops_error_set(error, MLOPS_CLOSED, "stopped");
			goto done;
		}
	}
	fine = true;

done:
	mlops_chunk_free(chunk);
	return fine;
}

static bool finish_feature(struct loading *loading, size_t f, struct mlops_error *error)
{
	struct mlops_dataset *dataset = loading->dataset;
	struct mlops_feature *feature = &dataset->features[f];
	uint32_t new_code[MLOPS_MAX_CATEGORIES];

	if (loading->texts[f] == NULL)
		return true;
	feature->categories = mlops_category_texts(loading->texts[f], &feature->n_categories, error);
	if (feature->categories == NULL)
		return false;
	if (loading->like != NULL)
		return true;
	mlops_category_sort(feature->categories, feature->n_categories, new_code);
	for (size_t i = 0; i < dataset->n_rows; i++)
		if (!isnan(dataset->columns[f][i]))
			dataset->columns[f][i] = (float)new_code[(size_t)dataset->columns[f][i]];
	return true;
}

static bool finish_target(struct loading *loading, const char *positive, struct mlops_error *error)
{
	struct mlops_dataset *dataset = loading->dataset;
	uint64_t counts[MLOPS_MAX_CLASSES] = { 0 };
	uint32_t new_code[MLOPS_MAX_CLASSES];
	const char *problem;

	if (loading->target == MLOPS_NO_COLUMN)
		return true;
	dataset->classes = mlops_category_texts(loading->classes, &dataset->n_classes, error);
	if (dataset->classes == NULL)
		return false;
	if (loading->like != NULL && loading->like->classes != NULL)
		return true;
	for (size_t i = 0; i < dataset->n_rows; i++)
		counts[dataset->target[i]]++;
	problem =
		mlops_category_sort_classes(dataset->classes, dataset->n_classes, counts, positive, new_code);
	if (problem != NULL) {
		char masked[MLOPS_TEXT_QUOTED], sentence[MLOPS_TEXT_QUOTED + 128];

		snprintf(sentence, sizeof sentence, "%s '%s'", problem,
			 mlops_text_mask(masked, positive, strlen(positive)));
		return cell_error(loading, loading->target, 0, sentence, error);
	}
	for (size_t i = 0; i < dataset->n_rows; i++)
		dataset->target[i] = new_code[dataset->target[i]];
	return true;
}

struct digest {
	struct mlops_sha256 *hash;
	unsigned char block[4096];
	size_t used;
};

static void add_bytes(struct digest *digest, const void *bytes, size_t length)
{
	mlops_sha256_add(digest->hash, digest->block, digest->used);
	digest->used = 0;
	mlops_sha256_add(digest->hash, bytes, length);
}

/* Low byte first, whatever the machine. */
static void add_word(struct digest *digest, uint64_t word, size_t bytes)
{
	if (sizeof digest->block - digest->used < bytes) {
		mlops_sha256_add(digest->hash, digest->block, digest->used);
		digest->used = 0;
	}
	for (size_t i = 0; i < bytes; i++)
		digest->block[digest->used++] = (unsigned char)(word >> 8 * i);
}

static void add_string(struct digest *digest, const char *string)
{
	size_t length = strlen(string);

	add_word(digest, length, 8);
	add_bytes(digest, string, length);
}

static void add_strings(struct digest *digest, char *const *strings, size_t n)
{
	add_word(digest, n, 8);
	for (size_t i = 0; i < n; i++)
		add_string(digest, strings[i]);
}

/* Every part is led by its length or a mark of its presence, so that no two datasets make one stream. */
static bool digest_dataset(struct mlops_dataset *dataset, struct mlops_error *error)
{
	struct digest digest = { .hash = mlops_sha256_new() };
	size_t n = dataset->n_rows;

	if (digest.hash == NULL)
		return mlops_error_set_memory(error);
	add_string(&digest, "mlops dataset 1");
	add_word(&digest, n, 8);
	add_word(&digest, dataset->n_features, 8);
	for (size_t f = 0; f < dataset->n_features; f++) {
		add_string(&digest, dataset->features[f].name);
		add_word(&digest, dataset->features[f].categories != NULL, 1);
		add_strings(&digest, dataset->features[f].categories, dataset->features[f].n_categories);
		for (size_t i = 0; i < n; i++) {
			uint32_t bits;

			memcpy(&bits, &dataset->columns[f][i], sizeof bits);
			add_word(&digest, bits, 4);
		}
	}
	add_word(&digest, dataset->target != NULL, 1);
	add_strings(&digest, dataset->classes, dataset->n_classes);
	for (size_t i = 0; dataset->target != NULL && i < n; i++)
		add_word(&digest, dataset->target[i], 4);
	add_word(&digest, dataset->times != NULL, 1);
	for (size_t i = 0; dataset->times != NULL && i < n; i++)
		add_word(&digest, (uint64_t)dataset->times[i], 8);
	add_word(&digest, dataset->groups != NULL, 1);
	for (size_t i = 0; dataset->groups != NULL && i < n; i++)
		add_word(&digest, dataset->groups[i], 4);
	add_bytes(&digest, "", 0);
	mlops_sha256_finish(digest.hash, dataset->sha256);
	return true;
}

static bool finish(struct loading *loading, const struct mlops_dataset_options *options,
		   struct mlops_error *error)
{
	struct mlops_dataset *dataset = loading->dataset;

	if (dataset->n_rows == 0 && dataset->missing_targets > 0)
		return cell_error(loading, loading->target, 0, "is missing in every row", error);
	if (dataset->n_rows == 0)
		return mlops_error_set_at(error, MLOPS_DATA, loading->reader->name, 0, "no data rows");
	if (!set_capacity(loading, dataset->n_rows, error))
		return false;
	for (size_t f = 0; f < dataset->n_features; f++)
		if (!finish_feature(loading, f, error))
			return false;
	dataset->n_groups = mlops_dictionary_count(loading->groups);
	return finish_target(loading, options->positive, error) && digest_dataset(dataset, error);
}

struct mlops_dataset *mlops_dataset_read(struct mlops_reader *reader, const struct mlops_selection *selection,
					 const struct mlops_dataset_options *options,
					 struct mlops_error *error)
{
	static const struct mlops_dataset_options defaults = { .positive = NULL };
	struct loading loading = { .reader = reader, .selection = selection };
	bool fine = false;

	if (options == NULL)
		options = &defaults;
	loading.like = options->like;
	loading.dataset = calloc(1, sizeof *loading.dataset);
	if (loading.dataset == NULL)
		mlops_error_set_memory(error);
	else
		fine = prepare(&loading, error) && read_all(&loading, options, error) &&
		       finish(&loading, options, error);
	for (size_t f = 0; loading.texts != NULL && f < selection->n_features; f++)
		mlops_dictionary_free(loading.texts[f]);
	mlops_dictionary_free(loading.classes);
	mlops_dictionary_free(loading.groups);
	free(loading.texts);
	free(loading.bindings);
	free(loading.types);
	if (fine)
		return loading.dataset;
	mlops_dataset_free(loading.dataset);
	return NULL;
}
