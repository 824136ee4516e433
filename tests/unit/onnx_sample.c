#include "tests/unit/onnx_sample.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

/* A value of 16 binary places, so that tests meet ties. */
static float draw_value(struct mlops_rng *rng)
{
	return (float)mlops_rng_below(rng, 4096) / 16.0f - 128.0f;
}

static bool grow_leaf(struct mlops_tree_builder *builder, struct mlops_rng *rng, float scale, float largest,
		      uint32_t node)
{
	float values[16];
	uint32_t left = (uint32_t)(largest * scale);

	for (size_t k = 0; k < builder->n_outputs; k++) {
		uint32_t units = builder->n_outputs == 1 || k + 1 < builder->n_outputs
					 ? mlops_rng_below(rng, left + 1)
					 : left;

		if (mlops_rng_below(rng, 4) == 0 && k + 1 < builder->n_outputs)
			units = 0;
		left -= builder->n_outputs > 1 ? units : 0;
		values[k] = (float)units / scale;
	}
	return mlops_tree_builder_set_leaf(builder, node, values);
}

static bool grow(struct mlops_tree_builder *builder, struct mlops_rng *rng, float scale, float largest,
		 uint32_t node, unsigned depth)
{
	uint32_t left, feature;

	if (depth == 0 || (node > 0 && mlops_rng_below(rng, 8) == 0))
		return grow_leaf(builder, rng, scale, largest, node);
	left = mlops_tree_builder_add(builder, 2);
	if (left == UINT32_MAX)
		return false;
	feature = mlops_rng_below(rng, ONNX_SAMPLE_FEATURES);
	mlops_tree_builder_set_split(builder, node, feature, draw_value(rng), mlops_rng_below(rng, 2) == 1,
				     left);
	return grow(builder, rng, scale, largest, left, depth - 1) &&
	       grow(builder, rng, scale, largest, left + 1, depth - 1);
}

static bool grow_trees(struct mlops_model *model, size_t n_outputs, size_t n_trees, unsigned depth,
		       uint32_t seed)
{
	float largest = model->kind == MLOPS_ANOMALY_DETECTION ? 12.0f : 1.0f;
	float scale = mlops_trees_scale(n_trees, (double)largest);
	struct mlops_tree_builder *builders = calloc(n_trees, sizeof *builders);
	bool done = builders != NULL;

	for (size_t t = 0; done && t < n_trees; t++) {
		struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, (uint32_t)t);

		builders[t].n_outputs = n_outputs;
		builders[t].feature_bits = mlops_trees_feature_bits(ONNX_SAMPLE_FEATURES);
		done = mlops_tree_builder_add(&builders[t], 1) == 0 &&
		       grow(&builders[t], &rng, scale, largest, 0, t == 0 ? 0 : depth);
	}
	done = done && mlops_trees_join(builders, n_trees, ONNX_SAMPLE_FEATURES, &model->trees, NULL);
	for (size_t t = 0; builders != NULL && t < n_trees; t++)
		mlops_tree_builder_release(&builders[t]);
	free(builders);
	return done;
}

static bool name_all(struct mlops_model *model, size_t n_classes)
{
	char *types[] = { (char[]){ "H" }, (char[]){ "L" }, (char[]){ "M, \"m\"" } };
	const struct mlops_feature features[ONNX_SAMPLE_FEATURES] = {
		{ .name = (char[]){ "temp" } },
		{ .name = (char[]){ "pressure \"bar\"" } },
		{ .name = (char[]){ "Type" }, .categories = types, .n_categories = 3 },
		{ .name = (char[]){ "d\xc3\xa9"
				    "bit" } },
	};
	char *classes[] = { (char[]){ "ok" }, (char[]){ "worn" },
			    (char[]){ "br\xc3\xb6"
				      "ken" },
			    (char[]){ "4" } };

	return mlops_model_set_features(model, features, ONNX_SAMPLE_FEATURES, NULL) &&
	       (n_classes == 0 || mlops_model_set_classes(model, classes, n_classes, NULL)) &&
	       mlops_metadata_set(&model->metadata, "settings", "{\"trees\":3}", NULL) &&
	       mlops_metadata_set(&model->metadata, "seed", "7", NULL);
}

struct mlops_model *onnx_sample_new(size_t n_classes, size_t n_trees, unsigned depth, uint32_t seed)
{
	struct mlops_model *model = calloc(1, sizeof *model);

	if (model == NULL)
		return NULL;
	model->kind = n_classes == 0 ? MLOPS_ANOMALY_DETECTION : MLOPS_FAILURE_PREDICTION;
	if (n_classes == 0) {
		model->score_exponent = -1.0f / ((float)n_trees * 10.244f);
		model->score_mean = 0.55f;
		model->score_deviation = 0.07f;
		model->threshold_sum = (float)n_trees * 6.0f + 0.001f;
	} else {
		model->probability_scale = 1.0f / (float)n_trees;
	}
	if (!grow_trees(model, n_classes > 2 ? n_classes : 1, n_trees, depth, seed) ||
	    !name_all(model, n_classes)) {
		mlops_model_free(model);
		return NULL;
	}
	return model;
}

void onnx_sample_row(const struct mlops_model *model, uint32_t seed, float values[ONNX_SAMPLE_FEATURES])
{
	struct mlops_rng rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, UINT32_MAX);

	for (size_t f = 0; f < ONNX_SAMPLE_FEATURES; f++) {
		const struct mlops_node *node =
			&model->trees.nodes[mlops_rng_below(&rng, (uint32_t)model->trees.n_nodes)];
		uint32_t kind = mlops_rng_below(&rng, 6);

		values[f] = draw_value(&rng);
		if (kind == 0)
			values[f] = NAN;
		else if (kind == 1 && mlops_node_left(&model->trees, node) != 0)
			values[mlops_node_feature(&model->trees, node)] = node->threshold;
	}
}
