# The nightly job as a CronJob, installed as an example.
kubernetesdir = $(pkgdatadir)/kubernetes
dist_kubernetes_DATA = %D%/mlops-retrain.yaml
