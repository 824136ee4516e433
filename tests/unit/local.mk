# Each unit test is a cmocka program tests/unit/NAME.c, built as tests/unit/NAME.t.
if HAVE_CMOCKA
UNIT_TESTS =
include tests/unit/base.mk
include tests/unit/kernel.mk
include tests/unit/kernel_plain.mk
include tests/unit/rows.mk
include tests/unit/writer.mk
include tests/unit/model.mk
include tests/unit/check.mk
include tests/unit/flow.mk
include tests/unit/registry.mk
include tests/unit/service.mk
include tests/unit/cli.mk
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
