libmlops_a_SOURCES += \
	%D%/aliases.c \
	%D%/backend.h \
	%D%/cache.c %D%/cache.h \
	%D%/checks.c \
	%D%/decisions.c \
	%D%/describe.c %D%/describe.h \
	%D%/ledger.c %D%/ledger.h \
	%D%/model_files.c \
	%D%/outbox.c %D%/outbox.h \
	%D%/outbox_tags.c \
	%D%/prune.c \
	%D%/query.c \
	%D%/recall.c %D%/recall.h \
	%D%/reference.c %D%/reference.h \
	%D%/reloads.c \
	%D%/remote.c %D%/remote.h \
	%D%/remote_aliases.c \
	%D%/remote_history.c \
	%D%/remote_notes.c \
	%D%/remote_prune.c \
	%D%/remote_push.c \
	%D%/remote_runs.c \
	%D%/remote_send.c \
	%D%/remote_versions.c \
	%D%/running.c \
	%D%/runs.c \
	%D%/store.c %D%/store.h \
	%D%/summaries.c \
	%D%/verify.c \
	%D%/versions.c
