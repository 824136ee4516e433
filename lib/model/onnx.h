/*
 * The model file: an ONNX graph that takes raw values and gives named outputs, with names, categories and settings as
 * metadata_props "mlops.*".
 *
 * anomaly_detection: X float [N, features] -> anomaly_score, anomaly_probability (float [N,1]), anomaly (bool [N,1]).
 * failure_prediction, two classes: X -> failure_probability (float [N,1]), failure (bool [N,1]); more: probabilities
 * (float [N, classes]), label (string [N,1]).
 *
 * time_series_forecast: history float [N, seq_length] -> forecast, lower, upper (float [N, forecast_horizon]), the
 * interval at level 0.9.
 *
 * Writing is a function of the model alone: same model, same bytes.  Reading takes our own files and tree ensembles of
 * other programs (TreeEnsembleClassifier as skl2onnx writes a RandomForestClassifier, with or without ZipMap); it checks sizes, indices,
 * counts and the graph's shape before it allocates or follows anything.  What is wrong with a file is MLOPS_DATA with
 * source and a sentence; no input crashes, hangs or reads out of bounds.
 * Source: ONNX IR and ai.onnx.ml operators TreeEnsemble-5, TreeEnsembleRegressor-3, TreeEnsembleClassifier-3, ai.onnx
 * LSTM-14.
 */
#ifndef MLOPS_MODEL_ONNX_H
#define MLOPS_MODEL_ONNX_H

#include "base/buffer.h"
#include "model/model.h"

#define MLOPS_MODEL_FILE_LIMIT ((size_t)2 << 30)

bool mlops_onnx_write(const struct mlops_model *model, struct mlops_buffer *out, struct mlops_error *error);

/* source names the file in messages.  The bytes are not needed afterwards. */
struct mlops_model *mlops_onnx_read(const void *bytes, size_t length, const char *source, struct mlops_error *error);

#endif
