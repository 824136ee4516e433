noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	%D%/check_help.c %D%/check_help.h \
	%D%/child.c %D%/child.h \
	%D%/common.c %D%/common.h \
	%D%/gate.h \
	%D%/help.c %D%/help.h \
	%D%/message.c %D%/message.h \
	%D%/model_file.c %D%/model_file.h \
	%D%/option.c %D%/option.h \
	%D%/output.c %D%/output.h \
	%D%/privileges.c %D%/privileges.h \
	%D%/progress.c %D%/progress.h \
	%D%/promotion.c %D%/promotion.h \
	%D%/registry_change.c \
	%D%/registry_compare.c \
	%D%/registry_look.c \
	%D%/registry_open.c %D%/registry_open.h \
	%D%/registry_verbs.h \
	%D%/rows_open.c %D%/rows_open.h \
	%D%/rows_options.c %D%/rows_options.h \
	%D%/secret.c %D%/secret.h \
	%D%/setting_help.c %D%/setting_help.h \
	%D%/signals.c %D%/signals.h \
	%D%/systemd.c %D%/systemd.h \
	%D%/tracking.c %D%/tracking.h \
	%D%/training.c %D%/training.h \
	%D%/validate_input.c %D%/validate_input.h
