# Tools written in shell, around the others: what runs at night, and what draws.
bin_SCRIPTS += mlops-plot mlops-retrain
CLEANFILES += mlops-plot mlops-retrain
EXTRA_DIST += %D%/mlops-plot.in %D%/mlops-retrain.in %D%/options.sh

# Fills in what they share, and where things are installed.
PUT_PLACES = sed -e 's|[@]PACKAGE_VERSION@|$(PACKAGE_VERSION)|g' -e 's|[@]CONFIG_DIR@|$(configdir)|g' \
	-e 's|[@]BIN_DIR@|$(bindir)|g'
MAKE_SCRIPT = $(PUT_PLACES) -e '/^[.] [@]OPTIONS[@]$$/{' -e 'r $(srcdir)/%D%/options.sh' -e 'd' -e '}'

mlops-retrain: %D%/mlops-retrain.in %D%/options.sh Makefile
	$(AM_V_GEN)$(MAKE_SCRIPT) $(srcdir)/%D%/mlops-retrain.in > $@.tmp && chmod a+rx,a-w $@.tmp && mv -f $@.tmp $@

mlops-plot: %D%/mlops-plot.in %D%/options.sh Makefile
	$(AM_V_GEN)$(MAKE_SCRIPT) $(srcdir)/%D%/mlops-plot.in > $@.tmp && chmod a+rx,a-w $@.tmp && mv -f $@.tmp $@

# Configurations to begin with, and the directory for one's own.
EXAMPLE_CONFIGURATIONS = examples/defaults examples/anomaly_detection.conf examples/failure_prediction.conf \
	examples/time_series_forecast.conf
configexampledir = $(pkgdatadir)/examples
dist_configexample_DATA = $(EXAMPLE_CONFIGURATIONS)

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(configdir)'
uninstall-local:
	-rmdir '$(DESTDIR)$(configdir)' 2>/dev/null
