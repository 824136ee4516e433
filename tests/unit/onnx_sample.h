/* Models that nobody trained, for tests of the model file: random trees, the first one a lone leaf. */
#ifndef MLOPS_TESTS_ONNX_SAMPLE_H
#define MLOPS_TESTS_ONNX_SAMPLE_H

#include "model/onnx.h"

#define ONNX_SAMPLE_FEATURES 4

/* n_classes 0 makes an anomaly_detection model.  NULL when memory runs out. */
struct mlops_model *onnx_sample_new(size_t n_classes, size_t n_trees, unsigned depth, uint32_t seed);

/* Values for one row, some missing, some on a threshold of the trees. */
void onnx_sample_row(const struct mlops_model *model, uint32_t seed, float values[ONNX_SAMPLE_FEATURES]);

#endif
