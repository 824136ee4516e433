# Everything under `make check` speaks TAP: cmocka programs (*.t) and bats files.
TEST_EXTENSIONS = .t .bats
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
T_LOG_DRIVER = $(TAP_DRIVER)
BATS_LOG_DRIVER = $(TAP_DRIVER)
# A test that hangs is a test that fails.
TEST_LIMIT = timeout --kill-after=10 900
T_LOG_COMPILER = $(TEST_LIMIT)
BATS_LOG_COMPILER = $(TEST_LIMIT) $(BATS)
AM_BATS_LOG_FLAGS = --tap
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	PATH='$(abs_top_builddir)':$$PATH; export PATH; \
	MLOPS_SOURCE='$(abs_top_srcdir)'; export MLOPS_SOURCE; \
	MLOPS_BUILD='$(abs_top_builddir)'; export MLOPS_BUILD; \
	TOOLS='$(TOOLS)'; export TOOLS; \
	MLOPS_SANITIZED='$(SANITIZE_CFLAGS)'; export MLOPS_SANITIZED; \
	MLOPS_DATA="$${MLOPS_DATA:-$(abs_top_srcdir)/../shared/data}"; export MLOPS_DATA;

UNIT_LIBS = libmlops.a $(CMOCKA_LIBS) $(MLOPS_LIBS)

include tests/unit/local.mk
include tests/cli/local.mk
include tests/pipeline/local.mk
include tests/house/local.mk
include tests/fuzz/local.mk
include tests/live/local.mk
