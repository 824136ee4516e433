# Options, messages and progress, as a tool uses them.
UNIT_TESTS += %D%/cli_option.t %D%/cli_message.t %D%/cli_progress.t %D%/cli_secret.t %D%/cli_tracking.t
tests_unit_cli_option_t_SOURCES = %D%/cli_option.c %D%/cli_capture.h
tests_unit_cli_option_t_LDADD = libcli.a $(UNIT_LIBS)
tests_unit_cli_message_t_SOURCES = %D%/cli_message.c %D%/cli_capture.h
tests_unit_cli_message_t_LDADD = libcli.a $(UNIT_LIBS)
tests_unit_cli_progress_t_SOURCES = %D%/cli_progress.c %D%/cli_capture.h
tests_unit_cli_progress_t_LDADD = libcli.a $(UNIT_LIBS)
tests_unit_cli_secret_t_SOURCES = %D%/cli_secret.c
tests_unit_cli_secret_t_LDADD = libcli.a $(UNIT_LIBS)
tests_unit_cli_tracking_t_SOURCES = %D%/cli_tracking.c %D%/cli_capture.h
tests_unit_cli_tracking_t_LDADD = libcli.a $(UNIT_LIBS)
