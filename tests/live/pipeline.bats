#!/usr/bin/env bats
# A plant's nights, for real: PostgreSQL, mlops-retrain, a service, node_exporter, Prometheus, Alertmanager, and what people get in Slack
# and in their mail.  Good rows, bad rows, repaired rows, and the way back.

bats_require_minimum_version 1.5.0
load ../cli/support
load postgres
load mlflow
load monitoring

setup() {
	export MLOPS_REGISTRY="$BATS_TEST_TMPDIR/registry" LC_ALL=C.UTF-8 MLOPS_CONFIG_DIR=$BATS_TEST_TMPDIR/conf
	unset XDG_DATA_HOME ML_SERVICE_URL SYSTEM_ADMIN_TOKEN SYSTEM_ADMIN_TOKEN_FILE DATABASE_URL ALERTMANAGER_URL PUSHGATEWAY_URL \
		TEXTFILE_DIRECTORY INSTANCE CREDENTIALS_DIRECTORY MLFLOW_TRACKING_URI PGHOST PGHOSTADDR PGUSER PGDATABASE PGPASSWORD
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir conf collector bin
	printf '#!/bin/sh\nprintf "%%s\\n" "$*" >> "%s/syslog"\n' "$BATS_TEST_TMPDIR" > bin/logger
	chmod +x bin/logger
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	# Each is needed: this test is about all of them together.
	for program in psql prometheus prometheus-alertmanager prometheus-node-exporter python3; do
		command -v "$program" > /dev/null || skip "$program is not installed"
	done
	postgres_init
	[ -n "$POSTGRES" ] || skip 'PostgreSQL is not installed (or MLOPS_POSTGRES does not name its programs)'
	URL="postgresql://plant:secret@127.0.0.1:$PGPORT/postgres"
}

teardown() {
	stop_servers
	mlflow_end
	postgres_remove
}

sql() {
	psql -qAt -v ON_ERROR_STOP=1 "$URL" "$@"
}

load_rows() { # FILE: instead of those that are there
	sql -c 'TRUNCATE readings' -c "\\copy readings FROM '$1' CSV HEADER"
}

# retrain STATUS: the line that it prints goes to the file retrained.
retrain() {
	status=0
	mlops-retrain pumps > retrained || status=$?
	cat retrained
	[ "$status" -eq "$1" ]
}

served() { # the version that answers
	curl -fsS "$service_url/models/pumps" | field version
}

answers() { # and does it answer?
	head -n 50 good.csv | curl -fsS --data-binary @- "$service_url/models/pumps/score" | jq -es 'length == 49'
}

start_service_and_exporter() {
	printf 'a word for services' > token
	chmod 600 token
	export SYSTEM_ADMIN_TOKEN_FILE=$PWD/token
	serve service mlops-serve --port 0
	within 10 grep -q 'listening on' service.log
	service_port=$(sed -n 's/.*listening on 127.0.0.1 port //p' service.log)
	service_url=http://127.0.0.1:$service_port
	export ML_SERVICE_URL=$service_url
	exporter_port=$(free_port)
	serve exporter prometheus-node-exporter --web.listen-address "127.0.0.1:$exporter_port" --collector.disable-defaults \
		--collector.textfile --collector.textfile.directory "$PWD/collector"
}

# Both ways lead to the same figure; a service asks an MLflow server every 15 seconds only.
both() { # PROMQL VALUE
	within 40 is "mlops-serve $2
node $2" query "$1" job
}

nights() {
	rows 2000 > good.csv
	rows 3000 > better.csv
	sql -c 'CREATE TABLE readings (timestamp timestamptz, machine_id text, temperature float8, vibration float8, pressure float8,
		failure int)'
	mlops-validate --infer --ignore failure good.csv > conf/schema.json
	# a table has no order: what is shorter for a missing value may fill the rest of a page
	printf '%s\n' KIND=failure_prediction TARGET=failure 'QUERY="SELECT * FROM readings ORDER BY timestamp"' SCHEMA=schema.json \
		MIN_ROWS=1000 "SETTINGS='trees=2 max_depth=1'" DATABASE_URL_FILE=../url "TEXTFILE_DIRECTORY=$PWD/collector" \
		> conf/pumps.conf
	echo "$URL" > url
	chmod 600 url

	start_service_and_exporter
	start_sinks 220
	start_alertmanager
	start_prometheus "$service_port" "$exporter_port"

	# the first night: a model, served, and its figures seen both ways
	load_rows good.csv
	retrain 0
	[ "$(field champion < retrained)" -eq 1 ]
	[ "$(served)" -eq 1 ]
	answers
	accuracy=$(field metrics.accuracy < retrained)
	both 'mlops_model_accuracy{model="pumps"}' "$accuracy"
	both 'mlops_training_last_run_success{model="pumps"}' 1
	both 'mlops_data_rows{model="pumps"}' 2000
	within 10 is "$service_url 1" query 'max by (service) (mlops_reload_last_run_success)' service
	run ! grep -q ModelTrainingFailed sinks/slack sinks/mail

	# the second: a sensor is broken, the training fails, two people are told, and the old champion goes on
	awk -F, -v OFS=, 'NR > 1 && NR % 3 == 0 { $3 = 9999 } 1' good.csv > bad.csv
	load_rows bad.csv
	retrain 65
	[ "$(jq -c '[.outcome, .step, .champion]' retrained)" = '["failed","validate",1]' ]
	[[ "$(field message < retrained)" == *temperature* ]]
	within 30 grep -q '\[WARNING\] ModelTrainingFailed: pumps' sinks/slack
	within 30 grep -q '\[WARNING\] ModelTrainingFailed: pumps' sinks/mail
	grep -q 'Model pumps: the last training failed' sinks/mail
	within 30 grep -q '\[WARNING\] ModelInvalidDataHigh: pumps' sinks/mail
	both 'mlops_training_last_run_failure_reason{model="pumps",reason="invalid_data"}' 1
	both 'mlops_model_accuracy{model="pumps"}' "$accuracy"
	[ "$(served)" -eq 1 ]
	answers

	# the third: repaired, more of it, and more trees, which the gate finds better; they are told that it is over
	load_rows better.csv
	sed -i 's/^SETTINGS=.*/SETTINGS=trees=50/' conf/pumps.conf
	retrain 0
	[ "$(jq -c '[.outcome, .champion]' retrained)" = '["promoted",2]' ]
	[ "$(served)" -eq 2 ]
	answers
	within 30 grep -q '\[RESOLVED\] ModelTrainingFailed: pumps' sinks/slack
	within 30 grep -q '\[RESOLVED\] ModelTrainingFailed: pumps' sinks/mail
	within 30 is '' query 'ALERTS{alertname="ModelTrainingFailed"}' alertname
	both 'mlops_gate_last_decision{model="pumps",decision="PROMOTE"}' 1

	# and back, as the runbook says
	awk '/^## / { on = $0 == "## Alerts" } /^### / { on = $0 == "### ModelAccuracyLow" } on && sub(/^    /, "")' \
		"$MLOPS_SOURCE/HANDOFF.md" | sed -e 's/NAME/pumps/' -e "s|/var/lib/prometheus/node-exporter|$PWD/collector|" > way
	grep -q '^mlops-registry rollback' way
	bash -e way
	[ "$(served)" -eq 1 ]
	answers
	mlops-registry metrics --output collector/mlops.prom
	within 40 is 'mlops-serve 1
node 1' query 'mlops_model_info{model="pumps",version="1"}' job
	within 40 is '' query 'mlops_model_info{version="2"}' job
	mlops-registry verify

	# nobody's secrets are where others read
	run ! grep -rE 'a word for services|plant:secret|a.word.for.slack|a word for mail' service.log exporter.log syslog retrained \
		alertmanager/server.log prometheus/server.log collector
}

@test "nights with the registry of one machine" {
	nights
}

@test "nights with an MLflow server" {
	missing=$(mlflow_missing)
	[ -z "$missing" ] || skip "$missing"
	mlflow_start
	export MLFLOW_TRACKING_URI=$MLFLOW_URI
	nights
	# a Python user sees the same
	[ "$(curl -fsS "$MLFLOW_URI/api/2.0/mlflow/registered-models/alias?name=pumps&alias=champion" |
		jq -r .model_version.version)" -eq 1 ]
	[ "$(curl -fsS -G "$MLFLOW_URI/api/2.0/mlflow/model-versions/search" --data-urlencode "filter=name='pumps'" |
		jq '.model_versions | length')" -eq 2 ]
}
