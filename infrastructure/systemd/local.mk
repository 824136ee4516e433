# Units: retraining by timer, and the service.  Nothing is enabled by installing it.
EXTRA_DIST += %D%/mlops-retrain@.service.in %D%/mlops-serve.service.in %D%/mlops.sysusers %D%/mlops.tmpfiles
dist_systemd_DATA = %D%/mlops-retrain@.timer %D%/mlops-alert@.service %D%/mlops-serve.socket
nodist_systemd_DATA = %D%/mlops-retrain@.service %D%/mlops-serve.service
sysusersdir = $(prefix)/lib/sysusers.d
nodist_sysusers_DATA = %D%/sysusers.d/mlops.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_tmpfiles_DATA = %D%/tmpfiles.d/mlops.conf
CLEANFILES += $(nodist_systemd_DATA) $(nodist_sysusers_DATA) $(nodist_tmpfiles_DATA)

%D%/mlops-retrain@.service: %D%/mlops-retrain@.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PUT_PLACES) '$(srcdir)/%D%/mlops-retrain@.service.in' > $@.tmp && mv -f $@.tmp $@
%D%/mlops-serve.service: %D%/mlops-serve.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PUT_PLACES) $(srcdir)/%D%/mlops-serve.service.in > $@.tmp && mv -f $@.tmp $@
%D%/sysusers.d/mlops.conf: %D%/mlops.sysusers
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $(srcdir)/%D%/mlops.sysusers $@
%D%/tmpfiles.d/mlops.conf: %D%/mlops.tmpfiles
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $(srcdir)/%D%/mlops.tmpfiles $@
