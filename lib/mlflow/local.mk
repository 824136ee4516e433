libmlops_a_SOURCES += \
	%D%/answer.c %D%/answer.h \
	%D%/artifacts.c \
	%D%/experiment.c \
	%D%/mlflow.h \
	%D%/runs.c \
	%D%/session.c %D%/session.h \
	%D%/versions.c
