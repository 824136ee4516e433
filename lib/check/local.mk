libmlops_a_SOURCES += \
	%D%/column_profile.c %D%/column_profile.h \
	%D%/drift.c %D%/drift.h \
	%D%/profile.c %D%/profile.h \
	%D%/rule.c %D%/rule.h \
	%D%/schema.c %D%/schema.h \
	%D%/schema_read.c \
	%D%/schema_write.c \
	%D%/sensor.c %D%/sensor.h \
	%D%/sensor_time.c %D%/sensor_time.h \
	%D%/sketch.c %D%/sketch.h \
	%D%/table_profile.c %D%/table_profile.h \
	%D%/tally.c %D%/tally.h \
	%D%/unique.c %D%/unique.h
