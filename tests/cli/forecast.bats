#!/usr/bin/env bats
# mlops-forecast, and mlops-train for it, as their users call them.

load support

# A forecaster called "time_series_forecast", the champion.
train_champion() {
	series 600 > rows.csv
	quick --promote -q rows.csv > trained.json
}

@test "a series is learnt, judged, described in one line and beats the naive forecasts" {
	series 600 > rows.csv
	run -0 --separate-stderr quick rows.csv
	[ "${#lines[@]}" -eq 1 ]
	[ "$(field kind <<< "$output")" = time_series_forecast ]
	[ "$(field rows <<< "$output")" = 600 ]
	[ "$(field 'features[0]' <<< "$output")" = value ]
	[ "$(field step <<< "$output")" = 10min ]
	[ "$(field split <<< "$output")" = time ]
	[ "$(field test_windows <<< "$output")" = 120 ]
	[ "$(field test_from <<< "$output")" = 2024-01-04T08:00:00Z ]
	[ "$(field season <<< "$output")" = 24 ]
	[ "$(field settings.seq_length <<< "$output")" = 24 ]
	jq -e '.metrics | .mae > 0 and .rmse >= .mae and .mase > 0 and .skill > 0.2 and .seasonal_skill > 0
		and .coverage > 0.75 and .naive_mae > .mae and .seasonal_mae > .mae' <<< "$output"
}

@test "histories are answered one a line, in order, with what they ask for" {
	train_champion
	{ history 24; history 30 TAG-002 2; jq -nc '{historical_data: [range(24)]}'; } > in.jsonl
	run -0 --separate-stderr mlops-forecast in.jsonl
	[ "${#lines[@]}" -eq 3 ]
	[ "$(jq -r 'keys_unsorted | join(" ")' <<< "${lines[0]}")" = \
		"sensor_id model version forecast_steps forecast lower upper level" ]
	[ "$(jq -c '[.sensor_id, .model, .version, .forecast_steps, (.forecast, .lower, .upper | length), .level]' <<< "$output")" = \
		'["TAG-001","time_series_forecast",1,5,5,5,5,0.9]
["TAG-002","time_series_forecast",1,2,2,2,2,0.9]
[null,"time_series_forecast",1,1,1,1,1,0.9]' ]
	jq -e '[.lower, .forecast, .upper] | transpose | all(.[0] <= .[1] and .[1] <= .[2])' <<< "$output"
	# one list is the same as lines, standard input as a file, and what is ahead of the last values does not matter
	jq -sc . in.jsonl | mlops-forecast > list.out
	diff list.out <(echo "$output")
	jq -c '.historical_data |= .[-24:]' in.jsonl | mlops-forecast | diff - list.out
	[ "$(mlops-forecast --steps 3 in.jsonl | jq -c '.forecast | length' | sort -u)" = 3 ]
	for threads in 2 7; do
		for i in {1..40}; do cat in.jsonl; done | mlops-forecast --threads $threads > many
		for i in {1..40}; do cat list.out; done | diff - many
	done
}

@test "a wider interval holds a narrower one" {
	train_champion
	history 24 > in.json
	jq -en --slurpfile a <(mlops-forecast --level 0.5 in.json) --slurpfile b <(mlops-forecast --level 0.99 in.json) \
		'$a[0].level == 0.5 and $a[0].forecast == $b[0].forecast
		and ([$b[0].lower, $a[0].lower, $a[0].upper, $b[0].upper] | transpose | all(. == sort))'
	run -64 --separate-stderr mlops-forecast --level 0.995 in.json
	[ "${stderr_lines[0]}" = "mlops-forecast: option '--level': '0.995' is not a number from 0.5 to 0.99" ]
}

@test "rows are forecast a sensor, behind their last times" {
	series 300 1 a b > rows.csv
	quick --name two -q rows.csv | jq -e '.sensors == 2 and .points == 600'
	run -0 --separate-stderr mlops-forecast --model two/1 --steps 3 rows.csv
	[ "$(jq -c '[.sensor_id, .timestamps]' <<< "$output")" = \
		'["a",["2024-01-03T02:00:00Z","2024-01-03T02:10:00Z","2024-01-03T02:20:00Z"]]
["b",["2024-01-03T02:00:00Z","2024-01-03T02:10:00Z","2024-01-03T02:20:00Z"]]' ]
	jq -e '.sensor_id == "a" or .forecast[0] > 25' <<< "$output"
	# the same as JSON rows, and as a history of the last values
	jq -Rnc '[inputs | split(",")] | .[0] as $h | .[1:][] | [$h, .] | transpose | map({(.[0]): .[1]}) | add | .value |= tonumber' \
		rows.csv | mlops-forecast --model two/1 --steps 3 | diff - <(echo "$output")
	awk -F, '$2 == "b" { print $3 }' rows.csv | tail -n 24 | jq -sc '{sensor_id: "b", historical_data: .}' |
		mlops-forecast --model two/1 --steps 3 | jq -c .forecast | diff - <(jq -c .forecast <<< "${lines[1]}")
}

@test "rows are brought to the model's step as in training" {
	# two readings a minute, of which the last ahead of each ten minutes counts
	series 600 | awk -F, 'NR == 1 { print; next } { print substr($1, 1, 17) "00Z," $2; print substr($1, 1, 17) "30Z," $2 + 1 }' > fine.csv
	run -65 --separate-stderr quick fine.csv
	[ "${stderr_lines[-1]}" = "mlops-train: the longest stretch without a gap has 2 values ahead of the test part; 26 are needed (seq_length + 2 * forecast_horizon); a longer --hold or --every bridges gaps" ]
	quick --every 10min --name fine -q fine.csv | jq -e '.step == "10min" and .points == 600'
	mlops-forecast --model fine/1 fine.csv | jq -e '.timestamps == ["2024-01-05T04:00:00Z"]'
	run -65 --separate-stderr mlops-forecast --model fine/1 --every 5min fine.csv
	[ "$stderr" = "mlops-forecast: fine.csv: the model steps by 10min, the rows are 5min apart; bring them together with --every 10min" ]
	series 600 > rows.csv
	quick -q rows.csv > trained.json
	awk -F, 'NR % 2' rows.csv > coarse.csv
	run -65 --separate-stderr mlops-forecast --model time_series_forecast/1 coarse.csv
	[ "$stderr" = "mlops-forecast: coarse.csv: the model steps by 10min, the rows are 20min apart" ]
}

@test "too few values: how many are needed, how many came" {
	train_champion
	{ history 24; history 5; } > in.jsonl
	run -65 --separate-stderr mlops-forecast in.jsonl
	[ "${#lines[@]}" -eq 1 ]
	[ "$stderr" = 'mlops-forecast: in.jsonl:2: "historical_data" has 5 values, the model needs the last 24 (seq_length)' ]
	run -0 --separate-stderr mlops-forecast --on-error skip in.jsonl
	[ "${#lines[@]}" -eq 1 ]
	[ "$stderr" = "mlops-forecast: 1 series is too short and was skipped" ]
	head -n 11 rows.csv > few.csv
	run -65 --separate-stderr mlops-forecast few.csv
	[ "$stderr" = "mlops-forecast: few.csv: the series has 10 points, the model needs the last 24 (seq_length)" ]
	sed '590,595d' rows.csv > gap.csv
	run -65 --separate-stderr mlops-forecast gap.csv
	[ "$stderr" = "mlops-forecast: gap.csv: the series has 6 points behind its last gap, the model needs the last 24 (seq_length)" ]
	mlops-forecast --hold 2h gap.csv | jq -e '.forecast | length == 1'
}

@test "elements that are no numbers, broken, deep and huge JSON" {
	train_champion
	check() {
		run -65 --separate-stderr mlops-forecast <<< "$1"
		[ -z "$output" ]
		[ "$stderr" = "mlops-forecast: standard input:1: $2" ] || { echo "$stderr"; false; }
	}
	check '{"historical_data":[1,2,null]}' '"historical_data"[2] is null; a number is needed'
	check '{"historical_data":[1,"2"]}' '"historical_data"[1] is a text; a number is needed'
	check '{"historical_data":[1e300]}' "\"historical_data\"[0]: '1e300' is too large for float32"
	check '{"historical_data":[NaN]}' "broken JSON: expected a value, found 'NaN'"
	check '{"historical_data":[-Infinity]}' "broken JSON: expected a value, found '-Infinity'"
	check '{"sensor_id":"a","forecast_steps":3}' "\"historical_data\" is missing, the list of the sensor's last values"
	check '{"historical_data":[1],"forcast_steps":3}' '"forcast_steps" is unknown; did you mean "forecast_steps"?'
	check '{"historical_data":[1],"forecast_steps":1e9}' "\"forecast_steps\": '1e9' is no whole number from 1 to 100000"
	check "{\"historical_data\":$(printf '[%.0s' {1..100000})" 'broken JSON: more than 64 levels of arrays and objects'
	check "{\"historical_data\":$(printf '[%.0s' {1..70})" 'broken JSON: more than 64 levels of arrays and objects'
	jq -nc '{historical_data: [range(20000)]}' > huge.json
	run -65 --separate-stderr mlops-forecast --max-line 65536 huge.json
	[ "$stderr" = "mlops-forecast: huge.json:1: row is longer than 65536 bytes" ]
	mlops-forecast huge.json | jq -e '.forecast | length == 1'
	mlops-forecast --steps 100000 huge.json | jq -e '.forecast | length == 100000 and all(. != null)'
}

@test "models of other kinds, and references that mean none" {
	rows 300 > plant.csv
	mlops-train --model anomaly_detection -q --promote --ignore failure plant.csv > /dev/null
	history 24 > in.json
	run -64 --separate-stderr mlops-forecast --model anomaly_detection in.json
	[ "$stderr" = "mlops-forecast: the model is of kind anomaly_detection; forecasts need one of time_series_forecast" ]
	run -65 --separate-stderr mlops-forecast in.json
	[ "$stderr" = "mlops-forecast: model 'time_series_forecast' is not in the registry" ]
	train_champion
	run -64 --separate-stderr mlops-score --model time_series_forecast rows.csv
	[ "$stderr" = "mlops-score: the model is of kind time_series_forecast, which scores no rows; mlops-forecast asks it for forecasts" ]
	run -64 --separate-stderr mlops-train --model time_series_forecast --warm-start anomaly_detection rows.csv
	[ "$stderr" = "mlops-train: --warm-start: 'anomaly_detection' is a model of kind anomaly_detection" ]
	run -65 --separate-stderr mlops-registry compare anomaly_detection time_series_forecast
	[ "$stderr" = "mlops-registry: anomaly_detection and time_series_forecast can't be compared" ]
}

@test "options for rows are refused with histories, columns that are not there with rows" {
	train_champion
	history 24 > in.json
	run -64 --separate-stderr mlops-forecast --target value in.json
	[ "$stderr" = 'mlops-forecast: --target is for rows, but the input has "historical_data"' ]
	run -64 --separate-stderr mlops-forecast --every soon rows.csv
	[ "${stderr_lines[0]}" = "mlops-forecast: option '--every': 'soon' is no duration, such as 30s, 5min, 1h or 1d" ]
	sed '1s/value/temperature/' rows.csv > other.csv
	run -65 --separate-stderr mlops-forecast other.csv
	[ "$stderr" = 'mlops-forecast: other.csv: no column "value", which the model has learnt; --target says which column to forecast' ]
	mlops-forecast --target temperature other.csv | diff - <(mlops-forecast rows.csv)
}

@test "a history that comes by itself is answered before the next" {
	train_champion
	mkfifo pipe
	mlops-forecast < pipe > out 3>&- &
	exec 4> pipe
	history 24 >&4
	for ((i = 0; i < 600; i++)); do [ ! -s out ] || break; sleep 0.1; done
	[ "$(wc -l < out)" -eq 1 ]
	exec 4>&-
	wait $!
}

@test "a closed pipe ends quietly, a full disk does not" {
	train_champion
	for i in {1..2000}; do history 24; done > in.jsonl
	run -141 --separate-stderr bash -c 'mlops-forecast in.jsonl | head -n 1 > /dev/null; exit ${PIPESTATUS[0]}'
	[ -z "$stderr" ]
	run -74 --separate-stderr bash -c 'mlops-forecast in.jsonl > /dev/full'
	[ "$stderr" = "mlops-forecast: standard output: No space left on device" ]
}
