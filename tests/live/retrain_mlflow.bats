#!/usr/bin/env bats
# mlops-retrain with a real MLflow server as its registry: there, away, and back.

bats_require_minimum_version 1.5.0
load ../cli/support
load mlflow

setup_file() {
	export LC_ALL=C
	missing=$(mlflow_missing)
	export MISSING=$missing
	[ -n "$missing" ] || mlflow_start
}

teardown_file() {
	mlflow_end
}

setup() {
	[ -z "$MISSING" ] || skip "$MISSING"
	unset XDG_DATA_HOME ML_SERVICE_URL DATABASE_URL ALERTMANAGER_URL PUSHGATEWAY_URL TEXTFILE_DIRECTORY
	cd "$BATS_TEST_TMPDIR" || return 1
	export MLOPS_REGISTRY=$BATS_TEST_TMPDIR/registry MLFLOW_TRACKING_URI=$MLFLOW_URI MLOPS_CONFIG_DIR=$PWD/conf
	export MLFLOW_HTTP_REQUEST_MAX_RETRIES=1
	mkdir conf
}

@test "versions and champions are on the server; what it could not be told is told in the next night" {
	rows 600 > sensors.csv
	printf '%s\n' KIND=anomaly_detection IGNORE=failure FILE=../sensors.csv SETTINGS=trees=20 CRITICAL_LOSS=1 > conf/nightly.conf
	run -0 --separate-stderr mlops-retrain nightly
	[ "$(jq -c '[.outcome, .version, .champion]' <<< "$output")" = '["promoted",1,1]' ]
	alias="$MLFLOW_URI/api/2.0/mlflow/registered-models/alias?name=nightly&alias=champion"
	[ "$(curl -sS "$alias" | jq -r .model_version.version)" = 1 ]
	mlflow_stop
	run -69 --separate-stderr mlops-retrain nightly
	[ "$(jq -c '[.outcome, .step]' <<< "$output")" = '["failed","train"]' ]
	[ "$(jq '.steps | has("push")' <<< "$output")" = true ]
	mlflow_start
	[ "$(curl -sS "$alias" | jq -r .model_version.version)" = 1 ]
	run -0 --separate-stderr mlops-retrain nightly
	[ "$(field outcome <<< "$output")" = promoted ]
	[ "$(curl -sS "$alias" | jq -r .model_version.version)" = "$(field champion <<< "$output")" ]
	run -0 mlops-registry push
	[ -z "$output" ]
	mlops-score --model nightly sensors.csv | tail -n 1 | jq -e .anomaly_score
}
