UNIT_TESTS += tests/unit/service.t tests/unit/metrics_exposition.t
tests_unit_service_t_SOURCES = tests/unit/service.c tests/unit/onnx_sample.c tests/unit/onnx_sample.h $(REGISTRY_FIXTURE)
tests_unit_service_t_LDADD = $(UNIT_LIBS)
tests_unit_metrics_exposition_t_SOURCES = tests/unit/metrics_exposition.c
tests_unit_metrics_exposition_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/net_http_client.t
tests_unit_net_http_client_t_SOURCES = tests/unit/net_http_client.c
tests_unit_net_http_client_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/service_jobs.t
tests_unit_service_jobs_t_SOURCES = tests/unit/service_jobs.c
tests_unit_service_jobs_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/mlflow_answer.t
tests_unit_mlflow_answer_t_SOURCES = tests/unit/mlflow_answer.c
tests_unit_mlflow_answer_t_LDADD = $(UNIT_LIBS)

UNIT_TESTS += tests/unit/service_acceptor.t
tests_unit_service_acceptor_t_SOURCES = tests/unit/service_acceptor.c
tests_unit_service_acceptor_t_LDADD = $(UNIT_LIBS)
