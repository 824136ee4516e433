#!/usr/bin/env bats
# mlops-plot: what is in the pictures, by the numbers in them; how they look is for eyes.

load support

setup() {
	export LC_ALL=C.UTF-8
	unset COLUMNS LINES TERM
	cd "$BATS_TEST_TMPDIR" || return 1
	for needed in gnuplot jq; do
		command -v $needed > /dev/null || skip "$needed is not installed"
	done
}

# Scores as mlops-score prints them: 40 rows of two pumps, an anomaly in each tenth.
scores() {
	awk 'BEGIN {
		for (i = 0; i < 40; i++)
			printf "{\"timestamp\":\"2024-03-%02dT%02d:00:00Z\",\"machine_id\":\"pump-%d\",\"anomaly_score\":%.2f,\"anomaly_probability\":0.5,\"anomaly\":%s}\n",
				1 + int(i / 24), i % 24, i % 2 + 1, i % 10 == 0 ? 0.9 : 0.4 + i % 3 / 50, i % 10 == 0 ? "true" : "false"
	}'
}

# failure probabilities and labels; of those with probability p just p failed
labelled() {
	awk 'BEGIN {
		for (p = 0; p < 10; p++)
			for (i = 0; i < 20; i++)
				printf "{\"input_failure\":%d,\"failure_probability\":%.2f,\"failure\":false}\n", i < 2 * p + 1, (p + 0.5) / 10
	}'
}

@test "scores: time axis, counts and marks, as text, PNG and SVG" {
	scores > scores.jsonl
	run -0 --separate-stderr mlops-plot scores scores.jsonl
	[ -z "$stderr" ]
	[[ "$output" == *'UTC, 2024-03-01 00:00 to 2024-03-02 15:00'* ]]
	[[ "$output" == *'all 40'*'anomaly: 4'* ]]
	[[ "$output" == *03-02* && "$output" == *A* ]]
	[ -z "$(grep ' $' <<< "$output")" ]
	run -0 mlops-plot scores --output scores.png - < scores.jsonl
	[ -z "$output" ]
	[ "$(head -c 8 scores.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]
	[ "$(head -c 24 scores.png | tail -c 8 | od -An -tx1 | tr -d ' \n')" = 000003840000021c ]
	mlops-plot scores -o scores.svg --title "O'Neill & \`date\` \"x\" \\" scores.jsonl
	grep -qF "O'Neill &amp; \`date\`" scores.svg
	grep -qF '</svg>' scores.svg
}

@test "scores: one sensor, times of other kinds, none at all" {
	scores > scores.jsonl
	run -0 mlops-plot scores -s pump-1 scores.jsonl
	[[ "$output" == *'anomaly score of pump-1'* && "$output" == *'all 20'* ]]
	run -65 mlops-plot scores -s pump-3 scores.jsonl
	[ "$output" = "mlops-plot: scores.jsonl: no scores of 'pump-3'" ]
	printf '{"when":"%s","failure_probability":0.%d,"failure":false}\n' '2024-01-01 12:00:00+02:00' 1 '2024-01-02' 2 > offset.jsonl
	run -0 mlops-plot scores offset.jsonl
	[[ "$output" == *'UTC, 2024-01-01 10:00 to 2024-01-02 00:00'* ]]
	run -0 mlops-plot scores --time when <<< '{"when":1704103200000,"failure_probability":0.5,"failure":true}
{"when":1704106800,"failure_probability":0.25,"failure":false}'
	[[ "$output" == *'failure: 1'*'UTC, 2024-01-01 10:00 to 2024-01-01 11:00'* ]]
	sed 's/"timestamp":"[^"]*",//' scores.jsonl > numbered.jsonl
	run -0 mlops-plot scores numbered.jsonl
	[[ "$output" == *row* && "$output" != *UTC* ]]
}

@test "reliability and ROC have the sums of other programs" {
	labelled > labelled.jsonl
	run -0 mlops-plot reliability labelled.jsonl
	# p (1 - p) in the mean
	[[ "$output" == *'Brier score 0.1675'* ]]
	mlops-plot reliability --bins 5 -o reliability.svg labelled.jsonl
	grep -qF 'observed, 90 % interval' reliability.svg
	expected=$(jq -s -r '[.[] | select(.input_failure == 1).failure_probability] as $bad | [.[] | select(.input_failure == 0).failure_probability] as $good
		| [$bad[] as $b | $good[] | if $b > . then 1 elif $b == . then 0.5 else 0 end] | add / length * 10000 | round / 10000' labelled.jsonl)
	run -0 mlops-plot roc labelled.jsonl
	[[ "$output" == *"area $expected"* ]]
	[[ "$output" == *'share of the 100 others that is a false alarm'* ]]
	mlops-plot roc -o roc.svg labelled.jsonl
	grep -qF 'share of the 100 that is found' roc.svg
	run -0 mlops-plot roc --label input_failure --positive 0 labelled.jsonl
	[[ "$output" == *"area $(jq -n "1 - $expected | . * 10000 | round / 10000")"* ]]
	run -65 mlops-plot roc --positive 7 labelled.jsonl
	[[ "$output" == *'0 of one kind and 200 of the other'* ]]
	run -65 mlops-plot reliability --label input_failures labelled.jsonl
	[[ "$output" == *'no field "input_failures"'* ]]
	scores > scores.jsonl
	run -65 mlops-plot roc scores.jsonl
	[[ "$output" == *'mlops-score --keep COLUMN passes it through' ]]
}

@test "forecast: behind its history, from CSV and from JSON" {
	printf '{"sensor_id":"%s","forecast_steps":2,"forecast":[5,6],"lower":[4,4],"upper":[6,8],"level":0.9,"timestamps":["2024-03-01T00:00:00Z","2024-03-01T01:00:00Z"]}\n' \
		pump-1 pump-2 > forecast.jsonl
	printf '\357\273\277timestamp;machine_id;flow;note\r\n' > history.csv
	for hour in 20 21 22 23; do
		printf '2024-02-29T%s:00:00Z;pump-1;4.%s;"a;b"\r\n2024-02-29T%s:00:00Z;pump-2;9;x\r\n' $hour $hour $hour >> history.csv
	done
	run -0 mlops-plot forecast --history history.csv --value flow forecast.jsonl
	[[ "$output" == *'Forecast of pump-1'* && "$output" == *'UTC, 2024-02-29 20:00 to 2024-03-01 01:00'* ]]
	[[ "$output" == *'90 % interval'*'history'*'forecast'* ]]
	run -0 mlops-plot forecast --history history.csv --value flow --last 2 --sensor pump-2 forecast.jsonl
	[[ "$output" == *'Forecast of pump-2'* && "$output" == *'UTC, 2024-02-29 22:00 to '* ]]
	run -65 mlops-plot forecast --history history.csv --value flows forecast.jsonl
	[ "$output" = 'mlops-plot: history.csv: no column "flows"' ]
	run -64 mlops-plot forecast --history history.csv forecast.jsonl
	jq -c 'del(.timestamps)' forecast.jsonl > untimed.jsonl
	echo '{"sensor_id":"pump-1","historical_data":[1,2,3,4],"forecast_steps":2}' > history.json
	run -0 mlops-plot forecast --history history.json untimed.jsonl
	[[ "$output" == *'steps from now'* && "$output" == *history* ]]
	run -65 mlops-plot forecast --history history.csv --value flow untimed.jsonl
	[[ "$output" == *'so the history must be JSON'* ]]
}

@test "importances and drift: the largest first" {
	echo '{"event":"trained","importance":"impurity","importances":[{"feature":"b","effect":0.25},{"feature":"a_long_name","effect":0.75}]}' > trained
	run -0 mlops-plot importances trained
	[[ "${lines[0]}" == *'importance (impurity)' ]]
	[[ "${lines[1]}" =~ ^a_long_name\ \|#+\ 0\.75$ ]]
	[[ "${lines[2]}" =~ ^\ +b\ \|#+\ 0\.25$ ]]
	mlops-plot importances -o importances.svg trained
	grep -qF a_long_name importances.svg
	printf '%s\n' '{"check":"gap"}' '{"summary":true,"drift":{"x":{"psi":0.1,"ks":0.3},"y":{"psi":0.5,"ks":0.2},"text":{"psi":null}}}' > summary
	run -0 mlops-plot drift summary
	[[ "${lines[1]}" == 'y |'* && "${lines[2]}" == 'x |'* && "${#lines[@]}" -eq 3 ]]
	run -0 mlops-plot drift -m ks summary
	[[ "${lines[1]}" == 'x |'* ]]
	mlops-plot drift -o drift.svg summary
	grep -q 'too much' drift.svg
}

@test "what the real tools print is drawn" {
	export MLOPS_REGISTRY=$PWD/registry
	rows 300 1 > sensors.csv
	mlops-train -q -m failure_prediction --target failure --set trees=10 --promote sensors.csv > trained
	mlops-plot importances trained | grep -q vibration
	mlops-score -m failure_prediction --keep failure sensors.csv > scored
	mlops-plot roc scored | grep -q 'area [01]\.'
	mlops-plot scores scored | grep -q 'all 300'
	mlops-validate --reference sensors.csv sensors.csv > valid || true
	mlops-plot drift valid | grep -q 'population stability'
}

@test "what is no figure, no line of a tool, no place to draw" {
	run -64 mlops-plot score
	[ "${lines[0]}" = "mlops-plot: no figure 'score'; did you mean 'scores'?" ]
	run -64 mlops-plot
	run -64 mlops-plot scores --output picture.gif
	run -64 mlops-plot scores --size 900
	run -64 mlops-plot scores a b
	for figure in scores reliability roc forecast importances drift; do
		for bad in '' 'not json' '[]' '{}' '7' '{"anomaly_score":"x"' '{"forecast":7}'; do
			run mlops-plot $figure <<< "$bad"
			[ "$status" -eq 65 ]
			[ "${#lines[@]}" -eq 1 ]
			[[ "$output" == 'mlops-plot: standard input: '* ]]
		done
	done
	run -74 mlops-plot scores nowhere
	[ "$output" = 'mlops-plot: nowhere: No such file or directory' ]
	scores > scores.jsonl
	run -74 mlops-plot scores -o nowhere/picture.png scores.jsonl
	[ "$output" = 'mlops-plot: nowhere/picture.png: cannot be written' ]
	run -74 bash -c 'mlops-plot scores scores.jsonl > /dev/full'
	[ "$output" = 'mlops-plot: standard output: No space left on device' ]
	mkdir tmp
	TMPDIR=$PWD/tmp mlops-plot scores scores.jsonl > /dev/null
	[ -z "$(ls tmp)" ]
}
