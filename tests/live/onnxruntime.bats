# The model file against the programs that it is written for and read from: ONNX Runtime, scikit-learn, skl2onnx.
load "$MLOPS_SOURCE/tests/cli/support"

setup_file() {
	export MLOPS_LIVE="$BATS_FILE_TMPDIR"
	[ -n "${MLOPS_PYTHON-}" ] || return 0
	local plant="$MLOPS_BUILD/examples/plant-simulator" columns

	# Beside the labels a text column and a state of three classes; the sensors' dropouts are missing values.
	columns='NR == 1 { print $0 ",site,state"; next } {
		split("north,south,east", sites, /,/)
		print $0 "," sites[NR % 3 + 1] "," ($9 == 1 ? "failing" : $4 > 2.4 ? "worn" : "sound") }'
	"$plant" --labels --anomalies --days 20 --every 1800 | awk -F, "$columns" > "$MLOPS_LIVE/plant.csv"
	"$plant" --labels --anomalies --days 10 --every 1800 --seed 7 | awk -F, "$columns" > "$MLOPS_LIVE/other.csv"
	"$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/make_sklearn.py" "$MLOPS_LIVE"
}

need_python() {
	[ -n "${MLOPS_PYTHON-}" ] ||
		skip "${MLOPS_PYTHON_MISSING:-MLOPS_PYTHON names no Python with onnxruntime, scikit-learn and skl2onnx}"
}

# agree MODEL ROWS: mlops-score and ONNX Runtime say the same of every row, and rows with missing values are among them.
agree() {
	mlops-score --model "$1" "$2" > scored.jsonl
	run -0 "$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/onnxruntime_check.py" "$1" "$2" scored.jsonl
	echo "$output"
	[ "$(jq .rows <<< "${lines[-1]}")" -eq $(($(wc -l < "$2") - 1)) ]
}

agree_with_missing() {
	agree "$@"
	[ "$(jq .missing <<< "${lines[-1]}")" -gt 0 ]
}

@test "anomaly_detection: ONNX Runtime gives the same scores, probabilities and decisions" {
	need_python
	mlops-train --model anomaly_detection --target anomaly --ignore failure,site,state --output model.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing model.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing model.onnx "$MLOPS_LIVE/other.csv"
}

@test "anomaly_detection with a fixed share of anomalies agrees too" {
	need_python
	mlops-train --model anomaly_detection --ignore failure,anomaly,site,state --set contamination=0.05 --set trees=25 \
		--set sample_size=64 --output model.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing model.onnx "$MLOPS_LIVE/other.csv"
}

@test "failure_prediction: two classes and a text column" {
	need_python
	mlops-train --model failure_prediction --target failure --ignore anomaly,state --output model.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing model.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing model.onnx "$MLOPS_LIVE/other.csv"
}

@test "failure_prediction: a site that training has not seen" {
	need_python
	mlops-train --model failure_prediction --target failure --ignore anomaly,state --output model.onnx "$MLOPS_LIVE/plant.csv"
	sed 's/,south,/,west,/' "$MLOPS_LIVE/other.csv" > west.csv
	agree_with_missing model.onnx west.csv
}

@test "failure_prediction: three classes" {
	need_python
	mlops-train --model failure_prediction --target state --ignore anomaly,failure --set class_weight=balanced --set trees=30 \
		--output model.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing model.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing model.onnx "$MLOPS_LIVE/other.csv"
	run -0 jq -c '.probabilities | keys' <(head -n 1 scored.jsonl)
	[ "$output" = '["failing","sound","worn"]' ]
	# leaves of several classes take another operator
	mlops-train --model failure_prediction --target state --ignore anomaly,failure --set min_leaf=20 --set trees=30 \
		--output mixed.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing mixed.onnx "$MLOPS_LIVE/other.csv"
	grep -qa TreeEnsembleRegressor mixed.onnx
	mlops-train --model failure_prediction --target state --ignore anomaly,failure --set trees=30 \
		--output pure.onnx "$MLOPS_LIVE/plant.csv"
	agree_with_missing pure.onnx "$MLOPS_LIVE/other.csv"
}

@test "a model that went through the registry is the same" {
	need_python
	mlops-train --model failure_prediction --target failure --ignore anomaly,state --name pumps --promote "$MLOPS_LIVE/plant.csv"
	mlops-registry export pumps model.onnx
	agree model.onnx "$MLOPS_LIVE/other.csv"
	mlops-score --model pumps "$MLOPS_LIVE/other.csv" | cmp - scored.jsonl
}

@test "forests of scikit-learn, exported by skl2onnx: its probabilities to 1e-6" {
	need_python
	local case n=0

	for case in "$MLOPS_LIVE"/*.jsonl; do
		case=$(basename "$case" .jsonl)
		echo "case $case"
		agree "$MLOPS_LIVE/$case.onnx" "$MLOPS_LIVE/$case.csv"
		run -0 jq -n --slurpfile theirs "$MLOPS_LIVE/$case.jsonl" --slurpfile ours scored.jsonl '
			def numbers: [.failure_probability // empty, (.probabilities // {} | to_entries | sort_by(.key)[].value)];
			[range($theirs | length) as $row
				| ($theirs[$row] | numbers) as $a | ($ours[$row] | numbers) as $b
				| if ($a | length) != ($b | length) then 1 else range($a | length) | ($a[.] - $b[.] | fabs) end] | max'
		echo "largest difference $output"
		jq -en "$output <= 1e-6" > /dev/null
		n=$((n + 1))
	done
	[ "$n" -ge 6 ]
}

# forecasts_agree ROWS COLUMN SETTING...: trains, and mlops-forecast and ONNX Runtime say the same of many histories.
forecasts_agree() {
	local rows="$1" column="$2" check="$MLOPS_SOURCE/tests/live/onnxruntime_forecast.py"
	shift 2
	mlops-train --model time_series_forecast --target "$column" --output model.onnx "${@/#/--set=}" "$rows"
	"$MLOPS_PYTHON" "$check" histories model.onnx "$rows" "$column" > histories.jsonl
	mlops-forecast --model model.onnx histories.jsonl > forecasts.jsonl
	run -0 "$MLOPS_PYTHON" "$check" compare model.onnx histories.jsonl forecasts.jsonl
	echo "$output"
	[ "$(jq .histories <<< "${lines[-1]}")" -gt 50 ]
}

@test "time_series_forecast: one series, with its season" {
	need_python
	awk -F, 'NR == 1 || $2 == "pump-01" { print $1 "," $3 }' "$MLOPS_LIVE/plant.csv" > pump.csv
	forecasts_agree pump.csv temperature epochs=2 hidden=16 seq_length=50 forecast_horizon=6
	forecasts_agree pump.csv temperature epochs=1 hidden=5 seq_length=90
}

@test "time_series_forecast: several series, each scaled by its own steps" {
	need_python
	cut -d, -f1-3 "$MLOPS_LIVE/plant.csv" > pumps.csv
	forecasts_agree pumps.csv temperature epochs=1 hidden=7 seq_length=24 forecast_horizon=3
}
