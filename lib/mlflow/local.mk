libmlops_a_SOURCES += \
	%D%/answer.c %D%/answer.h \
	%D%/artifacts.c \
	%D%/experiment.c \
	%D%/mlflow.h \
	%D%/model_directory.c %D%/model_directory.h \
	%D%/pyfunc_loader.c %D%/pyfunc_loader.h \
	%D%/runs.c \
	%D%/session.c %D%/session.h \
	%D%/versions.c
