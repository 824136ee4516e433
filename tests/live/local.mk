# Against real programs and servers: each is skipped, with its reason, where they are missing.
EXTRA_DIST += tests/live/onnxruntime.bats tests/live/onnxruntime_check.py tests/live/make_sklearn.py \
	tests/live/requirements.txt
if HAVE_BATS
TESTS += tests/live/onnxruntime.bats
endif
