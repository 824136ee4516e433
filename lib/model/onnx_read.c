/*
 * A model from a file: our own, which must be the graph that the writer makes, operator by operator and name
 * by name (so that what it says to an ONNX runtime is what we compute), or another program's classifier.
 */
#include "model/onnx_forecast.h"
#include "model/onnx_graph.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rounding of probability_scale; a probability above 1 by more has another reason. */
#define TOLERANCE 1e-6

static bool unexpected(struct mlops_error *error, const struct mlops_onnx_form *form, const char *what,
		       const char *found, const char *expected)
{
	char quoted[MLOPS_TEXT_QUOTED];
	return mlops_error_set(
		error, MLOPS_DATA, "not the graph of %s that this program writes: %s is '%s', expected '%s'",
		mlops_kind_name(form->kind), what, mlops_text_mask(quoted, found, strlen(found)), expected);
}

bool mlops_onnx_same_text(const struct mlops_onnx_form *form, const char *what, const char *found, const char *expected,
			  struct mlops_error *error)
{
	found = mlops_onnx_or_empty(found);
	return strcmp(found, expected) == 0 ? true : unexpected(error, form, what, found, expected);
}

bool mlops_onnx_same_number(const struct mlops_onnx_form *form, const char *what, int64_t found, int64_t expected,
			    struct mlops_error *error)
{
	if (found == expected)
		return true;
	return mlops_error_set(error, MLOPS_DATA,
			       "not the graph of %s that this program writes: %s is %lld, expected %lld",
			       mlops_kind_name(form->kind), what, (long long)found, (long long)expected);
}

bool mlops_onnx_step_check(const struct mlops_onnx_form *form, const struct mlops_onnx_step *step,
			   const Onnx__NodeProto *node, bool ensemble, struct mlops_error *error)
{
	size_t n_inputs = mlops_onnx_step_inputs(step), n_attributes = 0;
	if (!mlops_onnx_same_text(form, "an operator", node->op_type, step->name, error) ||
	    !mlops_onnx_same_text(form, "an operator's domain", node->domain, mlops_onnx_or_empty(step->domain),
		       error) ||
	    !mlops_onnx_same_number(form, "an operator's number of inputs", (int64_t)node->n_input, (int64_t)n_inputs,
			 error) ||
	    !mlops_onnx_same_number(form, "an operator's number of outputs", (int64_t)node->n_output, 1, error) ||
	    !mlops_onnx_same_text(form, "an operator's output", node->output[0], step->output, error))
		return false;
	for (size_t i = 0; i < n_inputs; i++) {
		if (!mlops_onnx_same_text(form, "an operator's input", node->input[i], step->inputs[i], error))
			return false;
	}
	if (ensemble)
		return true;
	for (; n_attributes < 2 && step->attributes[n_attributes].name != NULL; n_attributes++) {
		const char *name = step->attributes[n_attributes].name;
		if (!mlops_onnx_same_number(form, name, mlops_onnx_int_of(node, name, INT64_MIN),
				 step->attributes[n_attributes].value, error))
			return false;
	}
	return mlops_onnx_same_number(form, "an operator's number of attributes", (int64_t)node->n_attribute,
			   (int64_t)n_attributes, error);
}

static bool check_ensemble(const struct mlops_onnx_form *form, const Onnx__NodeProto *node, size_t n_outputs,
			   struct mlops_error *error)
{
	if (!mlops_onnx_same_number(form, "n_targets", mlops_onnx_int_of(node, "n_targets", 1), (int64_t)n_outputs,
			 error))
		return false;
	if (!form->mixed_leaves)
		return mlops_onnx_same_number(form, "number of attributes", (int64_t)node->n_attribute, 14, error) &&
		       mlops_onnx_same_number(form, "aggregate_function",
				   mlops_onnx_int_of(node, "aggregate_function", 1), 1, error) &&
		       mlops_onnx_same_number(form, "post_transform", mlops_onnx_int_of(node, "post_transform", 0), 0,
				   error);
	return mlops_onnx_same_number(form, "number of attributes", (int64_t)node->n_attribute, 15, error) &&
	       mlops_onnx_string_of(node, "aggregate_function", "SUM", "SUM", error) &&
	       mlops_onnx_string_of(node, "post_transform", "NONE", "NONE", error);
}

static bool check_values(const struct mlops_onnx_form *form, const Onnx__GraphProto *graph, size_t n_classes,
			 size_t *n_features, struct mlops_error *error)
{
	int32_t type;
	size_t columns;
	if (!mlops_onnx_same_number(form, "the number of inputs", (int64_t)graph->n_input, 1, error) ||
	    !mlops_onnx_same_text(form, "the input", graph->input[0]->name, "X", error) ||
	    !mlops_onnx_value_shape(graph->input[0], &type, n_features, error) ||
	    !mlops_onnx_same_number(form, "the type of the input", type, MLOPS_ONNX_FLOAT, error) ||
	    !mlops_onnx_same_number(form, "the number of outputs", (int64_t)graph->n_output, (int64_t)form->n_outputs,
			 error))
		return false;
	if (*n_features == 0)
		return mlops_error_set(error, MLOPS_DATA,
				       "the graph does not say how many features it takes");
	for (size_t i = 0; i < form->n_outputs; i++) {
		const struct mlops_onnx_output *output = &form->outputs[i];
		if (!mlops_onnx_same_text(form, "an output", graph->output[i]->name, output->name, error) ||
		    !mlops_onnx_value_shape(graph->output[i], &type, &columns, error) ||
		    !mlops_onnx_same_number(form, "the type of an output", type, output->type, error) ||
		    !mlops_onnx_same_number(form, "the number of columns of an output", (int64_t)columns,
				 output->per_class ? (int64_t)n_classes : 1, error))
			return false;
	}
	return true;
}

static bool read_constants(const struct mlops_onnx_form *form, const Onnx__GraphProto *graph,
			   struct mlops_model *model, struct mlops_error *error)
{
	size_t n = form->n_constants + (form->labels ? 1 : 0);
	if (!mlops_onnx_same_number(form, "the number of constants", (int64_t)graph->n_initializer, (int64_t)n, error))
		return false;
	for (size_t i = 0; i < form->n_constants; i++) {
		const struct mlops_onnx_constant *constant = &form->constants[i];
		const Onnx__TensorProto *tensor = graph->initializer[i];
		struct mlops_onnx_reals reals;
		if (!mlops_onnx_same_text(form, "a constant", tensor->name, constant->name, error) ||
		    !mlops_onnx_tensor_reals(tensor, constant->name, &reals, error) ||
		    !mlops_onnx_same_number(form, constant->name, tensor->data_type, MLOPS_ONNX_FLOAT, error) ||
		    !mlops_onnx_same_number(form, "the number of a constant's dimensions", (int64_t)tensor->n_dims, 0,
				 error))
			return false;
		float value = (float)mlops_onnx_real(&reals, 0);
		if (!isfinite(value))
			return mlops_error_set(error, MLOPS_DATA, "constant \"%s\" is not finite",
					       constant->name);
		if (constant->member != MLOPS_ONNX_FIXED)
			memcpy((char *)model + constant->member, &value, sizeof(value));
		else if (value != constant->value)
			return mlops_error_set(error, MLOPS_DATA,
					       "constant \"%s\" has another value than this program writes",
					       constant->name);
	}
	return true;
}

/* The labels in the graph are the classes of the metadata. */
static bool check_labels(const struct mlops_onnx_form *form, const Onnx__GraphProto *graph,
			 const struct mlops_model *model, struct mlops_error *error)
{
	if (!form->labels)
		return true;
	const Onnx__TensorProto *labels = graph->initializer[form->n_constants];
	if (!mlops_onnx_same_text(form, "a constant", labels->name, "classes", error) ||
	    !mlops_onnx_same_number(form, "the number of labels", (int64_t)labels->n_string_data,
			 (int64_t)model->n_classes, error) ||
	    !mlops_onnx_same_number(form, "the number of dimensions of the labels", (int64_t)labels->n_dims, 1, error) ||
	    !mlops_onnx_same_number(form, "the number of labels", labels->dims[0], (int64_t)model->n_classes, error) ||
	    !mlops_onnx_same_number(form, "the type of the labels", labels->data_type, MLOPS_ONNX_STRING, error))
		return false;
	for (size_t k = 0; k < model->n_classes; k++) {
		if (!mlops_onnx_string_is(labels->string_data[k], model->classes[k]))
			return mlops_error_set(error, MLOPS_DATA,
					       "label %zu of the graph is not the one of metadata "
					       "\"" MLOPS_ONNX_PREFIX "classes\"",
					       k);
	}
	return true;
}

static bool is_too_large(const struct mlops_model *model, double sum)
{
	return model->kind == MLOPS_FAILURE_PREDICTION &&
	       !(model->probability_scale > 0 && sum * (double)model->probability_scale <= 1 + TOLERANCE);
}

/* Bounds of the sums that need not be met: as if each tree had the smallest and the largest leaf. */
static bool is_surely_in_range(const struct mlops_model *model, size_t output)
{
	const struct mlops_trees *trees = &model->trees;
	float smallest = trees->leaf_values[output], largest = smallest;
	for (size_t i = 0; i < trees->n_leaves; i++) {
		float value = trees->leaf_values[i * trees->n_outputs + output];
		smallest = value < smallest ? value : smallest;
		largest = value > largest ? value : largest;
	}
	return smallest >= 0 && !is_too_large(model, (double)largest * (double)trees->n_trees);
}

/* What scores and probabilities need in order to be ones: between 0 and 1. */
static bool check_range(const struct mlops_model *model, struct mlops_error *error)
{
	double smallest, largest;
	for (size_t k = 0; k < model->trees.n_outputs; k++) {
		if (is_surely_in_range(model, k))
			continue;
		mlops_onnx_trees_bounds(&model->trees, k, &smallest, &largest);
		if (smallest < 0)
			return mlops_error_set(error, MLOPS_DATA, "the leaves add up to less than 0");
		if (is_too_large(model, largest))
			return mlops_error_set(error, MLOPS_DATA,
					       "the leaves add up to a probability above 1");
	}
	if (model->kind == MLOPS_ANOMALY_DETECTION &&
	    !(model->score_exponent < 0 && model->score_deviation > 0))
		return mlops_error_set(error, MLOPS_DATA,
				       "score_exponent is not below 0, or score_deviation is not above 0");
	return true;
}

static bool check_opsets(const struct mlops_onnx_form *form, const Onnx__ModelProto *file,
			 struct mlops_error *error)
{
	return mlops_onnx_same_number(form, "the IR version", file->ir_version, form->ir_version, error) &&
	       mlops_onnx_same_number(form, "the number of operator sets", (int64_t)file->n_opset_import, form->ml_opset > 0 ? 2 : 1,
			   error) &&
	       mlops_onnx_same_text(form, "an operator set", file->opset_import[0]->domain, "", error) &&
	       mlops_onnx_same_number(form, "the version of an operator set", file->opset_import[0]->version,
			   form->opset, error) &&
	       (form->ml_opset == 0 ||
		(mlops_onnx_same_text(form, "an operator set", file->opset_import[1]->domain, MLOPS_ONNX_ML, error) &&
		 mlops_onnx_same_number(form, "the version of an operator set", file->opset_import[1]->version,
			   form->ml_opset, error)));
}

static bool has_mixed_leaves(const Onnx__GraphProto *graph)
{
	return graph->n_node > 0 &&
	       strcmp(mlops_onnx_or_empty(graph->node[0]->op_type), "TreeEnsembleRegressor") == 0;
}

/* More than two classes have as many targets, fewer have one. */
static size_t classes_of(const Onnx__GraphProto *graph)
{
	int64_t n = graph->n_node > 0 ? mlops_onnx_int_of(graph->node[0], "n_targets", 0) : 0;
	return n > 2 && n <= MLOPS_MAX_CLASSES ? (size_t)n : 2;
}

static bool read_own(const Onnx__ModelProto *file, const char *kind, struct mlops_model *model,
		     struct mlops_error *error)
{
	struct mlops_error unknown = MLOPS_ERROR_INIT;
	if (!mlops_kind_from_name(kind, &model->kind, &unknown))
		return mlops_error_set(error, MLOPS_DATA, "%s", unknown.message);
	const Onnx__GraphProto *graph = file->graph;
	size_t n_classes = model->kind == MLOPS_FAILURE_PREDICTION ? classes_of(graph) : 0;
	const struct mlops_onnx_form *form =
		mlops_onnx_form_of(model->kind, n_classes, has_mixed_leaves(graph));
	size_t n_outputs = n_classes > 2 ? n_classes : 1, n_features;
	if (!check_opsets(form, file, error))
		return false;
	if (model->kind == MLOPS_TIME_SERIES_FORECAST)
		return mlops_onnx_forecast_read(form, file, &model->forecaster, error) &&
		       mlops_onnx_metadata_read(file, model, error);
	if (!mlops_onnx_same_number(form, "the number of operators", (int64_t)graph->n_node, (int64_t)form->n_steps,
			 error) ||
	    !mlops_onnx_same_number(form, "the number of sparse constants", (int64_t)graph->n_sparse_initializer, 0,
			 error) ||
	    !mlops_onnx_same_number(form, "the number of functions", (int64_t)file->n_functions, 0, error) ||
	    !check_values(form, graph, n_classes, &n_features, error))
		return false;
	for (size_t i = 0; i < form->n_steps; i++) {
		if (!mlops_onnx_step_check(form, &form->steps[i], graph->node[i], i == 0, error))
			return false;
	}
	if (!check_ensemble(form, graph->node[0], n_outputs, error) ||
	    !read_constants(form, graph, model, error))
		return false;
	model->trees.n_features = n_features;
	model->trees.n_outputs = n_outputs;
	if (form->mixed_leaves
		    ? !mlops_onnx_trees_read_v3(graph->node[0], "target", false, &model->trees, error)
		    : !mlops_onnx_trees_read_v5(graph->node[0], &model->trees, error))
		return false;
	model->trees.exact_sums = mlops_trees_sums_are_exact(&model->trees);
	return check_range(model, error) && mlops_onnx_metadata_read(file, model, error) &&
	       check_labels(form, graph, model, error);
}

struct mlops_model *mlops_onnx_read(const void *bytes, size_t length, const char *source,
				    struct mlops_error *error)
{
	struct mlops_error inner = MLOPS_ERROR_INIT;
	struct mlops_model *model = NULL;
	bool fine = false;
	Onnx__ModelProto *file = mlops_onnx_unpack(bytes, length, &inner);
	if (file == NULL)
		goto out;
	model = calloc(1, sizeof(*model));
	if (model == NULL) {
		mlops_error_set_memory(&inner);
		goto out;
	}
	const char *kind = mlops_onnx_metadata_find(file, "kind");
	if (kind != NULL)
		fine = read_own(file, kind, model, &inner);
	else if (strcmp(mlops_onnx_or_empty(file->producer_name), MLOPS_ONNX_PRODUCER) == 0)
		mlops_error_set(&inner, MLOPS_DATA,
				"damaged or cut short: metadata \"" MLOPS_ONNX_PREFIX "kind\" is missing");
	else
		fine = mlops_onnx_import(file, model, &inner);
	fine = fine && (model->kind == MLOPS_TIME_SERIES_FORECAST || mlops_trees_prepare(&model->trees, &inner));
out:
	if (file != NULL)
		mlops_onnx_unpack_free(file);
	if (!fine) {
		mlops_error_set_at(error, inner.code, source, 0, "%s", inner.message);
		mlops_model_free(model);
		return NULL;
	}
	return model;
}
