#!/usr/bin/env bats
# What Python makes of models that were registered on an MLflow server: mlflow.pyfunc and `mlflow models serve` say what mlops says.
load "$MLOPS_SOURCE/tests/cli/support"
load "$MLOPS_SOURCE/tests/live/mlflow"

setup_file() {
	unset MLFLOW_TRACKING_URI MLFLOW_TRACKING_USERNAME MLFLOW_TRACKING_PASSWORD MLFLOW_TRACKING_TOKEN MLFLOW_EXPERIMENT_NAME
	export MISSING NO_PROXY='*' MLFLOW_DISABLE_TELEMETRY=true MLOPS_REGISTRY=$BATS_FILE_TMPDIR/registry
	MISSING=$(mlflow_missing)
	[ -z "$MISSING" ] || return 0
	mlflow_start
	export MLFLOW_TRACKING_URI=$MLFLOW_URI
	cd "$BATS_FILE_TMPDIR" || return
	# A text column and a state of three classes; the sensors' dropouts are missing values.
	"$MLOPS_BUILD/examples/plant-simulator" --labels --anomalies --days 10 --every 1800 | awk -F, 'NR == 1 { print $0 ",site,state"; next } {
		split("north,south,east", sites, /,/)
		print $0 "," sites[NR % 3 + 1] "," ($9 == 1 ? "failing" : $4 > 2.4 ? "worn" : "sound") }' > plant.csv
	# Most rows of a site that training has not seen.
	{ head -n 1 plant.csv; tail -n 300 plant.csv | sed 's/,south,/,west,/'; } > other.csv
	cut -d, -f1-3 plant.csv > temperatures.csv
	mlops-train -q -m anomaly_detection -n anomalies --promote --target anomaly -i failure,site,state --set trees=20 plant.csv
	mlops-train -q -m failure_prediction -n failures --promote --target failure -i anomaly,state --set trees=20 plant.csv
	mlops-train -q -m failure_prediction -n states --promote --target state -i anomaly,failure --set trees=20 plant.csv
	mlops-train -q -m time_series_forecast -n levels --promote --target temperature --set epochs=1 --set hidden=7 \
		--set seq_length=24 --set forecast_horizon=3 temperatures.csv
	local name
	for name in anomalies failures states; do
		mlops-score -m $name -O csv other.csv > $name.csv
	done
	mlops-registry export levels levels.onnx
	"$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/onnxruntime_forecast.py" histories levels.onnx temperatures.csv temperature |
		grep -v huge | head -n 200 > histories.jsonl
	mlops-forecast -m levels histories.jsonl > levels.jsonl
}

teardown_file() {
	mlflow_end
}

setup() {
	[ -z "$MISSING" ] || skip "$MISSING"
	cd "$BATS_FILE_TMPDIR" || return
}

teardown() {
	[ -z "${proxy-}" ] || kill "$proxy" || true
	if [ -n "${serving-}" ]; then
		kill -TERM -- "-$serving" 2> /dev/null || true
		wait "$serving" 2> /dev/null || true
	fi
}

check() {
	"$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/mlflow_pyfunc.py" "$@" 2> check.log || {
		cat check.log
		return 1
	}
}

@test "mlflow.pyfunc says of rows what mlops-score says: anomalies, failures with a text column, three states" {
	run check rows models:/anomalies@champion other.csv anomalies.csv models:/failures@champion other.csv failures.csv \
		models:/states@champion other.csv states.csv
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" -eq $((300 * 3 + 300 * 2 + 300 * 4)) ]
}

@test "mlflow.pyfunc says of histories what mlops-forecast says" {
	run check histories models:/levels@champion histories.jsonl levels.jsonl
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" -eq $((200 * 3 * 3)) ]
}

# serve NAME: `mlflow models serve` of its champion on $port, in a process group of its own.
serve() {
	port=$((20000 + RANDOM % 30000))
	PATH="$(dirname "$MLOPS_PYTHON"):$PATH" setsid "$MLOPS_PYTHON" -m mlflow models serve -m "models:/$1@champion" --env-manager local \
		-h 127.0.0.1 -p "$port" > "serve-$1.log" 2>&1 3>&- &
	serving=$!
	for _ in {1..1200}; do
		kill -0 "$serving" || break
		! curl -fsS --noproxy '*' "http://127.0.0.1:$port/ping" > /dev/null 2>&1 || return 0
		sleep 0.1
	done
	tail -n 30 "serve-$1.log"
	return 1
}

@test "mlflow models serve answers what mlops-score says" {
	serve states
	run check serve "$port" other.csv states.csv
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" -eq $((300 * 4)) ]
	# A row that lacks columns is refused, not guessed at.
	run -0 curl -sS --noproxy '*' -H 'Content-Type: application/json' -d '{"dataframe_records": [{"temperature": 50}]}' \
		"http://127.0.0.1:$port/invocations"
	echo "$output"
	[[ $output == *missing*vibration* ]]
}

@test "mlflow models serve answers what mlops-forecast says" {
	serve levels
	run check serve-histories "$port" histories.jsonl levels.jsonl
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" -eq $((200 * 3 * 3)) ]
}

# Before the server, a proxy that does to requests what its plan says; see mlflow_faults.py.
start_faults() {
	faults=$BATS_TEST_TMPDIR/faults
	mkdir "$faults"
	"$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/mlflow_faults.py" "$MLFLOW_PORT" "$faults" 2> "$faults/log" 3>&- &
	proxy=$!
	for _ in {1..600}; do
		[ ! -s "$faults/port" ] || break
		sleep 0.1
	done
	MLFLOW_TRACKING_URI=http://127.0.0.1:$(cat "$faults/port")
	export MLFLOW_TRACKING_URI MLFLOW_HTTP_REQUEST_MAX_RETRIES=1
}

@test "a model that arrives damaged, whenever it is sent, becomes no version; push sends it whole" {
	start_faults
	printf 'PUT model.onnx damage-put\n%.0s' 1 2 3 4 > "$faults/plan"
	run mlops-train -q -m anomaly_detection -n damaged --promote -i failure,anomaly,site,state --set trees=20 plant.csv
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"mlops-registry push"* ]]
	run -0 curl -sS --noproxy '*' -G "$MLFLOW_URI/api/2.0/mlflow/model-versions/search" --data-urlencode "filter=name='damaged'"
	echo "$output"
	[ "$(jq -r '.model_versions // [] | length' <<< "$output")" = 0 ]
	rm "$faults/plan"
	mlops-registry push
	run -0 mlops-registry list damaged
	[ "${#lines[@]}" -eq 1 ]
	mlops-registry export damaged/1 damaged.onnx
	mlops-train -q -m anomaly_detection -i failure,anomaly,site,state --set trees=20 --output whole.onnx plant.csv
	mlops-score -m damaged.onnx other.csv | cmp - <(mlops-score -m whole.onnx other.csv)
	# Of the answers that are cut on their way back, none is taken for a model.
	rm -rf "$MLOPS_REGISTRY/cache"
	printf 'GET model.onnx shorten\n%.0s' 1 2 3 4 > "$faults/plan"
	run ! mlops-registry export damaged/1 again.onnx
	echo "$output"
	[ ! -e again.onnx ]
}
