# Against real programs and servers: each is skipped, with its reason, where they are missing.
LIVE_TESTS = \
	tests/live/alertmanager.bats tests/live/dashboard.bats tests/live/drift.bats tests/live/mlflow.bats \
	tests/live/mlflow_model.bats tests/live/onnxruntime.bats tests/live/pipeline.bats tests/live/postgres.bats \
	tests/live/postgres_shares.bats \
	tests/live/registry_mlflow.bats tests/live/retrain_mlflow.bats tests/live/runbook.bats tests/live/torch.bats
PROMETHEUS_TESTS = tests/prometheus/accuracy.yml tests/prometheus/data.yml tests/prometheus/days.yml \
	tests/prometheus/monitoring.yml tests/prometheus/service.yml tests/prometheus/training.yml
EXTRA_DIST += $(LIVE_TESTS) $(PROMETHEUS_TESTS) tests/live/mlflow_faults.py tests/live/drift_check.py tests/live/drift_evidently.py \
	tests/live/make_sklearn.py tests/live/monitoring.bash \
	tests/live/onnxruntime_check.py tests/live/onnxruntime_forecast.py tests/live/postgres.bash tests/live/requirements.txt \
	tests/live/mlflow.bash tests/live/mlflow_pyfunc.py tests/live/relay.py \
	tests/live/sinks.py tests/live/torch_check.py
if HAVE_BATS
TESTS += $(LIVE_TESTS)
endif
check_PROGRAMS += tests/live/network_probe
tests_live_network_probe_SOURCES = tests/live/network_probe.c
tests_live_network_probe_LDADD = libmlops.a $(MLOPS_LIBS)
check_PROGRAMS += tests/live/mlflow_probe
tests_live_mlflow_probe_SOURCES = tests/live/mlflow_probe.c
tests_live_mlflow_probe_LDADD = libmlops.a $(MLOPS_LIBS)
check_PROGRAMS += tests/live/mlflow_directory
tests_live_mlflow_directory_SOURCES = tests/live/mlflow_directory.c
tests_live_mlflow_directory_LDADD = libmlops.a $(MLOPS_LIBS)
