# lib/kernel: the reference, and KERNEL_SOURCES once for each instruction set.
libmlops_a_SOURCES += \
	%D%/adam.h \
	%D%/adam_reference.c \
	%D%/csv.h \
	%D%/csv_number.h \
	%D%/csv_reference.c \
	%D%/forest.h \
	%D%/forest_reference.c \
	%D%/gemm.h \
	%D%/gemm_reference.c \
	%D%/grow.h \
	%D%/grow_reference.c \
	%D%/kernel.h \
	%D%/lstm.h \
	%D%/lstm_reference.c \
	%D%/select.c \
	%D%/table.h

KERNEL_SOURCES = \
	%D%/build.c %D%/build.h \
	%D%/lanes.h \
	%D%/adam.c \
	%D%/csv_cut.c \
	%D%/csv_digits.h \
	%D%/csv_numbers.c \
	%D%/csv_numbers_512.c \
	%D%/dropout.c \
	%D%/forest_codes.c \
	%D%/forest_mux.c \
	%D%/forest_unfolded.c \
	%D%/forest_walk.c \
	%D%/gemm.c \
	%D%/grow_count.c \
	%D%/grow_partition.c \
	%D%/grow_search.c \
	%D%/grow_small.c \
	%D%/lstm.c

KERNEL_OBJECTS =
if X86_64
noinst_LIBRARIES += libkernel_v2.a libkernel_v3.a libkernel_v4.a
libkernel_v2_a_SOURCES = $(KERNEL_SOURCES)
libkernel_v2_a_CPPFLAGS = $(AM_CPPFLAGS) -DMLOPS_KERNEL_BUILD=v2
libkernel_v2_a_CFLAGS = $(AM_CFLAGS) -march=x86-64-v2
libkernel_v3_a_SOURCES = $(KERNEL_SOURCES)
libkernel_v3_a_CPPFLAGS = $(AM_CPPFLAGS) -DMLOPS_KERNEL_BUILD=v3
libkernel_v3_a_CFLAGS = $(AM_CFLAGS) -march=x86-64-v3
libkernel_v4_a_SOURCES = $(KERNEL_SOURCES)
libkernel_v4_a_CPPFLAGS = $(AM_CPPFLAGS) -DMLOPS_KERNEL_BUILD=v4
libkernel_v4_a_CFLAGS = $(AM_CFLAGS) -march=x86-64-v4 -mprefer-vector-width=512
KERNEL_OBJECTS += $(libkernel_v2_a_OBJECTS) $(libkernel_v3_a_OBJECTS) $(libkernel_v4_a_OBJECTS)
else
noinst_LIBRARIES += libkernel_native.a
libkernel_native_a_SOURCES = $(KERNEL_SOURCES)
libkernel_native_a_CPPFLAGS = $(AM_CPPFLAGS) -DMLOPS_KERNEL_BUILD=native
KERNEL_OBJECTS += $(libkernel_native_a_OBJECTS)
endif
libmlops_a_LIBADD += $(KERNEL_OBJECTS)
EXTRA_libmlops_a_DEPENDENCIES = $(KERNEL_OBJECTS)
