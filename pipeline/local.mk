# What runs at night: mlops-retrain, a shell script around the tools.
bin_SCRIPTS += mlops-retrain
CLEANFILES += mlops-retrain
EXTRA_DIST += %D%/mlops-retrain.in

# Fills in where things are installed.
PUT_PLACES = sed -e 's|[@]PACKAGE_VERSION@|$(PACKAGE_VERSION)|g' -e 's|[@]CONFIG_DIR@|$(configdir)|g' \
	-e 's|[@]BIN_DIR@|$(bindir)|g'

mlops-retrain: %D%/mlops-retrain.in Makefile
	$(AM_V_GEN)$(PUT_PLACES) $(srcdir)/%D%/mlops-retrain.in > $@.tmp && chmod a+rx,a-w $@.tmp && mv -f $@.tmp $@

# Configurations to begin with, and the directory for one's own.
EXAMPLE_CONFIGURATIONS = examples/defaults examples/anomaly_detection.conf examples/failure_prediction.conf \
	examples/time_series_forecast.conf
configexampledir = $(pkgdatadir)/examples
dist_configexample_DATA = $(EXAMPLE_CONFIGURATIONS)

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(configdir)'
uninstall-local:
	-rmdir '$(DESTDIR)$(configdir)' 2>/dev/null
