libmlops_a_SOURCES += \
	%D%/aliases.c \
	%D%/backend.h \
	%D%/checks.c \
	%D%/decisions.c \
	%D%/describe.c %D%/describe.h \
	%D%/ledger.c %D%/ledger.h \
	%D%/model_files.c \
	%D%/prune.c \
	%D%/query.c \
	%D%/reference.c %D%/reference.h \
	%D%/reloads.c \
	%D%/running.c \
	%D%/runs.c \
	%D%/store.c %D%/store.h \
	%D%/summaries.c \
	%D%/verify.c \
	%D%/versions.c
