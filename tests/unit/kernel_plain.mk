UNIT_TESTS += tests/unit/kernel_plain.t
tests_unit_kernel_plain_t_SOURCES = tests/unit/kernel_plain.c
tests_unit_kernel_plain_t_LDADD = $(UNIT_LIBS)
