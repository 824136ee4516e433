# The tools as their users call them: one bats file a tool.
BATS_TESTS = tests/cli/plant-simulator.bats
EXTRA_DIST += $(BATS_TESTS)
if HAVE_BATS
TESTS += $(BATS_TESTS)
endif
