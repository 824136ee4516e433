# One file a tool.
libcli_a_SOURCES += \
	cli/model_file.c cli/model_file.h \
	cli/output.c cli/output.h \
	cli/registry_change.c cli/registry_look.c cli/registry_verbs.h \
	cli/registry_open.c cli/registry_open.h \
	cli/setting_help.c cli/setting_help.h \
	cli/signals.c cli/signals.h
