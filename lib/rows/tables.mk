# Tables: the JSON reader and what is built from rows.
libmlops_a_SOURCES += \
	%D%/category.c %D%/category.h \
	%D%/dataset.c %D%/dataset.h \
	%D%/dictionary.c %D%/dictionary.h \
	%D%/history.c %D%/history.h \
	%D%/json.c \
	%D%/json_scan.c %D%/json_scan.h \
	%D%/json_stream.c %D%/json_stream.h \
	%D%/libpq.c %D%/libpq.h \
	%D%/matrix.h \
	%D%/pivot.c %D%/pivot.h \
	%D%/pivot_sensor.c %D%/pivot_sensor.h \
	%D%/pgcopy.c %D%/pgcopy.h \
	%D%/postgres.c %D%/postgres.h \
	%D%/postgres_session.c %D%/postgres_session.h \
	%D%/postgres_shares.c %D%/postgres_shares.h \
	%D%/postgres_stream.c %D%/postgres_stream.h \
	%D%/postgres_table.c %D%/postgres_table.h \
	%D%/quality.c %D%/quality.h \
	%D%/select.c %D%/select.h \
	%D%/series.c %D%/series.h \
	%D%/series_grow.c %D%/series_grow.h \
	%D%/split.c %D%/split.h \
	%D%/time_column.c %D%/time_column.h
