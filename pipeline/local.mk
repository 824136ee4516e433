# What runs at night: mlops-retrain, a shell script around the tools.
bin_SCRIPTS += mlops-retrain
CLEANFILES += mlops-retrain
EXTRA_DIST += %D%/mlops-retrain.in

mlops-retrain: %D%/mlops-retrain.in Makefile
	$(AM_V_GEN)sed -e 's|[@]PACKAGE_VERSION@|$(PACKAGE_VERSION)|g' -e 's|[@]CONFIG_DIR@|$(configdir)|g' \
		$(srcdir)/%D%/mlops-retrain.in > $@.tmp && chmod a+rx,a-w $@.tmp && mv -f $@.tmp $@
