noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	%D%/common.c %D%/common.h \
	%D%/help.c %D%/help.h \
	%D%/message.c %D%/message.h \
	%D%/option.c %D%/option.h \
	%D%/progress.c %D%/progress.h \
	%D%/rows_options.c %D%/rows_options.h
