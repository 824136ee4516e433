#!/usr/bin/env bats
# Training of forecasters: bad input, the gate, a model a sensor, checkpoints, threads.

load support

# sha256 ARGUMENT...: of the model that a quick training with these arguments writes.
sha256() {
	quick -q -o model.onnx "$@" | field sha256
}

# refused STATUS MESSAGE ARGUMENT...: nothing is printed, written or registered.
refused() {
	run "-$1" --separate-stderr quick -q "${@:3}"
	[ -z "$output" ]
	[ "$stderr" = "mlops-train: $2" ] || { echo "$stderr"; false; }
	[ ! -e "$MLOPS_REGISTRY" ] || [ -z "$(mlops-registry list)" ]
}

@test "the model is the same for any number of threads, for CSV and JSON, and the seed matters" {
	series 300 1 a b > rows.csv
	first=$(sha256 --threads 1 rows.csv)
	[ "$(sha256 --threads 2 rows.csv)" = "$first" ]
	[ "$(sha256 --threads 7 rows.csv)" = "$first" ]
	[ "$(sha256 --seed 1 rows.csv)" != "$first" ]
	jq -Rnc '[inputs | split(",")] | .[0] as $h | .[1:][] | [$h, .] | transpose | map({(.[0]): .[1]}) | add | .value |= tonumber' \
		rows.csv > rows.jsonl
	[ "$(sha256 rows.jsonl)" = "$first" ]
}

@test "too few rows, one gap that leaves no window, a test part without a window" {
	series 20 > few.csv
	refused 65 "the longest stretch without a gap has 16 values ahead of the test part; 26 are needed (seq_length + 2 * forecast_horizon)" few.csv
	series 9 > nine.csv
	refused 65 "9 usable rows, at least 10 are needed (--min-rows)" nine.csv
	series 46 | sed '19,23d' > gap.csv
	refused 65 "the longest stretch without a gap has 24 values; 26 are needed (seq_length + 2 * forecast_horizon); a longer --hold or --every bridges gaps" --test-fraction 0 gap.csv
	[ "$(mlops-registry runs --limit 1 | field reason)" = insufficient_data ]
	series 60 | sed '45,49d' > end.csv
	refused 65 "no window to judge on: nowhere do 1 values without a gap come behind 24" --test-fraction 0.1 end.csv
}

@test "constant, missing, infinite and gigantic values" {
	series 200 | awk -F, 'NR == 1 { print; next } { print $1 ",7" }' > same.csv
	refused 65 'column "value" has the same value in all rows: there is nothing to forecast' same.csv
	series 200 | awk -F, 'NR == 1 { print; next } { print $1 ",NaN" }' > none.csv
	refused 65 'none.csv: column "value" has no value in any row' none.csv
	series 200 | sed '50s/,.*/,inf/' > inf.csv
	refused 65 "inf.csv:50: column \"value\": 'inf' is infinite or too large for float32" inf.csv
	series 200 | sed '50s/,.*/,1e300/' > big.csv
	refused 65 "big.csv:50: column \"value\": '1e300' is infinite or too large for float32" big.csv
	# what float32 can hold, however large, neither breaks the training nor the forecast
	series 200 | sed '50s/,.*/,3e38/;60s/,.*/,-3e38/' > peak.csv
	quick -q --promote --force peak.csv | jq -e '.metrics.mae != null'
	mlops-forecast --steps 30 peak.csv | jq -e '.forecast | all(. != null)'
	printf 'value\n' > header.csv
	run -65 --separate-stderr quick header.csv
	[ "$stderr" = "mlops-train: header.csv: no data rows" ]
}

@test "irregular, double and backward times are refused with their line, or resampled" {
	series 300 > rows.csv
	sed '100s/0:00Z/3:00Z/' rows.csv > odd.csv
	run -65 --separate-stderr quick odd.csv
	[[ "$stderr" = "mlops-train: odd.csv:100: time "*" is 13min behind the one before it, most rows are 10min apart; --every 10min brings rows to one step" ]]
	sed '100p' rows.csv > twice.csv
	run -65 --separate-stderr quick twice.csv
	[[ "$stderr" = "mlops-train: twice.csv:101: time 2024-01-01T16:20:00Z comes twice; --every DURATION takes the last value ahead of each point of time" ]]
	{ head -n 100 rows.csv; sed -n 50p rows.csv; tail -n +101 rows.csv; } > back.csv
	run -65 --separate-stderr quick back.csv
	[[ "$stderr" = "mlops-train: back.csv:101: time 2024-01-01T08:00:00Z comes behind 2024-01-01T16:20:00Z; sort the rows, "* ]]
	run -0 --separate-stderr quick --every 10min back.csv
	[[ "$stderr" = *"1 row behind a later one left out"* ]]
	[ "$(field points <<< "$output")" = 300 ]
}

@test "gaps are filled within --hold and cut beyond" {
	series 400 | sed '100,102d;200,209d' > gaps.csv
	run -0 --separate-stderr quick gaps.csv
	[ "${stderr_lines[0]}" = "mlops-train: 3 missing points filled with the value before" ]
	[ "${stderr_lines[1]}" = "mlops-train: 1 gap too long to be filled: the series is cut there (--hold)" ]
	[ "$(jq -c '[.points, .filled, .gaps]' <<< "$output")" = '[390,3,1]' ]
	quick -q --hold 2h gaps.csv | jq -e '[.points, .filled, .gaps] == [400,13,0]'
	run -64 --separate-stderr quick --hold 2h <(printf 'value\n1\n2\n')
	[ "$stderr" = "mlops-train: --hold is a time, and the rows have no time column (--time names one)" ]
}

@test "the column is named when there are several" {
	rows 200 > plant.csv
	refused 65 'plant.csv: 4 columns hold numbers; --target says which is the series: "temperature", "vibration", "pressure", "failure"' plant.csv
	quick -q --id none --every 1min --target temperature plant.csv | jq -e '.features == ["temperature"]'
}

# A series whose steps are about to be undone: what goes up comes down, until the held-out part, where it drifts.
deceiving() {
	awk 'BEGIN { print "value"; for (i = 0; i < 400; i++) { x = i < 320 ? (i % 2) * 10 : x + (i % 2 ? 3 : 4); print x } }'
}

@test "a model that loses says so and is promoted by force only" {
	deceiving > rows.csv
	run -1 --separate-stderr quick --promote rows.csv
	[ "${#lines[@]}" -eq 1 ]
	jq -e '.champion == false and .metrics.skill < 0' <<< "$output"
	[[ "$stderr" = *"the model loses: its mean absolute error on the test part is "*", repeating the last value makes 3.5"* ]]
	[ "${stderr_lines[-1]}" = "mlops-train: version 1 of model 'time_series_forecast' is registered but not promoted: a forecast without a model does better on the test part (--force promotes it all the same)" ]
	[ "$(mlops-registry list | field champion)" = null ]
	[ "$(mlops-registry runs --limit 1 | jq -r '[.outcome, .reason, .version] | join(" ")')" = "FAILED quality_gate 1" ]
	quick -q --promote --force rows.csv | jq -e '.champion and .decision.decision == "REJECT" and .decision.forced'
	[ "$(mlops-registry runs --limit 1 | field outcome)" = FINISHED ]
	[ "$(mlops-registry list | field champion)" = 2 ]
}

@test "a model a sensor" {
	{ series 300 1 a/1 b; echo '2024-01-01T00:00:00Z,c,1'; } > rows.csv
	run -65 --separate-stderr quick --per-sensor --name plant --min-rows 50 --promote rows.csv
	[ "$(jq -r '[.model, .version, .rows, .sensors] | join(" ")' <<< "$output")" = $'plant.a_1 1 300 1\nplant.b 1 300 1' ]
	[ "${stderr_lines[-1]}" = "mlops-train: model 'plant.c': 1 usable row, at least 50 are needed (--min-rows)" ]
	[ "$(mlops-registry runs plant.c | field reason)" = insufficient_data ]
	[ "$(mlops-registry list | jq -r .name | xargs)" = "plant.a_1 plant.b" ]
	# each as if it had been alone
	awk -F, 'NR == 1 || $2 == "b"' rows.csv > b.csv
	[ "$(quick -q --name alone b.csv | field sha256)" = "$(jq -r 'select(.model == "plant.b").sha256' <<< "$output")" ]
	series 300 1 a/1 a:1 > same.csv
	run -65 --separate-stderr quick --per-sensor same.csv
	[ "$stderr" = "mlops-train: two sensors would both be the model 'time_series_forecast.a_1'" ]
	series 300 > none.csv
	run -65 --separate-stderr quick --per-sensor none.csv
	[ "$stderr" = "mlops-train: none.csv: --per-sensor needs a column that says which sensor it is; --id names one" ]
}

@test "a training that is killed goes on from its checkpoint to the same bytes" {
	series 500 > rows.csv
	long=(--set seq_length=24 --set hidden=8 --set epochs=30 --set patience=30 --threads 1 -q)
	mlops-train --model time_series_forecast "${long[@]}" -o whole.onnx rows.csv > /dev/null
	killed=0
	for _ in 1 2 3 4; do
		mlops-train --model time_series_forecast "${long[@]}" --checkpoint point --resume -o resumed.onnx rows.csv > out 3>&- &
		pid=$!
		# until it has gone on from where it was
		before=$(cksum < point 2> /dev/null || true)
		for ((i = 0; i < 2000; i++)); do
			[ "$(cksum < point 2> /dev/null || true)" = "$before" ] && kill -0 $pid 2> /dev/null || break
			sleep 0.01
		done
		if kill -KILL $pid 2> /dev/null; then killed=$((killed + 1)); fi
		wait $pid || true
		[ ! -e resumed.onnx ] || break
	done
	[ "$killed" -ge 1 ]
	[ -e resumed.onnx ] || mlops-train --model time_series_forecast "${long[@]}" --checkpoint point --resume -o resumed.onnx \
		rows.csv > out
	cmp whole.onnx resumed.onnx
	[ ! -e point ]
}

@test "a checkpoint of another training, damaged or no checkpoint at all" {
	series 300 > rows.csv
	mlops-train --model time_series_forecast --set epochs=100000 --set patience=100000 --set seq_length=24 \
		--checkpoint point -o model.onnx rows.csv 3>&- &
	pid=$!
	for _ in $(seq 600); do
		[ -s point ] && break
		sleep 0.1
	done
	kill -KILL $pid
	wait $pid || true
	[ -s point ]
	run -65 --separate-stderr quick --checkpoint point --resume -o model.onnx rows.csv
	[ "$stderr" = "mlops-train: the checkpoint is of another training: rows, settings, seed or test part were others; remove it to start from the beginning" ]
	printf x >> point
	run -65 --separate-stderr quick --checkpoint point --resume -o model.onnx rows.csv
	[ "$stderr" = "mlops-train: the checkpoint is damaged: its checksum is wrong" ]
	run -65 --separate-stderr quick --checkpoint rows.csv --resume -o model.onnx rows.csv
	[ "$stderr" = "mlops-train: the file is no checkpoint of a training" ]
	[ -s rows.csv ]
	[ ! -e model.onnx ]
	run -0 --separate-stderr quick --checkpoint fresh --resume -o model.onnx rows.csv
	[ "${stderr_lines[0]}" = "mlops-train: fresh: no checkpoint there; training starts from the beginning" ]
	[ ! -e fresh ]
}

@test "a training starts from a registered model, with a word where that has seen the test rows" {
	series 500 > rows.csv
	head -n 301 rows.csv > old.csv
	quick -q --promote old.csv > /dev/null
	run -0 --separate-stderr quick --warm-start time_series_forecast rows.csv
	[ -z "$stderr" ]
	run -0 --separate-stderr quick --warm-start time_series_forecast/2 rows.csv
	[ "$stderr" = "mlops-train: the model that training started from has learnt from rows of the test part: the metrics are better than they should be" ]
	run -64 --separate-stderr quick --warm-start time_series_forecast --set hidden=5 rows.csv
	[[ "$stderr" = *"hidden"* ]]
}

@test "options of one kind are refused for another" {
	check() {
		run -64 --separate-stderr mlops-train "${@:2}" /dev/null
		[ "${stderr_lines[0]}" = "mlops-train: $1" ] || { echo "$stderr"; false; }
	}
	check "--every and --hold are for time_series_forecast, or --layout long" -m anomaly_detection --every 1h
	check "--per-sensor is for time_series_forecast" -m failure_prediction -t y --per-sensor
	check "--checkpoint and --resume are for time_series_forecast" -m anomaly_detection --checkpoint x
	check "--warm-start is for time_series_forecast" -m anomaly_detection --warm-start x
	forecast=(-m time_series_forecast)
	check "a forecast is judged on the latest rows, so --split has no meaning" "${forecast[@]}" --split random
	check "a series is forecast from its own past, so --features has no meaning; --target names its column" "${forecast[@]}" -f a
	check "--positive is for failure_prediction" "${forecast[@]}" --positive 1
	check "--resume goes on from a checkpoint; it needs --checkpoint" "${forecast[@]}" --resume
	check "--force is about promoting a version; it needs --promote" "${forecast[@]}" --force
	check "--per-sensor makes several models, and --output is one file" "${forecast[@]}" --per-sensor -o x
	check "--per-sensor judges each sensor on its own rows, so --test has no meaning" "${forecast[@]}" --per-sensor --test x
	check "--per-sensor is several trainings, and --checkpoint keeps one" "${forecast[@]}" --per-sensor --checkpoint x
	check "option '--hold': '1.5h' is no duration, such as 30s, 5min, 1h or 1d" "${forecast[@]}" --hold 1.5h
}

@test "a test file, no refit, no test" {
	series 500 > rows.csv
	head -n 401 rows.csv > train.csv
	{ head -n 1 rows.csv; tail -n 100 rows.csv; } > test.csv
	quick -q --test test.csv train.csv | jq -e '.split == "file" and .test_windows == 76 and .metrics.skill > 0'
	quick -q --no-refit rows.csv | jq -e '.test_windows == 100'
	quick -q --test-fraction 0 rows.csv | jq -e '.metrics == {} and .test_windows == null'
	awk 'NR % 2' test.csv > coarse.csv
	run -65 --separate-stderr quick --test coarse.csv train.csv
	[ "$stderr" = "mlops-train: coarse.csv: the rows are 20min apart, those that are learnt from 10min; --every brings both to one step" ]
}

@test "the registry's verbs take forecasters" {
	series 500 > rows.csv
	quick -q --promote rows.csv > /dev/null
	quick -q --set forecast_horizon=3 --set seq_length=30 rows.csv > /dev/null
	mlops-registry show time_series_forecast | jq -e '.file | .seq_length == 24 and .forecast_horizon == 1 and .season > 0
		and .series.target == "value" and .series.step_seconds == 600 and .data.rows == 500 and .profile.rows == 500'
	mlops-registry compare time_series_forecast/1 time_series_forecast/2 | jq -e '.difference.mae != null'
	mlops-registry compare time_series_forecast/1 time_series_forecast/2 rows.csv |
		jq -e '.rows == 500 and .first.metrics.naive_mae == .second.metrics.naive_mae and .difference.mae != null'
	mlops-registry verify | jq -se '.[-1].ok and .[-1].checked == 2'
	mlops-registry export time_series_forecast model.onnx
	mlops-registry import model.onnx --name copy | jq -e '.kind == "time_series_forecast" and .features == ["value"] and .metrics.mae > 0'
	mlops-forecast -m copy/1 rows.csv | jq -c .forecast | diff - <(mlops-forecast -m model.onnx rows.csv | jq -c .forecast)
	mlops-registry history time_series_forecast | jq -e '.to == 1'
	[ "$(mlops-registry runs | jq -r .kind | sort -u)" = time_series_forecast ]
}

@test "real series: regular, resampled, times in two columns, years, months and hours, no times at all" {
	[ -d "$MLOPS_DATA/forecast" ] || skip "no real data"
	linear() {
		mlops-train -m time_series_forecast -q --no-refit --set epochs=0 --set seq_length=8 -o model.onnx "$@" | jq -c '[.points, .step]'
	}
	nab=$MLOPS_DATA/anomaly/nab
	[ "$(linear "$nab/realKnownCause/nyc_taxi.csv")" = '[10320,"30min"]' ]
	run -65 --separate-stderr quick "$nab/realKnownCause/machine_temperature_system_failure.csv"
	[[ "$stderr" = *"failure.csv:10151: time 2014-01-07T02:00:00Z comes behind 2014-01-07T02:55:00Z; sort the rows, "* ]]
	[ "$(linear --every 5min "$nab/realKnownCause/machine_temperature_system_failure.csv")" = '[22683,"5min"]' ]
	[ "$(linear --target T --na=-200 --hold 6h --time Date,Time --time-format '%d/%m/%Y %H.%M.%S' "$MLOPS_DATA/forecast/AirQualityUCI.csv")" = '[9006,"1h"]' ]
	[ "$(linear --target TEMP --time year,month,day,hour "$MLOPS_DATA"/forecast/PRSA*.csv)" = '[43824,"1h"]' ]
	[ "$(linear --target co2 --time none "$MLOPS_DATA/forecast/statsmodels/co2.csv")" = '[2249,null]' ]
	[ "$(linear --time none "$MLOPS_DATA/forecast/statsmodels/elec_equip.csv")" = '[257,null]' ]
}
