# Programs that only measure: `make bench-programs`; bench/run builds and runs them.
EXTRA_PROGRAMS = %D%/csv_columns %D%/forest_inner %D%/lstm_inner %D%/measure
bench_csv_columns_SOURCES = %D%/csv_columns.c
bench_csv_columns_LDADD = libmlops.a $(MLOPS_LIBS)
bench_forest_inner_SOURCES = %D%/forest_inner.c
bench_forest_inner_LDADD = libmlops.a $(MLOPS_LIBS)
bench_lstm_inner_SOURCES = %D%/lstm_inner.c
bench_lstm_inner_LDADD = libmlops.a $(MLOPS_LIBS)
bench_measure_SOURCES = %D%/measure.c
CLEANFILES += $(EXTRA_PROGRAMS)

.PHONY: bench-programs
bench-programs: $(EXTRA_PROGRAMS)

EXTRA_DIST += %D%/run %D%/requirements.txt %D%/requirements-torch.txt %D%/requirements-pipeline.txt %D%/requirements-service.txt \
	%D%/compare.py %D%/contest.py %D%/export.py %D%/peer.py \
	%D%/peer_csv.py %D%/peer_forecast.py %D%/peer_pipeline.py %D%/peer_postgres.py %D%/peer_service.py %D%/peer_validate.py %D%/post.lua %D%/peers.py %D%/plan.py %D%/postgres.py %D%/quality.py %D%/report.py %D%/rows.py \
	%D%/score_csv.py %D%/service_load.py %D%/suite_csv.py %D%/suite_forecast.py %D%/suite_forests.py \
	%D%/suite_pipeline.py %D%/suite_quality.py %D%/suite_service.py %D%/suite_validate.py
