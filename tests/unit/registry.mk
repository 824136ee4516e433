# For each test: UNIT_TESTS += tests/unit/NAME.t, tests_unit_NAME_t_SOURCES = tests/unit/NAME.c, tests_unit_NAME_t_LDADD = $(UNIT_LIBS)
UNIT_TESTS += \
	tests/unit/registry_aliases.t \
	tests/unit/registry_checks.t \
	tests/unit/registry_kill.t \
	tests/unit/registry_open.t \
	tests/unit/registry_reference.t \
	tests/unit/registry_remote.t \
	tests/unit/registry_runs.t \
	tests/unit/registry_summaries.t \
	tests/unit/registry_verify.t \
	tests/unit/registry_versions.t \
	tests/unit/registry_write_failure.t

REGISTRY_FIXTURE = tests/unit/registry_fixture.c tests/unit/registry_fixture.h

tests_unit_registry_aliases_t_SOURCES = tests/unit/registry_aliases.c $(REGISTRY_FIXTURE)
tests_unit_registry_aliases_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_checks_t_SOURCES = tests/unit/registry_checks.c $(REGISTRY_FIXTURE)
tests_unit_registry_checks_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_kill_t_SOURCES = tests/unit/registry_kill.c $(REGISTRY_FIXTURE)
tests_unit_registry_kill_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_open_t_SOURCES = tests/unit/registry_open.c $(REGISTRY_FIXTURE)
tests_unit_registry_open_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_reference_t_SOURCES = tests/unit/registry_reference.c
tests_unit_registry_reference_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_remote_t_SOURCES = tests/unit/registry_remote.c $(REGISTRY_FIXTURE)
tests_unit_registry_remote_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_runs_t_SOURCES = tests/unit/registry_runs.c $(REGISTRY_FIXTURE)
tests_unit_registry_runs_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_summaries_t_SOURCES = tests/unit/registry_summaries.c $(REGISTRY_FIXTURE)
tests_unit_registry_summaries_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_verify_t_SOURCES = tests/unit/registry_verify.c $(REGISTRY_FIXTURE)
tests_unit_registry_verify_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_versions_t_SOURCES = tests/unit/registry_versions.c $(REGISTRY_FIXTURE)
tests_unit_registry_versions_t_LDADD = $(UNIT_LIBS)
tests_unit_registry_write_failure_t_SOURCES = tests/unit/registry_write_failure.c $(REGISTRY_FIXTURE)
tests_unit_registry_write_failure_t_LDADD = $(UNIT_LIBS)
