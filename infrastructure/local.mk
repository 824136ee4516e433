# What watches the models, to be copied to where Prometheus, Alertmanager and Grafana look: HANDOFF.md says how.
EXTRA_DIST += %D%/install-packages %D%/prometheus/rules/model-quality.yml
prometheusdir = $(datadir)/mlops/prometheus
rulesdir = $(prometheusdir)/rules
alertmanagerdir = $(datadir)/mlops/alertmanager
grafanadir = $(datadir)/mlops/grafana
dist_prometheus_DATA = %D%/prometheus/prometheus.yml
rules_DATA = %D%/installed/model-quality.yml
dist_alertmanager_DATA = %D%/alertmanager/alertmanager.yml %D%/alertmanager/mlops.tmpl
dist_grafana_DATA = %D%/grafana/mlops.json
dist_doc_DATA = HANDOFF.md
CLEANFILES += $(rules_DATA)

# Where an alert sends people to read on: the installed HANDOFF.md, or make RUNBOOK=https://…/HANDOFF.md.
RUNBOOK = file://$(docdir)/HANDOFF.md
%D%/installed/model-quality.yml: %D%/prometheus/rules/model-quality.yml runbook-may-have-changed
	@$(MKDIR_P) %D%/installed && \
	sed 's|file:///usr/local/share/doc/mlops/HANDOFF.md|$(RUNBOOK)|' $(srcdir)/%D%/prometheus/rules/model-quality.yml > $@.tmp && \
	if cmp -s $@.tmp $@; then rm -f $@.tmp; else mv -f $@.tmp $@; fi
runbook-may-have-changed:
.PHONY: runbook-may-have-changed
