/* metadata_props: names, categories and classes as JSON, and the model's own metadata as it is. */
#include "model/onnx_graph.h"

#include "base/json_writer.h"
#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES 1000
#define PREFIX_LENGTH (sizeof(MLOPS_ONNX_PREFIX) - 1)

static const char *const own_keys[] = { "kind", "features", "classes" };

#define N_OWN (sizeof(own_keys) / sizeof(own_keys[0]))

static bool is_own(const char *key)
{
	for (size_t i = 0; i < N_OWN; i++) {
		if (strcmp(key, own_keys[i]) == 0)
			return true;
	}
	return false;
}

static bool must_be_utf8(const char *what, const char *text, struct mlops_error *error)
{
	size_t length = strlen(text);
	if (mlops_text_is_utf8(text, length))
		return true;
	char quoted[MLOPS_TEXT_QUOTED];
	return mlops_error_set(error, MLOPS_DATA, "%s '%s' is not UTF-8, which a model file needs", what,
			       mlops_text_mask(quoted, text, length));
}

static bool write_features(const struct mlops_model *model, struct mlops_buffer *text,
			   struct mlops_error *error)
{
	struct mlops_json json = { .out = text };
	mlops_json_open(&json, '[');
	for (size_t i = 0; i < model->trees.n_features; i++) {
		const struct mlops_feature *feature = &model->features[i];
		if (!must_be_utf8("feature", feature->name, error))
			return false;
		mlops_json_open(&json, '{');
		mlops_json_member_string(&json, "name", feature->name);
		if (feature->categories != NULL) {
			mlops_json_key(&json, "categories");
			mlops_json_open(&json, '[');
			for (size_t c = 0; c < feature->n_categories; c++) {
				if (!must_be_utf8("category", feature->categories[c], error))
					return false;
				mlops_json_string(&json, feature->categories[c]);
			}
			mlops_json_close(&json, ']');
		}
		mlops_json_close(&json, '}');
	}
	mlops_json_close(&json, ']');
	return true;
}

static bool write_classes(const struct mlops_model *model, struct mlops_buffer *text,
			  struct mlops_error *error)
{
	struct mlops_json json = { .out = text };
	mlops_json_open(&json, '[');
	for (size_t k = 0; k < model->n_classes; k++) {
		if (!must_be_utf8("class", model->classes[k], error))
			return false;
		mlops_json_string(&json, model->classes[k]);
	}
	mlops_json_close(&json, ']');
	return true;
}

static char *copy(struct mlops_onnx_scratch *scratch, const char *prefix, const char *text)
{
	size_t before = strlen(prefix), length = strlen(text);
	char *memory = mlops_onnx_scratch_take(scratch, before + length + 1, 1);
	if (memory != NULL) {
		memcpy(memory, prefix, before);
		memcpy(memory + before, text, length);
	}
	return memory;
}

static void add(struct mlops_onnx_scratch *scratch, Onnx__ModelProto *file, const char *key,
		const char *value)
{
	Onnx__StringStringEntryProto *entry = mlops_onnx_scratch_take(scratch, 1, sizeof(*entry));
	if (entry == NULL)
		return;
	onnx__string_string_entry_proto__init(entry);
	entry->key = copy(scratch, MLOPS_ONNX_PREFIX, key);
	entry->value = copy(scratch, "", value);
	file->metadata_props[file->n_metadata_props++] = entry;
}

bool mlops_onnx_metadata_write(const struct mlops_model *model, struct mlops_onnx_scratch *scratch,
			       Onnx__ModelProto *file, struct mlops_error *error)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	bool fine = false;
	if (model->metadata.n > MAX_ENTRIES - N_OWN) {
		mlops_error_set(error, MLOPS_BUG, "%zu metadata entries, at most %zu are possible",
				model->metadata.n, MAX_ENTRIES - N_OWN);
		goto out;
	}
	file->metadata_props =
		mlops_onnx_scratch_take(scratch, model->metadata.n + N_OWN, sizeof(*file->metadata_props));
	if (file->metadata_props == NULL)
		goto out;
	if (model->features != NULL) {
		if (!write_features(model, &text, error))
			goto out;
		add(scratch, file, "features", mlops_buffer_string(&text));
	}
	if (model->kind == MLOPS_FAILURE_PREDICTION) {
		mlops_buffer_clear(&text);
		if (!write_classes(model, &text, error))
			goto out;
		add(scratch, file, "classes", mlops_buffer_string(&text));
	}
	for (size_t i = 0; i < model->metadata.n; i++) {
		if (is_own(model->metadata.keys[i])) {
			mlops_error_set(error, MLOPS_BUG, "metadata key \"%s\" is taken",
					model->metadata.keys[i]);
			goto out;
		}
		if (!must_be_utf8("metadata", model->metadata.values[i], error))
			goto out;
		add(scratch, file, model->metadata.keys[i], model->metadata.values[i]);
	}
	/* the last bytes of the file: what is cut short anywhere has no kind */
	add(scratch, file, "kind", mlops_kind_name(model->kind));
	fine = !text.failed && !scratch->failed;
out:
	mlops_buffer_release(&text);
	return fine ? true : mlops_error_set_memory(error);
}

/* The key of an entry without our prefix, or NULL where it has none. */
static const char *key_of(const Onnx__ModelProto *file, size_t i)
{
	const char *key = mlops_onnx_or_empty(file->metadata_props[i]->key);
	return strncmp(key, MLOPS_ONNX_PREFIX, PREFIX_LENGTH) == 0 ? key + PREFIX_LENGTH : NULL;
}

static size_t position_of(const Onnx__ModelProto *file, const char *key)
{
	for (size_t i = 0; i < file->n_metadata_props; i++) {
		const char *found = key_of(file, i);
		if (found != NULL && strcmp(found, key) == 0)
			return i;
	}
	return SIZE_MAX;
}

const char *mlops_onnx_metadata_find(const Onnx__ModelProto *file, const char *key)
{
	size_t i = position_of(file, key);
	return i != SIZE_MAX ? mlops_onnx_or_empty(file->metadata_props[i]->value) : NULL;
}

static json_t *parse(const Onnx__ModelProto *file, const char *key, struct mlops_error *error)
{
	const char *text = mlops_onnx_metadata_find(file, key);
	json_error_t where;
	json_t *list = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, &where) : NULL;
	if (json_is_array(list))
		return list;
	json_decref(list);
	mlops_error_set(error, MLOPS_DATA, "metadata \"" MLOPS_ONNX_PREFIX "%s\" is %s", key,
			text != NULL ? "no JSON list" : "missing");
	return NULL;
}

/* The strings of a list, which stays their owner. */
static bool strings_of(const json_t *list, const char *what, size_t most, char ***strings, size_t *n,
		       struct mlops_error *error)
{
	*n = json_array_size(list);
	if (!json_is_array(list) || *n > most)
		return mlops_error_set(error, MLOPS_DATA, "%s are no list of at most %zu texts", what, most);
	*strings = calloc(*n + 1, sizeof(**strings)); /* a text column without any text has an empty list */
	if (*strings == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < *n; i++) {
		(*strings)[i] = mlops_onnx_text(json_string_value(json_array_get(list, i)));
		if ((*strings)[i] == NULL)
			return mlops_error_set(error, MLOPS_DATA, "%s: entry %zu is no text", what, i);
	}
	return true;
}

static bool feature_of(const json_t *object, size_t i, struct mlops_feature *feature,
		       struct mlops_error *error)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const json_t *categories = json_object_get(object, "categories");
	if (name == NULL || json_object_size(object) != (categories != NULL ? 2 : 1))
		return mlops_error_set(error, MLOPS_DATA,
				       "metadata \"" MLOPS_ONNX_PREFIX "features\": entry %zu has no name, "
				       "or more than a name and categories",
				       i);
	feature->name = mlops_onnx_text(name);
	if (categories == NULL)
		return true;
	return strings_of(categories, "the categories of a feature", MLOPS_MAX_CATEGORIES,
			  &feature->categories, &feature->n_categories, error);
}

static bool read_features(const Onnx__ModelProto *file, struct mlops_model *model, struct mlops_error *error)
{
	struct mlops_feature *features = NULL;
	size_t n = 0;
	bool fine = false;
	json_t *list = parse(file, "features", error);
	if (list == NULL)
		goto out;
	n = json_array_size(list);
	if (n != model->trees.n_features) {
		mlops_error_set(error, MLOPS_DATA,
				"metadata \"" MLOPS_ONNX_PREFIX
				"features\" names %zu features, the graph takes %zu",
				n, model->trees.n_features);
		goto out;
	}
	features = calloc(n, sizeof(*features));
	if (features == NULL) {
		mlops_error_set_memory(error);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		if (!feature_of(json_array_get(list, i), i, &features[i], error))
			goto out;
	}
	fine = mlops_model_set_features(model, features, n, error);
out:
	for (size_t i = 0; features != NULL && i < n; i++)
		free(features[i].categories);
	free(features);
	json_decref(list);
	return fine;
}

static bool read_classes(const Onnx__ModelProto *file, struct mlops_model *model, struct mlops_error *error)
{
	char **classes = NULL;
	size_t n;
	json_t *list = parse(file, "classes", error);
	bool fine = list != NULL && strings_of(list, "the classes", MLOPS_MAX_CLASSES, &classes, &n, error);
	if (fine && (n < 2 || model->trees.n_outputs != (n > 2 ? n : 1)))
		fine = mlops_error_set(error, MLOPS_DATA,
				       "metadata \"" MLOPS_ONNX_PREFIX "classes\" names %zu classes, "
				       "the trees have %zu outputs",
				       n, model->trees.n_outputs);
	if (fine)
		fine = mlops_model_set_classes(model, classes, n, error);
	free(classes);
	json_decref(list);
	return fine;
}

bool mlops_onnx_metadata_read(const Onnx__ModelProto *file, struct mlops_model *model,
			      struct mlops_error *error)
{
	if (file->n_metadata_props > MAX_ENTRIES)
		return mlops_error_set(error, MLOPS_DATA, "%zu metadata entries, at most %d are possible",
				       file->n_metadata_props, MAX_ENTRIES);
	if (mlops_onnx_metadata_find(file, "features") != NULL && !read_features(file, model, error))
		return false;
	if (model->kind == MLOPS_FAILURE_PREDICTION && !read_classes(file, model, error))
		return false;
	for (size_t i = 0; i < file->n_metadata_props; i++) {
		const char *key = key_of(file, i);
		const char *value = mlops_onnx_or_empty(file->metadata_props[i]->value);
		if (key == NULL)
			continue;
		if (position_of(file, key) != i) {
			char quoted[MLOPS_TEXT_QUOTED];
			return mlops_error_set(error, MLOPS_DATA,
					       "metadata \"" MLOPS_ONNX_PREFIX "%s\" comes twice",
					       mlops_text_mask(quoted, key, strlen(key)));
		}
		if (is_own(key))
			continue;
		if (!mlops_text_is_utf8(key, strlen(key)) || !mlops_text_is_utf8(value, strlen(value)))
			return mlops_error_set(error, MLOPS_DATA, "a metadata entry is not UTF-8");
		if (!mlops_metadata_set(&model->metadata, key, value, error))
			return false;
	}
	return true;
}
