#include "mlflow/model_directory.h"

#include "base/json_writer.h"
#include "base/number.h"
#include "base/time.h"
#include "mlflow/pyfunc_loader.h"
#include "model/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PYTHON "3.11"

static const char *const packages[] = { "mlflow>=2.9", "numpy", "onnx", "onnxruntime", "pandas" };

#define N_PACKAGES (sizeof packages / sizeof packages[0])

struct output {
	const char *name, *type;
};

static const struct output anomaly_outputs[] = {
	{ "anomaly_score", "float" }, { "anomaly_probability", "float" }, { "anomaly", "boolean" },
};
static const struct output failure_outputs[] = { { "failure_probability", "float" }, { "failure", "boolean" } };
static const char *const forecast_outputs[] = { "forecast", "lower", "upper" };

/* MLflow's ONNX flavour takes numbers and gives a column an output, named as in the graph. */
static bool needs_loader(const struct mlops_model *model)
{
	if (model->kind == MLOPS_FAILURE_PREDICTION &&
	    (model->n_classes != 2 || model->probability_scale >= 1)) /* other programs' graphs have other outputs */
		return true;
	for (size_t i = 0; model->features != NULL && i < model->trees.n_features; i++)
		if (model->features[i].categories != NULL)
			return true;
	return false;
}

static struct mlops_buffer *add_file(struct mlops_mlflow_files *files, const char *name)
{
	struct mlops_mlflow_file *file = &files->items[files->n++];

	file->name = name;
	return &file->bytes;
}

static void write_packages(struct mlops_mlflow_files *files)
{
	struct mlops_buffer *requirements = add_file(files, "requirements.txt"), *conda, *python;

	for (size_t i = 0; i < N_PACKAGES; i++)
		mlops_buffer_append_format(requirements, "%s\n", packages[i]);
	python = add_file(files, "python_env.yaml");
	mlops_buffer_append_string(python, "python: '" PYTHON "'\nbuild_dependencies:\n- pip\ndependencies:\n"
					   "- -r requirements.txt\n");
	conda = add_file(files, "conda.yaml");
	mlops_buffer_append_string(conda, "name: mlops\nchannels:\n- conda-forge\ndependencies:\n- python=" PYTHON
					  "\n- pip\n- pip:\n");
	for (size_t i = 0; i < N_PACKAGES; i++)
		mlops_buffer_append_format(conda, "  - %s\n", packages[i]);
}

/* A value of each feature such as the model was made for: the mean of what the trees compare it with. */
static float *usual_values(const struct mlops_model *model)
{
	size_t n = model->trees.n_features;
	float *values = calloc(n + 1, sizeof *values);
	double *sums = calloc(n + 1, sizeof *sums);
	uint64_t *counts = calloc(n + 1, sizeof *counts);

	for (size_t i = 0; values != NULL && sums != NULL && counts != NULL && i < model->trees.n_nodes; i++) {
		const struct mlops_node *node = &model->trees.nodes[i];
		size_t feature = mlops_node_feature(&model->trees, node);

		if (mlops_node_left(&model->trees, node) != 0 && feature < n &&
		    fabsf(node->threshold) < 1e30f) { /* beyond lies what only sorts missing values out */
			sums[feature] += (double)node->threshold;
			counts[feature]++;
		}
	}
	for (size_t i = 0; values != NULL && sums != NULL && counts != NULL && i < n; i++)
		values[i] = counts[i] > 0 ? (float)(sums[i] / (double)counts[i]) : 0;
	free(sums);
	free(counts);
	return values;
}

/* {"columns": [...], "data": [[...]]} */
static void write_row(const struct mlops_model *model, const float *values, struct mlops_json *json)
{
	mlops_json_open(json, '{');
	mlops_json_key(json, "columns");
	mlops_json_open(json, '[');
	for (size_t i = 0; i < model->trees.n_features; i++) {
		if (model->features != NULL)
			mlops_json_string(json, model->features[i].name);
		else
			mlops_json_uint(json, i);
	}
	mlops_json_close(json, ']');
	mlops_json_key(json, "data");
	mlops_json_open(json, '[');
	mlops_json_open(json, '[');
	for (size_t i = 0; i < model->trees.n_features; i++) {
		const struct mlops_feature *feature = model->features != NULL ? &model->features[i] : NULL;

		if (feature != NULL && feature->categories != NULL)
			mlops_json_string(json, feature->n_categories > 0 ? feature->categories[0] : "");
		else
			mlops_json_float(json, values[i]);
	}
	mlops_json_close(json, ']');
	mlops_json_close(json, ']');
	mlops_json_close(json, '}');
}

/* [[...]] */
static void write_history(const struct mlops_model *model, struct mlops_json *json)
{
	mlops_json_open(json, '[');
	mlops_json_open(json, '[');
	for (size_t i = 0; i < model->forecaster->length; i++)
		mlops_json_float(json, (float)i);
	mlops_json_close(json, ']');
	mlops_json_close(json, ']');
}

static bool write_examples(const struct mlops_model *model, struct mlops_mlflow_files *files, struct mlops_error *error)
{
	float *values = usual_values(model);
	struct mlops_json example = { .out = add_file(files, "input_example.json") };
	struct mlops_json serving = { .out = add_file(files, "serving_input_example.json") };

	if (values == NULL)
		return mlops_error_set_memory(error);
	mlops_json_open(&serving, '{');
	if (model->forecaster != NULL) {
		write_history(model, &example);
		mlops_json_key(&serving, "inputs");
		write_history(model, &serving);
	} else {
		write_row(model, values, &example);
		mlops_json_key(&serving, "dataframe_split");
		write_row(model, values, &serving);
	}
	mlops_json_close(&serving, '}');
	free(values);
	return true;
}

/* What the loader has to know. */
static void write_setup(const struct mlops_model *model, struct mlops_buffer *out)
{
	struct mlops_json json = { .out = out };

	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "kind", mlops_kind_name(model->kind));
	if (model->features != NULL) {
		mlops_json_key(&json, "features");
		mlops_json_open(&json, '[');
		for (size_t i = 0; i < model->trees.n_features; i++) {
			const struct mlops_feature *feature = &model->features[i];

			mlops_json_open(&json, '{');
			mlops_json_member_string(&json, "name", feature->name);
			if (feature->categories != NULL) {
				mlops_json_key(&json, "categories");
				mlops_json_open(&json, '[');
				for (size_t c = 0; c < feature->n_categories; c++)
					mlops_json_string(&json, feature->categories[c]);
				mlops_json_close(&json, ']');
			}
			mlops_json_close(&json, '}');
		}
		mlops_json_close(&json, ']');
	}
	if (model->classes != NULL) {
		mlops_json_key(&json, "classes");
		mlops_json_open(&json, '[');
		for (size_t c = 0; c < model->n_classes; c++)
			mlops_json_string(&json, model->classes[c]);
		mlops_json_close(&json, ']');
	}
	mlops_json_close(&json, '}');
}

static void write_column(struct mlops_json *json, const char *name, const char *type)
{
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "type", type);
	mlops_json_member_string(json, "name", name);
	mlops_json_member_bool(json, "required", true);
	mlops_json_close(json, '}');
}

static void write_tensor(struct mlops_json *json, const char *name, const char *type, size_t columns)
{
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "type", "tensor");
	if (name != NULL)
		mlops_json_member_string(json, "name", name);
	mlops_json_key(json, "tensor-spec");
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "dtype", type);
	mlops_json_key(json, "shape");
	mlops_json_open(json, '[');
	mlops_json_int(json, -1);
	mlops_json_uint(json, columns);
	mlops_json_close(json, ']');
	mlops_json_close(json, '}');
	mlops_json_close(json, '}');
}

static void write_inputs(const struct mlops_model *model, struct mlops_json *json)
{
	mlops_json_open(json, '[');
	if (model->forecaster != NULL)
		write_tensor(json, NULL, "float64", model->forecaster->length);
	for (size_t i = 0; model->forecaster == NULL && i < model->trees.n_features; i++)
		write_column(json, model->features[i].name,
			     model->features[i].categories != NULL ? "string" : "double");
	mlops_json_close(json, ']');
}

static void write_class(struct mlops_json *json, const char *name)
{
	struct mlops_buffer column = MLOPS_BUFFER_INIT;

	mlops_buffer_append_string(&column, "probabilities_");
	mlops_buffer_append_string(&column, name);
	write_column(json, mlops_buffer_string(&column), "float");
	json->out->failed = json->out->failed || column.failed;
	mlops_buffer_release(&column);
}

static void write_outputs(const struct mlops_model *model, struct mlops_json *json)
{
	mlops_json_open(json, '[');
	if (model->kind == MLOPS_TIME_SERIES_FORECAST) {
		for (size_t i = 0; i < 3; i++)
			write_tensor(json, forecast_outputs[i], "float32", model->forecaster->horizon);
	} else if (model->kind == MLOPS_ANOMALY_DETECTION) {
		for (size_t i = 0; i < 3; i++)
			write_column(json, anomaly_outputs[i].name, anomaly_outputs[i].type);
	} else if (model->n_classes == 2) {
		for (size_t i = 0; i < 2; i++)
			write_column(json, failure_outputs[i].name, failure_outputs[i].type);
	} else {
		write_column(json, "label", "string");
		for (size_t c = 0; model->classes != NULL && c < model->n_classes; c++)
			write_class(json, model->classes[c]);
	}
	mlops_json_close(json, ']');
}

/* MLflow keeps each side of a signature as a text that is JSON. */
static void write_side(const struct mlops_model *model, const char *key,
		       void (*write)(const struct mlops_model *model, struct mlops_json *json), struct mlops_json *json)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_json inner = { .out = &text };

	write(model, &inner);
	mlops_json_key(json, key);
	mlops_json_text(json, text.data, text.length);
	json->out->failed = json->out->failed || text.failed;
	mlops_buffer_release(&text);
}

static void write_flavors(const struct mlops_model *model, struct mlops_json *json)
{
	mlops_json_open(json, '{');
	mlops_json_key(json, "onnx");
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "data", "model.onnx");
	mlops_json_key(json, "providers");
	mlops_json_open(json, '[');
	mlops_json_string(json, "CPUExecutionProvider");
	mlops_json_close(json, ']');
	mlops_json_close(json, '}');
	mlops_json_key(json, "python_function");
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "data", "model.onnx");
	if (needs_loader(model)) {
		mlops_json_member_string(json, "loader_module", MLOPS_PYFUNC_MODULE);
		mlops_json_member_string(json, "code", "code");
	} else {
		mlops_json_member_string(json, "loader_module", "mlflow.onnx");
	}
	mlops_json_member_string(json, "python_version", PYTHON);
	mlops_json_key(json, "env");
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "conda", "conda.yaml");
	mlops_json_member_string(json, "virtualenv", "python_env.yaml");
	mlops_json_close(json, '}');
	mlops_json_close(json, '}');
	mlops_json_close(json, '}');
}

static void write_example_info(const struct mlops_model *model, struct mlops_json *json)
{
	mlops_json_key(json, "saved_input_example_info");
	mlops_json_open(json, '{');
	mlops_json_member_string(json, "artifact_path", "input_example.json");
	mlops_json_member_string(json, "serving_input_path", "serving_input_example.json");
	if (model->forecaster != NULL) {
		mlops_json_member_string(json, "type", "ndarray");
	} else {
		mlops_json_member_string(json, "type", "dataframe");
		mlops_json_member_string(json, "pandas_orient", "split");
	}
	mlops_json_close(json, '}');
}

/* YAML takes JSON. */
static void write_mlmodel(const struct mlops_model *model, const char *run_id, int64_t created, struct mlops_buffer *out)
{
	struct mlops_json json = { .out = out };
	char time[64];
	size_t length = mlops_time_print(time, created);

	mlops_json_open(&json, '{');
	mlops_json_key(&json, "flavors");
	write_flavors(model, &json);
	mlops_json_member_string(&json, "artifact_path", "model");
	mlops_json_member_string(&json, "run_id", run_id);
	mlops_json_key(&json, "utc_time_created");
	mlops_json_text(&json, time, length > 0 ? length - 1 : 0); /* without the Z */
	write_example_info(model, &json);
	if (model->features != NULL || model->forecaster != NULL) {
		mlops_json_key(&json, "signature");
		mlops_json_open(&json, '{');
		write_side(model, "inputs", write_inputs, &json);
		write_side(model, "outputs", write_outputs, &json);
		mlops_json_key(&json, "params");
		mlops_json_null(&json);
		mlops_json_close(&json, '}');
	}
	mlops_json_close(&json, '}');
	mlops_buffer_append_char(out, '\n');
}

bool mlops_mlflow_model_directory(const void *model, size_t length, const char *run_id, int64_t created,
				  struct mlops_mlflow_files *files, struct mlops_error *error)
{
	struct mlops_model *read = mlops_onnx_read(model, length, "model.onnx", error);
	bool ok = read != NULL;

	*files = (struct mlops_mlflow_files){ .items = calloc(8, sizeof *files->items) };
	if (files->items == NULL)
		ok = mlops_error_set_memory(error);
	if (ok) {
		write_packages(files);
		ok = write_examples(read, files, error);
	}
	if (ok) {
		if (needs_loader(read)) {
			write_setup(read, add_file(files, MLOPS_PYFUNC_SETUP));
			mlops_buffer_append_string(add_file(files, "code/" MLOPS_PYFUNC_MODULE ".py"), mlops_pyfunc_loader);
		}
		write_mlmodel(read, run_id, created, add_file(files, "MLmodel"));
		for (size_t i = 0; i < files->n; i++)
			ok = ok && !files->items[i].bytes.failed;
		if (!ok)
			mlops_error_set_memory(error);
	}
	if (!ok)
		mlops_mlflow_files_release(files);
	mlops_model_free(read);
	return ok;
}

void mlops_mlflow_files_release(struct mlops_mlflow_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		mlops_buffer_release(&files->items[i].bytes);
	free(files->items);
	*files = (struct mlops_mlflow_files){ .n = 0 };
}
