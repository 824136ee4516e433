"""A random forest of scikit-learn as an ONNX file, and what it decides about other rows.

    python export.py ROWS TEST_ROWS MODEL DECISIONS TREES
"""
import pathlib
import sys

import numpy
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

from rows import FEATURES


def read(directory):
    directory = pathlib.Path(directory)
    X = numpy.fromfile(directory / "rows.f32", dtype=numpy.float32).reshape(-1, FEATURES)
    return X, numpy.fromfile(directory / "failure.u8", dtype=numpy.uint8).astype(numpy.int64)


rows, test_rows, model_path, decisions, trees = sys.argv[1:]
X, y = read(rows)
forest = RandomForestClassifier(n_estimators=int(trees), random_state=1, n_jobs=-1).fit(X, y)
file = to_onnx(forest, X[:1], options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3})
pathlib.Path(model_path).write_bytes(file.SerializeToString())
forest.predict(read(test_rows)[0]).astype(numpy.uint8).tofile(decisions)
