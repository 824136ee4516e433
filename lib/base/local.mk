libmlops_a_SOURCES += \
	%D%/buffer.c %D%/buffer.h \
	%D%/decimal.c %D%/decimal.h \
	%D%/error.c %D%/error.h \
	%D%/file.c %D%/file.h \
	%D%/file_writer.c %D%/file_writer.h \
	%D%/json_writer.c %D%/json_writer.h \
	%D%/number.c %D%/number.h \
	%D%/rng.c %D%/rng.h \
	%D%/sha256.c %D%/sha256.h \
	%D%/sort.c %D%/sort.h \
	%D%/text.c %D%/text.h \
	%D%/thread.c %D%/thread.h \
	%D%/time.c %D%/time.h \
	%D%/time_format.c %D%/time_format.h \
	%D%/time_parts.c %D%/time_parts.h \
	%D%/timezone.c %D%/timezone.h \
	%D%/timezone_rule.c %D%/timezone_rule.h
