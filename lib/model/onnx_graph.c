#include "model/onnx_graph.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEMBER(name) offsetof(struct mlops_model, name)

/* D is the sum of path lengths.  The division by the deviation stays a division, so that the file holds the
 * model's own floats. */
static const struct mlops_onnx_step anomaly_steps[] = {
	{ .name = "TreeEnsemble", .domain = MLOPS_ONNX_ML, .inputs = { "X" }, .output = "path_length_sum" },
	{ .name = "Mul", .inputs = { "path_length_sum", "score_exponent" }, .output = "exponent" },
	{ .name = "Pow", .inputs = { "two", "exponent" }, .output = "anomaly_score" },
	{ .name = "Sub", .inputs = { "anomaly_score", "score_mean" }, .output = "centred" },
	{ .name = "Div", .inputs = { "centred", "score_deviation" }, .output = "standardised" },
	{ .name = "Mul", .inputs = { "standardised", "square_root_of_half" }, .output = "scaled" },
	{ .name = "Erf", .inputs = { "scaled" }, .output = "share" },
	{ .name = "Relu", .inputs = { "share" }, .output = "anomaly_probability" },
	{ .name = "LessOrEqual", .inputs = { "path_length_sum", "threshold_sum" }, .output = "anomaly" },
};

static const struct mlops_onnx_constant anomaly_constants[] = {
	{ "two", MLOPS_ONNX_FIXED, 2.0f },
	{ "square_root_of_half", MLOPS_ONNX_FIXED, 0.70710678f },
	{ "score_exponent", MEMBER(score_exponent), 0 },
	{ "score_mean", MEMBER(score_mean), 0 },
	{ "score_deviation", MEMBER(score_deviation), 0 },
	{ "threshold_sum", MEMBER(threshold_sum), 0 },
};

static const struct mlops_onnx_output anomaly_outputs[] = {
	{ "anomaly_score", MLOPS_ONNX_FLOAT, false },
	{ "anomaly_probability", MLOPS_ONNX_FLOAT, false },
	{ "anomaly", MLOPS_ONNX_BOOL, false },
};

static const struct mlops_onnx_step failure_steps[] = {
	{ .name = "TreeEnsemble", .domain = MLOPS_ONNX_ML, .inputs = { "X" }, .output = "vote_sum" },
	{ .name = "Mul", .inputs = { "vote_sum", "probability_scale" }, .output = "failure_probability" },
	{ .name = "Greater", .inputs = { "failure_probability", "half" }, .output = "failure" },
};

static const struct mlops_onnx_constant failure_constants[] = {
	{ "half", MLOPS_ONNX_FIXED, 0.5f },
	{ "probability_scale", MEMBER(probability_scale), 0 },
};

static const struct mlops_onnx_output failure_outputs[] = {
	{ "failure_probability", MLOPS_ONNX_FLOAT, false },
	{ "failure", MLOPS_ONNX_BOOL, false },
};

static const struct mlops_onnx_step label_steps[] = {
	{ .name = "TreeEnsemble", .domain = MLOPS_ONNX_ML, .inputs = { "X" }, .output = "vote_sums" },
	{ .name = "Mul", .inputs = { "vote_sums", "probability_scale" }, .output = "probabilities" },
	{ .name = "ArgMax",
	  .inputs = { "probabilities" },
	  .output = "class_index",
	  .attributes = { { "axis", 1 }, { "keepdims", 1 } } },
	{ .name = "Gather", .inputs = { "classes", "class_index" }, .output = "label" },
};

/* A leaf of TreeEnsemble has one weight only, so leaves of several classes take the operator before it. */
static const struct mlops_onnx_step mixed_label_steps[] = {
	{ .name = "TreeEnsembleRegressor",
	  .domain = MLOPS_ONNX_ML,
	  .inputs = { "X" },
	  .output = "vote_sums" },
	{ .name = "Mul", .inputs = { "vote_sums", "probability_scale" }, .output = "probabilities" },
	{ .name = "ArgMax",
	  .inputs = { "probabilities" },
	  .output = "class_index",
	  .attributes = { { "axis", 1 }, { "keepdims", 1 } } },
	{ .name = "Gather", .inputs = { "classes", "class_index" }, .output = "label" },
};

static const struct mlops_onnx_constant label_constants[] = {
	{ "probability_scale", MEMBER(probability_scale), 0 },
};

static const struct mlops_onnx_output label_outputs[] = {
	{ "probabilities", MLOPS_ONNX_FLOAT, true },
	{ "label", MLOPS_ONNX_STRING, false },
};

/* IR version 10 came with ai.onnx.ml 5, 8 with ai.onnx 17: each file asks for no more than it needs. */
static const struct mlops_onnx_form anomaly_form = {
	.kind = MLOPS_ANOMALY_DETECTION,
	.ir_version = 10,
	.opset = 17,
	.ml_opset = 5,
	.steps = anomaly_steps,
	.n_steps = COUNT(anomaly_steps),
	.constants = anomaly_constants,
	.n_constants = COUNT(anomaly_constants),
	.outputs = anomaly_outputs,
	.n_outputs = COUNT(anomaly_outputs),
};

static const struct mlops_onnx_form failure_form = {
	.kind = MLOPS_FAILURE_PREDICTION,
	.ir_version = 10,
	.opset = 17,
	.ml_opset = 5,
	.steps = failure_steps,
	.n_steps = COUNT(failure_steps),
	.constants = failure_constants,
	.n_constants = COUNT(failure_constants),
	.outputs = failure_outputs,
	.n_outputs = COUNT(failure_outputs),
};

static const struct mlops_onnx_form label_form = {
	.kind = MLOPS_FAILURE_PREDICTION,
	.ir_version = 10,
	.opset = 17,
	.ml_opset = 5,
	.labels = true,
	.steps = label_steps,
	.n_steps = COUNT(label_steps),
	.constants = label_constants,
	.n_constants = COUNT(label_constants),
	.outputs = label_outputs,
	.n_outputs = COUNT(label_outputs),
};

static const struct mlops_onnx_form mixed_label_form = {
	.kind = MLOPS_FAILURE_PREDICTION,
	.ir_version = 8,
	.opset = 17,
	.ml_opset = 3,
	.labels = true,
	.mixed_leaves = true,
	.steps = mixed_label_steps,
	.n_steps = COUNT(mixed_label_steps),
	.constants = label_constants,
	.n_constants = COUNT(label_constants),
	.outputs = label_outputs,
	.n_outputs = COUNT(label_outputs),
};

static const struct mlops_onnx_output forecast_outputs[] = {
	{ "forecast", MLOPS_ONNX_FLOAT, false },
	{ "lower", MLOPS_ONNX_FLOAT, false },
	{ "upper", MLOPS_ONNX_FLOAT, false },
};

static const struct mlops_onnx_form forecast_form = {
	.kind = MLOPS_TIME_SERIES_FORECAST,
	.ir_version = 8,
	.opset = 17,
	.outputs = forecast_outputs,
	.n_outputs = COUNT(forecast_outputs),
};

const struct mlops_onnx_form *mlops_onnx_form_of(enum mlops_kind kind, size_t n_classes, bool mixed_leaves)
{
	if (kind == MLOPS_ANOMALY_DETECTION)
		return &anomaly_form;
	if (kind == MLOPS_TIME_SERIES_FORECAST)
		return &forecast_form;
	if (n_classes <= 2)
		return &failure_form;
	return mixed_leaves ? &mixed_label_form : &label_form;
}

struct mlops_onnx_block {
	struct mlops_onnx_block *next;
	max_align_t memory[];
};

void *mlops_onnx_scratch_take(struct mlops_onnx_scratch *scratch, size_t count, size_t size)
{
	size_t bytes;
	if (scratch->failed || __builtin_mul_overflow(count, size, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(struct mlops_onnx_block), &bytes)) {
		scratch->failed = true;
		return NULL;
	}
	struct mlops_onnx_block *block = calloc(1, bytes);
	if (block == NULL) {
		scratch->failed = true;
		return NULL;
	}
	block->next = scratch->blocks;
	scratch->blocks = block;
	return block->memory;
}

void mlops_onnx_scratch_release(struct mlops_onnx_scratch *scratch)
{
	while (scratch->blocks != NULL) {
		struct mlops_onnx_block *block = scratch->blocks;
		scratch->blocks = block->next;
		free(block);
	}
}
