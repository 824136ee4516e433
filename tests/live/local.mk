# Against real programs and servers: each is skipped, with its reason, where they are missing.
LIVE_TESTS = tests/live/drift.bats tests/live/onnxruntime.bats
EXTRA_DIST += $(LIVE_TESTS) tests/live/drift_check.py tests/live/onnxruntime_check.py tests/live/onnxruntime_forecast.py \
	tests/live/make_sklearn.py \
	tests/live/requirements.txt
if HAVE_BATS
TESTS += $(LIVE_TESTS)
endif
