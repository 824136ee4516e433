#!/usr/bin/env bats
# mlops-retrain: each step and how it fails, what is left then, locks and kills.  RETRAIN_KILLS: how many runs are killed.

load support

setup() {
	export MLOPS_REGISTRY="$BATS_TEST_TMPDIR/registry" LC_ALL=C MLOPS_CONFIG_DIR=$BATS_TEST_TMPDIR/conf
	unset MLFLOW_TRACKING_URI XDG_DATA_HOME ML_SERVICE_URL SYSTEM_ADMIN_TOKEN SYSTEM_ADMIN_TOKEN_FILE DATABASE_URL DATABASE_URL_FILE \
		ALERTMANAGER_URL PUSHGATEWAY_URL TEXTFILE_DIRECTORY INSTANCE CREDENTIALS_DIRECTORY
	# Not the machine's log, but a file that tests can read.
	mkdir -p "$MLOPS_CONFIG_DIR" "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nprintf "%%s\\n" "$*" >> "%s/syslog"\n' "$BATS_TEST_TMPDIR" > "$BATS_TEST_TMPDIR/bin/logger"
	chmod +x "$BATS_TEST_TMPDIR/bin/logger"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	if [ -n "${pids[*]-}" ]; then
		kill "${pids[@]}" 2> /dev/null || true
		wait "${pids[@]}" 2> /dev/null || true
	fi
}

# configure NAME [LINE...]: a configuration of a small isolation forest on sensors.csv, and more lines
configure() {
	printf '%s\n' KIND=anomaly_detection IGNORE=failure FILE=../sensors.csv SETTINGS=trees=20 GATE_MIN_ROWS=10 CRITICAL_LOSS=1 "${@:2}" > "conf/$1.conf"
}

runs_of() { # NAME: "action outcome reason" of its runs, the newest first
	mlops-registry runs "$1" | jq -r '[.action, .outcome, .reason // "-"] | join(" ")'
}

@test "rows become a champion, and one line of JSON says so" {
	rows 300 > sensors.csv
	configure pumps
	run -0 --separate-stderr mlops-retrain pumps
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 1 ]
	[ "$(jq -c '[.event, .model, .outcome, .version, .champion, .exit_status, .step, .message]' <<< "$output")" = \
		'["retrained","pumps","promoted",1,1,0,null,null]' ]
	[ "$(jq '.metrics.anomaly_rate >= 0 and .duration_seconds > 0 and .steps.validate > 0 and .steps.train > 0' <<< "$output")" = true ]
	[ "$(runs_of pumps)" = "train FINISHED -
validate FINISHED -" ]
	[ "$(cat syslog)" = "-t mlops-retrain -p daemon.info -- $output" ]
	[ "$(ls "$MLOPS_REGISTRY/retrain")" = pumps.lock ]
	# The second run measures drift against the first one's rows.
	run -0 mlops-retrain conf/pumps.conf
	[ "$(field version <<< "$output")" = 2 ]
	[ "$(sqlite3 "$MLOPS_REGISTRY/ledger.db" 'SELECT count(*) > 0 FROM validation_columns WHERE psi IS NOT NULL')" = 1 ]
	mlops-score --model pumps sensors.csv | tail -n 1 | jq -e .anomaly_score
}

@test "drift is told and stops nothing, unless the configuration says so" {
	rows 300 > sensors.csv
	configure pumps
	mlops-retrain pumps
	awk -F, -v OFS=, 'NR > 1 { $3 += 40 } 1' sensors.csv > warm.csv
	mv warm.csv sensors.csv
	configure pumps
	run -0 mlops-retrain pumps
	[ "$(field outcome <<< "$output")" = promoted ]
	configure pumps CHECK_SETTINGS=drift_psi.severity=error
	mlops-registry rollback pumps > /dev/null
	run -65 --separate-stderr mlops-retrain pumps
	[[ "$(field message <<< "$output")" == *temperature* ]]
	[ "$(field champion <<< "$output")" = 1 ]
	configure pumps REFERENCE=no CHECK_SETTINGS=drift_psi.severity=error
	run -0 mlops-retrain pumps
}

@test "rows that are not valid, or too few: 65, the reason in the ledger, the champion stays" {
	rows 300 > sensors.csv
	configure pumps 'SCHEMA=schema.json' 'MIN_ROWS=100'
	mlops-validate --infer --ignore failure sensors.csv > conf/schema.json
	mlops-retrain pumps
	sed '7s/,6[0-9.]*,/,hot "x",/' sensors.csv > bad.csv
	head -n 50 sensors.csv > few.csv
	configure pumps 'SCHEMA=schema.json' 'MIN_ROWS=100' FILE=../bad.csv
	run -65 --separate-stderr mlops-retrain pumps
	[ "$(jq -c '[.outcome, .step, .version, .champion, .exit_status]' <<< "$output")" = '["failed","validate",null,1,65]' ]
	[ "$(field message <<< "$output")" = 'line 7: 1 row has a cell that is not a number or a time' ]
	[ "$stderr" = "mlops-retrain: pumps: $(field message <<< "$output")" ]
	grep -q 'daemon.err -- .*"outcome":"failed"' syslog
	[ "$(runs_of pumps | head -n 2)" = "train FAILED invalid_data
validate FAILED invalid_data" ]
	[ "$(mlops-registry runs pumps --limit 1 | field message)" = "$(field message <<< "$output")" ]
	configure pumps 'SCHEMA=schema.json' 'MIN_ROWS=100' FILE=../few.csv
	run -65 --separate-stderr mlops-retrain pumps
	[ "$(runs_of pumps | head -n 1)" = "train FAILED insufficient_data" ]
	[ "$(field champion <<< "$output")" = 1 ]
}

@test "a training that fails is in the ledger once, with its own reason" {
	rows 300 > sensors.csv
	configure pumps KIND=failure_prediction TARGET=nothing IGNORE=
	run -65 --separate-stderr mlops-retrain pumps
	[ "$(field step <<< "$output")" = train ]
	[ "$(runs_of pumps | grep -c train)" -eq 1 ]
	[ "$(mlops-registry runs pumps --limit 1 | field message)" = 'no column "nothing"' ]
	[[ "$(field message <<< "$output")" == *'sensors.csv: no column "nothing"' ]]
	# What only the tool can tell of a value is still the configuration's fault, and in the ledger.
	configure pumps SETTINGS=tree=5
	run -78 --separate-stderr mlops-retrain pumps
	[[ "$(field message <<< "$output")" == *"'trees'"* ]]
	[ "$(runs_of pumps | head -n 1)" = "train FAILED internal" ]
	configure pumps FILE=../nowhere.csv
	run -74 --separate-stderr mlops-retrain pumps
	[ "$(field step <<< "$output")" = validate ]
}

@test "the gate decides: held is fine, rejected is not; the champion stays" {
	rows 500 > sensors.csv
	configure pumps KIND=failure_prediction TARGET=failure IGNORE=
	run -0 mlops-retrain pumps
	[ "$(field outcome <<< "$output")" = promoted ]
	# The same rows tell nothing new of who is better.
	run -0 --separate-stderr mlops-retrain pumps
	[ "$(jq -c '[.outcome, .step, .version, .champion, .exit_status]' <<< "$output")" = '["held",null,2,1,0]' ]
	[ -n "$(field 'message // empty' <<< "$output")" ]
	[ "$(runs_of pumps | head -n 1)" = 'train FINISHED -' ]
	configure pumps KIND=failure_prediction TARGET=failure IGNORE= MIN_ACCURACY=0.9999
	run -1 --separate-stderr mlops-retrain pumps
	[ "$(jq -c '[.outcome, .step, .version, .champion, .exit_status]' <<< "$output")" = '["rejected","train",3,1,1]' ]
	[[ "$(field message <<< "$output")" == *accuracy* ]]
	[ "$(runs_of pumps | grep -v validate)" = 'train FAILED quality_gate
train FINISHED -
train FINISHED -' ]
	[ "$(mlops-registry decisions pumps | field decision | xargs)" = 'REJECT HOLD PROMOTE' ]
	# A dry run says so beforehand.
	run -1 --separate-stderr mlops-retrain --dry-run pumps
	[[ "$(field message <<< "$output")" == *accuracy* ]]
}

@test "a database that does not answer: 69, reason database; its password is nowhere" {
	configure pumps FILE= TABLE=readings CONNECT_TIMEOUT=2s
	export DATABASE_URL=postgresql://plant:geheim@127.0.0.1:9/plant
	run -69 --separate-stderr mlops-retrain pumps
	[ "$(field step <<< "$output")" = validate ]
	[ "$(runs_of pumps)" = "train FAILED database
validate FAILED database" ]
	unset DATABASE_URL
	echo postgresql://plant:geheim@127.0.0.1:9/plant > url
	chmod 600 url
	configure pumps FILE= TABLE=readings DATABASE_URL_FILE=../url
	run -69 --separate-stderr mlops-retrain pumps
	mkdir credentials
	mv url credentials/DATABASE_URL
	configure pumps FILE= TABLE=readings
	CREDENTIALS_DIRECTORY=$PWD/credentials run -69 --separate-stderr mlops-retrain pumps
	[[ "$stderr" == *'(plant at 127.0.0.1)'* ]]
	run -1 grep -r geheim syslog "$MLOPS_REGISTRY"
}

serve() {
	mlops-serve --port 0 2> messages 3>&- &
	pids+=($!)
	for _ in $(seq 100); do
		grep -q listening messages && break
		sleep 0.05
	done
	port=$(sed -n 's/.*listening on .* port \([0-9]*\)$/\1/p' messages)
	export ML_SERVICE_URL=http://127.0.0.1:$port
}

@test "services are reloaded; where one can't be reached, or refuses the token, the promotion stays and the status tells" {
	rows 300 > sensors.csv
	configure pumps
	export SYSTEM_ADMIN_TOKEN=s3cret
	serve
	run -0 mlops-retrain pumps
	[ "$(jq '.steps.reload > 0' <<< "$output")" = true ]
	[ "$(curl -sS "$ML_SERVICE_URL/models/pumps" | field version)" = 1 ]
	SYSTEM_ADMIN_TOKEN=wrong run -77 --separate-stderr mlops-retrain pumps
	[ "$(jq -c '[.outcome, .step, .version, .champion, .exit_status]' <<< "$output")" = '["promoted","reload",2,2,77]' ]
	[[ "$output$stderr$(cat syslog)" != *wrong* ]]
	[ "$(runs_of pumps | head -n 1)" = "train FINISHED -" ]
	# The next run makes up for it.
	echo s3cret > token
	unset SYSTEM_ADMIN_TOKEN
	configure pumps "SYSTEM_ADMIN_TOKEN_FILE=../token" PROMOTE=no
	run -0 mlops-retrain pumps
	[ "$(jq -c '[.outcome, .version, .champion]' <<< "$output")" = '["held",3,2]' ]
	[ "$(curl -sS "$ML_SERVICE_URL/models/pumps" | field version)" = 2 ]
}

@test "old versions go" {
	rows 100 > sensors.csv
	configure pumps KEEP=2
	for seed in 1 2 3 4; do
		configure pumps KEEP=2 SEED=$seed
		mlops-retrain -q pumps
	done
	[ "$(mlops-registry list pumps | jq -s 'map(.version) | min')" -ge 2 ]
	mlops-registry verify
}

@test "a model for each sensor: those that fail are told, the others go on and are taken up" {
	series 500 1 a b > sensors.csv
	configure flow KIND=time_series_forecast TARGET=value PER_SENSOR=yes IGNORE= KEEP=1 \
		"SETTINGS='seq_length=24 hidden=4 epochs=1'"
	run -0 --separate-stderr mlops-retrain flow
	[ "$(jq -c '[.outcome, .version, .champion, .sensors]' <<< "$output")" = \
		'["promoted",null,null,{"promoted":2,"held":0,"rejected":0}]' ]
	printf '2024-01-01T00:%02d:00Z,c,1\n' 0 10 20 30 >> sensors.csv
	run -65 --separate-stderr mlops-retrain flow
	[ "$(jq -c '[.outcome, .step, .sensors.held]' <<< "$output")" = '["failed","train",2]' ]
	[[ "$(field message <<< "$output")" == "model 'flow.c': "* ]]
	[ "$(mlops-registry runs flow.c | field outcome)" = FAILED ]
	[ "$(mlops-registry runs flow.a --limit 1 | field outcome)" = FINISHED ]
	# What keeps all of them from being trained is each one's failure, and over with its next training.
	configure flow KIND=time_series_forecast TARGET=value PER_SENSOR=yes FILE=../nowhere.csv
	run -74 mlops-retrain flow
	[ "$(runs_of flow.a | head -n 1)" = 'train FAILED internal' ]
	[ "$(runs_of flow)" = "$(runs_of flow | grep -v ^train)" ]
	series 500 1 a b > sensors.csv
	configure flow KIND=time_series_forecast TARGET=value PER_SENSOR=yes IGNORE= "SETTINGS='seq_length=24 hidden=4 epochs=1'"
	run -0 --separate-stderr mlops-retrain --dry-run flow
	[ "$(jq -c .sensors.promoted <<< "$output")" = 2 ]
}

@test "--dry-run validates and trains, shows the commands, and leaves nothing" {
	rows 300 > sensors.csv
	configure pumps
	run -0 --separate-stderr mlops-retrain --dry-run pumps
	[ "$(jq -c '[.outcome, .version, .exit_status]' <<< "$output")" = '["dry-run",null,0]' ]
	[ "$(jq '.metrics.anomaly_rate >= 0' <<< "$output")" = true ]
	[[ "${stderr_lines[0]}" == '$ mlops-validate '*sensors.csv ]]
	[[ "${stderr_lines[1]}" == '$ mlops-train --model=anomaly_detection --name=pumps --set=trees=20 --promote --critical-loss=1 --gate-min-rows=10 --ignore=failure -- '*sensors.csv ]]
	[ ! -e "$MLOPS_REGISTRY" ]
	[ ! -e syslog ]
	configure pumps FILE=../nowhere.csv
	run -74 mlops-retrain -n pumps
	[ ! -e "$MLOPS_REGISTRY" ]
}

@test "--all: each its line, the highest status; no configuration is nothing to do" {
	run -0 --separate-stderr mlops-retrain --all
	[[ "$stderr" == *"no configuration there, so there is nothing to do" ]]
	run -78 mlops-retrain --all --config-dir nowhere
	rows 200 > sensors.csv
	configure a
	configure 'b c' FILE=../nowhere.csv
	configure d KIND=failure_prediction TARGET=failure IGNORE=
	echo "MLOPS_REGISTRY=$PWD/other" > conf/defaults
	unset MLOPS_REGISTRY
	run -74 --separate-stderr mlops-retrain --all --quiet
	[ "$(jq -c '[.model, .outcome]' <<< "$output")" = '["a","promoted"]
["b c","failed"]
["d","promoted"]' ]
	[ "$(MLOPS_REGISTRY=$PWD/other mlops-registry list | field name)" = "a
d" ]
	run -64 mlops-retrain --all pumps
}

@test "configurations are read, not executed, and mistakes are named with their line" {
	rows 100 > sensors.csv
	configure pumps 'TRGET=x'
	run -78 --separate-stderr mlops-retrain pumps
	[ "$stderr" = "mlops-retrain: $PWD/conf/pumps.conf:7: unknown key 'TRGET'; did you mean 'TARGET'?" ]
	[ "$(jq -c '[.step, .exit_status]' <<< "$output")" = '["config",78]' ]
	[ "$(runs_of pumps)" = "train FAILED internal" ]
	refused() { # LINE MESSAGE
		configure pumps "$1"
		run -78 --separate-stderr mlops-retrain pumps
		[ "$stderr" = "mlops-retrain: $PWD/conf/pumps.conf:7: $2" ] || { echo "$stderr"; return 1; }
	}
	refused 'TARGET=$(touch evil)' 'TARGET: put quotes around a value with other characters than letters, digits and _.,:/@%+=-'
	refused 'TARGET="$(touch evil)"' 'TARGET: $, ` and \ have a meaning between double quotes; put single ones around the value'
	refused 'TARGET=`touch evil`' 'TARGET: put quotes around a value with other characters than letters, digits and _.,:/@%+=-'
	refused "TARGET='a'; touch evil" 'TARGET: a quote is not closed, or something stands behind it'
	refused "TARGET='a'b'" 'TARGET: a quote is not closed, or something stands behind it'
	refused 'touch evil' 'not KEY=VALUE'
	refused 'PATH=/evil' "unknown key 'PATH'"
	refused 'MIN_ROWS=many' "MIN_ROWS: 'many' is not a number"
	refused 'PROMOTE=never' "PROMOTE: yes or no, not 'never'"
	refused 'KIND=forest' "KIND: anomaly_detection, failure_prediction or time_series_forecast, not 'forest'"
	refused 'DATABASE_URL=x' 'DATABASE_URL is a secret: it belongs into the environment, or into a file that DATABASE_URL_FILE names'
	refused "ML_SERVICE_URL='http://me:geheim@host'" 'ML_SERVICE_URL: a password in the URL is a secret: it belongs into the environment'
	[ ! -e evil ]
	printf 'KIND=anomaly_detection\n' > conf/pumps.conf
	run -78 --separate-stderr mlops-retrain pumps
	[ "$stderr" = "mlops-retrain: pumps: $PWD/conf/pumps.conf: rows come from one of TABLE, QUERY and FILE; here are 0" ]
	run -78 --separate-stderr mlops-retrain pmps
	[ "$stderr" = "mlops-retrain: pmps: $PWD/conf/pmps.conf: no such configuration; did you mean 'pumps'?" ]
	[ "$(field step <<< "$output")" = config ]
	run -65 mlops-registry runs pmps
}

@test "values with spaces, quotes and stars arrive as they are, and the environment's names do no harm" {
	rows 200 | sed '1s/temperature/the "hot * one"/' > 'my sensors.csv'
	configure "it's" FILE="'../my sensors.csv'  # with a space" 'IGNORE='"'the \"hot * one\",failure'"
	export TABLE=x KIND=y TARGET=z
	run -0 mlops-retrain "it's"
	[ "$(mlops-registry list "it's" | jq -c .features)" = '["vibration","pressure"]' ]
}

@test "options as the other tools take them" {
	rows 100 > sensors.csv
	configure pumps
	run -0 mlops-retrain --conf=conf --thr 1 pumps
	run -0 mlops-retrain -nqcconf -- pumps
	run -64 --separate-stderr mlops-retrain
	[ "${stderr_lines[0]}" = 'mlops-retrain: which model? (NAME, the path of its configuration, or --all)' ]
	run -64 --separate-stderr mlops-retrain a b
	run -64 --separate-stderr mlops-retrain --threads x a
	[ "${stderr_lines[0]}" = "mlops-retrain: option '--threads': 'x' is not a whole number of at least 1" ]
	run -64 --separate-stderr mlops-retrain --all=yes
	run -64 --separate-stderr mlops-retrain --config-dir
	run -64 --separate-stderr mlops-retrain -x
	[ "${stderr_lines[0]}" = "mlops-retrain: unknown option '-x'" ]
	run -74 bash -c 'mlops-retrain -q pumps > /dev/full'
	[ "$output" = 'mlops-retrain: standard output: No space left on device' ]
}

# A run that waits in its validation for rows to come; $pid is its process.
start_waiting() {
	[ -p pipe ] || mkfifo pipe
	configure pumps FILE=../pipe
	mlops-retrain pumps > line 2> messages 3>&- &
	pid=$!
	exec 5> pipe
	rows 50 >&5
	for _ in $(seq 100); do
		[ "$(mlops-registry runs pumps --limit 1 2> /dev/null | field outcome)" != RUNNING ] || return 0
		sleep 0.05
	done
	return 1
}

@test "the second at once leaves with 75 and leaves no trace; other models go on" {
	start_waiting
	rows 200 > sensors.csv
	configure fans
	run -75 --separate-stderr mlops-retrain pumps
	[ "$stderr" = "mlops-retrain: pumps: another mlops-retrain works on it and holds $MLOPS_REGISTRY/retrain/pumps.lock" ]
	[ "$(jq -c '[.outcome, .step, .exit_status]' <<< "$output")" = '["failed","lock",75]' ]
	[ "$(mlops-registry runs pumps | wc -l)" -eq 1 ]
	run -0 mlops-retrain fans
	kill -TERM $pid
	wait $pid || true
	exec 5>&-
}

@test "TERM ends the program that runs, is in the ledger and the line, and the status is the signal's" {
	start_waiting
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 143 ]
	exec 5>&-
	[ "$(jq -c '[.outcome, .step, .exit_status, .message]' line)" = '["failed","validate",143,"ended by signal 15"]' ]
	[ "$(runs_of pumps | head -n 1)" = "train FAILED signal" ]
	[ "$(ls "$MLOPS_REGISTRY/retrain")" = pumps.lock ]
	run -1 pgrep -f "mlops-validate .*$BATS_TEST_TMPDIR"
	# The same for --all, which does not go on to the next one.
	configure zz
	mlops-retrain --all > line 2> messages 3>&- &
	pid=$!
	exec 5> pipe
	sleep 0.3
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	exec 5>&-
	[ "$status" -eq 143 ]
	[ "$(field model < line)" = pumps ]
}

@test "KILL takes the program that runs with it, and the next run is clean" {
	start_waiting
	kill -KILL $pid
	wait $pid || true
	for _ in $(seq 50); do
		pgrep -f "mlops-validate .*$BATS_TEST_TMPDIR" > /dev/null || break
		sleep 0.05
	done
	run -1 pgrep -f "mlops-validate .*$BATS_TEST_TMPDIR"
	exec 5>&-
	[ -d "$MLOPS_REGISTRY/retrain/pumps.work" ]
	rows 200 > sensors.csv
	configure pumps
	run -0 mlops-retrain pumps
	[ "$(ls "$MLOPS_REGISTRY/retrain")" = pumps.lock ]
	mlops-registry verify
}

@test "killed at any moment: the registry verifies, the champion scores and is served, the next run succeeds" {
	rows 2000 > sensors.csv
	configure pumps KEEP=5
	mlops-retrain pumps > /dev/null
	export SYSTEM_ADMIN_TOKEN=t
	serve
	# How long a run takes on this machine, so that all of it gets its share of the kills.
	took=$(mlops-retrain pumps | jq '.duration_seconds * 1100 | floor')
	for i in $(seq "${RETRAIN_KILLS:-20}"); do
		setsid mlops-retrain pumps > /dev/null 2>&1 3>&- &
		pid=$!
		at=$(((i * 7919 + 13 * i * i) % took))
		sleep "$((at / 1000)).$(printf '%03d' $((at % 1000)))"
		# The whole group at once, as when memory runs out or power fails; else the script alone.
		if ((i % 2)); then kill -KILL -- -$pid 2> /dev/null || true; else kill -KILL $pid 2> /dev/null || true; fi
		wait $pid 2> /dev/null || true
		mlops-registry verify > verified || { cat verified; return 1; }
		mlops-score --model pumps sensors.csv | head -n 1 | jq -e .anomaly_score > /dev/null
		curl -sSf --data-binary @sensors.csv "$ML_SERVICE_URL/models/pumps/score" | head -n 1 | jq -e .anomaly_score > /dev/null
		if ((i % 5 == 0)); then
			run -0 mlops-retrain pumps
			[ "$(field 'champion == .version' <<< "$output")" = true ]
			[ "$(curl -sS "$ML_SERVICE_URL/models/pumps" | field version)" = "$(field champion <<< "$output")" ]
		fi
	done
	[ "$(mlops-registry runs pumps | jq -s 'map(select(.outcome == "RUNNING")) | length')" -eq 0 ]
	[ "$(ls "$MLOPS_REGISTRY/retrain")" = pumps.lock ]
}

# start_ready URL COMMAND...: starts it, until it is ready; false when the port was taken
start_ready() {
	"${@:2}" > server.log 2>&1 3>&- &
	pids=($!)
	for _ in $(seq 100); do
		curl -sf "$1" > /dev/null && return
		kill -0 "${pids[0]}" 2> /dev/null || return 1
		sleep 0.1
	done
	return 1
}

@test "an Alertmanager is told of the failure and of its end" {
	command -v prometheus-alertmanager > /dev/null || skip "prometheus-alertmanager is not installed"
	rows 200 > sensors.csv
	printf 'route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n' > alertmanager.yml
	for _ in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 20000))
		start_ready "http://127.0.0.1:$port/-/ready" prometheus-alertmanager --config.file=alertmanager.yml \
			--storage.path=alerts --cluster.listen-address= --web.listen-address="127.0.0.1:$port" && break
	done
	export ALERTMANAGER_URL=http://127.0.0.1:$port/
	configure pumps FILE=../nowhere.csv INSTANCE=plant
	run -74 mlops-retrain pumps
	alerts=$(curl -sS "http://127.0.0.1:$port/api/v2/alerts")
	[ "$(jq -c '.[].labels' <<< "$alerts")" = \
		'{"alertname":"ModelRetrainFailed","instance":"plant","model":"pumps","severity":"critical"}' ]
	[[ "$(jq -r '.[].annotations.summary' <<< "$alerts")" == "mlops-retrain pumps: validate: "*"nowhere.csv"* ]]
	configure pumps INSTANCE=plant
	run -0 mlops-retrain pumps
	[ "$(curl -sS "http://127.0.0.1:$port/api/v2/alerts?active=true" | jq length)" -eq 0 ]
	# Nobody there: said, but what matters is done.
	configure pumps INSTANCE=plant ALERTMANAGER_URL=http://127.0.0.1:9
	unset ALERTMANAGER_URL
	run -69 --separate-stderr mlops-retrain pumps
	[ "$(jq -c '[.outcome, .step]' <<< "$output")" = '["promoted","alert"]' ]
}

@test "metrics are fresh after a good run and after a failed one; where they can't be written, the status tells" {
	rows 200 > sensors.csv
	mkdir textfiles
	configure pumps TEXTFILE_DIRECTORY=../textfiles
	run -0 mlops-retrain pumps
	grep -q '^mlops_training_last_run_success{model="pumps",sensor=""} 1$' textfiles/mlops.prom
	[ "$(stat -c %a textfiles/mlops.prom)" = 644 ]
	configure pumps TEXTFILE_DIRECTORY=../textfiles FILE=../nowhere.csv
	run -74 mlops-retrain pumps
	grep -q '^mlops_training_last_run_success{model="pumps",sensor=""} 0$' textfiles/mlops.prom
	configure pumps TEXTFILE_DIRECTORY=../nowhere
	run -74 --separate-stderr mlops-retrain pumps
	[ "$(jq -c '[.outcome, .step]' <<< "$output")" = '["promoted","metrics"]' ]
}

@test "a Pushgateway gets the metrics, of an instance with a slash, too" {
	command -v prometheus-pushgateway > /dev/null || skip "prometheus-pushgateway is not installed"
	rows 200 > sensors.csv
	for _ in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 20000))
		start_ready "http://127.0.0.1:$port/-/ready" prometheus-pushgateway --web.listen-address="127.0.0.1:$port" && break
	done
	configure pumps "PUSHGATEWAY_URL=http://127.0.0.1:$port/" INSTANCE=plant/2
	run -0 mlops-retrain pumps
	curl -sS "http://127.0.0.1:$port/metrics" > pushed
	grep '^mlops_training_last_run_success{instance="plant/2",job="mlops",model="pumps",sensor=""} 1$' pushed
	configure pumps PUSHGATEWAY_URL=http://127.0.0.1:9
	run -69 --separate-stderr mlops-retrain pumps
	[ "$(jq -c '[.outcome, .step]' <<< "$output")" = '["promoted","pushgateway"]' ]
}

@test "the keys of the manual are those of the program" {
	diff <(sed -n "/^keys() {/,/^END/p" "$MLOPS_SOURCE/pipeline/mlops-retrain.in" | grep -oE '^[A-Z][A-Z_]+' | grep -v '^END$' | sort) \
		<(sed -n '/^\.Ss The model/,/^\.Sh EXAMPLES/p' "$MLOPS_SOURCE/man/mlops-retrain.conf.5" | grep '^\.\(It \)*Cm ' |
			grep -oE '[A-Z][A-Z_]+' | sort -u)
}

@test "a run on few rows is over before Python has loaded MLflow's client" {
	rows 1000 > sensors.csv
	configure pumps KIND=failure_prediction TARGET=failure IGNORE=
	mlops-retrain pumps > /dev/null
	run -0 --separate-stderr mlops-retrain pumps
	echo "$output"
	[ "$(jq '.duration_seconds < 2' <<< "$output")" = true ]
}
