bin_PROGRAMS += mlops-train mlops-score mlops-registry
TOOL_LIBS = libcli.a libmlops.a $(MLOPS_LIBS)

mlops_train_SOURCES = %D%/train.c
mlops_train_LDADD = $(TOOL_LIBS)
mlops_score_SOURCES = %D%/score.c
mlops_score_LDADD = $(TOOL_LIBS)
mlops_registry_SOURCES = %D%/registry.c
mlops_registry_LDADD = $(TOOL_LIBS)
libcli_a_SOURCES += \
	cli/model_file.c cli/model_file.h \
	cli/output.c cli/output.h \
	cli/registry_change.c cli/registry_look.c cli/registry_verbs.h \
	cli/registry_open.c cli/registry_open.h \
	cli/setting_help.c cli/setting_help.h \
	cli/signals.c cli/signals.h
