# The rules of the house.
HOUSE_TESTS = tests/house/files.bats tests/house/library.bats
EXTRA_DIST += $(HOUSE_TESTS) tests/house/house.bash
if HAVE_BATS
TESTS += $(HOUSE_TESTS)
endif
