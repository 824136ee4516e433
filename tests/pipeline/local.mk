# What is installed for cron, systemd, Kubernetes and GitHub, by the programs that read it.
PIPELINE_TESTS = %D%/schedules.bats
EXTRA_DIST += $(PIPELINE_TESTS)
if HAVE_BATS
TESTS += $(PIPELINE_TESTS)
endif
