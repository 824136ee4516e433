/*
 * The graph of a forecaster (model/forecaster.h): history [N, length] -> forecast, lower, upper [N, horizon].
 *
 * What the steps are depends on whether there is a season and whose scale is used, what the constants are on the sizes
 * too; both are laid out here for the writer and for the reader, which compares a file with them.  ONNX has the
 * gates of an LSTM in the order i, o, f, c, we have i, f, c, o; its sequences are time-major (ONNX Runtime takes no
 * others).
 */
#ifndef MLOPS_MODEL_ONNX_FORECAST_H
#define MLOPS_MODEL_ONNX_FORECAST_H

#include "model/onnx_graph.h"

#define MLOPS_ONNX_FORECAST_STEPS   48 /* no forecaster has more */
#define MLOPS_ONNX_FORECAST_TENSORS 48

/* A constant: floats or ints, n of them. */
struct mlops_onnx_tensor {
	const char *name;
	size_t n_dims;
	int64_t dims[3];
	size_t n;
	float *floats;
	int64_t *ints;
	bool learnt; /* else the value follows from the sizes */
};

struct mlops_onnx_forecast {
	size_t n_steps, n_tensors;
	struct mlops_onnx_step steps[MLOPS_ONNX_FORECAST_STEPS];
	struct mlops_onnx_tensor tensors[MLOPS_ONNX_FORECAST_TENSORS];
};

/* The graph of a forecaster.  Learnt tensors are in the forecaster's own memory or, where gates change places, in scratch;
 * mlops_onnx_forecast_adopt takes those back into the forecaster.  False when memory runs out. */
bool mlops_onnx_forecast_graph(struct mlops_forecaster *forecaster, struct mlops_onnx_scratch *scratch,
			       struct mlops_onnx_forecast *graph);
void mlops_onnx_forecast_adopt(const struct mlops_onnx_forecast *graph, struct mlops_forecaster *forecaster);

/* What is to hold for a forecaster's numbers: finite, scales above 0, margins that ascend. */
bool mlops_onnx_forecast_check(const struct mlops_forecaster *forecaster, enum mlops_code code,
			       struct mlops_error *error);

bool mlops_onnx_forecast_write(const struct mlops_onnx_form *form, struct mlops_forecaster *forecaster,
			       struct mlops_onnx_scratch *scratch, Onnx__GraphProto *graph, struct mlops_error *error);

/* *forecaster is NULL after an error, else prepared. */
bool mlops_onnx_forecast_read(const struct mlops_onnx_form *form, const Onnx__ModelProto *file,
			      struct mlops_forecaster **forecaster, struct mlops_error *error);

#endif
