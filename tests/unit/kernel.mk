# Each build of the kernels against the reference; the pattern stands in local.mk beside this.
UNIT_TESTS += tests/unit/kernel_csv.t
tests_unit_kernel_csv_t_SOURCES = tests/unit/kernel_csv.c
tests_unit_kernel_csv_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/kernel_forest.t
tests_unit_kernel_forest_t_SOURCES = tests/unit/kernel_forest.c
tests_unit_kernel_forest_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/kernel_grow.t
tests_unit_kernel_grow_t_SOURCES = tests/unit/kernel_grow.c
tests_unit_kernel_grow_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/kernel_network.t
tests_unit_kernel_network_t_SOURCES = tests/unit/kernel_network.c
tests_unit_kernel_network_t_LDADD = $(UNIT_LIBS)
