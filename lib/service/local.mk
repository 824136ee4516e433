libmlops_a_SOURCES += \
	%D%/acceptor.c %D%/acceptor.h \
	%D%/handle_forecast.c \
	%D%/handle_jobs.c \
	%D%/handle_models.c \
	%D%/handle_score.c \
	%D%/handle_status.c \
	%D%/handling.c \
	%D%/http.c %D%/http.h \
	%D%/job_process.c %D%/job_process.h \
	%D%/jobs.c %D%/jobs.h \
	%D%/ledger_page.c %D%/ledger_page.h \
	%D%/openapi.c \
	%D%/request_metrics.c %D%/request_metrics.h \
	%D%/routes.c %D%/routes.h \
	%D%/served.c %D%/served.h \
	%D%/server.c %D%/server.h \
	%D%/service.c %D%/service.h
