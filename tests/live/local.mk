# tests/live
EXTRA_DIST += tests/live/make_sklearn.py tests/live/onnxruntime_check.py
