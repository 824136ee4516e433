# The nightly job for cron.
EXTRA_DIST += %D%/mlops.in
nodist_cron_DATA = %D%/mlops
CLEANFILES += $(nodist_cron_DATA)

%D%/mlops: %D%/mlops.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PUT_PLACES) $(srcdir)/%D%/mlops.in > $@.tmp && mv -f $@.tmp $@
